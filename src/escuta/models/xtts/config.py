"""Every size of an XTTS-v2, read from and written to the release's config.json.

The defaults are the released model. A smaller one is the same code with other numbers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from escuta.engine.tokens import TokenChoice
from escuta.errors import ModelError
from escuta.messages import _

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_RELEASE_CHOICE = TokenChoice(temperature=0.75, top_k=50, top_p=0.85, repetition_penalty=5.0)

_T = TypeVar("_T")
_PartT = TypeVar("_PartT", bound="DataclassInstance")


def _named(default: _T, *path: str) -> _T:
    """Say where coqui's config.json holds a field; the other fields lie in a table of our own, "escuta"."""
    value: _T = field(default=default, metadata={"path": path})
    return value


@dataclass(frozen=True, slots=True)
class GptConfig:
    """The language model over text tokens and audio codes."""

    layers: int = _named(30, "model_args", "gpt_layers")
    width: int = _named(1024, "model_args", "gpt_n_model_channels")
    heads: int = _named(16, "model_args", "gpt_n_heads")
    """Of the language model and of the conditioning encoder."""
    max_audio_tokens: int = _named(605, "model_args", "gpt_max_audio_tokens")
    max_text_tokens: int = _named(402, "model_args", "gpt_max_text_tokens")
    """Fewer text tokens than this can be spoken at once."""
    max_prompt_tokens: int = _named(70, "model_args", "gpt_max_prompt_tokens")
    """Unused; carried so that the exported config.json says what the release says."""
    num_text_tokens: int = _named(6681, "model_args", "gpt_number_text_tokens")
    start_text_token: int = _named(261, "model_args", "gpt_start_text_token")
    stop_text_token: int = _named(0, "model_args", "gpt_stop_text_token")
    num_audio_tokens: int = _named(1026, "model_args", "gpt_num_audio_tokens")
    start_audio_token: int = _named(1024, "model_args", "gpt_start_audio_token")
    stop_audio_token: int = _named(1025, "model_args", "gpt_stop_audio_token")
    code_stride: int = _named(1024, "model_args", "gpt_code_stride_len")
    """Points of input audio in one code."""
    dropout: float = 0.1
    """Of embeddings, attention and residuals, while training."""

    def __post_init__(self) -> None:
        """Refuse a width that the heads cannot share."""
        if not self.heads or self.width % self.heads:
            raise ValueError(
                f"model_args.gpt_n_model_channels is {self.width}; expected a multiple of gpt_n_heads, {self.heads}"
            )

    @property
    def num_text_positions(self) -> int:
        """Rows of the text position table: the tokens, start and stop."""
        return self.max_text_tokens + 2

    @property
    def num_audio_positions(self) -> int:
        """Rows of the audio position table: the codes, start, stop and one more."""
        return self.max_audio_tokens + 3

    @property
    def max_new_tokens(self) -> int:
        """Most codes one sentence may have, stop included: 602, or 27.96 s."""
        return self.max_audio_tokens - 3


@dataclass(frozen=True, slots=True)
class ConditioningConfig:
    """What turns a reference's mel spectrogram into a few latents for the language model."""

    blocks: int = 6
    num_latents: int = 32
    perceiver_layers: int = 2
    perceiver_heads: int = 8
    perceiver_head_width: int = 64
    perceiver_widening: int = 4


@dataclass(frozen=True, slots=True)
class DvaeConfig:
    """What turns audio into codes."""

    num_codes: int = 1024
    code_width: int = 512
    width: int = 512
    """After the first layer; doubled by each further one."""
    layers: int = 2
    """Each halves the number of frames."""
    resblocks: int = 3
    kernel_size: int = 3


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """HiFi-GAN: latents of the language model to sound."""

    input_width: int = _named(1024, "model_args", "decoder_input_dim")
    channels: int = 512
    """Before the first upsampling layer; halved by each."""
    upsample_rates: tuple[int, ...] = (8, 8, 2, 2)
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 4, 4)
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[int, ...] = (1, 3, 5)
    speaker_in_each_layer: bool = _named(True, "model_args", "cond_d_vector_in_each_upsampling_layer")


@dataclass(frozen=True, slots=True)
class SpeakerEncoderConfig:
    """A voice as one vector."""

    num_mel_bins: int = 64
    filters: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    squeeze: int = 8
    attention_width: int = 128
    embedding_width: int = _named(512, "model_args", "d_vector_dim")


@dataclass(frozen=True, slots=True)
class XttsConfig:
    """An XTTS-v2."""

    gpt: GptConfig = field(default_factory=GptConfig)
    conditioning: ConditioningConfig = field(default_factory=ConditioningConfig)
    dvae: DvaeConfig = field(default_factory=DvaeConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    speaker_encoder: SpeakerEncoderConfig = field(default_factory=SpeakerEncoderConfig)

    num_mel_bins: int = 80
    sample_rate: int = _named(22050, "model_args", "input_sample_rate")
    """Of training clips and references, Hz."""
    output_sample_rate: int = _named(24000, "model_args", "output_sample_rate")
    """Of what is spoken, Hz."""
    output_hop: int = _named(256, "model_args", "output_hop_length")
    """Points of output audio in one frame of the decoder."""
    speaker_sample_rate: int = 16000
    """Of what the speaker encoder hears, Hz."""

    languages: tuple[str, ...] = _named(
        (
            *("en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar"),
            *("zh-cn", "hu", "ko", "ja", "hi"),
        ),
        "languages",
    )
    choice: TokenChoice = field(default=_RELEASE_CHOICE, metadata={"path": ()})
    """How the release chooses codes, unless told otherwise."""
    conditioning_seconds: int = _named(30, "gpt_cond_len")
    """How much of a reference the language model hears when it speaks, in chunks whose latents are averaged."""
    conditioning_chunk_seconds: int = _named(4, "gpt_cond_chunk_len")
    speaker_reference_seconds: int = _named(30, "max_ref_len")
    """How much of a reference the speaker encoder hears."""

    max_clip_seconds: float = 11.6
    """Longest training clip: 255 995 points in the release's training recipe."""
    max_clip_text_tokens: int = 200
    """Longest text of a training clip, in the same recipe."""

    def __post_init__(self) -> None:
        """Refuse sizes that contradict each other."""
        if math.prod(self.decoder.upsample_rates) != self.output_hop:
            raise ValueError(
                f"model_args.output_hop_length is {self.output_hop}; expected the product of "
                f"upsample_rates, {self.decoder.upsample_rates}"
            )
        if not self.conditioning_chunk_seconds:
            raise ValueError("gpt_cond_chunk_len is 0; expected seconds")

    @classmethod
    def from_release(cls, config_json: Mapping[str, Any]) -> "XttsConfig":
        """Read coqui's config.json; what it leaves out is as in the released v2.

        Raises:
            ModelError: The file describes an XTTS v1, or holds a value of another kind than expected.
        """
        problems: list[str] = []
        if _at(config_json, ("model_args", "gpt_use_perceiver_resampler")) is False:
            problems.append(
                _("config.json: describes XTTS v1, without a perceiver; expected XTTS v2. Choose another base model.")
            )
        config = _read(cls(), config_json, ("escuta",), problems)
        if problems:
            raise ModelError(*problems)
        return config

    def to_release(self) -> dict[str, Any]:
        """Write a config.json that coqui-tts loads and `from_release` reads back."""
        config_json: dict[str, Any] = {
            "model": "xtts",
            "model_args": {"gpt_use_perceiver_resampler": True},
            "audio": {
                "sample_rate": self.sample_rate,
                "output_sample_rate": self.output_sample_rate,
                "dvae_sample_rate": self.sample_rate,
            },
            "length_penalty": 1.0,
        }
        _write(self, config_json, ("escuta",))
        return config_json


def _read(part: _PartT, config_json: Mapping[str, Any], home: tuple[str, ...], problems: list[str]) -> _PartT:
    """Replace the fields of `part` that the file has a sound value for; `home` is where unnamed ones lie."""
    changes: dict[str, Any] = {}
    for item in fields(part):
        default = getattr(part, item.name)
        path = item.metadata.get("path", (*home, item.name))
        if is_dataclass(default) and not isinstance(default, type):
            changes[item.name] = _read(default, config_json, path, problems)
        elif (found := _at(config_json, path)) is not None:
            value = _in_kind(found, default)
            if value is None:
                problems.append(
                    _("config.json: {name} is {found!r}; expected something like {default!r}. Mend the file.").format(
                        name=".".join(path), found=found, default=default
                    )
                )
            else:
                changes[item.name] = value
    try:
        return replace(part, **changes)
    except ValueError as problem:
        problems.append(_("config.json: {problem}. Mend the file.").format(problem=problem))
        return part


def _write(part: "DataclassInstance", config_json: dict[str, Any], home: tuple[str, ...]) -> None:
    for item in fields(part):
        value = getattr(part, item.name)
        path = item.metadata.get("path", (*home, item.name))
        if is_dataclass(value) and not isinstance(value, type):
            _write(value, config_json, path)
        else:
            table = config_json
            for name in path[:-1]:
                table = table.setdefault(name, {})
            table[path[-1]] = list(value) if isinstance(value, tuple) else value


def _at(config_json: Mapping[str, Any], path: tuple[str, ...]) -> object:
    """The value at `path`, or None where the file has none."""
    value: object = config_json
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _in_kind(value: Any, default: Any) -> Any:
    """`value` as the kind of thing that `default` is, or None where it is another; 2 is a float too, True no number."""
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not value:
            return None
        items = [_in_kind(item, default[0]) for item in value]
        return None if None in items else tuple(items)
    if isinstance(value, bool) or isinstance(default, bool | str):
        return value if type(value) is type(default) else None
    if not isinstance(value, int | type(default)) or value < 0:
        return None
    return type(default)(value)
