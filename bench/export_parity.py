"""Proof that coqui-tts loads what escuta exports, and says the same with it.

    python -m bench.export_parity [--peer-python .venv-peer/bin/python]

A small XTTS-v2 with weights of `bench.seeded` is saved as a base, loaded, exported, and spoken with by both, greedily.
`bench/peer/setup.sh` makes the peer's environment. The exit status is 1 when they differ, 2 when the peer cannot run.

Shapes: T wav frames, N text tokens, K codes, D width.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from torch import Tensor

from bench.seeded import seeded_tensor
from escuta.engine.tokens import TokenChoice
from escuta.models.xtts.config import DecoderConfig, DvaeConfig, GptConfig, XttsConfig
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.model import load_xtts
from escuta.models.xtts.newborn import newborn_tensors
from escuta.models.xtts.packed import PackedGpt
from escuta.models.xtts.speak import Sentence, choose_codes
from escuta.models.xtts.weights import load_weights, save_base
from escuta.text.tokenizer import Tokenizer
from escuta.text.vocabulary import character_vocabulary

ROOT = Path(__file__).parents[1]
TEXT, LANGUAGE = "The old clock on the wall says ten past nine.", "en"
CODES = 80
REPETITION_PENALTY = 2.0
WAV_LIMIT = 0.01
"""Error of the audio, relative to its level. The voices differ a little, because the resamplers to 16 kHz do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Export, speak twice, compare."""
    parser = argparse.ArgumentParser(prog="python -m bench.export_parity", description="Compare with coqui-tts.")
    parser.add_argument("--peer-python", type=Path, default=ROOT / ".venv-peer" / "bin" / "python")
    peer_python = parser.parse_args(arguments).peer_python
    if not peer_python.is_file():
        parser.error(f"{peer_python}: no such Python; run bench/peer/setup.sh, or give --peer-python")
    with tempfile.TemporaryDirectory() as folder:
        exported, reference = Path(folder) / "exported", Path(folder) / "reference.wav"
        soundfile.write(reference, recording(), 22_050)
        export_small_model(Path(folder) / "base", exported)
        ours = speak(exported, reference)
        peers = ask_peer(peer_python, exported, reference)
    problems = differences(ours, peers)
    print("\n".join(problems) or f"the same {len(ours['tokens'])} text tokens, {len(ours['codes'])} codes and audio")
    return 1 if problems else 0


def recording() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Five seconds of gliding harmonics, which sound no more like speech than the weights need."""
    seconds_T = np.arange(5 * 22_050) / 22_050
    phase_T = 2 * np.pi * (120 * seconds_T + 8 * np.sin(3 * seconds_T))
    return np.asarray(0.1 * sum(np.sin(k * phase_T) / k for k in range(1, 20)), dtype=np.float64)


def export_small_model(base: Path, exported: Path) -> None:
    """Make a base whose sizes are the release's where coqui-tts knows no others, and export it."""
    vocab_json = character_vocabulary()
    num_text_tokens = max(json.loads(vocab_json)["model"]["vocab"].values()) + 1
    config = XttsConfig(
        gpt=GptConfig(layers=3, width=128, heads=4, num_text_tokens=num_text_tokens),
        dvae=DvaeConfig(width=32),
        decoder=DecoderConfig(input_width=128),
    )
    names = newborn_tensors(config, seed=0)
    save_base(base, config, {name: seeded_tensor(name, old.shape, 0) for name, old in names.items()}, vocab_json)
    load_xtts(base, uses=["speaking"], device="cpu").export(exported)


def speak(folder: Path, reference: Path) -> dict[str, Any]:
    """What escuta says with what it exported."""
    wav_T, _rate = soundfile.read(reference, dtype="float32")
    weights = load_weights(folder)
    gpt, decoder = Gpt(weights.config).eval(), WaveformDecoder(weights.config).eval()
    gpt.load_state_dict(weights.part("gpt"))
    decoder.load_state_dict(weights.part("decoder"))
    voice = load_xtts(folder, uses=["speaking"], device="cpu").reference(torch.from_numpy(wav_T))
    tokens = Tokenizer(weights.files.vocab).encode(TEXT, LANGUAGE)
    with torch.no_grad():
        conditioning_LD = gpt.conditioning_of_each(voice["mels"], voice["mel_lengths"]).mean(0)
        sentence = Sentence(torch.tensor(tokens), conditioning_LD, voice["speaker"])
        choice = TokenChoice(greedy=True, repetition_penalty=REPETITION_PENALTY)
        (decoded,) = choose_codes(PackedGpt(gpt), [sentence], choice, limit=CODES)
        said_T: Tensor = decoder(decoded.hidden_KD[None], sentence.speaker_E[None])[0]
    return {"tokens": tokens, "codes": decoded.tokens_K.tolist(), "wav": said_T.tolist()}


def ask_peer(python: Path, folder: Path, reference: Path) -> dict[str, Any]:
    """What coqui-tts says with it."""
    script = ROOT / "bench" / "peer" / "coqui.py"
    command = [str(python), str(script), str(folder), "--reference", str(reference), "--text", TEXT]
    options = ["--language", LANGUAGE, "--codes", str(CODES), "--repetition-penalty", str(REPETITION_PENALTY)]
    done = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(2)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def differences(ours: dict[str, Any], peers: dict[str, Any]) -> list[str]:
    """What the two do not agree on, as lines."""
    problems = [
        f"{what} differ: escuta {ours[what]}, coqui-tts {peers[what]}"
        for what in ("tokens", "codes")
        if ours[what] != peers[what]
    ]
    if not peers["file_unchanged"]:
        problems.append("coqui-tts rewrote model.pth")
    ours_T, peers_T = np.array(ours["wav"]), np.array(peers["wav"])
    if ours_T.shape != peers_T.shape:
        problems.append(f"audio differs: escuta {len(ours_T)} points, coqui-tts {len(peers_T)}")
    elif not (error := float(np.linalg.norm(ours_T - peers_T) / np.linalg.norm(peers_T))) <= WAV_LIMIT:
        problems.append(f"audio differs by {error:.1%} of its level; expected {WAV_LIMIT:.0%} at most")
    return problems


if __name__ == "__main__":
    sys.exit(main())
