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
        return self.sequence(
            text_BN, text_BN.new_full((len(text_BN), 1), self.config.start_audio_token), conditioning_BLD
        )

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
                - `conditioning_mel` [B, F, M] and `conditioning_lengths` [B]: the mel to clone from and its frames;
                - `num_targets` [2 or more], where the batch is a part of a larger one: what to divide the two
                  losses by.

        Returns:
            Scalars: `loss`, the one to minimise, and its parts `loss_text` and `loss_mel`.
        """
        return self.latents_and_losses(batch)[1]

    def latents_and_losses(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the hidden states behind the codes, [B, P, D] (past K: behind stops), and the losses."""
        text, codes = self.segments(batch)
        latents_BLD = self.conditioning_of_each(batch["conditioning_mel"], batch["conditioning_lengths"])
        text_BPD, codes_BPD = self._hidden(text, codes, latents_BLD)
        text_targets, code_targets = batch.get("num_targets", (None, None))[:2]
        text_counts_BP, code_counts_BP = text.counted_BP, codes.counted_BP
        return codes_BPD, losses(
            cross_entropy(self.text_head(text_BPD[text_counts_BP]), text.targets_BP[text_counts_BP], text_targets),
            cross_entropy(self.mel_head(codes_BPD[code_counts_BP]), codes.targets_BP[code_counts_BP], code_targets),
        )

    def segments(self, batch: Mapping[str, Tensor]) -> tuple[Segment, Segment]:
        """Shift the text and the codes of a batch."""
        return (
            text_segment(batch["text"], batch["text_lengths"], self.config),
            code_segment(batch["codes"], batch["code_lengths"], batch["ignored_codes"], self.config),
        )

    def logits(self, text: Segment, codes: Segment, latents_BLD: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the token after every position of both segments, each position knowing the true ones before it.

        Returns:
            Text logits [B, P, V] and audio logits [B, P, V]; those of positions that are not real say nothing.
        """
        text_BPD, codes_BPD = self._hidden(text, codes, latents_BLD)
        return self.text_head(text_BPD), self.mel_head(codes_BPD)

    def _hidden(self, text: Segment, codes: Segment, latents_BLD: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the hidden states of both segments, [B, P, D] each.

        What is not real goes to the end of the sequence, where a causal transformer sees it from nowhere.
        """
        sequence_BSD = torch.cat([latents_BLD, self._text(text.inputs_BP), self._codes(codes.inputs_BP)], dim=1)
        real_BL = torch.ones(latents_BLD.shape[:2], dtype=torch.bool, device=latents_BLD.device)
        order_BS = torch.cat([real_BL, text.real_BP, codes.real_BP], dim=1).logical_not().byte().argsort(stable=True)
        hidden_BSD = _rearranged(self.final_norm(self.gpt(_rearranged(sequence_BSD, order_BS))), order_BS.argsort())
        num_codes = codes.inputs_BP.shape[1]
        return hidden_BSD[:, latents_BLD.shape[1] : -num_codes], hidden_BSD[:, -num_codes:]

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


def _rearranged(x_BSD: Tensor, order_BS: Tensor) -> Tensor:
    return x_BSD.gather(1, order_BS[:, :, None].expand_as(x_BSD))


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
