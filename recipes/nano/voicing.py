"""How a decoder learns to voice latents, wherever these come from.

Shapes: B batch, K codes, D width, E embedding, T wav frames.
"""

from dataclasses import dataclass

import torch
from recipes.nano.features import FULL_SCALE, WAV_RATE
from recipes.nano.flat import flattened
from recipes.nano.sound import Discriminators, fooling_losses, mel_difference, telling_loss
from recipes.nano.stage import Average, in_half, step_generator
from torch import Tensor, nn

from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.decoder import WaveformDecoder

BATCH = 8
CROP_CODES = 14  # 0.65 s
EDGE_POINTS = 768  # at both ends of a crop the decoder lacks what it would hear in a sentence
LEARNING_RATES = {"voices": 5e-4, "judges": 2e-4}
BETAS = (0.8, 0.99)  # HiFi-GAN
MEL_WEIGHT, MATCHING_WEIGHT, FOOLING_WEIGHT = 15.0, 2.0, 1.0


@dataclass(frozen=True, slots=True)
class Crops:
    """What one step hears."""

    latents_BKD: Tensor
    speaker_BE: Tensor
    wav_BT: Tensor


class Voicing:
    """A decoder, what makes its input of features, the judges, and their optimizers.

    Args:
        config: Of the model.
        front: Features to latents; `nn.Identity` where they are latents already.
    """

    def __init__(self, config: XttsConfig, front: nn.Module) -> None:
        self.voices = nn.ModuleDict({"front": front, "decoder": flattened(WaveformDecoder(config))})
        self.judges = Discriminators()
        self.average = Average(self.voices)
        self._voices_optimizer = _adam(self.voices, LEARNING_RATES["voices"])
        self._judges_optimizer = _adam(self.judges, LEARNING_RATES["judges"])

    @property
    def parts(self) -> dict[str, Average | nn.Module | torch.optim.Optimizer]:
        """What a stage keeps."""
        return {
            "voices": self.voices,
            "judges": self.judges,
            "average": self.average,
            "voices_optimizer": self._voices_optimizer,
            "judges_optimizer": self._judges_optimizer,
        }

    def learn(self, crops: Crops, step: int, *, judged: bool) -> dict[str, float]:
        """Take one step, and say how it went.

        Args:
            crops: What is heard.
            step: Its number.
            judged: Whether the judges take part.
        """
        true_BT = crops.wav_BT[:, EDGE_POINTS:-EDGE_POINTS]
        said_BT = self.voice(crops.latents_BKD, crops.speaker_BE)
        num_points = min(said_BT.shape[1], crops.wav_BT.shape[1])
        said_BT = said_BT[:, :num_points][:, EDGE_POINTS : EDGE_POINTS + true_BT.shape[1]]
        true_BT = true_BT[:, : said_BT.shape[1]]
        losses = {"mel": mel_difference(said_BT, true_BT)}
        loss = MEL_WEIGHT * losses["mel"]
        if judged:
            with in_half():
                true, said = self.judges(true_BT, step), self.judges(said_BT.detach(), step)
            losses["telling"] = telling_loss(true, said)
            _step(self._judges_optimizer, losses["telling"], self.judges)
            self.judges.requires_grad_(False)
            with in_half():
                losses["fooling"], losses["matching"] = fooling_losses(true, self.judges(said_BT, step))
            self.judges.requires_grad_(True)
            loss = loss + FOOLING_WEIGHT * losses["fooling"] + MATCHING_WEIGHT * losses["matching"]
        _step(self._voices_optimizer, loss, self.voices)
        self.average.update(step)
        return {name: float(value.detach()) for name, value in losses.items()}

    def voice(self, features_BKD: Tensor, speaker_BE: Tensor) -> Tensor:
        """Voice features, [B, T]."""
        with in_half():
            wav_BT: Tensor = self.voices["decoder"](self.voices["front"](features_BKD), speaker_BE)
        return wav_BT.float()


def _adam(module: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(module.parameters(), learning_rate, betas=BETAS, weight_decay=1e-3, fused=True)


def _step(optimizer: torch.optim.Optimizer, loss: Tensor, module: nn.Module) -> None:
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(module.parameters(), 100.0)
    optimizer.step()


def crops_of(config: XttsConfig, features: list[Tensor], wavs: list[Tensor], speakers_NE: Tensor, step: int) -> Crops:
    """Cut a batch for one step.

    Args:
        config: Of the model.
        features: Of each clip, [K, D], in any bits.
        wavs: Of each clip, 16 bits [T].
        speakers_NE: Of each clip.
        step: Its number, which draws.
    """
    draws = step_generator(step)
    points_per_code = config.gpt.code_stride * WAV_RATE / config.sample_rate
    num_points = int(CROP_CODES * points_per_code)
    cut, sounds = [], []
    chosen = torch.randint(len(features), (BATCH,), generator=draws).tolist()
    for place in chosen:
        num_codes = int(len(wavs[place]) / points_per_code)  # the last code is longer than the sound
        start = int(torch.rand((), generator=draws) * max(1, num_codes - CROP_CODES + 1))
        first_point = round(start * points_per_code)
        cut.append(_filled(features[place][start : start + CROP_CODES].float(), CROP_CODES))
        sounds.append(_filled(wavs[place][first_point : first_point + num_points].float() / FULL_SCALE, num_points))
    return Crops(torch.stack(cut), speakers_NE[chosen], torch.stack(sounds))


def _filled(x: Tensor, length: int) -> Tensor:
    """`x` with zeros after its end where it is too short."""
    return torch.cat([x, x.new_zeros(length - len(x), *x.shape[1:])]) if len(x) < length else x
