"""Compute what every stage hears of the clips, once: `python -m recipes.nano.features` writes takes/ID.N.safetensors.

Shapes: T wav frames, F mel bins, M mel frames.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from recipes.nano.clips import TAKES, Clip, find_clips, read_wave
from recipes.nano.work import arguments, publish
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from escuta.audio.mel import CONDITIONING, DVAE, conditioning_mel, dvae_mel

WAV_RATE = 24000
NO_STATS = torch.ones(DVAE.num_bins)
FULL_SCALE = 32767
FRAMES_PER_CODE = 1024 // CONDITIONING.hop


def main() -> None:
    """Compute what is missing of every clip of Kokoro's."""
    work: Path = arguments(__doc__).parse_args().work
    clips = find_clips(work, ("train", "validation", "held_out", "dora"))
    for place, clip in enumerate(clips, 1):
        for number in range(len(TAKES)):
            compute(work, clip, number)
        if place % 200 == 0:
            print(f"{place} of {len(clips)} clips", flush=True)
    print(f"{len(clips)} clips heard")


def compute(work: Path, clip: Clip, number: int) -> Path:
    """Write down one take of a clip, unless it is there."""
    path = work / "takes" / f"{clip.id}.{number}.safetensors"
    if not path.exists():
        low_1T = torch.from_numpy(read_wave(work, clip, DVAE.sample_rate, TAKES[number]))[None]
        high_T = torch.from_numpy(read_wave(work, clip, WAV_RATE, TAKES[number]))
        tensors = {
            "wav": (high_T.clamp(-1, 1) * FULL_SCALE).round().short(),
            "mel": conditioning_mel(low_1T, NO_STATS)[0].half().contiguous(),
            "dvae": dvae_mel(low_1T, NO_STATS)[0].half().contiguous(),
        }
        publish(path, save(tensors))
    return path


def read(work: Path, clips: Sequence[Clip], kind: str, takes: Sequence[int] = range(len(TAKES))) -> list[list[Tensor]]:
    """One kind of feature of each clip, in each take: `wav` [T], or `mel` or `dvae` [F, M], not divided by anything."""
    return [[_read(compute(work, clip, number), kind) for number in takes] for clip in clips]


def _read(path: Path, kind: str) -> Tensor:
    with safe_open(path, "pt") as file:
        return file.get_tensor(kind)


def codes_in(num_mel_frames: int) -> int:
    """How many codes there are of so many frames."""
    return -(-num_mel_frames // FRAMES_PER_CODE)


if __name__ == "__main__":
    main()
