"""The sizes of an F5-TTS and of its vocoder."""

from dataclasses import dataclass, field

NUM_MEL_BINS = 100
"""Of the mel spectrogram that the model hears and speaks; `escuta.audio.mel.VOCOS`."""

HEAD_WIDTH = 64
"""Of every attention head, whatever the model's width. Source: f5-tts 1.1.22, model/backbones/dit.py dim_head."""


@dataclass(frozen=True, slots=True)
class DitConfig:
    """The network that tells where a mel spectrogram flows; the defaults are those of F5TTS_v1_Base."""

    width: int = 1024
    layers: int = 22
    heads: int = 16
    widening: int = 2
    """Of the feed-forwards, in times the width."""
    text_width: int = 512
    text_layers: int = 4
    num_text_tokens: int = 2545
    """Of the vocabulary; the embedding has one row more, for no text."""
    masks_text_padding: bool = True
    """Whether frames beyond the text are kept at zero between the text's layers; F5TTS_Base did not."""
    turned_heads: int | None = None
    """Heads that know where a frame is, by rotary embedding; None is all of them. F5TTS_Base has 1."""


@dataclass(frozen=True, slots=True)
class VocosConfig:
    """The vocoder; the defaults are those of vocos-mel-24khz."""

    width: int = 512
    widened: int = 1536
    layers: int = 8
    num_fft: int = 1024
    hop: int = 256
    centred: bool = True
    """Whether frames are centred on every `hop`-th point; else they tile the audio."""


@dataclass(frozen=True, slots=True)
class F5Config:
    """A whole model."""

    dit: DitConfig = field(default_factory=DitConfig)
    vocos: VocosConfig = field(default_factory=VocosConfig)
