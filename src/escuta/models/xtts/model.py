"""XTTS-v2 as the rest of escuta knows it.

Shapes: B batch, C chunks of a reference, T wav frames, F mel bins, M mel frames, N text tokens, L latents, D width.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from escuta.audio.files import resample
from escuta.audio.mel import conditioning_mel, dvae_mel
from escuta.engine.allocation import holes_given_back
from escuta.engine.linear import Precision
from escuta.engine.tokens import TokenChoice
from escuta.errors import LanguageError, TextError
from escuta.messages import _
from escuta.models.base import Batch, ClipLimits, Features, Generation, Learning, Reference, Spoken, Use
from escuta.models.blank import blank
from escuta.models.families import Family
from escuta.models.lora import Adapters
from escuta.models.released import ReleasedTensors
from escuta.models.xtts.batch import FULL_SCALE, collate
from escuta.models.xtts.decoder import WaveformDecoder
from escuta.models.xtts.dvae import Dvae
from escuta.models.xtts.export import export, fits_coqui
from escuta.models.xtts.gpt import Gpt, Prompter
from escuta.models.xtts.loss import num_targets
from escuta.models.xtts.mouth import Mouth
from escuta.models.xtts.packed import PackedGpt
from escuta.models.xtts.reference import heard, speaker
from escuta.models.xtts.speak import Sentence, evaluating, joined, speak
from escuta.models.xtts.speaker_encoder import SpeakerEncoder
from escuta.models.xtts.streamed import mel_loss
from escuta.models.xtts.transformer import InOutLinear
from escuta.models.xtts.voicer import Voicer
from escuta.models.xtts.weights import PREFIXES, Part, Weights, load_weights, shapes_of
from escuta.run.mapped import MappedTensors
from escuta.text.languages import bare_code, character_limit
from escuta.text.split import split
from escuta.text.tokenizer import Tokenizer

PARTS: Mapping[Use, tuple[Part, ...]] = {
    "features": ("dvae", "mel_stats", "speaker_encoder"),
    "training": ("gpt",),
    "decoder_training": ("decoder",),
    "speaking": ("gpt", "decoder", "speaker_encoder", "mel_stats"),
}
"""What each use of a model needs of it."""

FROZEN: Mapping[str, tuple[str, ...]] = {
    "conditioning": ("conditioning_encoder", "conditioning_perceiver"),
    "embeddings": ("text_embedding", "mel_embedding", "text_pos_embedding", "mel_pos_embedding"),
}
"""Parts of the language model that need not learn."""

MIN_CLIP_SECONDS = 0.5
"""Shorter clips leave next to nothing to predict; the release's training recipe drops them too."""

ModuleT = TypeVar("ModuleT", bound=nn.Module)
PartT = TypeVar("PartT", bound=nn.Module | Tensor | Mouth)


class Xtts:
    """An XTTS-v2 with the parts that its uses need.

    A model that does not learn leaves its language model on disk, and takes into memory what it speaks with.

    Args:
        weights: Config, tensors and files.
        uses: What it is wanted for.
        device: Where the language model and the decoder compute; all else stays on the CPU.
    """

    family: Family = "xtts"

    def __init__(self, weights: Weights, uses: Collection[Use], device: str) -> None:
        config = weights.config
        self.languages = config.languages
        self.input_sample_rate = config.sample_rate
        self.sample_rate = config.output_sample_rate
        self.clip_limits = ClipLimits(MIN_CLIP_SECONDS, config.max_clip_seconds, config.max_clip_text_tokens)
        self._config = config
        self._folder = weights.files.config.parent
        self._tokenizer = Tokenizer(weights.files.vocab)
        parts, learns = {part for use in uses for part in PARTS[use]}, "training" in uses
        # Copies, as the last bits of sums depend on where in memory a tensor begins, and in a file it begins anywhere.
        on_disk = weights.tensors
        weights = replace(weights, tensors=MappedTensors(on_disk))
        self._mel_stats_F = weights.tensors.get("mel_stats")
        self._dvae = _module(Dvae, weights, "dvae") if "dvae" in parts else None
        self._encoder = _module(SpeakerEncoder, weights, "speaker_encoder") if "speaker_encoder" in parts else None
        self._mouth = Mouth(config, weights.part("decoder")) if "speaking" in uses else None
        self._learns_sound = "decoder_training" in uses
        self._gpt: Prompter | None = None
        self._voicer: Voicer | None = None
        self.adapters: Adapters | None = None
        self._streamed: ReleasedTensors | None = None
        self._packed: PackedGpt | None = None
        self._heard: tuple[Reference, Tensor] | None = None
        if "gpt" in parts and learns:
            self._gpt = gpt = _module(Gpt, weights, "gpt").to(device)
            if self._learns_sound:
                self._voicer = Voicer(config, gpt, weights.part("decoder")).to(device)
        elif "gpt" in parts:
            with blank():
                self._gpt = Prompter(config).eval().to(device)
            trained = {name: tensor for name, tensor in on_disk.items() if name.startswith(PREFIXES["gpt"])}
            self.load_trained(MappedTensors(trained), where=str(self._folder))

    # --- learning ---

    def language(self, asked: str) -> str:
        """Give XTTS's own name of a language: `pt` for pt-BR, `zh-cn` for zh.

        Raises:
            LanguageError: This model does not speak it.
        """
        code = bare_code(asked)
        if code not in self.languages:
            raise LanguageError(
                _("language {language!r}: this model lacks it; expected one of {languages}.").format(
                    language=asked, languages=", ".join(self.languages)
                )
            )
        return code

    def text_problems(self, text: str, language: str, *, learning: bool = False) -> list[str]:
        """What keeps `text` from being spoken, or learned, as phrases for a message."""
        problems = []
        if unknown := self._tokenizer.unknown_characters(text, language):
            problems.append(
                _("the vocabulary lacks {characters}").format(characters=" ".join(repr(one) for one in unknown))
            )
        tokens = self._tokenizer.encode(text, language)
        if len(tokens) <= 1:  # the language's own token
            problems.append(_("there is nothing to say"))
        if learning and len(tokens) > self.clip_limits.max_text_tokens:
            problems.append(
                _("{n} text tokens, of which the model learns {limit} at most").format(
                    n=len(tokens), limit=self.clip_limits.max_text_tokens
                )
            )
        return problems

    def features(self, wav_T: Tensor, text: str, language: str, *, sound: bool = False) -> Features:
        """Compute text tokens `text` [N], audio `codes` [K] and the conditioning `mel` [F, M] of one clip.

        For a decoder that learns also `sound` [T], in 16 bits at the output rate, and whose voice it is, `speaker` [E].
        """
        mel_stats_F, dvae = _there(self._mel_stats_F), _there(self._dvae)
        features = {
            "text": torch.tensor(self._tokenizer.encode(text, language)),
            "codes": dvae.codes(dvae_mel(wav_T[None], mel_stats_F))[0],
            "mel": conditioning_mel(wav_T[None], mel_stats_F)[0],
        }
        if sound:
            sound_T = torch.from_numpy(resample(wav_T.numpy(), self.input_sample_rate, self.sample_rate))
            features["sound"] = (sound_T.clamp(-1, 1) * FULL_SCALE).short()
            features["speaker"] = speaker(wav_T, self._config, _there(self._encoder))
        return features

    def collate(self, features: Sequence[Features], generator: torch.Generator | None) -> Batch:
        """Make a batch; random crops come from `generator`, None crops the beginning of each clip."""
        return collate(features, generator, self._config)

    @property
    def trainable(self) -> Gpt | Voicer:
        """The language model with its conditioning encoder, alone or with the decoder."""
        return self._voicer or self._learning_gpt

    def learn(self, learning: Learning) -> None:
        """Choose what of the language model learns, and how."""
        gpt = self._learning_gpt
        for part in learning.freeze:
            for name in FROZEN[part]:
                gpt.get_submodule(name).requires_grad_(False)
        gpt.gpt.recomputes = learning.recomputes
        if rank := learning.lora_rank:
            layers = [name for name, layer in gpt.named_modules() if isinstance(layer, InOutLinear)]
            self.adapters = Adapters(gpt, layers, rank, learning.lora_alpha or 2 * rank)

    def num_targets(self, batch: Batch) -> Tensor:
        """Count the text tokens and codes that the loss counts, and the sounds that a decoder learns from, [2 or 3]."""
        counts = num_targets(*self._learning_gpt.segments(batch))
        return torch.cat([counts, counts.new_tensor([len(batch["sound"])])]) if "sound" in batch else counts

    def trained_tensors(self) -> Mapping[str, Tensor]:
        """The tensors of what learns under the release's names, what adapters learned merged into them."""
        if self._streamed is not None:
            return self._streamed.released
        decoder = self._voicer.decoder.state_dict() if self._voicer else {}
        return {
            **{f"{PREFIXES['gpt']}{name}": tensor for name, tensor in self._merged().items()},
            **{f"{PREFIXES['decoder']}{name}": tensor for name, tensor in decoder.items()},
        }

    @holes_given_back()
    def load_trained(self, tensors: Mapping[str, Tensor], where: str) -> None:
        """Take a checkpoint's tensors in place of the present ones; a model that does not learn reads what it needs.

        Raises:
            CheckpointError: Names or shapes differ; `where` names the checkpoint.
        """
        gpt = _there(self._gpt)
        self._packed = self._heard = None
        tuned = self._learns_sound or any(name.startswith(PREFIXES["decoder"]) for name in tensors)
        shapes = shapes_of(self._config, ["gpt", "decoder"] if tuned else ["gpt"])
        own = ReleasedTensors(tensors, shapes, where, self.device, PREFIXES["gpt"])
        taken = {name: own[name] for name in gpt.state_dict()}
        decoder = ReleasedTensors(tensors, shapes, where, self.device, PREFIXES["decoder"]) if tuned else None
        if isinstance(gpt, Gpt):
            self._voicer = Voicer(self._config, gpt, decoder) if decoder else None
        else:
            _there(self._mouth).change(decoder, lambda: load_weights(self._folder, ["decoder"]).part("decoder"))
        gpt.load_state_dict(taken, assign=True)
        self._streamed = None if isinstance(gpt, Gpt) else own

    # --- speaking ---

    @property
    def device(self) -> torch.device:
        """Where the language model is: training may have moved it since it was loaded."""
        return next(_there(self._gpt).parameters()).device

    def reference(self, wav_T: Tensor, text: str | None = None) -> Reference:
        """Compute `mels` [C, F, M] with `mel_lengths` [C], and the `speaker` embedding, of a reference.

        XTTS needs not know what it says.
        """
        del text
        return heard(wav_T, self._config, _there(self._mel_stats_F), _there(self._encoder))

    @holes_given_back()
    def pack(self, precision: Precision) -> None:
        """Speak from now on with packed weights, of this moment, until others are loaded or packed.

        The decoder goes along, in bfloat16 where the CPU computes in it.

        Args:
            precision: "exact" speaks with the model's own weights, at every moment as they are.
        """
        self._packed = self._heard = None  # what was packed goes before more memory is taken
        if precision != "exact" or self._streamed is not None:
            self._packed = PackedGpt(_there(self._gpt), precision, self._streamed or self._merged())

    @holes_given_back()
    def difference(self, clips: Sequence[Features], progress: Callable[[], None] | None = None) -> float:
        """How much packing changes the loss of held-out clips' codes, relative to the exact loss; 0.0 for "exact".

        Exact weights pass through memory a layer at a time.

        Args:
            clips: A few of them, never learned from.
            progress: Called now and then.
        """
        if self._packed is None or self._packed.precision == "exact":
            return 0.0
        gpt = _there(self._gpt)
        batch = {name: tensor.to(self.device) for name, tensor in self.collate(clips, None).items()}
        with evaluating(gpt), torch.no_grad():
            voices_BLD = gpt.conditioning_of_each(batch["conditioning_mel"], batch["conditioning_lengths"])
            exact = mel_loss(gpt, self._streamed or self._merged(), batch, voices_BLD, progress)
            packed = self._packed.mel_loss(batch, voices_BLD)
        return float((packed / exact - 1).abs())

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
        """Say `text`, split at sentence ends where it is long, in the voice of `reference`.

        Raises:
            TextError: The text cannot be spoken.
            LanguageError: The model does not speak `language`.
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
            LanguageError: The model does not speak `language`.
        """
        language = self.language(language)
        if problems := [(text, why) for text in texts for why in self.text_problems(text, language)]:
            raise TextError(*(_("text {text!r}: {why}.").format(text=text, why=why) for text, why in problems))
        gpt, device = _there(self._gpt), self.device
        conditioning_LD = self._hear(gpt, reference)
        choice = self._choice(generation)

        def fits(piece: str) -> bool:
            return len(self._tokenizer.encode(piece, language)) < self._config.gpt.max_text_tokens

        sentences = [
            [
                Sentence(
                    torch.tensor(self._tokenizer.encode(piece, language), device=device),
                    conditioning_LD,
                    reference["speaker"].to(device),
                    seed + place,
                )
                for place, piece in enumerate(split(text, language, character_limit(language), fits))
            ]
            for text in texts
        ]
        if self._packed is None and self._streamed is not None:
            self.pack("exact")
        packed = self._packed or PackedGpt(gpt, tensors=self._merged())
        decoder = self._decoder_for(packed.precision, device)
        said = iter(speak(packed, decoder, [one for text in sentences for one in text], choice, progress=progress))
        return [joined(list(islice(said, len(text))), self.sample_rate, choice) for text in sentences]

    def export(self, folder: Path) -> str | None:
        """Write a folder that coqui-tts loads, with the weights of this moment; say so where it cannot.

        Raises:
            RunError: `folder` already holds something.
        """
        weights = load_weights(self._folder)
        tensors = {**weights.tensors, **self.trained_tensors()}
        export(folder, weights.config, tensors, weights.files.vocab)
        return None if fits_coqui(weights.config) else _("coqui-tts cannot load a model of these sizes; escuta can.")

    def _merged(self) -> Mapping[str, Tensor]:
        """The language model's state, without adapters."""
        state = _there(self._gpt).state_dict()
        return self.adapters.merged(state) if self.adapters else state

    @property
    def _learning_gpt(self) -> Gpt:
        assert isinstance(self._gpt, Gpt), "the model was loaded for another use"
        return self._gpt

    def _decoder_for(self, precision: Precision, device: torch.device) -> WaveformDecoder:
        mouth = Mouth(self._config, self._voicer.decoder.state_dict()) if self._voicer else _there(self._mouth)
        return mouth.decoder(precision, device)

    def _hear(self, gpt: Prompter, reference: Reference) -> Tensor:
        """What the language model makes of a voice, [L, D]; kept for the packed weights of one moment."""
        if self._heard and self._heard[0] is reference:
            return self._heard[1]
        with evaluating(gpt), torch.no_grad():
            mels_CFM = reference["mels"].to(self.device)
            conditioning_LD: Tensor = gpt.conditioning_of_each(mels_CFM, reference["mel_lengths"]).mean(0)
        if self._packed is not None:
            self._heard = reference, conditioning_LD
        return conditioning_LD

    def _choice(self, generation: Generation) -> TokenChoice:
        choice = self._config.choice
        asked = {name: value for name, value in asdict(generation).items() if value is not None}
        return replace(choice, **{name: asked[name] for name in asdict(choice).keys() & asked.keys()})


@holes_given_back()
def load_xtts(folder: Path, *, uses: Collection[Use], device: str) -> Xtts:
    """Load what `uses` need of the XTTS-v2 in `folder`.

    Raises:
        ModelError: Files are missing, damaged, or not of one XTTS-v2.
    """
    return Xtts(load_weights(folder, {part for use in uses for part in PARTS[use]}), uses, device)


def _module(kind: Callable[..., ModuleT], weights: Weights, part: Part) -> ModuleT:
    """Set up one part around its tensors: nothing is initialised."""
    with blank():
        module = kind(weights.config)
    module.load_state_dict(weights.part(part), assign=True)
    return module.eval()


def _there(part: PartT | None) -> PartT:
    assert part is not None, "the model was loaded for another use"
    return part
