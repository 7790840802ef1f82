"""How much memory a batch takes between the loss and its gradients, told from sizes alone.

All counts are bytes that the way back keeps, as the layers in `transformer.py` and `conditioning.py` have them; a test
holds them against what PyTorch keeps.
"""

from escuta.models.xtts.batch import SOUND_SECONDS
from escuta.models.xtts.config import XttsConfig

OF_BLOCK = {2: 38, 4: 66}
"""Of each position and feature, by bytes of a number in the arithmetic.

Both norms' inputs (4 + 4) and outputs, query, key and value, what attention heard, the feed-forward before and after
its curve (1 + 3 + 1 + 1 + 4 + 4 = 14 numbers), and a byte for each of the two dropouts.
"""

OF_ATTENTION = {2: 5, 4: 9}
"""Of each pair of positions and head, on a CPU: its weight before and after dropout, and a byte for that dropout."""

OF_CONDITIONING_BLOCK = {2: 40, 4: 54}
"""Of each mel frame and feature; measured."""

OF_DECODER = {2: 74, 4: 147}
"""Of each point and channel after each upsampling of the decoder; measured."""

OF_SOUND = 316
"""Of each point of what it voices, for its spectrograms; measured."""

OF_INPUT = 4
"""Of each position and feature between blocks, all that stays where activations are computed twice."""

CODES_PER_SECOND = 21.53
"""22 050 Hz over 1024 points a code."""
TEXT_PER_SECOND = 12
"""Text tokens of fluent speech, a guess."""
FRAMES = 387
"""Of the mean crop, 4.5 s, of mel."""


def activation_bytes(
    config: XttsConfig, batch_size: int, clip_seconds: float, *, number_bytes: int, recomputes: bool, learns_voice: bool
) -> int:
    """Add up what a batch keeps.

    Args:
        config: Of the model.
        batch_size: Clips.
        clip_seconds: Of each.
        number_bytes: Of the arithmetic: 2 or 4.
        recomputes: Whether activations of the transformer are computed twice rather than kept.
        learns_voice: Whether the conditioning encoder learns.
    """
    gpt = config.gpt
    positions = round(config.conditioning.num_latents + (CODES_PER_SECOND + TEXT_PER_SECOND) * clip_seconds) + 7
    block = OF_BLOCK[number_bytes] * positions * gpt.width + OF_ATTENTION[number_bytes] * gpt.heads * positions**2
    blocks = block + gpt.layers * OF_INPUT * positions * gpt.width if recomputes else gpt.layers * block
    voice = config.conditioning.blocks * OF_CONDITIONING_BLOCK[number_bytes] * FRAMES * gpt.width if learns_voice else 0
    return batch_size * (blocks + voice)


def sound_bytes(config: XttsConfig, batch_size: int, *, number_bytes: int) -> int:
    """Add up what a decoder that learns keeps besides.

    Args:
        config: Of the model.
        batch_size: Clips.
        number_bytes: Of the arithmetic: 2 or 4.
    """
    sizes = config.decoder
    points = round(SOUND_SECONDS * config.output_sample_rate)
    numbers, channels, length = 0, sizes.channels, points // config.output_hop
    for rate in sizes.upsample_rates:
        channels, length = channels // 2, length * rate
        numbers += channels * length
    return batch_size * (OF_DECODER[number_bytes] * numbers + OF_SOUND * points)
