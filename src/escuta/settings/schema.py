"""What a user may choose, every default once."""

from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["background", "inline", "isolated", "off"]
Tracker = Literal["tensorboard", "wandb", "trackio", "mlflow", "aim", "comet_ml", "clearml", "dvclive", "swanlab"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class DataSettings(_Section):
    """Which clips are learned from."""

    max_clips: int | None = Field(default=None, ge=1)
    """Train on this many clips at most; held-out clips are not counted."""

    max_clip_seconds: float | None = Field(default=None, gt=0)
    """Longer clips are left out; the model's own limit when not given."""

    held_out_share: float = Field(default=0.05, gt=0, lt=0.5)
    """Share of the clips kept apart for validation and for speaking; at least 2 clips."""

    cache: Path | None = None
    """Folder of computed features, shared by all runs; escuta/features in the user's cache when not given."""


class TrainingSettings(_Section):
    """How the model learns."""

    epochs: int = Field(default=10, ge=1)
    """Passes over the training clips; when not given, fewer for more than 40 minutes of them, 3 at least."""

    batch_size: int = Field(default=2, ge=1)
    """Clips in one micro step, at most."""

    batch_seconds: float | None = Field(default=None, gt=0)
    """Seconds of audio in one micro step at most, padding counted; only batch_size counts when not given."""

    accumulation_steps: int = Field(default=1, ge=1)
    """Micro steps in one optimizer step."""

    learning_rate: float = Field(default=5e-6, gt=0)
    """Of AdamW, after the warm-up."""

    decoder_learning_rate: float | None = Field(default=None, gt=0)
    """Of XTTS's decoder, which turns what the language model says into sound; it does not learn when not given."""

    warmup_steps: int | None = Field(default=None, ge=0)
    """Optimizer steps in which the learning rate rises to its value; 50, or a tenth of all, when not given."""

    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """What the learning rate does after the warm-up: stay, or fall to 0 by the end of the last epoch."""

    weight_decay: float = Field(default=1e-2, ge=0)
    """Of matrices; biases, norms and embeddings have none."""

    max_grad_norm: float = Field(default=1.0, gt=0)
    """Longer gradients are shortened to this norm."""

    precision: Literal["auto", "fp32", "tf32", "bf16"] = "auto"
    """Of the arithmetic; weights stay in fp32. auto takes bf16 where the device computes in it, else fp32."""

    optimizer: Literal["auto", "adamw", "adamw_bf16", "adamw8bit"] = "auto"
    """AdamW with moments in fp32, in bf16, or in 8 bits (bitsandbytes); auto has them in bf16 where precision is."""

    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Average the weights over the steps, 0.999 staying at each; the mean speaks and is exported; none if not given."""

    lora_rank: int | None = Field(default=None, ge=1)
    """Learn low-rank additions to the matrices instead of the model itself: little memory; 8 to 64 are usual."""

    lora_alpha: float | None = Field(default=None, gt=0)
    """What they add is multiplied by alpha / rank; twice the rank when not given."""

    freeze: tuple[Literal["conditioning", "embeddings"], ...] | None = None
    """Parts of the model that do not learn: conditioning, embeddings, or both; all learn when not given."""

    activation_checkpointing: bool = False
    """Compute activations twice rather than keep them: less memory, a step takes a third longer."""

    compile: bool = False
    """Compile the model with torch.compile: slow first steps, faster ones after; needs a compiler."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto takes a GPU where there is one."""

    save_every_n_epochs: int = Field(default=1, ge=1)
    """A checkpoint every so many epochs; one more whenever val_loss improves."""

    keep_last: int = Field(default=3, ge=1)
    """Checkpoints kept besides the best; those waiting to be spoken are never removed."""

    keep_top: int = Field(default=1, ge=1)
    """Checkpoints kept for their scores besides those, the best by score among them."""

    save_state_minutes: float = Field(default=10, gt=0)
    """Save the state within an epoch too, every so many minutes: a kill costs no more than these."""

    patience: int | None = Field(default=None, ge=1)
    """End after this many epochs in a row in which val_loss, or what stop_on says, did not improve."""

    stop_on: Literal["val_loss", "score"] = "val_loss"
    """What patience waits for: a lower val_loss, or a sample that is better by score."""

    max_minutes: float | None = Field(default=None, gt=0)
    """End after so many minutes, counted from each start."""

    max_bad_steps: int = Field(default=5, ge=1)
    """Stop after this many steps in a row without a finite loss."""

    trackers: tuple[Tracker, ...] | None = None
    """Where numbers and samples go besides the run's folder; tensorboard when not given and installed."""

    @property
    def learns_sound(self) -> bool:
        """Whether the decoder learns too."""
        return self.decoder_learning_rate is not None


class SamplingSettings(_Section):
    """How checkpoints speak."""

    mode: Mode = "background"
    """Who speaks: a child process beside training, the training process, a fresh process a sample, or nobody."""

    every_n_epochs: int | None = Field(default=None, ge=1)
    """Speak every so many epochs; every saved checkpoint when not given."""

    every_n_steps: int | None = Field(default=None, ge=1)
    """Speak within an epoch too, every so many optimizer steps."""

    best_samples: bool = True
    """Speak whenever val_loss improves, and keep that sample in samples/best/."""

    num_sentences: int = Field(default=2, ge=1)
    """Sentences taken from held-out clips."""

    sentences: Path | None = None
    """A text file, one sentence a line, to speak instead of held-out ones."""

    reference: Path | None = None
    """A recording to clone the voice from, instead of a held-out clip."""

    reference_text: str | None = None
    """What that recording says, which F5-TTS needs to know; of a clip it is known."""

    sample_rate: Literal[22050, 24000] = 22050
    """Of the sample files."""

    precision: Literal["auto", "exact", "bf16", "int8"] = "auto"
    """Of the weights that speak: exact is the exported model to the bit; auto is the fastest
    that was found faithful: int8 on a CPU (bf16 for F5-TTS, where it has AMX), bf16 on a GPU."""

    temperature: float | None = Field(default=None, gt=0)
    """Of choosing the next code; the model's own when not given."""

    top_k: int | None = Field(default=None, ge=0)
    """Choose among the k likeliest codes; the model's own when not given."""

    top_p: float | None = Field(default=None, gt=0, le=1)
    """Choose among the likeliest codes that together reach this probability; the model's own when not given."""

    repetition_penalty: float | None = Field(default=None, gt=0)
    """Above 1 discourages codes already said; the model's own when not given."""

    steps: int | None = Field(default=None, ge=1)
    """Of F5-TTS from noise to speech: more are slower and smoother; 16 when not given."""

    guidance: float | None = Field(default=None, ge=0)
    """How far to go towards the text (F5-TTS: and the voice), away from what is likely without; 0 is not at all; the
    model's own when not given: of XTTS-v2 0, of nano 1.8, of F5-TTS 2."""

    device: str = Field(default="cpu", pattern=r"^(cpu|mps|cuda(:\d+)?)$")
    """Where the speaking process computes: cpu, or a GPU that training leaves free, as cuda:1."""

    threads: int | None = Field(default=None, ge=1)
    """CPU threads of the process that speaks; half of the cores when not given."""

    timeout_seconds: float = Field(default=300, gt=0)
    """A speaking process that is silent for so long is taken for hung and started again."""


class ScoreSettings(_Section):
    """How samples are judged."""

    enabled: bool = True
    """Score every sample, in a process of its own beside training."""

    recogniser: str = "base"
    """What listens for the words: tiny, base, small, medium, large-v3 or turbo of Whisper, or a folder of one."""

    device: str = Field(default="cpu", pattern=r"^(cpu|cuda(:\d+)?)$")
    """Where the recogniser computes: cpu, or a GPU that training leaves free, as cuda:1."""

    num_seeds: int = Field(default=3, ge=1)
    """The base model and the best checkpoint speak with so many seeds, so that the noise of each score is known."""

    rule: str | None = None
    """A rule of your own for the best checkpoint, as my_rules.py:choose; escuta's own when not given."""


class Settings(_Section):
    """All settings of one run."""

    base: str = "auto"
    """The model to start from: a folder, xtts-v2, f5-tts, nano, random, random-f5 or auto."""

    language: str | None = None
    """Language of the clips, as the model names it: pt, en, es, ..."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    """Of everything random: the split, the order of clips, crops, dropout, samples."""

    data: DataSettings = DataSettings()
    training: TrainingSettings = TrainingSettings()
    sampling: SamplingSettings = SamplingSettings()
    scores: ScoreSettings = ScoreSettings()


def settings_toml(settings: Settings) -> str:
    """Write `settings` as a TOML file that `load_settings` reads back; what is None is left out."""
    return tomli_w.dumps(settings.model_dump(mode="json", exclude_none=True))


def setting_names() -> list[str]:
    """Every dotted name, in order."""
    names = []
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            names += [f"{name}.{inner}" for inner in section.model_fields]
        else:
            names.append(name)
    return names
