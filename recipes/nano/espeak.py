"""Say words by the ten thousand: `python -m recipes.nano.espeak` writes audio/ID.flac.

What letters sound like is learned from words, and the hours of Kokoro's have too few. eSpeak NG says a sentence in a
hundredth of Kokoro's time, with the very phonemes that Kokoro is given. How people sound is not learned from it: the
language model alone hears it, in voices of their own. Started again, it goes on.
"""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from recipes.nano.synthesise import SAMPLE_RATE, keep
from recipes.nano.texts import read_plan
from recipes.nano.work import append_row, arguments, read_rows

# Of speak_lib.h of eSpeak NG 1.52.
SYNCHRONOUS, UTF_8, BY_CHARACTER = 2, 1, 1
RATE, PITCH = 1, 3
WORDS_A_MINUTE = 165  # as quick as Kokoro
SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main() -> None:
    """Say what is missing of its part of the plan."""
    work: Path = arguments(__doc__).parse_args().work
    spoken = {row["id"] for row in read_rows(work / "spoken.jsonl")}
    plan = [row for row in read_plan(work) if row["split"] == "spelling"]
    espeak = Espeak()
    for row in plan:
        if row["id"] not in spoken:
            seconds = keep(work, row["id"], espeak.speak(row["text"], row["voice"], row["speed"]))
            append_row(work / "spoken.jsonl", {"id": row["id"], "seconds": seconds})
    print(f"{len(plan)} clips of eSpeak's are there")


class Espeak:
    """eSpeak NG, of which a process has one."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._sample_rate = self._library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        self._heard: list[np.ndarray] = []
        self._callback = SYNTH_CALLBACK(self._hear)  # kept: the library calls it
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, speed: float) -> np.ndarray:
        """One text [T] at 24 kHz.

        Raises:
            ValueError: There is no such voice.
        """
        name, _, pitch = voice.partition("@")
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise ValueError(f"{voice}: eSpeak NG has no such voice; expected ACCENT+VARIANT@PITCH.")
        self._library.espeak_SetParameter(RATE, round(WORDS_A_MINUTE * speed), 0)
        self._library.espeak_SetParameter(PITCH, int(pitch), 0)
        self._heard.clear()
        written = text.encode()
        self._library.espeak_Synth(written, len(written) + 1, 0, BY_CHARACTER, 0, UTF_8, None, None)
        wav_T = np.concatenate(self._heard).astype(np.float32) / 32768
        return np.asarray(soxr.resample(wav_T, self._sample_rate, SAMPLE_RATE), np.float32)

    def _hear(self, wav: Any, num_points: int, _events: Any) -> int:
        if wav and num_points:
            self._heard.append(np.ctypeslib.as_array(wav, (num_points,)).copy())
        return 0


if __name__ == "__main__":
    main()
