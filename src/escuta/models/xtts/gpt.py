"""The language model of XTTS-v2: from a voice and a text to audio codes and the latents behind them, as it learns.

One sequence holds three segments: the conditioning latents (the voice), the text tokens and the audio codes. Text and
codes have position tables of their own; the latents have none.

Shapes: B batch, F mel bins, M mel frames, L latents, N text tokens, K codes, P positions of one segment, S positions of
the whole sequence, D width, V vocabulary.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from escuta.models.xtts.conditioning import ConditioningEncoder, PerceiverResampler
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.loss import Segment, code_segment, cross_entropy, losses, text_segment
from escuta.models.xtts.transformer import Transformer


class Prompter(nn.Module):
    """What comes before the transformer: it listens to the voice, and embeds text and codes."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        gpt = config.gpt
        self.config = gpt
        self.conditioning_encoder = ConditioningEncoder(config)
        self.conditioning_perceiver = PerceiverResampler(gpt.width, config.conditioning)
        self.text_embedding = _embedding(gpt.num_text_tokens, gpt.width)
        self.mel_embedding = _embedding(gpt.num_audio_tokens, gpt.width)
        self.text_pos_embedding = _Positions(gpt.num_text_positions, gpt.width)
        self.mel_pos_embedding = _Positions(gpt.num_audio_positions, gpt.width)

    def conditioning(self, mel_BFM: Tensor) -> Tensor:
        """Listen to references of one length: [B, F, M] to [B, L, D]."""
        latents_BLD: Tensor = self.conditioning_perceiver(self.conditioning_encoder(mel_BFM).transpose(1, 2))
        return latents_BLD

    def conditioning_of_each(self, mel_BFM: Tensor, lengths_B: Tensor) -> Tensor:
        """Listen to references of several lengths, each without its padding, which would sound like silence."""
        lengths = lengths_B.tolist()
        if len(set(lengths)) == 1:
            return self.conditioning(mel_BFM[:, :, : lengths[0]])
        return torch.cat([self.conditioning(mel_BFM[i : i + 1, :, :length]) for i, length in enumerate(lengths)])

    def prompt(self, text_BN: Tensor, conditioning_BLD: Tensor) -> Tensor:
        """Embed all that precedes the first code: the voice, the text with its start and stop, the start code."""
        return self.sequence(text_BN, torch.full_like(text_BN[:, :1], self.config.start_audio_token), conditioning_BLD)

    def sequence(self, text_BN: Tensor, codes_BP: Tensor, conditioning_BLD: Tensor) -> Tensor:
        """Embed the voice, the text with its start and stop, and the codes, of which the first is the start code."""
        text_BP = functional.pad(text_BN, (1, 0), value=self.config.start_text_token)
        text_BP = functional.pad(text_BP, (0, 1), value=self.config.stop_text_token)
        return torch.cat([conditioning_BLD, self._text(text_BP), self._codes(codes_BP)], dim=1)

    def _text(self, tokens_BP: Tensor) -> Tensor:
        embedded_BPD: Tensor = self.text_embedding(tokens_BP) + self.text_pos_embedding(tokens_BP.shape[1])
        return embedded_BPD

    def _codes(self, codes_BP: Tensor) -> Tensor:
        embedded_BPD: Tensor = self.mel_embedding(codes_BP) + self.mel_pos_embedding(codes_BP.shape[1])
        return embedded_BPD


class Gpt(Prompter):
    """All that XTTS trains. Its state has the release's names without their first `gpt.`."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__(config)
        gpt = config.gpt
        self.gpt = Transformer(gpt)
        self.final_norm = nn.LayerNorm(gpt.width)
        self.text_head = nn.Linear(gpt.width, gpt.num_text_tokens)
        self.mel_head = nn.Linear(gpt.width, gpt.num_audio_tokens)

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute the training loss of a batch.

        Args:
            batch: What lies past an item's length is of no consequence.

                - `text` [B, N] and `text_lengths` [B]: text tokens, without start and stop;
                - `codes` [B, K] and `code_lengths` [B]: audio codes, without start and stop;
                - `ignored_codes` [B, 2]: first code and the one past the last that the item's conditioning was cut
                  from, which the loss leaves out; (0, 0) is none;
                - `conditioning_mel` [B, F, M] and `conditioning_lengths` [B]: the mel to clone from and its frames.

        Returns:
            Scalars: `loss`, the one to minimise, and its parts `loss_text` and `loss_mel`.
        """
        text = text_segment(batch["text"], batch["text_lengths"], self.config)
        codes = code_segment(batch["codes"], batch["code_lengths"], batch["ignored_codes"], self.config)
        latents_BLD = self.conditioning_of_each(batch["conditioning_mel"], batch["conditioning_lengths"])
        text_logits_BPV, mel_logits_BPV = self.logits(text, codes, latents_BLD)
        return losses(
            cross_entropy(text_logits_BPV, text.targets_BP),
            cross_entropy(mel_logits_BPV, codes.targets_BP),
        )

    def logits(self, text: Segment, codes: Segment, latents_BLD: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the token after every position of both segments, each position knowing the true ones before it.

        Returns:
            Text logits [B, P, V] and audio logits [B, P, V].
        """
        sequence_BSD = torch.cat([latents_BLD, self._text(text.inputs_BP), self._codes(codes.inputs_BP)], dim=1)
        real_BL = torch.ones(latents_BLD.shape[:2], dtype=torch.bool, device=latents_BLD.device)
        real_BS = torch.cat([real_BL, text.real_BP, codes.real_BP], dim=1)
        causal_SS = torch.ones(2 * real_BS.shape[1:], dtype=torch.bool, device=real_BS.device).tril()
        hidden_BSD = self.final_norm(self.gpt(sequence_BSD, causal_SS & real_BS[:, None, None, :]))
        num_codes = codes.inputs_BP.shape[1]
        text_BPD, codes_BPD = hidden_BSD[:, latents_BLD.shape[1] : -num_codes], hidden_BSD[:, -num_codes:]
        return self.text_head(text_BPD), self.mel_head(codes_BPD)

    def latents(self, text_BN: Tensor, codes_BK: Tensor, conditioning_BLD: Tensor) -> Tensor:
        """Compute in one pass the hidden state that each code was chosen from: [B, K, D], what the decoder voices.

        Decoding (`PackedGpt`) keeps the same states as it goes; this is for codes that come from elsewhere.

        Args:
            text_BN: Text tokens of one length, without start and stop.
            codes_BK: Audio codes of one length.
            conditioning_BLD: The voice.
        """
        # The last code is the input of nothing.
        inputs_BK = functional.pad(codes_BK[:, :-1], (1, 0), value=self.config.start_audio_token)
        hidden_BSD: Tensor = self.final_norm(self.gpt(self.sequence(text_BN, inputs_BK, conditioning_BLD)))
        return hidden_BSD[:, -codes_BK.shape[1] :]


class _Positions(nn.Module):
    """A learned vector a position."""

    def __init__(self, num_positions: int, width: int) -> None:
        super().__init__()
        self.emb = _embedding(num_positions, width)

    def forward(self, num_positions: int) -> Tensor:
        return self.emb.weight[:num_positions]


def _embedding(num_rows: int, width: int) -> nn.Embedding:
    embedding = nn.Embedding(num_rows, width)
    nn.init.normal_(embedding.weight, std=0.02)  # as GPT-2 starts
    return embedding
