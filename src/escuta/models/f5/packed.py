"""The network packed for speaking: sentences of any length side by side, without padding, each as if alone.

Shapes: R rows (the frames of all sentences), P passes (with and without what guides), M mel frames, N text tokens,
F mel bins, D width, T width of the text, S moments, H heads, W head width, I features in, O features out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from escuta.engine.linear import Linear, Precision, choose_kernel, computes_bf16
from escuta.models.blank import blank
from escuta.models.f5.config import NUM_MEL_BINS, DitConfig
from escuta.models.f5.dit import EPSILON, PlaceEmbedding, TimeEmbedding, rotation
from escuta.models.f5.text_embedding import TextEmbedding

MEASURED_ROWS = (256,)
"""What kernels are timed with: there are hundreds of frames or more, and products decide, not memory."""


@dataclass(frozen=True, slots=True)
class Guided:
    """What stays the same of one sentence at every moment."""

    given_PMD: Tensor
    """Its share of the input: of the speech and text that guide, then of none."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the network makes of one time."""

    blocks: Sequence[tuple[Tensor, ...]]
    """Shift, scale and gate of attention, then of the feed-forward, of every block."""
    end: tuple[Tensor, ...]
    """Scale and shift before the flow."""


@dataclass(frozen=True, slots=True)
class _Block:
    queries_keys_values: Linear
    attention_out: Linear
    widen: Linear
    narrow: Linear


class PackedDit:
    """What speaks. In "exact" it looks at the weights given; otherwise it holds its own, as they were.

    Args:
        config: Sizes.
        precision: Of the matrices that every frame passes.
        tensors: Names as in `Dit`'s state, on the device that computes. Each is read once, so a mapping may read from a
            file.
        passing: Read blocks again whenever they are needed, and keep none in memory.
    """

    def __init__(
        self, config: DitConfig, precision: Precision, tensors: Mapping[str, Tensor], *, passing: bool = False
    ) -> None:
        self.config = config
        self.precision = precision
        self._tensors = tensors
        self._kernel = choose_kernel(precision, tensors["transformer_blocks.0.attn.to_q.weight"], MEASURED_ROWS)
        self.device = tensors["proj_out.bias"].device
        self._half = torch.bfloat16 if precision != "exact" and computes_bf16(self.device) else None
        """What attention and convolutions compute in; None is the activations' own type."""
        with blank():
            self._text = TextEmbedding(config).eval()
            self._time = TimeEmbedding(config.width).eval()
            self._place = PlaceEmbedding(config.width).eval()
        modules = {"text_embed": self._text, "time_embed": self._time, "input_embed.conv_pos_embed": self._place}
        for name, module in modules.items():
            module.load_state_dict({own: tensors[f"{name}.{own}"] for own in module.state_dict()}, assign=True)
        if self._half:
            self._place.to(self._half)
        self._in = tensors["input_embed.proj.weight"], tensors["input_embed.proj.bias"]
        self._out = tensors["proj_out.weight"], tensors["proj_out.bias"]
        self._modulations = [self._linear(f"transformer_blocks.{n}.attn_norm.linear") for n in range(config.layers)]
        self._end = self._linear("norm_out.linear")
        self._blocks: Callable[[], Iterable[_Block]] = self._read_blocks
        if not passing:
            kept = list(self._read_blocks())
            self._blocks = lambda: kept

    @torch.no_grad()
    def guided(self, heard_MF: Tensor, text_N: Tensor, *, guides: bool) -> Guided:
        """Prepare a sentence.

        Args:
            heard_MF: The speech that is given; zero elsewhere. As long as the sentence is to be.
            text_N: All that is said, in the part given too.
            guides: Whether the flow without speech and text is asked for besides.
        """
        num_frames = torch.tensor([len(heard_MF)], device=self.device)
        dropped_B = torch.tensor([False, True] if guides else [False], device=self.device)
        texts = self._text(text_N[None].expand(len(dropped_B), -1), num_frames.expand(len(dropped_B)), dropped_B)
        heard_PMF = heard_MF * ~dropped_B[:, None, None]
        weight, bias = self._in
        return Guided(functional.linear(torch.cat([heard_PMF, texts], dim=-1), weight[:, NUM_MEL_BINS:], bias))

    @torch.no_grad()
    def moments(self, times_S: Tensor) -> list[Moment]:
        """Prepare times from 0, noise, to 1, speech."""
        time_SD = functional.silu(self._time(times_S.to(self.device))).to(self._kernel.activations)
        blocks = [_parts(linear(time_SD), 6) for linear in self._modulations]
        ends = _parts(self._end(time_SD), 2)
        return [
            Moment([tuple(part[place] for part in parts) for parts in blocks], tuple(part[place] for part in ends))
            for place in range(len(times_S))
        ]

    @torch.no_grad()
    def flow(
        self,
        mels: Sequence[Tensor],
        sentences: Sequence[Guided],
        moment: Moment,
        progress: Callable[[], None] | None = None,
    ) -> list[Tensor]:
        """Tell where each sentence's mel, [M, F], flows at a moment: [P, M, F]."""
        shapes = [one.given_PMD.shape[:2] for one in sentences]
        x_RD = torch.cat(
            [self._enter(mel_MF, one.given_PMD).flatten(0, 1) for mel_MF, one in zip(mels, sentences, strict=True)]
        )
        turns_MHW = self._turns(max(num_frames for _passes, num_frames in shapes))
        for block, (shift, scale, gate, ff_shift, ff_scale, ff_gate) in zip(self._blocks(), moment.blocks, strict=True):
            heard_RD = self._attend(block, self._typed(_modulated(x_RD, shift, scale)), shapes, turns_MHW)
            x_RD.addcmul_(gate, block.attention_out(heard_RD))
            wide = functional.gelu(block.widen(self._typed(_modulated(x_RD, ff_shift, ff_scale))), approximate="tanh")
            x_RD.addcmul_(ff_gate, block.narrow(wide))
            if progress:
                progress()
        scale, shift = moment.end
        flow_RF = functional.linear(_modulated(x_RD, shift, scale), *self._out)
        return [one.view(*shape, -1) for one, shape in zip(_split(flow_RF, shapes), shapes, strict=True)]

    def _enter(self, mel_MF: Tensor, given_PMD: Tensor) -> Tensor:
        x_PMD = given_PMD + functional.linear(mel_MF, self._in[0][:, :NUM_MEL_BINS])
        near_PMD: Tensor = self._place(x_PMD.to(self._half))
        return x_PMD + near_PMD.float()

    def _turns(self, num_frames: int) -> Tensor:
        """What queries and keys of every frame are turned by, as complex numbers."""
        turns_M1W = torch.complex(*rotation(num_frames, self.device))
        if self.config.turned_heads is None:
            return turns_M1W
        turns_MHW = torch.ones_like(turns_M1W).repeat(1, self.config.heads, 1)
        turns_MHW[:, : self.config.turned_heads] = turns_M1W
        return turns_MHW

    def _attend(self, block: _Block, x_RD: Tensor, shapes: Sequence[torch.Size], turns_MHW: Tensor) -> Tensor:
        heard = []
        for one, shape in zip(_split(block.queries_keys_values(x_RD), shapes), shapes, strict=True):
            parts = one.view(*shape, 3, self.config.heads, -1)
            pairs = torch.view_as_complex(parts[:, :, :2].float().view(*parts.shape[:2], 2, self.config.heads, -1, 2))
            turned = torch.view_as_real(pairs * turns_MHW[: shape[1], None]).flatten(-2)
            dtype = self._half or parts.dtype
            query, key = turned.to(dtype).transpose(1, 3).unbind(2)
            value = parts[:, :, 2].transpose(1, 2).to(dtype)
            heard_PHMW = functional.scaled_dot_product_attention(query, key, value)
            heard.append(heard_PHMW.transpose(1, 2).reshape(len(one), -1))
        return self._typed(torch.cat(heard))

    def _typed(self, x: Tensor) -> Tensor:
        return x.to(self._kernel.activations)

    def _read_blocks(self) -> Iterator[_Block]:
        for layer in range(self.config.layers):
            name = f"transformer_blocks.{layer}"
            yield _Block(
                queries_keys_values=self._linear(*(f"{name}.attn.to_{one}" for one in "qkv")),
                attention_out=self._linear(f"{name}.attn.to_out.0"),
                widen=self._linear(f"{name}.ff.ff.0.0"),
                narrow=self._linear(f"{name}.ff.ff.2"),
            )

    def _linear(self, *names: str) -> Linear:
        """One layer of the matrices of several, one below the other."""
        weights, biases = ([self._tensors[f"{name}.{leaf}"] for name in names] for leaf in ("weight", "bias"))
        if len(names) == 1:
            return self._kernel.pack(weights[0], biases[0])
        return self._kernel.pack(torch.cat(weights), torch.cat(biases))


def _parts(modulation_SD: Tensor, num_parts: int) -> tuple[Tensor, ...]:
    return modulation_SD.float().chunk(num_parts, dim=-1)


def _modulated(x_RD: Tensor, shift_D: Tensor, scale_D: Tensor) -> Tensor:
    """Normalise each row, then scale and shift it: at one moment these are the same for all."""
    return functional.layer_norm(x_RD, x_RD.shape[-1:], 1 + scale_D, shift_D, EPSILON)


def _split(x_RD: Tensor, shapes: Sequence[torch.Size]) -> tuple[Tensor, ...]:
    """The rows of each sentence."""
    return torch.split(x_RD, [passes * num_frames for passes, num_frames in shapes])
