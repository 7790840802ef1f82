"""What measures samples on this machine, and what is missing here, with the reason."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from escuta.errors import EscutaError
from escuta.messages import _
from escuta.scoring.naturalness import NaturalnessJudge
from escuta.scoring.pitch import PitchMeter
from escuta.scoring.recogniser import Recogniser, find_recogniser
from escuta.scoring.voice import VoiceEncoder
from escuta.scoring.weights import NATURALNESS_JUDGE, VOICE_ENCODER, find
from escuta.settings import ScoreSettings

Made = TypeVar("Made")


@dataclass(slots=True)
class Instruments:
    """Whatever takes weights; the other scores need none."""

    recogniser: Recogniser | None = None
    voice_encoder: VoiceEncoder | None = None
    naturalness_judge: NaturalnessJudge | None = None
    pitch_meter: PitchMeter | None = None
    titles: dict[str, str] = field(default_factory=dict)
    """By score: which instrument measures it."""
    missing: dict[str, str] = field(default_factory=dict)
    """By score: why none does."""

    def add(self, make: Callable[[], Made], scores: tuple[str, ...], title: Callable[[Made], str]) -> Made | None:
        """Make an instrument; one that cannot be made here is missing, and says why."""
        try:
            made = make()
        except ImportError as error:
            reason = _("{package} is not installed; install it with: {command}").format(
                package=error.name, command="pip install 'escuta[scores]'"
            )
        except EscutaError as error:
            reason = str(error)
        except (OSError, RuntimeError, ValueError, KeyError) as error:  # a damaged file, or too little memory
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        else:
            self.titles |= dict.fromkeys(scores, title(made))
            return made
        self.missing |= dict.fromkeys(scores, reason)
        return None


def gather(settings: ScoreSettings, language: str, threads: int) -> Instruments:
    """Load what is here; nothing is fetched, and nothing that is missing is an error.

    Args:
        settings: Which recogniser, and where it computes.
        language: Of the texts.
        threads: CPU threads that each may use.
    """

    def recogniser() -> Recogniser:
        folder = find_recogniser(settings.recogniser)
        made = Recogniser(folder, name=folder_name(settings.recogniser), device=settings.device, threads=threads)
        made.code(language)
        return made

    found = Instruments()
    found.recogniser = found.add(recogniser, ("character_error_rate",), lambda made: made.title)
    found.voice_encoder = found.add(
        lambda: VoiceEncoder(find(VOICE_ENCODER)), ("speaker_similarity",), lambda _made: VOICE_ENCODER.title
    )
    found.naturalness_judge = found.add(
        lambda: NaturalnessJudge(find(NATURALNESS_JUDGE)), ("naturalness",), lambda _made: NATURALNESS_JUDGE.title
    )
    found.pitch_meter = found.add(lambda: PitchMeter(threads), ("f0_median", "f0_range"), lambda made: made.title)
    return found


def folder_name(choice: str) -> str:
    """What people call a recogniser: its size, or the last part of its folder."""
    return choice.rstrip("/").rpartition("/")[2]
