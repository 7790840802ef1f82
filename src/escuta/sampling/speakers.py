"""Who speaks in each mode, from settings."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from escuta.models.base import VoiceModel
from escuta.sampling.background import BackgroundSpeaker
from escuta.sampling.inline import InlineSpeaker
from escuta.sampling.isolated import IsolatedSpeaker
from escuta.sampling.process import Workplace
from escuta.sampling.speaker import Speaker
from escuta.settings import Mode, SamplingSettings


def make_speakers(
    settings: SamplingSettings,
    base: Path,
    model: VoiceModel,
    room: Callable[[], AbstractContextManager[None]],
    inherited: tuple[int, ...] = (),
    speaking: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Mapping[Mode, Callable[[], Speaker]]:
    """How to make the speaker of each mode.

    Args:
        settings: Of sampling.
        base: Folder of the base model.
        model: The model in training.
        room: Moves it off its GPU for as long as it is entered.
        inherited: File descriptors of memory that weights are staged in.
        speaking: For as long as it is entered, `model` has the weights that speak.
    """
    workplace = Workplace(base, settings.device, speaking_threads(settings), settings.timeout_seconds, inherited)
    return {
        "background": partial(BackgroundSpeaker, workplace),
        "isolated": partial(IsolatedSpeaker, workplace, room),
        "inline": partial(InlineSpeaker, model, speaking),
    }


def speaking_threads(settings: SamplingSettings) -> int:
    """CPU threads of a speaking process: as asked, else half of the cores."""
    return settings.threads or max(1, (os.cpu_count() or 1) // 2)
