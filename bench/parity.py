"""Proof that escuta's models compute what the tools of their families compute.

    python -m bench.parity --manifest small.json --case small-seed0.npz
    python -m bench.parity --manifest f5-small.json --case f5-small-seed0.npz

A case holds inputs and what coqui-tts 0.28.0, or f5-tts 1.1.22 and vocos 0.1.0, made of them, with weights that
`bench.seeded` rebuilds from the manifest's names and the case's seed. Each result is compared on its own, from the
case's inputs, so that an error shows where it arises. The exit status is 1 when one misses its limit, 2 when a file
cannot be read.

Shapes: B batch, F mel bins, M mel frames, P positions, V vocabulary, K codes, D width, T wav frames.
"""

import argparse
import json
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from bench import f5_parity
from bench.limits import ABSOLUTE, IDENTICAL, RELATIVE, SOUND, Absent, Case, Limit
from bench.seeded import seeded_tensor
from escuta.audio.mel import conditioning_mel, dvae_mel, speaker_mel
from escuta.engine.decoding import Decoded
from escuta.engine.tokens import TokenChoice
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.dvae import Dvae
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.packed import PackedGpt
from escuta.models.xtts.speak import Sentence, choose_codes
from escuta.models.xtts.speaker_encoder import SpeakerEncoder

CONDITIONING_SECONDS = 6  # of the input that a case's conditioning mel covers
INPUTS = {
    *("seed", "wav_22050", "wav_16000", "greedy_text"),
    *("batch_text", "batch_text_lengths", "batch_codes", "batch_wav_lengths", "batch_cond_mels"),
}

_ModuleT = TypeVar("_ModuleT", Gpt, Dvae, WaveformDecoder, SpeakerEncoder)


class Subject:
    """The inputs of a case, and the networks with the weights that it was made with."""

    def __init__(self, manifest: Mapping[str, Any], case: Case) -> None:
        self.case = case
        self.config = config_of(manifest)
        self._shapes: Mapping[str, list[int]] = manifest["shapes"]

    @cached_property
    def gpt(self) -> Gpt:
        """The language model."""
        return self._rebuilt(Gpt, "gpt.")

    @cached_property
    def mel_stats_F(self) -> Tensor:
        """Divisors of the log-mels."""
        return self._tensor("mel_stats")

    def embedding(self) -> Tensor:
        """The speaker embedding."""
        encoder = self._rebuilt(SpeakerEncoder, "hifigan_decoder.speaker_encoder.")
        embedding_BE: Tensor = encoder(speaker_mel(self.case["wav_16000"][None]))
        return embedding_BE

    def codes(self) -> Tensor:
        """The DVAE's codes."""
        return self._rebuilt(Dvae, "dvae.").codes(self.case["dvae_mel"])

    def wav(self) -> Tensor:
        """The decoder's audio, [B, 1, T]."""
        decoder = self._rebuilt(WaveformDecoder, "hifigan_decoder.waveform_decoder.")
        wav_BT: Tensor = decoder(self.case["gpt_latents"], self.case["speaker_embedding"])
        return wav_BT[:, None]

    def losses(self) -> dict[str, Tensor]:
        """The losses of the batch."""
        return self.gpt.forward(self._batch())

    def mel_logits(self) -> Tensor:
        """The audio logits of the batch, [B, V, P]; past an item's end, where they mean nothing, the case's own."""
        batch = self._batch()
        text, codes = self.gpt.segments(batch)
        _, mel_logits_BPV = self.gpt.logits(text, codes, self.gpt.conditioning(batch["conditioning_mel"]))
        return torch.where(codes.real_BP[:, None], mel_logits_BPV.transpose(1, 2), self.case["mel_logits"])

    def decoded(self, name: str, penalty: float) -> Decoded:
        """Greedy decoding, of as many codes as the case has under `name`."""
        sentence = Sentence(self.case["greedy_text"][0], self.case["gpt_cond_latents"][0], torch.empty(0))
        choice = TokenChoice(greedy=True, repetition_penalty=penalty)
        return choose_codes(PackedGpt(self.gpt), [sentence], choice, limit=self.case[name].shape[1])[0]

    def _batch(self) -> dict[str, Tensor]:
        mel_BFM = self.case["batch_cond_mels"].squeeze(1)
        stride = self.config.gpt.code_stride
        return {
            "text": self.case["batch_text"],
            "text_lengths": self.case["batch_text_lengths"],
            "codes": self.case["batch_codes"],
            "code_lengths": (self.case["batch_wav_lengths"] + stride - 1) // stride,
            "ignored_codes": torch.zeros(len(mel_BFM), 2, dtype=torch.int64),
            "conditioning_mel": mel_BFM,
            "conditioning_lengths": torch.full((len(mel_BFM),), mel_BFM.shape[2]),
        }

    def _rebuilt(self, kind: Callable[[XttsConfig], _ModuleT], prefix: str) -> _ModuleT:
        with torch.device("meta"):
            module = kind(self.config)
        weights = {name: self._tensor(prefix + name) for name in module.state_dict()}
        module.load_state_dict(weights, assign=True)  # drawn once, never copied: release size fits in 4 GB
        return module.requires_grad_(False).eval()

    def _tensor(self, name: str) -> Tensor:
        return seeded_tensor(name, self._shapes[name], int(self.case["seed"]))


def config_of(manifest: Mapping[str, Any]) -> XttsConfig:
    """Read the sizes of a manifest."""
    dvae = manifest["dvae_args"]
    sizes = {
        "num_codes": dvae["num_tokens"],
        "code_width": dvae["codebook_dim"],
        "width": dvae["hidden_dim"],
        "layers": dvae["num_layers"],
        "resblocks": dvae["num_resnet_blocks"],
        "kernel_size": dvae["kernel_size"],
    }
    own = {"num_mel_bins": dvae["channels"], "dvae": sizes}
    return XttsConfig.from_release({"model_args": manifest["model_args"], "escuta": own})


_FIRST = slice(CONDITIONING_SECONDS * 22050)
_PENALISED = "greedy_codes_repetition_penalty_10"

CHECKS: dict[str, tuple[Limit, Callable[[Subject], Tensor]]] = {
    "conditioning_mel": (ABSOLUTE, lambda s: conditioning_mel(s.case["wav_22050"][None, _FIRST], s.mel_stats_F)),
    "dvae_mel": (ABSOLUTE, lambda s: dvae_mel(s.case["wav_22050"][None], s.mel_stats_F)),
    "dvae_codes": (IDENTICAL, Subject.codes),
    "speaker_embedding": (RELATIVE, Subject.embedding),
    "gpt_cond_latents": (RELATIVE, lambda s: s.gpt.conditioning(s.case["conditioning_mel"])),
    "loss_text": (RELATIVE, lambda s: s.losses()["loss_text"]),
    "loss_mel": (RELATIVE, lambda s: s.losses()["loss_mel"]),
    "mel_logits": (RELATIVE, Subject.mel_logits),
    "greedy_codes": (IDENTICAL, lambda s: s.decoded("greedy_codes", penalty=1).tokens_K[None]),
    _PENALISED: (IDENTICAL, lambda s: s.decoded(_PENALISED, penalty=10).tokens_K[None]),
    "gpt_latents": (RELATIVE, lambda s: s.decoded(_PENALISED, penalty=10).hidden_KD[None]),
    "decoded_wav_24000": (SOUND, Subject.wav),
}
"""Every result of a case: its limit, and how escuta computes it from the case's other arrays."""


@dataclass(frozen=True, slots=True)
class Row:
    """One result, compared."""

    name: str
    error: str
    limit: str
    verdict: str
    """"ok", "MISS", or "missing" where the case lacks the result or what it is computed from."""


@torch.no_grad()
def compare(manifest: Mapping[str, Any], case: Case) -> Iterator[Row]:
    """Compare every result, in order, as it is computed."""
    checks: Mapping[str, tuple[Limit, Callable[[Any], Tensor]]] = CHECKS
    subject: Subject | f5_parity.Subject
    if is_f5(manifest):
        subject, checks = f5_parity.Subject(manifest, case), f5_parity.CHECKS
    else:
        subject = Subject(manifest, case)
    for name, (limit, ours) in checks.items():
        bound = f"{'≥' if limit.higher_is_better else '≤'} {limit.bound:g} {limit.unit}"
        try:
            theirs, found = case[name], ours(subject)
        except Absent as absent:
            yield Row(name, f"no {absent}", bound, "missing")
            continue
        if found.shape != theirs.shape:
            yield Row(name, f"{list(found.shape)}, not {list(theirs.shape)}", bound, "MISS")
            continue
        error = limit.measure(found, theirs)
        yield Row(name, f"{error:.3g}", bound, "ok" if limit.met_by(error) else "MISS")


def is_f5(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest is of an F5-TTS."""
    return "vocos" in manifest


def read_case(path: Path) -> Case:
    """Read the arrays of a case.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no NPZ.
    """
    try:
        with path.open("rb") as file:
            arrays = np.load(file)
            if isinstance(arrays, np.lib.npyio.NpzFile):
                return Case({name: torch.from_numpy(arrays[name]) for name in arrays.files})
    except (EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: no NPZ of arrays") from error
    raise ValueError(f"{path}: holds one array; expected an NPZ of several")


def main(arguments: list[str] | None = None) -> int:
    """Print a table of every result; return the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.parity", description="Compare escuta's models with their families' tools."
    )
    parser.add_argument("--manifest", type=Path, required=True, help="JSON with sizes and shapes")
    parser.add_argument("--case", type=Path, required=True, help="NPZ with inputs and results")
    options = parser.parse_args(arguments)
    try:
        manifest = json.loads(options.manifest.read_text())
        case = read_case(options.case)
        rows = list(compare(manifest, case))
    except KeyError as absent:
        parser.error(f"{options.manifest}: has no {absent}")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    peer = f5_parity.PEER if is_f5(manifest) else "coqui-tts 0.28.0"
    table = Table(title=f"{options.case.name}: escuta against {peer}")
    for heading in ("array", "error", "limit", ""):
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(row.name, row.error, row.limit, row.verdict)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    known = f5_parity.CHECKS.keys() | f5_parity.INPUTS if is_f5(manifest) else CHECKS.keys() | INPUTS
    if unknown := sorted(case.keys() - known):
        console.print(f"unknown, not compared: {', '.join(unknown)}")
    return int(any(row.verdict == "MISS" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
