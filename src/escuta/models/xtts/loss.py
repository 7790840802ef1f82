"""What the language model learns from: which token follows at each position, and how wrong it was.

Shapes: B batch, N tokens (text or codes), P positions of one segment, V vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from escuta.models.xtts.config import GptConfig

TEXT_WEIGHT = 0.01  # of the text loss in the whole; the release's training recipe
MEL_WEIGHT = 1.0
NUM_TEXT_STOPS = 1  # stop tokens that the release was trained to say after a text
NUM_CODE_STOPS = 4  # and after the codes
_IGNORED = -100  # a target that no loss counts


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of the sequence, the text or the codes, shifted for teacher forcing."""

    inputs_BP: Tensor
    """The start token, the tokens, then stop tokens to the end."""
    targets_BP: Tensor
    """At each position the token that follows; where `real_BP` is False, one that no loss counts."""
    real_BP: Tensor
    """False for positions past an item's end: no position sees them."""

    @property
    def counted_BP(self) -> Tensor:
        """True where the loss counts what is predicted."""
        return self.targets_BP != _IGNORED


def text_segment(text_BN: Tensor, lengths_B: Tensor, config: GptConfig) -> Segment:
    """Shift the text tokens; what lies past an item's length is of no consequence."""
    return _segment(text_BN, lengths_B, NUM_TEXT_STOPS, (config.start_text_token, config.stop_text_token))


def code_segment(codes_BN: Tensor, lengths_B: Tensor, ignored_B2: Tensor, config: GptConfig) -> Segment:
    """Shift the codes and leave out the targets that the conditioning gave away.

    Args:
        codes_BN: Padded codes; what lies past an item's length is of no consequence.
        lengths_B: Codes in each item.
        ignored_B2: First code and the one past the last that each item's own conditioning was cut from; (0, 0) is none.
        config: For the start and stop tokens.
    """
    segment = _segment(codes_BN, lengths_B, NUM_CODE_STOPS, (config.start_audio_token, config.stop_audio_token))
    place_P = torch.arange(segment.inputs_BP.shape[1], device=codes_BN.device)
    start_B1, end_B1 = ignored_B2[:, :1], ignored_B2[:, 1:]
    given_away_BP = (place_P >= start_B1) & (place_P < end_B1) & (place_P < lengths_B[:, None])
    return Segment(segment.inputs_BP, segment.targets_BP.masked_fill(given_away_BP, _IGNORED), segment.real_BP)


def _segment(tokens_BN: Tensor, lengths_B: Tensor, num_stops: int, start_stop: tuple[int, int]) -> Segment:
    start, stop = start_stop
    place_N = torch.arange(tokens_BN.shape[1], device=tokens_BN.device)
    stopped_BN = tokens_BN.masked_fill(place_N >= lengths_B[:, None], stop)
    inputs_BP = functional.pad(functional.pad(stopped_BN, (0, num_stops), value=stop), (1, 0), value=start)
    targets_BP = functional.pad(stopped_BN, (0, num_stops + 1), value=stop)
    place_P = torch.arange(inputs_BP.shape[1], device=tokens_BN.device)
    real_BP = place_P < lengths_B[:, None] + num_stops
    return Segment(inputs_BP, targets_BP.masked_fill(~real_BP, _IGNORED), real_BP)


def num_targets(text: Segment, codes: Segment) -> Tensor:
    """Count the targets of text and codes that count, [2]."""
    return torch.stack([segment.counted_BP.sum() for segment in (text, codes)])


def losses(text_loss: Tensor, mel_loss: Tensor) -> dict[str, Tensor]:
    """Weigh the two parts; `loss` is the one to minimise."""
    return {
        "loss": TEXT_WEIGHT * text_loss + MEL_WEIGHT * mel_loss,
        "loss_text": text_loss,
        "loss_mel": mel_loss,
    }


def cross_entropy(logits_BPV: Tensor, targets_BP: Tensor, num_targets: Tensor | None = None) -> Tensor:
    """Mean over the targets that count, of all items together; 0 where none counts, never NaN.

    Args:
        logits_BPV: In any type; the loss is float32.
        targets_BP: Of the same positions.
        num_targets: What to divide by, where this batch is a part of a larger one; its own targets when not given.
    """
    total = functional.cross_entropy(
        logits_BPV.flatten(0, -2).float(), targets_BP.flatten(), ignore_index=_IGNORED, reduction="sum"
    )
    count = (targets_BP != _IGNORED).sum() if num_targets is None else num_targets
    return total / count.clamp(min=1)
