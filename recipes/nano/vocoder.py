"""Teach the decoder to sound before there are latents to voice: `python -m recipes.nano.vocoder --steps 20000`.

What it hears stands for what the language model will know of a code: the mel frames of the code before for certain, and
its own often not at all. The language model learns to tell just these frames (`gpt.py`), so that the decoder can take
its latents instead (`decoder.py`) and only has to get used to them.

Shapes: B batch, F mel bins, M mel frames, K codes, D width, E embedding, S one stack of frames.
"""

from pathlib import Path

import torch
from recipes.nano.clips import Clip, find_clips
from recipes.nano.features import FRAMES_PER_CODE, codes_in
from recipes.nano.sizes import nano_config
from recipes.nano.sound import mel_difference
from recipes.nano.stage import Stage, learned, step_generator
from recipes.nano.voicing import BATCH, Crops, Voicing, crops_of
from recipes.nano.work import arguments
from torch import Tensor, nn
from torch.nn import functional

from escuta.models.xtts.config import XttsConfig
from recipes.nano import features

HEARD = (0, 2, 3)  # takes
UNHEARD = 0.6  # of all crops, those where a code's own frames are not told
JUDGED_FROM = 3000
FIGURE_STEPS = 1000
FIGURE_CLIPS = 24


def main() -> None:
    """Train up to a number of steps."""
    parser = arguments(__doc__)
    parser.add_argument("--steps", type=int, default=20000)
    chosen = parser.parse_args()
    train(chosen.work, chosen.steps, nano_config())


def train(work: Path, num_steps: int, config: XttsConfig) -> None:
    """Go on to so many steps in all."""
    torch.manual_seed(0)
    voicing = Voicing(config, nn.Linear(stack_width(config), config.gpt.width))
    stage = Stage(work, "vocoder", voicing.parts)
    if stage.step >= num_steps:
        return
    stats_F = learned(work, "dvae")["mel_stats"]
    stacks, wavs = prepare(work, find_clips(work), stats_F, HEARD)
    held_out = prepare(work, find_clips(work, ("validation", "held_out"))[:FIGURE_CLIPS], stats_F, (0,))
    nobody_NE = torch.zeros(len(stacks), config.speaker_encoder.embedding_width)
    for step in stage.steps(num_steps):
        crops = crops_of(config, stacks, wavs, nobody_NE, step)
        known_B11 = torch.rand(BATCH, 1, 1, generator=step_generator(-1 - step)) > UNHEARD
        crops = Crops(half_known(crops.latents_BKD, known_B11), crops.speaker_BE, crops.wav_BT)
        stage.saw(**voicing.learn(crops, step, judged=step >= JUDGED_FROM))
        if (step + 1) % FIGURE_STEPS == 0:
            stage.figure(held_out_mel=held_out_mel(config, voicing, held_out))


def prepare(
    work: Path, clips: list[Clip], stats_F: Tensor, takes: tuple[int, ...]
) -> tuple[list[Tensor], list[Tensor]]:
    """Stacks [K, S] and sound [T] of every take of every clip."""
    mels = features.read(work, clips, "mel", takes)
    wavs = features.read(work, clips, "wav", takes)
    return [stack(mel_FM, stats_F) for clip in mels for mel_FM in clip], [wav_T for clip in wavs for wav_T in clip]


def stack(log_mel_FM: Tensor, stats_F: Tensor) -> Tensor:
    """For each code the frames of the code before and its own, [K, S] in 16 bits; 0 is the mean of speech."""
    mel_MF = (log_mel_FM.float() / stats_F[:, None] - 1).T
    num_codes = codes_in(len(mel_MF))
    mel_MF = functional.pad(mel_MF, (0, 0, FRAMES_PER_CODE, num_codes * FRAMES_PER_CODE - len(mel_MF)))
    frames_KS = mel_MF.reshape(num_codes + 1, -1)
    return torch.cat([frames_KS[:-1], frames_KS[1:]], dim=1).half()


def stack_width(config: XttsConfig) -> int:
    """Numbers in one stack."""
    return 2 * FRAMES_PER_CODE * config.num_mel_bins


def half_known(stacks_BKS: Tensor, known_B11: Tensor) -> Tensor:
    """Leave out each code's own frames, unless they are known."""
    before, own = stacks_BKS.chunk(2, dim=2)
    return torch.cat([before, own * known_B11], dim=2)


@torch.no_grad()
def held_out_mel(config: XttsConfig, voicing: Voicing, held_out: tuple[list[Tensor], list[Tensor]]) -> float:
    """How far the sound of held-out clips is from the true one where a code's own frames are not told, in nepers."""
    nobody_NE = torch.zeros(len(held_out[0]), config.speaker_encoder.embedding_width)
    differences = []
    for step in range(4):
        crops = crops_of(config, *held_out, nobody_NE, step)
        said_BT = voicing.voice(half_known(crops.latents_BKD, torch.zeros(BATCH, 1, 1)), crops.speaker_BE)
        num_points = min(said_BT.shape[1], crops.wav_BT.shape[1])
        differences.append(mel_difference(said_BT[:, :num_points], crops.wav_BT[:, :num_points]))
    return float(torch.stack(differences).mean())


if __name__ == "__main__":
    main()
