"""How fast escuta speaks, beside coqui-tts, in one run on one machine.

    python -m bench.sampling [--peer-python .venv-peer/bin/python] [--models FOLDER]

Both load one XTTS-v2 of the release's size with weights of `bench.seeded` that never choose the stop code, and speak
the same sentences for the same number of codes with the same number of threads, in turns, so that whatever else the
machine does falls on both. Writes `bench/results/sampling.json` and the table in `docs/benchmarks.md`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import soundfile
import torch

from bench.export_parity import ROOT, recording
from bench.seeded import seeded_tensor
from bench.table import write_tables
from escuta.models.xtts.config import GptConfig, XttsConfig
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.dvae import Dvae
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.model import load_xtts
from escuta.models.xtts.speaker_encoder import SpeakerEncoder
from escuta.models.xtts.weights import PREFIXES, Part, save_base
from escuta.text.vocabulary import character_vocabulary

RESULTS = ROOT / "bench" / "results" / "sampling.json"
CODES = 150  # 7 s
SENTENCES = [
    "The old clock on the wall says ten past nine, and nobody has wound it since the spring.",
    "She opened the window to let the morning in.",
    "Three boats lay in the harbour, their ropes stiff with salt, waiting for the wind to turn.",
    "We walked as far as the bridge and then came back along the river.",
    "Nobody knew who had left the lamp burning in the empty house.",
    "The train was late again, so they shared the last of the bread and watched the rain.",
    "His letters came every week, short and full of small news.",
    "In the evening the hills turn blue, and one by one the lights come on in the valley.",
]
MODULES: dict[Part, type[Gpt | WaveformDecoder | SpeakerEncoder | Dvae]] = {
    "gpt": Gpt,
    "decoder": WaveformDecoder,
    "speaker_encoder": SpeakerEncoder,
    "dvae": Dvae,
}
RATIOS = (
    *("warm_7s", "batch_8", "checkpoint_to_sample", "step_over_bandwidth_bound", "memory_over_peer"),
    *("stall_over_copy", "throughput_with_background"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the model, speak in turns, write what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.sampling", description="Compare speed with coqui-tts.")
    parser.add_argument("--peer-python", type=Path, default=ROOT / ".venv-peer" / "bin" / "python")
    parser.add_argument("--models", type=Path, help="keep the models here (6 GB), and use them if they are there")
    parser.add_argument("--rounds", type=int, default=5, help="measured turns of each")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args(arguments)
    if not asked.peer_python.is_file():
        parser.error(f"{asked.peer_python}: no such Python; run bench/peer/setup.sh, or give --peer-python")
    with ExitStack() as stack:
        models = asked.models or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        build(models)
        options = ["--reference", str(models / "voice.wav"), "--threads", str(asked.threads)]
        ours = stack.enter_context(Side([sys.executable, "-m", "bench.speaking", str(models / "base"), *options]))
        script = str(ROOT / "bench" / "peer" / "sampling.py")
        peer = stack.enter_context(Side([str(asked.peer_python), script, str(models / "exported"), *options]))
        runs = speak_in_turns(ours, peer, asked.rounds)
    bandwidth = read_bytes_per_second(asked.threads)
    result = {
        "what": f"XTTS-v2 at release size, weights drawn from names, {CODES} codes (7 s) a sentence",
        "machine": machine(asked.threads),
        "runs": runs,
        "bandwidth_bytes_per_second": bandwidth,
        "bound_seconds_per_code": int8_bytes() / bandwidth,
        "ratios": ratios(runs, int8_bytes() / bandwidth),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    write_tables(ROOT / "docs", result)
    print(json.dumps(result["ratios"], indent=2))
    return 0


def build(folder: Path) -> None:
    """Make the recording, the model and its export, unless they are there."""
    if (folder / "exported" / "model.pth").exists():
        return
    folder.mkdir(exist_ok=True)
    vocab_json = character_vocabulary()
    num_text_tokens = max(json.loads(vocab_json)["model"]["vocab"].values()) + 1
    config = XttsConfig(gpt=GptConfig(num_text_tokens=num_text_tokens))
    with torch.device("meta"):
        shapes = {
            f"{PREFIXES[part]}{name}": tensor.shape
            for part, kind in MODULES.items()
            for name, tensor in kind(config).state_dict().items()
        }
    shapes["mel_stats"] = torch.Size([config.num_mel_bins])
    tensors = {name: seeded_tensor(name, shape, 0) for name, shape in shapes.items()}
    tensors["gpt.mel_head.bias"][config.gpt.stop_audio_token] = -1000  # never chosen, by either
    save_base(folder / "base", config, tensors, vocab_json)
    soundfile.write(folder / "voice.wav", recording(), 22_050)
    load_xtts(folder / "base", uses=["speaking"], device="cpu").export(folder / "exported")


class Side:
    """One of the two, in a process of its own."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def speak(self, num_sentences: int, num_codes: int = CODES) -> dict[str, Any]:
        """Speak so many sentences, and tell how it went."""
        assert self._process.stdin
        assert self._process.stdout
        texts = (SENTENCES * num_sentences)[:num_sentences]
        print(json.dumps({"texts": texts, "codes": num_codes}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()} before it had spoken")
        answer: dict[str, Any] = json.loads(line)
        return answer


def speak_in_turns(ours: Side, peer: Side, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Speak one sentence by each in turn, and eight of ours; the first turn is for warming up."""
    runs: dict[str, list[dict[str, Any]]] = {"escuta_1": [], "coqui_1": [], "escuta_8": []}
    for turn in range(rounds + 1):
        said = {"escuta_1": ours.speak(1), "coqui_1": peer.speak(1), "escuta_8": ours.speak(8)}
        if turn:
            for name, answer in said.items():
                runs[name].append(answer)
    return runs


def ratios(runs: Mapping[str, list[dict[str, Any]]], bound_seconds: float) -> dict[str, float | None]:
    """The figures to reach; peer over escuta where higher is better, None where this run measures nothing."""

    def middle(name: str) -> float:
        return float(median(run["seconds"] for run in runs[name]))

    step_seconds = median(seconds for run in runs["escuta_1"] for seconds in run["step_seconds"])
    found = {
        "warm_7s": middle("coqui_1") / middle("escuta_1"),
        "batch_8": 8 * middle("coqui_1") / middle("escuta_8"),
        "step_over_bandwidth_bound": step_seconds / bound_seconds,
        "memory_over_peer": runs["escuta_8"][-1]["peak_bytes"] / runs["coqui_1"][-1]["peak_bytes"],
    }
    return {name: round(found[name], 3) if name in found else None for name in RATIOS}


def int8_bytes() -> int:
    """What every code reads of the weights: four matrices a layer and the head, a byte each."""
    gpt = XttsConfig().gpt
    return gpt.layers * 12 * gpt.width**2 + gpt.num_audio_tokens * gpt.width


def read_bytes_per_second(threads: int) -> float:
    """How fast this machine reads memory at its best: a product over more than any cache holds."""
    torch.set_num_threads(threads)
    buffer = torch.zeros(128 * 2**20)
    seconds = []
    for _ in range(10):
        started = time.perf_counter()
        torch.dot(buffer, buffer)
        seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        buffer.sum()
        seconds.append(time.perf_counter() - started)
    return float(buffer.nbytes / min(seconds))


def machine(threads: int) -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.partition(":")[2].strip() for line in cpu.splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load_average": os.getloadavg()[1],
        "python": platform.python_version(),
        "torch": torch.__version__,
        "coqui-tts": "0.28.0",
    }


if __name__ == "__main__":
    sys.exit(main())
