"""The contract every model family keeps.

Everything else in escuta (training, sampling, scores, the page) knows a model by these names alone. A family is a
folder beside this file; its `model.py` holds the one class that keeps the contract.

Shapes: B batch, T wav frames.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from escuta.engine.linear import Precision
from escuta.models.families import Family
from escuta.models.lora import Adapters

Features: TypeAlias = Mapping[str, Tensor]
"""What the model needs of one clip to train on it: on the CPU, independent of trainable weights, computed once."""

Batch: TypeAlias = Mapping[str, Tensor]
"""Several clips' features, padded and cropped: what one micro step takes."""

Losses: TypeAlias = Mapping[str, Tensor]
"""Scalars: `loss`, which val_loss is the same of, and its parts, for people to read.

`loss_sound`, where a decoder learns, is minimised beside it: no weight learns from both.
"""

Reference: TypeAlias = Mapping[str, Tensor]
"""What the model needs of a reference recording to clone its voice: independent of trainable weights, on the CPU."""

Use: TypeAlias = Literal["features", "training", "decoder_training", "speaking"]
"""What a model is wanted for; the parts that no use needs are not loaded. `decoder_training` comes with `training`."""


@dataclass(frozen=True, slots=True)
class Generation:
    """How a model chooses what to say. None leaves a choice to the model's own release, or is not this family's."""

    temperature: float | None = None
    """Above 0; 1.0 leaves the distribution as it is."""
    top_k: int | None = None
    """Choose among the k most likely; 0 chooses among all."""
    top_p: float | None = None
    """Choose among the likeliest that together reach this probability, 0 to 1."""
    repetition_penalty: float | None = None
    """1.0 is none; logits of what was already said are divided (or, below zero, multiplied) by it."""
    greedy: bool = False
    """Always the likeliest: nothing is drawn, and temperature, top_k and top_p say nothing."""
    steps: int | None = None
    """On the way from noise to speech, where a family flows; more are slower and smoother."""
    guidance: float | None = None
    """How far to go beyond what is likely with the text, away from what is likely without; 0 is none."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a model said."""

    wav_T: Tensor
    """Float audio in [-1, 1], on the CPU."""
    sample_rate: int
    stop: Literal["ended", "limit"]
    """Whether every sentence ended by itself, or one was cut at the model's limit."""
    num_codes: int
    """Codes (or frames) generated, all sentences together."""
    num_sentences: int
    """Pieces a long text was spoken in."""
    generation: Generation
    """As asked, with the model's own choices filled in."""
    notes: tuple[str, ...] = ()
    """What was changed to say it, of the text or the reference, as phrases for people."""


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """What a model can train on."""

    min_seconds: float
    max_seconds: float
    max_text_tokens: int


@dataclass(frozen=True, slots=True)
class Learning:
    """What of a model learns, and how."""

    lora_rank: int | None = None
    """Of the adapters that learn in place of the matrices; None has the model itself learn."""
    lora_alpha: float | None = None
    """What adapters add is multiplied by alpha / rank; twice the rank when not given."""
    freeze: tuple[str, ...] = ()
    """Parts that stay as they are: conditioning, embeddings."""
    recomputes: bool = False
    """Whether activations are computed once more on the way back, rather than kept."""
    decoder: bool = False
    """Whether the decoder learns too: it was loaded for that."""


class VoiceModel(Protocol):
    """A model that learns a voice and speaks with it."""

    family: Family
    languages: tuple[str, ...]
    input_sample_rate: int
    """Of the recordings it takes, Hz."""
    sample_rate: int
    """Of what it speaks, Hz."""
    clip_limits: ClipLimits
    adapters: Adapters | None
    """What learns in place of the matrices, where `learn` chose so."""

    def language(self, asked: str) -> str:
        """Give the model's own name of a language, one of `languages`.

        Raises:
            LanguageError: The model does not speak it.
        """
        ...

    def text_problems(self, text: str, language: str, *, learning: bool = False) -> list[str]:
        """What keeps `text` from being spoken, or learned, as phrases for a message; empty when nothing does."""
        ...

    def features(self, wav_T: Tensor, text: str, language: str, *, sound: bool = False) -> Features:
        """Compute all that training needs of one clip, recorded at `input_sample_rate`.

        Args:
            wav_T: The clip.
            text: What it says.
            language: Of the text.
            sound: Whether a decoder is going to learn from it.
        """
        ...

    def collate(self, features: Sequence[Features], generator: torch.Generator | None) -> Batch:
        """Make a batch; random crops come from `generator`, and None takes a fixed crop (validation)."""
        ...

    @property
    def trainable(self) -> nn.Module:
        """The part that learns; called with a batch it returns `Losses`. A decoder that learns too is its `decoder`."""
        ...

    def learn(self, learning: Learning) -> None:
        """Choose what of the model learns, and how: once, before the first batch and after a checkpoint is loaded."""
        ...

    def num_targets(self, batch: Batch) -> Tensor:
        """Count what each part of the loss is the mean of.

        A batch that has a `num_targets` besides, the sum of several batches' own, is learned from as a part of them
        all: their losses add up to the mean over all.
        """
        ...

    def trained_tensors(self) -> Mapping[str, Tensor]:
        """The trainable tensors under the release's names, as a checkpoint and an export hold them.

        No copies, but for matrices that adapters are merged into.

        A model that was not loaded for training may leave them on disk: each is then read when it is asked for.
        """
        ...

    def load_trained(self, tensors: Mapping[str, Tensor], where: str) -> None:
        """Take `trained_tensors` of a checkpoint in place of the present ones; no copies, so none of the old change.

        A model that was not loaded for training may go on reading from `tensors` until others are loaded.

        Raises:
            CheckpointError: Names or shapes differ from this model's; `where` names the checkpoint.
        """
        ...

    @property
    def device(self) -> torch.device:
        """Where it speaks and learns."""
        ...

    def reference(self, wav_T: Tensor, text: str | None = None) -> Reference:
        """Compute all that speaking needs of a reference, recorded at `input_sample_rate`.

        Args:
            wav_T: The recording.
            text: What it says; not every family needs it.

        Raises:
            TextError: The family needs `text`.
            AudioError: Nothing can be cloned from the recording.
        """
        ...

    def pack(self, precision: Precision) -> None:
        """Speak from now on with packed weights, of this moment, until others are loaded or packed.

        Args:
            precision: "exact" speaks with the model's own weights, at every moment as they are.
        """
        ...

    def difference(self, clips: Sequence[Features], progress: Callable[[], None] | None = None) -> float:
        """How much packing changes what the model makes of held-out clips, relative to the exact; 0.0 for "exact".

        Of the loss, or of the power of what is predicted.

        Args:
            clips: A few of them, never learned from.
            progress: Called now and then.
        """
        ...

    def speak(
        self,
        text: str,
        reference: Reference,
        *,
        language: str,
        generation: Generation,
        seed: int,
        progress: Callable[[], None] | None = None,
    ) -> Spoken:
        """Say `text` in the voice of `reference`.

        The same weights, inputs and seed give the same audio on one machine. The random state of the process, the
        train mode and the gradients of the model are left as they were. `progress` is called now and then.

        Raises:
            TextError: Nothing of `text` can be spoken.
            LanguageError: The model does not speak `language`.
        """
        ...

    def speak_all(
        self,
        texts: Sequence[str],
        reference: Reference,
        *,
        language: str,
        generation: Generation,
        seed: int,
        progress: Callable[[], None] | None = None,
    ) -> list[Spoken]:
        """Say several texts in one batch, where the family can; each as `speak` would, but for the last bits.

        Raises:
            TextError: Some texts cannot be spoken; all are named.
            LanguageError: The model does not speak `language`.
        """
        ...

    def export(self, folder: Path) -> str | None:
        """Write the model as its family's own tools load it; say so where they cannot load this one."""
        ...
