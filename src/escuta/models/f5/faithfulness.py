"""Whether the packed network still flows where the exact one does.

Shapes: M mel frames, N text tokens, P passes.
"""

from collections.abc import Callable

from escuta.models.base import Batch
from escuta.models.f5.loss import task
from escuta.models.f5.packed import PackedDit
from escuta.models.f5.sampler import guide
from escuta.models.f5.text_embedding import PADDING

MAX_FRAMES = 500
"""Of a clip that is measured; the time goes into these."""


def flow_difference(
    packed: PackedDit, exact: PackedDit, batch: Batch, guidance: float, progress: Callable[[], None] | None = None
) -> float:
    """Compare guided flows, each clip's at one point of its way: the difference's power, relative to the exact flow's.

    Args:
        packed: The network that speaks.
        exact: The same, exact.
        batch: Held-out clips, collated without a generator: the same points every time.
        guidance: As in speaking, as it magnifies what differs.
        progress: Called now and then.
    """
    laid_out = task(batch)
    difference = power = 0.0
    for row, length in enumerate(batch["mel_lengths"].tolist()):
        here = slice(min(length, MAX_FRAMES))
        text_N = batch["text"][row][batch["text"][row] != PADDING].to(packed.device)
        mel_MF, heard_MF = (one[row, here].to(packed.device) for one in (laid_out.mel_BMF, laid_out.heard_BMF))
        flows = []
        for dit in (packed, exact):
            sentence = dit.guided(heard_MF, text_N, guides=True)
            (moment,) = dit.moments(batch["time"][row : row + 1])
            flows.append(guide(dit.flow([mel_MF], [sentence], moment, progress)[0], guidance))
        difference += float((flows[0] - flows[1]).square().sum())
        power += float(flows[1].square().sum())
    return difference / power
