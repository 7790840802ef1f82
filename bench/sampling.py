"""How fast escuta speaks and how little training notices of it, beside coqui-tts, in one run on one machine.

    python -m bench.sampling [--only warm,batch] [--models FOLDER] [--peer-python .venv-peer/bin/python]

Both speak with one XTTS-v2 of the release's size, the same sentences for the same number of codes with the same number
of threads, in turns, so that whatever else the machine does falls on both. Each section writes what it measured to
`bench/results/sampling.json` and `docs/benchmarks.md` as it ends, beside what the others have measured before.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench import bound, breakdown, checkpoint, stall, throughput
from bench.apart import Measurement, apart, end_on_sigterm
from bench.export_parity import ROOT
from bench.figures import ratios
from bench.machine import machine, peer_versions
from bench.models import Models, sentences
from bench.pages import Pages
from bench.side import Answer, Side
from bench.table import tables
from escuta.models.xtts.config import XttsConfig

PAGES = Pages("sampling", tables, ROOT / "bench" / "results", ROOT / "docs")
WARM_UP_CODES = 10


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, with what."""

    models: Models
    peer: tuple[str, ...]
    """Command of the peer's half, but for its options."""
    threads: int
    rounds: int
    counts: tuple[int, ...] = (1, 2, 4, 8, 16)
    """Of sentences spoken at once."""
    seconds: tuple[int, ...] = (3, 7, 15, 25)
    """Of speech in one sentence."""
    block_seconds: float = 20.0
    """Of training, with somebody speaking or without."""
    stalls: int = 30

    def ours_command(self, device: str = "cpu") -> list[str]:
        """Starts our half."""
        return [sys.executable, "-m", "bench.speaking", str(self.models.base), *self._options, "--device", device]

    @property
    def peer_command(self) -> list[str]:
        """Starts the peer's half."""
        return [*self.peer, str(self.models.exported), *self._options]

    @property
    def few_rounds(self) -> int:
        """Of what takes long."""
        return max(1, self.rounds - 2)

    def no_runs(self) -> dict[str, list[Answer]]:
        """For each number of sentences."""
        return {str(count): [] for count in self.counts}

    def speak_together(self, ours: Side, runs: dict[str, list[Answer]]) -> None:
        """Speak each number of sentences once, and note it in `runs`."""
        for count in self.counts:
            runs[str(count)].append(ours.speak(sentences(count), self.models.codes))

    @property
    def _options(self) -> list[str]:
        return ["--reference", str(self.models.voice), "--threads", str(self.threads)]


def warm(bench: Bench) -> Measurement:
    """One sentence of 7 s, both with their weights in memory; the first turn is for warming up."""
    runs: Measurement = {"escuta": [], "coqui": []}
    with Side(bench.ours_command(), bench.threads) as ours, Side(bench.peer_command, bench.threads) as peer:
        for turn in range(bench.rounds + 1):
            for name, side in (("escuta", ours), ("coqui", peer)):
                answer = side.speak(sentences(1), bench.models.codes)
                if turn:
                    runs[name].append(answer)
    return runs


def batch(bench: Bench) -> Measurement:
    """Several sentences of 7 s: ours together, the peer's eight one after another, once between ours."""
    ours_runs, peer_runs = bench.no_runs(), []
    with Side(bench.ours_command(), bench.threads) as ours, Side(bench.peer_command, bench.threads) as peer:
        ours.speak(sentences(1), bench.models.codes)
        peer.speak(sentences(1), WARM_UP_CODES)
        for turn in range(bench.few_rounds):
            bench.speak_together(ours, ours_runs)
            if not turn:
                peer_runs.append(peer.speak(sentences(8), bench.models.codes))
    return {"escuta": ours_runs, "coqui": peer_runs}


def lengths(bench: Bench) -> Measurement:
    """One sentence of several lengths."""
    runs: Measurement = {"escuta": {}, "coqui": {}}
    with Side(bench.ours_command(), bench.threads) as ours, Side(bench.peer_command, bench.threads) as peer:
        peer.speak(sentences(1), WARM_UP_CODES)
        for speech_seconds in bench.seconds:
            codes = int(speech_seconds * XttsConfig().sample_rate / XttsConfig().gpt.code_stride)
            ours.speak(sentences(1), codes)
            runs["escuta"][str(speech_seconds)] = [ours.speak(sentences(1), codes) for _turn in range(bench.few_rounds)]
            runs["coqui"][str(speech_seconds)] = [peer.speak(sentences(1), codes)]
    return runs


def gpu(bench: Bench) -> Measurement | None:
    """Our speed and the stall where there is a GPU; None where there is none."""
    if not torch.cuda.is_available():
        return None
    runs = bench.no_runs()
    with Side(bench.ours_command("cuda"), bench.threads) as ours:
        ours.speak(sentences(1), bench.models.codes)
        for _turn in range(bench.few_rounds):
            bench.speak_together(ours, runs)
    return {
        "escuta": runs,
        "stall": apart(stall.measure, bench.models, bench.threads, bench.stalls, device="cuda"),
        "throughput": apart(throughput.measure, bench.models, bench.rounds, bench.block_seconds, device="cuda"),
    }


SECTIONS: dict[str, Callable[[Bench], Measurement | None]] = {
    "warm": warm,
    "batch": batch,
    "lengths": lengths,
    "checkpoint": lambda bench: apart(
        checkpoint.measure, bench.models, bench.peer_command, bench.threads, bench.few_rounds
    ),
    "breakdown": lambda bench: apart(breakdown.measure, bench.models, bench.threads, bench.few_rounds),
    "bound": lambda bench: apart(bound.measure, bench.models, bench.threads, bench.rounds),
    "stall": lambda bench: apart(stall.measure, bench.models, bench.threads, bench.stalls),
    "throughput": lambda bench: apart(throughput.measure, bench.models, bench.rounds, bench.block_seconds),
    "gpu": gpu,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the model, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.sampling", description="Compare speed with coqui-tts.")
    parser.add_argument("--peer-python", type=Path, default=ROOT / ".venv-peer" / "bin" / "python")
    parser.add_argument("--models", type=Path, help="keep the models here (8 GB), and use them if they are there")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="measured turns of each")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args(arguments)
    only = asked.only.split(",")
    if unknown := sorted(set(only) - SECTIONS.keys()):
        parser.error(f"--only {','.join(unknown)}: no such sections; expected some of {', '.join(SECTIONS)}")
    if not asked.peer_python.is_file():
        parser.error(f"{asked.peer_python}: no such Python; run bench/peer/setup.sh, or give --peer-python")
    end_on_sigterm()
    with ExitStack() as stack:
        folder = asked.models or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        models = Models(folder.resolve())
        _tell("models", lambda: apart(models.build, XttsConfig()))
        peer = (str(asked.peer_python.absolute()), str(ROOT / "bench" / "peer" / "sampling.py"))
        bench = Bench(models, peer, asked.threads, asked.rounds)
        result = measure(bench, only, PAGES, peer_versions(asked.peer_python))
    print(json.dumps(result["ratios"], indent=2))
    return 0


def measure(bench: Bench, only: Sequence[str], pages: Pages, versions: Mapping[str, str]) -> dict[str, Any]:
    """Measure some sections, and keep what is known of the others; written after each.

    Args:
        bench: What is measured.
        only: Names of sections.
        pages: Where it is written.
        versions: Of the peer.
    """
    what = f"XTTS-v2 at release size, weights drawn from names, {bench.models.codes} codes a sentence of 7 s"
    sections = pages.sections()
    result = {"what": what, "ratios": ratios(sections), "sections": sections}
    for name in only:
        measured_on = {**machine(bench.threads), **versions}
        measured = _tell(name, lambda name=name: SECTIONS[name](bench))  # type: ignore[misc]
        if measured is None:
            print(f"{name}: not here; what was measured before stays", flush=True)
            continue
        sections[name] = {"machine": measured_on, **measured}
        result["ratios"] = ratios(sections)
        pages.write(result)
    return result


def _tell(name: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
    found = work()
    print(f"{time.strftime('%H:%M:%S')} {name}: done in {time.perf_counter() - started:.0f} s", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
