"""Teach the language model to speak in codes: `python -m recipes.nano.gpt --steps 12000`.

Beside the loss of XTTS it learns to tell, from each of its latents, the sound of the code before and of the code to
come: a linear layer that does not ship, and latents that the decoder finds easier to voice.

It also sees some wrong codes among those it goes on from, so that it listens to the text, and some of its heads are
shown where in the text it is (`alignment.py`), the less the longer it has learned.

The DVAE is taken as it is when this stage begins, and kept with it: other codes would be another language.

Shapes: B batch, P positions of one segment, K codes, D width, S one stack of frames (see `vocoder.py`).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from recipes.nano.alignment import straying, watched
from recipes.nano.clips import find_clips
from recipes.nano.sizes import nano_config
from recipes.nano.speeches import Speeches
from recipes.nano.stage import Average, Stage, in_half, learned, read_stage, step_generator
from recipes.nano.vocoder import stack_width
from recipes.nano.work import arguments
from torch import Tensor, nn
from torch.nn import functional

from escuta.models.xtts.config import XttsConfig
from escuta.models.xtts.dvae import Dvae
from escuta.models.xtts.gpt import Gpt
from escuta.models.xtts.loss import Segment, cross_entropy, losses, text_segment
from escuta.text.tokenizer import Tokenizer

BATCH = 12
MAX_CODES = 240  # 11.1 s
LEARNING_RATE = 1.5e-3
WARMUP = 200
STEADY = 4000  # steps; then the learning rate falls with the root of their number
SOUND_WEIGHT = 2.0
WRONG = 0.2  # of the codes that the next is told from
UNTOLD = 0.1  # of all items, those without their text: what guidance leads away from
DROPOUT = 0.15  # with 0.1, two hours of speech were learned by heart from step 4000 on
GUIDED_STEPS = 2500  # in which the weight of being where the text is falls to a tenth
NEWS_STEPS = 250  # how often it looks for new clips
SEEN = {"mel": "loss_mel", "sound": "loss_sound", "straying": "loss_straying", "hits": "hits"}
FIGURE_STEPS = 500
FIGURE_CLIPS = 48
REFERENCE_SECONDS = 3.0


class Student(Gpt):
    """The language model while it learns; `sound.*` of its state does not ship."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__(config)
        self.sound = nn.Linear(config.gpt.width, stack_width(config))
        self.num_latents = config.conditioning.num_latents

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The losses of `Gpt`, with `loss_sound`, and `hits`: how often the likeliest code is the true one."""
        if self.training:
            untold_B = torch.rand(len(batch["text"])) < UNTOLD
            batch = {**batch, "text_lengths": batch["text_lengths"].masked_fill(untold_B, 0)}
        text, codes = self.segments(batch)
        wrong_BP = torch.zeros_like(codes.inputs_BP, dtype=torch.bool)
        if self.training:
            if torch.rand(()) < 0.5:  # as it is spoken with: the text with its stop
                text = self._stopped(batch["text"], batch["text_lengths"])
            codes, wrong_BP = self._mistaken(codes, batch["code_lengths"])
        with watched(self) as projected:
            text_BPD, codes_BPD = self._states(batch, text, codes)
        logits_BPV = self.mel_head(codes_BPD)
        found = losses(
            cross_entropy(self.text_head(text_BPD), text.targets_BP), cross_entropy(logits_BPV, codes.targets_BP)
        )
        num_codes = batch["stacks"].shape[1]
        real_BK = (torch.arange(num_codes) < batch["code_lengths"][:, None]) & ~wrong_BP[:, :num_codes]
        told = self.sound(codes_BPD[:, :num_codes][real_BK]).float()
        found["loss_sound"] = functional.smooth_l1_loss(told, batch["stacks"][real_BK].float(), beta=0.1)
        found["loss"] = found["loss"] + SOUND_WEIGHT * found["loss_sound"]
        found["loss_straying"] = straying(projected, self.config.heads, self.num_latents, text, codes)
        found["hits"] = (logits_BPV.argmax(2) == codes.targets_BP)[codes.counted_BP].float().mean()
        return found

    def code_latents(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The hidden states that the codes of a batch are chosen from, [B, K, D]."""
        latents_BPD: Tensor = self._states(batch, *self.segments(batch))[1]
        return latents_BPD[:, : batch["codes"].shape[1]]

    def _stopped(self, text_BN: Tensor, lengths_B: Tensor) -> Segment:
        """The text with its stop as a token like others."""
        place_P = torch.arange(text_BN.shape[1] + 1)
        text_BP = functional.pad(text_BN, (0, 1))
        stopped_BP = text_BP.masked_fill(place_P >= lengths_B[:, None], self.config.stop_text_token)
        return text_segment(stopped_BP, lengths_B + 1, self.config)

    def _mistaken(self, codes: Segment, lengths_B: Tensor) -> tuple[Segment, Tensor]:
        """Put other codes in the place of some that are real [B, P]: the start stays."""
        place_P = torch.arange(codes.inputs_BP.shape[1])
        wrong_BP = (torch.rand(codes.inputs_BP.shape) < WRONG) & (place_P > 0) & (place_P <= lengths_B[:, None])
        others_BP = torch.randint_like(codes.inputs_BP, self.config.start_audio_token)
        return replace(codes, inputs_BP=torch.where(wrong_BP, others_BP, codes.inputs_BP)), wrong_BP

    def _states(self, batch: Mapping[str, Tensor], text: Segment, codes: Segment) -> tuple[Tensor, Tensor]:
        latents_BLD = self.conditioning_of_each(batch["conditioning_mel"], batch["conditioning_lengths"])
        return self._hidden(text, codes, latents_BLD)


class Pupil:
    """The language model with its optimizers: Muon for the transformer's matrices, AdamW for all else."""

    def __init__(self, config: XttsConfig) -> None:
        torch.manual_seed(0)
        self.student = Student(replace(config, gpt=replace(config.gpt, dropout=DROPOUT)))
        for block in self.student.gpt.h:
            block.attn.dropout = 0.0  # every position of every pair of them: a tenth of a step
        self.dvae = nn.ModuleDict({"dvae": Dvae(config)})
        self.dvae.register_buffer("mel_stats", torch.ones(config.num_mel_bins))
        self.average = Average(self.student)
        matrices = [weight for weight in self.student.gpt.h.parameters() if weight.ndim == 2]
        others = [weight for weight in self.student.parameters() if all(weight is not one for one in matrices)]
        self.muon = torch.optim.Muon(
            matrices, LEARNING_RATE, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw"
        )
        self.adam = torch.optim.AdamW(others, LEARNING_RATE, betas=(0.9, 0.96), weight_decay=0.01, fused=True)

    @property
    def parts(self) -> dict[str, Any]:
        """What the stage keeps."""
        return {
            "student": self.student,
            "average": self.average,
            "dvae": self.dvae,
            "muon": self.muon,
            "adam": self.adam,
        }

    def learn(self, batch: Mapping[str, Tensor], step: int) -> dict[str, Tensor]:
        """Take one step."""
        for optimizer in (self.muon, self.adam):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate_at(step)
        self.student.train()
        with in_half():
            found = self.student(batch)
        loss = found["loss"] + guidance_at(step) * found["loss_straying"]
        for optimizer in (self.muon, self.adam):
            optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        for optimizer in (self.muon, self.adam):
            optimizer.step()
        self.average.update(step)
        return {name: loss.detach() for name, loss in found.items()}


def main() -> None:
    """Train up to a number of steps, with every clip that is there by then."""
    parser = arguments(__doc__)
    parser.add_argument("--steps", type=int, default=12000)
    chosen = parser.parse_args()
    train(chosen.work, chosen.steps, nano_config())


def train(work: Path, num_steps: int, config: XttsConfig) -> None:
    """Go on to so many steps in all."""
    pupil = Pupil(config)
    if read_stage(work, "gpt") is None:
        take_dvae(pupil.dvae, learned(work, "dvae"))
    stage = Stage(work, "gpt", pupil.parts)
    if stage.step >= num_steps:
        return
    speeches = speeches_for(work, pupil.dvae)
    take_in(work, speeches)
    held_out = speeches_for(work, pupil.dvae)
    # A validation clip is heard in its own voice alone, so held-out sentences of voices of training do better here.
    clips = [clip for clip in find_clips(work, ("held_out",)) if clip.id.endswith(("af_heart", "pm_alex"))]
    held_out.add(work, clips[:: max(1, len(clips) // FIGURE_CLIPS)], takes=(0,))
    for step in stage.steps(num_steps):
        if step % NEWS_STEPS == 0:
            take_in(work, speeches)
        found = pupil.learn(speeches.batch(BATCH, MAX_CODES, step_generator(step)), step)
        stage.saw(**{name: found[loss] for name, loss in SEEN.items()})
        if (step + 1) % FIGURE_STEPS == 0:
            stage.figure(takes=len(speeches), **held_out_losses(config, pupil.average.state_dict(), held_out))


def take_dvae(kept: nn.ModuleDict, state: Mapping[str, Tensor]) -> None:
    """Keep what ships of the DVAE."""
    kept.load_state_dict({name: tensor for name, tensor in state.items() if name in kept.state_dict()})


def take_in(work: Path, speeches: Speeches) -> None:
    """Add what was spoken since: Kokoro's clips in every take, eSpeak's, of which there are plenty, as they are."""
    speeches.add(work, find_clips(work))
    speeches.add(work, find_clips(work, ("spelling",)), takes=(0,), spelling=True)


def speeches_for(work: Path, dvae: nn.ModuleDict) -> Speeches:
    """No speeches yet, for one tokenizer and one DVAE."""
    return Speeches(Tokenizer(work / "vocab.json"), dvae["dvae"], dvae.mel_stats)


def learning_rate_at(step: int) -> float:
    """Of a step, from 0: it rises for the warm-up, stays, and falls without end."""
    return LEARNING_RATE * min(1.0, (step + 1) / WARMUP, (STEADY / (step + 1)) ** 0.5)


def guidance_at(step: int) -> float:
    """How much straying from where the text is weighs at a step, from 0."""
    return 0.3 * max(0.1, 1 - 0.9 * step / GUIDED_STEPS)


@torch.no_grad()
def held_out_losses(config: XttsConfig, state: Mapping[str, Tensor], speeches: Speeches) -> dict[str, float]:
    """The losses of held-out clips, each batch weighing the same."""
    student = Student(config).eval()
    student.load_state_dict(state)
    with in_half():
        found = [student(batch) for _, batch in speeches.each(BATCH, REFERENCE_SECONDS)]
    means = {name: float(torch.stack([one[loss] for one in found]).mean()) for name, loss in SEEN.items()}
    return {f"held_out_{name}": mean for name, mean in means.items()}


if __name__ == "__main__":
    main()
