"""Learn voices as vectors, by telling them apart: `python -m recipes.nano.speaker_encoder --steps 3000`.

Shapes: B batch, F mel bins, M mel frames, E embedding, V voices.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from recipes.nano.clips import Clip, find_clips
from recipes.nano.sizes import nano_config
from recipes.nano.stage import Average, Stage, in_half, step_generator
from recipes.nano.texts import read_plan
from recipes.nano.work import arguments
from torch import Tensor, nn
from torch.nn import functional

from escuta.audio.files import resample
from escuta.audio.mel import SPEAKER, speaker_mel
from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.speaker_encoder import SpeakerEncoder
from recipes.nano import features

BATCH = 48
CROP_FRAMES = 160  # 1.6 s
LEARNING_RATE = 2e-3
WARMUP = 200
STEADY = 1500  # steps, as in `gpt.py`
SCALE, MARGIN = 20.0, 0.15  # CosFace (arXiv:1801.09414), gentler: blends lie between their voices
FIGURE_STEPS = 500
TAKEN = (0, 2, 3)  # each speed of the tape is a voice of its own


class Listener(nn.Module):
    """The shipped encoder, and a direction for each voice."""

    def __init__(self, config: XttsConfig, num_voices: int) -> None:
        super().__init__()
        self.encoder = SpeakerEncoder(config)
        self.directions = nn.Parameter(torch.randn(num_voices, config.speaker_encoder.embedding_width))

    def forward(self, log_mel_BFM: Tensor, voices_B: Tensor) -> tuple[Tensor, Tensor]:
        """How hard it was to tell the voices, and how many were told right."""
        embeddings_BE = self.encoder(log_mel_BFM).float()
        likeness_BV = embeddings_BE @ functional.normalize(self.directions, dim=1).T
        loss = functional.cross_entropy(
            SCALE * (likeness_BV - MARGIN * functional.one_hot(voices_B, likeness_BV.shape[1])), voices_B
        )
        return loss, (likeness_BV.argmax(1) == voices_B).float().mean()


def main() -> None:
    """Train up to a number of steps, on the clips that are there when it begins."""
    parser = arguments(__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    chosen = parser.parse_args()
    train(chosen.work, chosen.steps, nano_config())


def train(work: Path, num_steps: int, config: XttsConfig) -> None:
    """Go on to so many steps in all."""
    clips = find_clips(work)
    voices = sorted({row["voice"] for row in read_plan(work) if row["split"] == "train"})
    torch.manual_seed(0)
    listener = Listener(config, len(voices) * len(TAKEN))
    average = Average(listener.encoder, decay=0.995)
    optimizer = torch.optim.AdamW(listener.parameters(), LEARNING_RATE, weight_decay=0.02, fused=True)
    parts = {"listener": listener, "average": average, "optimizer": optimizer}
    stage = Stage(work, "speaker_encoder", parts)
    if stage.step >= num_steps:
        return
    mels = [mel_FM for clip in speaker_mels(work, clips, TAKEN) for mel_FM in clip]
    names = torch.tensor([voices.index(clip.voice) * len(TAKEN) + take for clip in clips for take in range(len(TAKEN))])
    held_out = find_clips(work, ("held_out", "dora"))
    held_out_mels = [clip[0] for clip in speaker_mels(work, held_out, (0,))]
    for step in stage.steps(num_steps):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / WARMUP, (STEADY / (step + 1)) ** 0.5)
        listener.train()
        draws = step_generator(step)
        places = torch.randint(len(mels), (BATCH,), generator=draws)
        heard_BFM = torch.stack([crop(mels[place], draws) for place in places.tolist()])
        with in_half():
            loss, hits = listener(heard_BFM.float(), names[places])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update(step)
        stage.saw(loss=loss.detach(), hits=hits)
        if (step + 1) % FIGURE_STEPS == 0:
            stage.figure(**likenesses(config, average.state_dict(), held_out, held_out_mels))


def speaker_mels(work: Path, clips: Sequence[Clip], takes: Sequence[int]) -> list[list[Tensor]]:
    """What the encoder hears of each clip in each take, [F, M] in 16 bits."""
    return [
        [
            speaker_mel(
                torch.from_numpy(
                    resample((wav_T / features.FULL_SCALE).numpy(), features.WAV_RATE, SPEAKER.sample_rate)
                )[None]
            )[0].half()
            for wav_T in wavs
        ]
        for wavs in features.read(work, clips, "wav", takes)
    ]


def crop(mel_FM: Tensor, draws: torch.Generator) -> Tensor:
    """Some frames of a clip, which begins anew where it is too short."""
    mel_FM = mel_FM.repeat(1, -(-CROP_FRAMES // mel_FM.shape[1]))
    start = int(torch.randint(mel_FM.shape[1] - CROP_FRAMES + 1, (1,), generator=draws))
    return mel_FM[:, start : start + CROP_FRAMES]


@torch.no_grad()
def likenesses(
    config: XttsConfig, state: dict[str, Tensor], clips: Sequence[Clip], mels: Sequence[Tensor]
) -> dict[str, float]:
    """How near held-out clips of one voice are to each other, and to those of others (1 is the same)."""
    encoder = SpeakerEncoder(config).eval()
    encoder.load_state_dict(state)
    embeddings_NE = torch.cat([encoder(mel_FM.float()[None]) for mel_FM in mels])
    likeness_NN = embeddings_NE @ embeddings_NE.T
    same_NN = torch.tensor([[one.voice == other.voice for other in clips] for one in clips])
    itself_NN = torch.eye(len(clips), dtype=torch.bool)
    ranked = (likeness_NN - 2 * itself_NN.float()).argmax(1)
    return {
        "held_out_same": float(likeness_NN[same_NN & ~itself_NN].mean()),
        "held_out_other": float(likeness_NN[~same_NN].mean()),
        "nearest_is_same": float(same_NN[torch.arange(len(clips)), ranked].float().mean()),
    }


if __name__ == "__main__":
    main()
