"""Compute what every stage hears of the clips, once: `python -m recipes.nano.features` writes takes/ID.safetensors.

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
    """Compute what is missing for all splits."""
    work: Path = arguments(__doc__).parse_args().work
    clips = find_clips(work, ("train", "validation", "held_out", "dora"))
    for place, clip in enumerate(clips, 1):
        compute(work, clip)
        if place % 200 == 0:
            print(f"{place} of {len(clips)} clips", flush=True)
    print(f"{len(clips)} clips heard")


def compute(work: Path, clip: Clip) -> Path:
    """Write down one clip, in every take, unless it is there."""
    path = work / "takes" / f"{clip.id}.safetensors"
    if not path.exists():
        tensors = {}
        for number, take in enumerate(TAKES):
            low_1T = torch.from_numpy(read_wave(work, clip, DVAE.sample_rate, take))[None]
            high_T = torch.from_numpy(read_wave(work, clip, WAV_RATE, take))
            tensors |= {
                f"{number}.wav": (high_T.clamp(-1, 1) * FULL_SCALE).round().short(),
                f"{number}.mel": conditioning_mel(low_1T, NO_STATS)[0].half().contiguous(),
                f"{number}.dvae": dvae_mel(low_1T, NO_STATS)[0].half().contiguous(),
            }
        publish(path, save(tensors))
    return path


def read(work: Path, clips: Sequence[Clip], kind: str, takes: Sequence[int] = range(len(TAKES))) -> list[list[Tensor]]:
    """One kind of feature of each clip, in each take: `wav` [T], or `mel` or `dvae` [F, M], not divided by anything."""
    found = []
    for clip in clips:
        with safe_open(compute(work, clip), "pt") as file:
            found.append([file.get_tensor(f"{number}.{kind}") for number in takes])
    return found


def codes_in(num_mel_frames: int) -> int:
    """How many codes there are of so many frames."""
    return -(-num_mel_frames // FRAMES_PER_CODE)


if __name__ == "__main__":
    main()
