"""How fast escuta speaks and learns with F5-TTS, beside f5-tts itself, in one run on one machine.

    python -m bench.f5 [--only warm,batch,step] [--peer-python .venv-peer-f5/bin/python] [--layers 22]

Both have the same weights of the release's size, the same recording, the same length of speech, the same number of
threads, and take turns. Each section goes to `bench/results/f5.json` and to `docs/benchmarks.md` as it ends.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import soundfile
import torch

from bench.apart import Measurement, apart, end_on_sigterm
from bench.export_parity import ROOT, recording
from bench.f5_table import f5_tables
from bench.machine import machine, peer_versions
from bench.pages import Pages
from bench.training import Half
from escuta.audio.files import resample
from escuta.models.f5.config import DitConfig, F5Config
from escuta.models.f5.newborn import CHARACTERS, save_newborn

PAGES = Pages("f5", f5_tables, ROOT / "bench" / "results", ROOT / "docs")
REFERENCE_TEXT = "The old clock on the wall says ten past nine, and nobody has wound it since the spring."
SENTENCE = "Three boats lay in the harbour, their ropes stiff with salt, waiting for the wind to turn, and nobody came."
SPEECH_SECONDS = 7.0
NUM_STEPS = 16
SENTENCES = 8


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, with what."""

    base: Path
    voice: Path
    peer_python: Path
    threads: int
    rounds: int
    speech_seconds: float = SPEECH_SECONDS

    def halves(self, what: str) -> tuple[Half, Half]:
        """Start both."""
        script = ROOT / "bench" / "peer" / "f5.py"
        return self.ours(what), Half([str(self.peer_python), str(script), *self._options(what)], self.threads)

    def ours(self, what: str, device: str = "cpu") -> Half:
        """Start our half."""
        command = [sys.executable, "-m", "bench.f5_half", *self._options(what), "--device", device]
        return Half(command, self.threads)

    def speak(self, half: Half, count: int, steps: int = NUM_STEPS) -> dict[str, Any]:
        """Have so many sentences spoken.

        Raises:
            RuntimeError: They are not as long as asked for.
        """
        answer = half.step(json.dumps({"texts": [SENTENCE] * count, "steps": steps}))
        wanted = int(self.speech_seconds * 24_000 / 256)
        if len(answer["frames"]) != count or any(abs(frames - wanted) > 1 for frames in answer["frames"]):
            raise RuntimeError(f"asked for {count} x {wanted} frames, a half spoke {answer['frames']}")
        return answer

    def _options(self, what: str) -> list[str]:
        return [
            *(what, str(self.base), "--reference", str(self.voice), "--reference-text", REFERENCE_TEXT),
            *("--seconds", str(self.speech_seconds), "--threads", str(self.threads)),
        ]


def warm(bench: Bench) -> Measurement:
    """One sentence, both with their weights in memory."""
    runs: Measurement = {"escuta": [], "f5-tts": []}
    ours_half, peer_half = bench.halves("speaking")
    with ours_half as ours, peer_half as peer:
        for half in (ours, peer):
            bench.speak(half, 1, steps=1)
        for _turn in range(bench.rounds):
            for name, half in (("escuta", ours), ("f5-tts", peer)):
                runs[name].append(bench.speak(half, 1))
    return runs


def batch(bench: Bench) -> Measurement:
    """Eight sentences: ours together, the peer's one after another, once."""
    ours_half, peer_half = bench.halves("speaking")
    with ours_half as ours, peer_half as peer:
        for half in (ours, peer):
            bench.speak(half, 1, steps=1)
        return {
            "escuta": [bench.speak(ours, SENTENCES) for _turn in range(min(2, bench.rounds))],
            "f5-tts": [bench.speak(peer, SENTENCES)],
        }


def step(bench: Bench) -> Measurement:
    """Steps of both in turns; the first of each is for warming up."""
    runs: Measurement = {"escuta": [], "f5-tts": []}
    ours_half, peer_half = bench.halves("training")
    with ours_half as ours, peer_half as peer:
        for turn in range(bench.rounds + 1):
            for name, half in (("escuta", ours), ("f5-tts", peer)):
                answer = half.step()
                if turn:
                    runs[name].append(answer)
    return runs


def gpu(bench: Bench) -> Measurement | None:
    """Our own speed where there is a GPU; None where there is none."""
    if not torch.cuda.is_available():
        return None
    found: Measurement = {}
    with bench.ours("speaking", "cuda") as ours:
        bench.speak(ours, 1)
        found["warm"] = [bench.speak(ours, 1) for _turn in range(bench.rounds)]
        bench.speak(ours, SENTENCES)
        found["batch"] = [bench.speak(ours, SENTENCES) for _turn in range(bench.rounds)]
    with bench.ours("training", "cuda") as ours:
        found["step"] = [ours.step() for _turn in range(bench.rounds + 3)][3:]
    return found


SECTIONS: dict[str, Callable[[Bench], Measurement | None]] = {"warm": warm, "batch": batch, "step": step, "gpu": gpu}
OF_RATIOS = {"warm_7s": "warm", "batch_8": "batch", "step": "step"}


def ratios(sections: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures to reach: seconds of f5-tts over ours, our memory over its, speaking."""
    found: dict[str, float | None] = dict.fromkeys((*OF_RATIOS, "memory_over_peer"))
    for name, section in OF_RATIOS.items():
        if section in sections:
            ours, theirs = (median(one["seconds"] for one in sections[section][who]) for who in ("escuta", "f5-tts"))
            found[name] = round(theirs / ours, 3)
    if "warm" in sections:
        most = [max(one["peak_bytes"] for one in sections["warm"][who]) for who in ("escuta", "f5-tts")]
        found["memory_over_peer"] = round(most[0] / most[1], 3)
    return found


def measure(bench: Bench, only: Sequence[str], pages: Pages, versions: Mapping[str, str]) -> dict[str, Any]:
    """Measure some sections, and keep what is known of the others; written after each."""
    sections = pages.sections()
    result: dict[str, Any] = {"ratios": ratios(sections), "sections": sections}
    for name in only:
        print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
        measured_on = {**machine(bench.threads), **versions}
        measured = SECTIONS[name](bench)
        if measured is None:
            print(f"{name}: not here; what was measured before stays", flush=True)
            continue
        sections[name] = {"machine": measured_on, **measured}
        result = {"ratios": ratios(sections), "sections": sections}
        pages.write(result)
    return result


def prepare(folder: Path, layers: int) -> tuple[Path, Path]:
    """Make the model, of the release's size but for its layers, and the recording."""
    base, voice = folder / "base", folder / "voice.wav"
    config = F5Config(DitConfig(layers=layers))
    unread = (chr(0x4E00 + number) for number in range(config.dit.num_text_tokens - len(CHARACTERS)))
    save_newborn(base, config, [*CHARACTERS, *unread], seed=0)
    soundfile.write(voice, resample(recording().astype("float32"), 22_050, 24_000), 24_000)
    return base, voice


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser("python -m bench.f5", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas: %(default)s")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=DitConfig().layers, help="fewer, to try it out")
    parser.add_argument("--peer-python", type=Path, default=ROOT / ".venv-peer-f5" / "bin" / "python")
    asked = parser.parse_args(arguments)
    only = asked.only.split(",")
    if unknown := sorted(set(only) - SECTIONS.keys()):
        parser.error(f"--only {','.join(unknown)}: no such sections; expected some of {', '.join(SECTIONS)}")
    needs_peer = bool({*only} - {"gpu"})
    if needs_peer and not asked.peer_python.is_file():
        parser.error(f"{asked.peer_python}: no such Python; run bench/peer/setup-f5.sh, or give --peer-python")
    end_on_sigterm()
    with tempfile.TemporaryDirectory() as folder:
        base, voice = apart(prepare, Path(folder), asked.layers)
        bench = Bench(base, voice, asked.peer_python.absolute(), asked.threads, asked.rounds)
        versions = peer_versions(asked.peer_python, "f5-tts", "vocos") if needs_peer else {}
        result = measure(bench, only, PAGES, versions)
    print(json.dumps(result["ratios"], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
