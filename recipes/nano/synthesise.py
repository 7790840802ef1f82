"""Speak the plan with Kokoro: `python -m recipes.nano.synthesise --hours 3` writes audio/ID.flac.

Two processes of one thread each: one process of two threads takes 1.6 times as long. Started again, it goes on.
"""

import ctypes
import io
import multiprocessing
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from recipes.nano.manifest import read_manifest
from recipes.nano.texts import read_plan
from recipes.nano.work import append_row, arguments, publish, read_rows

SAMPLE_RATE = 24000  # of Kokoro
# What espeak-ng writes as tied signs, Kokoro learned as one; and it learned English without length marks, but for the
# British. Source: misaki, which wrote the phonemes that Kokoro was trained on, espeak.py.
TIED = {"d͡ʒ": "ʤ", "t͡ʃ": "ʧ", "d͡z": "ʣ", "t͡s": "ʦ", "a͡ɪ": "I", "a͡ʊ": "W", "e͡ɪ": "A", "ɔ͡ɪ": "Y"}
ENGLISH = {"ɚ": "əɹ", "ɐ": "ə", "r": "ɹ", "ʔ": "t"}
SIGNS = {
    "pt-br": {**TIED, "o͡ʊ": "O"},
    "en-gb": {**TIED, **ENGLISH, "ə͡ʊ": "Q"},
    "en-us": {**TIED, **ENGLISH, "o͡ʊ": "O", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ː": ""},
}

FRAME = SAMPLE_RATE // 100  # the level is measured every 10 ms
SPEECH_DB = -45.0  # full scale is 0
MARGIN_SECONDS = 0.12  # of quiet kept at each end
PEAK = 0.95

PR_SET_PDEATHSIG = 1  # die with the parent: linux/prctl.h

_kokoro: Any = None


def main() -> None:
    """Speak what is missing of the first hours of the plan."""
    parser = arguments(__doc__)
    parser.add_argument("--hours", type=float, default=12.0, help="of speech, what is there already included")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    work: Path = chosen.work
    spoken = work / "spoken.jsonl"

    rows = {row["id"]: row for row in unlearned_first(read_plan(work), read_manifest())}
    seconds = {row["id"]: row["seconds"] for row in read_rows(spoken) if row["id"] in rows}
    missing = [row for id_, row in rows.items() if id_ not in seconds]
    total, num_new, started = sum(seconds.values()), 0, time.monotonic()
    # Forked, so that every process shows this command's name to whoever wants to pause it.
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(chosen.processes, fork, initializer=load, initargs=(work / "kokoro",)) as pool:
        for row, clip_seconds in pool.map(speak_row, ((work, row) for row in missing)):
            append_row(spoken, {"id": row["id"], "seconds": clip_seconds})
            total, num_new = total + clip_seconds, num_new + 1
            if num_new % 50 == 0:
                pace = (time.monotonic() - started) / num_new
                print(f"{total / 3600:.2f} of {chosen.hours} h, {pace:.2f} s a clip", flush=True)
            if total >= chosen.hours * 3600:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    print(f"{total / 3600:.2f} h of speech in {len(seconds) + num_new} clips")


def unlearned_first(plan: list[dict[str, Any]], manifest: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Kokoro's part of the plan, with the clips last that the model that ships learned from: others teach it more."""
    learned = {row["id"] for row in manifest if row["split"] == "train"}
    return sorted((row for row in plan if row["split"] != "spelling"), key=lambda row: row["id"] in learned)


def load(folder: Path) -> None:
    """Make this process able to speak."""
    import onnxruntime
    from kokoro_onnx import Kokoro
    from recipes.nano.kokoro import Session

    global _kokoro
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "kokoro.onnx"), options, providers=["CPUExecutionProvider"])
    _kokoro = Kokoro.from_session(Session(folder, session), str(folder / "voices.npz"))


def speak_row(task: tuple[Path, dict[str, Any]]) -> tuple[dict[str, Any], float]:
    """Speak one row of the plan into its file, and say how long it lasts."""
    work, row = task
    return row, keep(work, row["id"], speak(row["text"], row["voice"], row["speed"], row["language"]))


def keep(work: Path, id_: str, wav_T: np.ndarray) -> float:
    """Write down what was said, trimmed, and say how many seconds it lasts."""
    wav_T = trim(wav_T)
    content = io.BytesIO()
    sf.write(content, wav_T, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    publish(work / "audio" / f"{id_}.flac", content.getvalue())
    return round(len(wav_T) / SAMPLE_RATE, 3)


def speak(text: str, voice: str, speed: float, language: str) -> np.ndarray:
    """One sentence [T] at 24 kHz."""
    style = np.mean([_kokoro.voices[name] for name in voice.split("+")], axis=0)
    wav_T, _ = _kokoro.create(phonemes(text, voice, language), style, speed, is_phonemes=True, trim=False)
    return np.asarray(wav_T, np.float32)


def phonemes(text: str, voice: str, language: str) -> str:
    """The text in Kokoro's signs: British voices read English the British way."""
    import phonemizer

    code = "pt-br" if language == "pt" else "en-gb" if voice.startswith("b") else "en-us"  # of espeak-ng
    written = phonemizer.phonemize(text, code, preserve_punctuation=True, with_stress=True, tie=True)
    for espeaks, sign in SIGNS[code].items():
        written = written.replace(espeaks, sign)
    return "".join(sign for sign in written if sign in _kokoro.tokenizer.vocab).strip()


def trim(wav_T: np.ndarray) -> np.ndarray:
    """Shorten the quiet at both ends to `MARGIN_SECONDS`, and keep the peak below full scale.

    Kokoro loses its head over a few sentences ("What a sharp jewel!" in one voice of fifty): of what is no number
    nothing remains, which is dropped as too short.
    """
    if not np.isfinite(wav_T).all():
        return wav_T[:0]
    frames = wav_T[: wav_T.size // FRAME * FRAME].reshape(-1, FRAME)
    speech = np.flatnonzero((frames**2).mean(axis=1) > 10 ** (SPEECH_DB / 10))
    if speech.size:
        margin = round(MARGIN_SECONDS * SAMPLE_RATE)
        wav_T = wav_T[max(0, speech[0] * FRAME - margin) : (speech[-1] + 1) * FRAME + margin]
    return wav_T * min(1.0, PEAK / max(float(np.abs(wav_T).max()), 1e-9))


if __name__ == "__main__":
    main()
