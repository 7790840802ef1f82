"""Learn to write sound as codes and back: `python -m recipes.nano.dvae --steps 12000`.

The encoder and the codebook ship; the decoder here is only to train them.

Shapes: B batch, F mel bins, M mel frames, K codes, D code width, V codebook.
"""

from pathlib import Path

import torch
from recipes.nano.clips import find_clips
from recipes.nano.sizes import nano_config
from recipes.nano.stage import Average, Stage, in_half, step_generator
from recipes.nano.work import arguments
from torch import Tensor, nn
from torch.nn import functional

from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.dvae import Dvae, _ResidualBlock
from recipes.nano import features

BATCH = 32
CROP_FRAMES = 96  # 1.1 s
LEARNING_RATE = 1e-3
COMMITMENT = 0.25
CODEBOOK_DECAY = 0.99
REBORN_STEPS = 200  # how often codes that nobody uses are put elsewhere
RARE = 0.02  # of the mean use
FIGURE_STEPS = 2000
HEARD = (0, 2, 3)  # takes


class Autoencoder(nn.Module):
    """The shipped half, its mirror image, and how often each code was used."""

    cluster_size: Tensor
    embed_sum: Tensor
    mel_stats: Tensor

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        sizes = config.dvae
        wide = sizes.width * 2 ** (sizes.layers - 1)
        self.dvae = Dvae(config)
        self.decoder = nn.Sequential(
            nn.Conv1d(sizes.code_width, wide, 3, padding=1),
            *(_ResidualBlock(wide) for _ in range(sizes.resblocks)),
            nn.ConvTranspose1d(wide, wide // 2, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose1d(wide // 2, wide // 2, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv1d(wide // 2, config.num_mel_bins, 3, padding=1),
        )
        self.register_buffer("cluster_size", torch.ones(sizes.num_codes))
        self.register_buffer("embed_sum", self.dvae.codebook.embed.clone())
        self.register_buffer("mel_stats", torch.ones(config.num_mel_bins))

    def forward(self, mel_BFM: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The mel as the codes have it [B, F, M], the codes [B, K], what they stand for and what they stood for."""
        vectors_BKD = self.dvae.encoder(mel_BFM).transpose(1, 2)
        codes_BK = self.dvae.codebook(vectors_BKD)
        nearest_BKD = functional.embedding(codes_BK, self.dvae.codebook.embed.T)
        passed_BKD = vectors_BKD + (nearest_BKD - vectors_BKD).detach()  # straight through
        return self.decoder(passed_BKD.transpose(1, 2)), codes_BK, vectors_BKD, nearest_BKD

    @torch.no_grad()
    def learn_codebook(self, codes_BK: Tensor, vectors_BKD: Tensor, step: int) -> None:
        """Move each code towards the vectors that chose it. Source: VQ-VAE (arXiv:1711.00937), appendix A."""
        vectors_ND, num_codes = vectors_BKD.flatten(0, 1), len(self.cluster_size)
        if step == 0:
            self._put_anywhere(torch.arange(num_codes), vectors_ND)
        chosen_NV = functional.one_hot(codes_BK.flatten(), num_codes).float()
        self.cluster_size.lerp_(chosen_NV.sum(0), 1 - CODEBOOK_DECAY)
        self.embed_sum.lerp_(vectors_ND.T @ chosen_NV, 1 - CODEBOOK_DECAY)
        if step and step % REBORN_STEPS == 0:
            rare = self.cluster_size < RARE * self.cluster_size.mean()
            self._put_anywhere(rare.nonzero().flatten(), vectors_ND)
        self.dvae.codebook.embed.copy_(self.embed_sum / self.cluster_size.clamp(min=1e-3))

    def _put_anywhere(self, codes: Tensor, vectors_ND: Tensor) -> None:
        places = torch.randint(len(vectors_ND), (len(codes),))
        self.cluster_size[codes] = self.cluster_size.mean()
        self.embed_sum[:, codes] = vectors_ND[places].T * self.cluster_size[codes]


def main() -> None:
    """Train up to a number of steps."""
    parser = arguments(__doc__)
    parser.add_argument("--steps", type=int, default=12000)
    chosen = parser.parse_args()
    train(chosen.work, chosen.steps, nano_config())


def train(work: Path, num_steps: int, config: XttsConfig) -> None:
    """Go on to so many steps in all."""
    torch.manual_seed(0)
    model = Autoencoder(config)
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    average = Average(model)
    stage = Stage(work, "dvae", {"model": model, "average": average, "optimizer": optimizer})
    if stage.step >= num_steps:
        return
    log_mels = [mel_FM.float() for clip in features.read(work, find_clips(work), "dvae", HEARD) for mel_FM in clip]
    if stage.step == 0:
        model.mel_stats.copy_(torch.cat(log_mels, dim=1).mean(1))  # as the release: of each bin the mean
        average.load_state_dict(model.state_dict())
    held_out_clips = find_clips(work, ("validation", "held_out"))
    held_out = [clip[0].float() for clip in features.read(work, held_out_clips, "dvae", (0,))]
    stats_F1 = model.mel_stats[:, None]
    for step in stage.steps(num_steps):
        mel_BFM = crops(log_mels, step) / stats_F1
        with in_half():
            said_BFM, codes_BK, vectors_BKD, nearest_BKD = model(mel_BFM)
        difference = (said_BFM.float() - mel_BFM) * stats_F1
        commitment = functional.mse_loss(vectors_BKD.float(), nearest_BKD.float())
        loss = functional.smooth_l1_loss(difference, torch.zeros_like(difference)) + COMMITMENT * commitment
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.learn_codebook(codes_BK, vectors_BKD.detach().float(), step)
        average.update(step)
        stage.saw(error=difference.detach().abs().mean(), commitment=commitment.detach())
        if (step + 1) % FIGURE_STEPS == 0:
            stage.figure(**figures(average.state_dict(), config, held_out))


def crops(log_mels: list[Tensor], step: int) -> Tensor:
    """What one step hears, [B, F, M]: a clip that is too short begins anew."""
    draws = step_generator(step)
    chosen = []
    for place in torch.randint(len(log_mels), (BATCH,), generator=draws).tolist():
        mel_FM = log_mels[place]
        mel_FM = mel_FM.repeat(1, -(-CROP_FRAMES // mel_FM.shape[1]))
        start = int(torch.randint(mel_FM.shape[1] - CROP_FRAMES + 1, (1,), generator=draws))
        chosen.append(mel_FM[:, start : start + CROP_FRAMES])
    return torch.stack(chosen)


@torch.no_grad()
def figures(state: dict[str, Tensor], config: XttsConfig, log_mels: list[Tensor]) -> dict[str, float]:
    """How wrong the spectrograms of held-out clips come back, in nepers of power, and how many codes they use."""
    model = Autoencoder(config)
    model.load_state_dict(state)
    errors, counts = [], torch.zeros(config.dvae.num_codes)
    for mel_FM in log_mels:
        said_BFM, codes_BK, *_ = model(mel_FM[None] / model.mel_stats[:, None])
        num_frames = min(said_BFM.shape[2], mel_FM.shape[1])
        said_FM = said_BFM[0, :, :num_frames] * model.mel_stats[:, None]
        errors.append((said_FM - mel_FM[:, :num_frames]).abs().mean())
        counts += codes_BK[0].bincount(minlength=len(counts))
    shares = counts / counts.sum()
    perplexity = float(torch.exp(-(shares * shares.clamp(min=1e-9).log()).sum()))
    return {"held_out_error": float(torch.stack(errors).mean()), "codes_in_use": perplexity}


if __name__ == "__main__":
    main()
