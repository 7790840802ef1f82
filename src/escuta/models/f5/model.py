"""F5-TTS as the rest of escuta knows it.

Shapes: B batch, T wav frames, F mel bins, M mel frames, N text tokens.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn

from escuta.audio.mel import VOCOS, vocos_mel
from escuta.engine.allocation import holes_given_back
from escuta.engine.linear import Precision
from escuta.errors import TextError
from escuta.messages import _
from escuta.models.base import Batch, ClipLimits, Features, Generation, Learning, Reference, Spoken, Use
from escuta.models.blank import blank
from escuta.models.f5.batch import collate
from escuta.models.f5.dit import Dit
from escuta.models.f5.export import export
from escuta.models.f5.faithfulness import flow_difference
from escuta.models.f5.loss import num_targets
from escuta.models.f5.packed import PackedDit
from escuta.models.f5.reference import heard, notes_on
from escuta.models.f5.sampler import sample
from escuta.models.f5.speak import joined, piece_seconds, pieces, utterance
from escuta.models.f5.vocabulary import read_vocabulary
from escuta.models.f5.vocos import Vocos
from escuta.models.f5.weights import PREFIXES, Part, Weights, load_weights, shapes_of
from escuta.models.families import Family
from escuta.models.lora import Adapters
from escuta.models.released import ReleasedTensors
from escuta.run.mapped import MappedTensors
from escuta.text.languages import LANGUAGES, language_code

PARTS: Mapping[Use, tuple[Part, ...]] = {"features": (), "training": ("dit",), "speaking": ("dit", "vocos")}
"""What each use of a model needs of it."""

FROZEN: Mapping[str, tuple[str, ...]] = {"conditioning": ("input_embed",), "embeddings": ("text_embed",)}
"""Parts of the network that need not learn: what hears the recording, and what reads the text."""

ADAPTED = re.compile(r"transformer_blocks\.\d+\.(attn|ff)\..+")
"""Whose matrices adapters stand beside."""

MIN_CLIP_SECONDS, MAX_CLIP_SECONDS = 0.3, 30.0
"""Of clips that the release learned from. Source: f5-tts 1.1.22, model/dataset.py."""
MAX_TEXT_TOKENS = 1000
"""A guess: more are not said in `MAX_CLIP_SECONDS`."""

LOOKS = 4
"""How often a held-out clip is guessed: what is hard differs from time to time more than from clip to clip."""

NUM_STEPS = 16
"""The pruned schedule of 16 steps is as good as 32 even ones (arXiv:2505.19931)."""
GUIDANCE = 2.0
"""Source: f5-tts 1.1.22, infer/utils_infer.py cfg_strength."""


class F5:
    """An F5-TTS with the parts that its uses need.

    A model that does not learn leaves its network on disk, and takes into memory what it speaks with.

    Args:
        weights: Sizes, tensors and files.
        uses: What it is wanted for.
        device: Where the network and the vocoder compute; all else stays on the CPU.
    """

    family: Family = "f5"
    languages = LANGUAGES
    input_sample_rate = VOCOS.sample_rate
    sample_rate = VOCOS.sample_rate
    clip_limits = ClipLimits(MIN_CLIP_SECONDS, MAX_CLIP_SECONDS, MAX_TEXT_TOKENS)

    def __init__(self, weights: Weights, uses: Collection[Use], device: str) -> None:
        self._config = weights.config
        self._folder = weights.files.model.parent
        self._vocabulary = read_vocabulary(weights.files.vocab)
        self._device = torch.device(device)
        self.adapters: Adapters | None = None
        self._packed: PackedDit | None = None
        self._dit: Dit | None = None
        self._source: ReleasedTensors | None = None
        self._vocos: Vocos | None = None
        parts = {part for use in uses for part in PARTS[use]}
        if "vocos" in parts:
            with blank():
                self._vocos = Vocos(self._config.vocos).eval()
            self._vocos.load_state_dict(MappedTensors(weights.part("vocos")), assign=True)
            self._vocos.requires_grad_(False).to(self._device)
        if "dit" in parts:
            if "training" in uses:
                with blank():
                    self._dit = Dit(self._config.dit).eval().to(self._device)
            of_dit = {name: weights.tensors[name] for name in shapes_of(self._config, ["dit"])}
            self.load_trained(MappedTensors(of_dit), where=str(self._folder))

    # --- learning ---

    def language(self, asked: str) -> str:
        """Give the name of a language as escuta has it; the model itself knows characters alone.

        Raises:
            LanguageError: Nobody here knows how its sentences end.
        """
        return language_code(asked)

    def text_problems(self, text: str, language: str, *, learning: bool = False) -> list[str]:
        """What keeps `text` from being spoken, or learned, as phrases for a message."""
        del language
        encoded = self._vocabulary.encode(text)
        problems = []
        if learning and encoded.unknown:
            names = " ".join(repr(one) for one in encoded.unknown)
            problems.append(_("the vocabulary lacks {characters}").format(characters=names))
        if not encoded.says_something:
            problems.append(_("there is nothing to say"))
        if learning and len(encoded.ids) > self.clip_limits.max_text_tokens:
            problems.append(
                _("{n} text tokens, of which the model learns {limit} at most").format(
                    n=len(encoded.ids), limit=self.clip_limits.max_text_tokens
                )
            )
        return problems

    def features(self, wav_T: Tensor, text: str, language: str, *, sound: bool = False) -> Features:
        """Compute text tokens `text` [N] and the `mel` [M, F] of one clip; there is no decoder that learns `sound`."""
        del language, sound
        return {
            "text": torch.tensor(self._vocabulary.encode(text).ids),
            "mel": vocos_mel(wav_T[None])[0].T.contiguous(),
        }

    def collate(self, features: Sequence[Features], generator: torch.Generator | None) -> Batch:
        """Make a batch; spans, times and noise come from `generator`.

        None takes each clip at several times, always the same, with the same spans and noise.
        """
        return collate(features, generator, LOOKS)

    @property
    def trainable(self) -> Dit:
        """The network."""
        assert self._dit is not None, "the model was loaded for another use"
        return self._dit

    def learn(self, learning: Learning) -> None:
        """Choose what of the network learns, and how."""
        for part in learning.freeze:
            for name in FROZEN[part]:
                self.trainable.get_submodule(name).requires_grad_(False)
        self.trainable.recomputes = learning.recomputes
        if rank := learning.lora_rank:
            modules = self.trainable.named_modules()
            layers = [name for name, one in modules if isinstance(one, nn.Linear) and ADAPTED.fullmatch(name)]
            self.adapters = Adapters(self.trainable, layers, rank, learning.lora_alpha or 2 * rank)

    def num_targets(self, batch: Batch) -> Tensor:
        """Count the numbers of mel spectrograms that the loss counts, [1]."""
        return num_targets(batch)

    def trained_tensors(self) -> Mapping[str, Tensor]:
        """The network's tensors under the release's names, what adapters learned merged into them."""
        if self._source is not None:
            return self._source.released
        return {f"{PREFIXES['dit']}{name}": tensor for name, tensor in self._tensors().items()}

    @holes_given_back()
    def load_trained(self, tensors: Mapping[str, Tensor], where: str) -> None:
        """Take a checkpoint's tensors in place of the present ones; a model that does not learn reads what it needs.

        Raises:
            CheckpointError: Names or shapes differ; `where` names the checkpoint.
        """
        self._packed = None
        own = ReleasedTensors(tensors, shapes_of(self._config, ["dit"]), where, self.device, PREFIXES["dit"])
        if self._dit is None:
            self._source = own
        else:
            self._dit.load_state_dict({name: own[name] for name in own}, assign=True)

    # --- speaking ---

    @property
    def device(self) -> torch.device:
        """Where the network is: training may have moved it since it was loaded."""
        return self._device if self._dit is None else next(self._dit.parameters()).device

    def reference(self, wav_T: Tensor, text: str | None = None) -> Reference:
        """Compute all that speaking after a recording needs; `text` is what it says.

        Raises:
            TextError: What it says is not given.
            AudioError: It is silent.
        """
        return heard(wav_T, text, self._vocabulary)

    @holes_given_back()
    def pack(self, precision: Precision) -> None:
        """Speak from now on with packed weights, of this moment, until others are loaded or packed.

        Args:
            precision: "exact" speaks with the model's own weights, at every moment as they are.
        """
        self._packed = None  # what was packed goes before more memory is taken
        if precision != "exact" or self._source is not None:
            self._packed = PackedDit(self._config.dit, precision, self._tensors())

    @holes_given_back()
    def difference(self, clips: Sequence[Features], progress: Callable[[], None] | None = None) -> float:
        """How much packing changes the guided flow at fixed points of held-out clips, as a share of its power.

        Exact weights pass through memory a layer at a time. 0.0 for "exact".

        Args:
            clips: A few of them, never learned from.
            progress: Called now and then.
        """
        if self._packed is None or self._packed.precision == "exact":
            return 0.0
        exact = PackedDit(self._config.dit, "exact", self._tensors(), passing=True)
        return flow_difference(self._packed, exact, collate(clips, None), GUIDANCE, progress)

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
        """Say `text` after the recording of `reference`, in pieces that cross-fade where it is long.

        Raises:
            TextError: Nothing of the text can be spoken.
            LanguageError: Nobody here knows how its sentences end.
        """
        return self.speak_all(
            [text], reference, language=language, generation=generation, seed=seed, progress=progress
        )[0]

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
        """Say several texts at once, each as if alone with `seed`: one batch is faster than one after another.

        Raises:
            TextError: Some texts cannot be spoken; all are named.
            LanguageError: Nobody here knows how their sentences end.
        """
        language = self.language(language)
        if problems := [(text, why) for text in texts for why in self.text_problems(text, language)]:
            raise TextError(*(_("text {text!r}: {why}.").format(text=text, why=why) for text, why in problems))
        chosen = Generation(
            steps=generation.steps or NUM_STEPS,
            guidance=GUIDANCE if generation.guidance is None else generation.guidance,
        )
        said = [pieces(text, language, piece_seconds(reference), reference) for text in texts]
        if self._packed is None and self._source is not None:
            self.pack("exact")
        dit = self._packed or PackedDit(self._config.dit, "exact", self._tensors())
        mels = sample(
            dit,
            [
                utterance(self._vocabulary, piece, reference, seed + place)
                for text in said
                for place, piece in enumerate(text)
            ],
            num_steps=chosen.steps or NUM_STEPS,
            guidance=chosen.guidance or 0.0,
            progress=progress,
        )
        wavs = iter([self._voiced(mel_MF, reference) for mel_MF in mels])
        spoken = []
        for text, parts in zip(texts, said, strict=True):
            wav_T = joined(list(islice(wavs, len(parts))), self.sample_rate)
            spoken.append(
                Spoken(
                    wav_T=wav_T,
                    sample_rate=self.sample_rate,
                    stop="ended",
                    num_codes=len(wav_T) // VOCOS.hop,
                    num_sentences=len(parts),
                    generation=chosen,
                    notes=(*notes_on(reference), *self._notes_on(text)),
                )
            )
        return spoken

    def export(self, folder: Path) -> str | None:
        """Write a folder whose files f5-tts loads, with the weights of this moment.

        Raises:
            RunError: `folder` already holds something.
        """
        export(folder, self._config, self.trained_tensors(), self._folder)
        return None

    def _tensors(self) -> Mapping[str, Tensor]:
        if self._source is not None:
            return self._source
        state = self.trainable.state_dict()
        return self.adapters.merged(state) if self.adapters else state

    @torch.no_grad()
    def _voiced(self, mel_MF: Tensor, reference: Reference) -> Tensor:
        assert self._vocos is not None, "the model was loaded for another use"
        new_FM = mel_MF[len(reference["mel"]) :].T
        wav_T: Tensor = self._vocos.to(mel_MF.device)(new_FM[None].contiguous())[0]
        return (wav_T / reference["gain"]).clamp(-1, 1).cpu()

    def _notes_on(self, text: str) -> list[str]:
        encoded = self._vocabulary.encode(text)
        notes = []
        if encoded.replaced:
            pairs = ", ".join(f"{one} → {other}" for one, other in encoded.replaced.items())
            notes.append(_("characters that the vocabulary lacks were read as others: {pairs}").format(pairs=pairs))
        if encoded.unknown:
            names = " ".join(repr(one) for one in encoded.unknown)
            notes.append(_("characters that the vocabulary lacks were left out: {characters}").format(characters=names))
        return notes


@holes_given_back()
def load_f5(folder: Path, *, uses: Collection[Use], device: str) -> F5:
    """Load what `uses` need of the F5-TTS in `folder`.

    Raises:
        ModelError: Files are missing, damaged, or not of one F5-TTS.
    """
    return F5(load_weights(folder, {part for use in uses for part in PARTS[use]}), uses, device)
