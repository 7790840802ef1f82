"""XTTS-v2's language model packed for speaking: the engine's stack with the release's weights.

Shapes: B sequences, L latents, N text tokens, K codes, S prompt positions, P positions of the codes' segment, D width,
V vocabulary, I features in, O features out.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from escuta.engine.cache import Cache
from escuta.engine.linear import Kernel, Linear, Precision, choose_kernel
from escuta.engine.side_by_side import side_by_side
from escuta.engine.stack import Block, Norm, Stack
from escuta.models.base import Batch
from escuta.models.xtts.gpt import Prompter
from escuta.models.xtts.loss import code_segment, cross_entropy

EPSILON = 1e-5
"""Of every norm: PyTorch's own, and GPT-2's."""


class PackedGpt:
    """What decodes. In "exact" it looks at the model's own weights; otherwise it holds its own, as they were.

    Args:
        gpt: Gives sizes and the prompt.
        precision: Of the weights that every code passes.
        tensors: Names as in `gpt`'s state; None is that state. Each is read once, so a mapping may read from a file.
    """

    def __init__(
        self, gpt: Prompter, precision: Precision = "exact", tensors: Mapping[str, Tensor] | None = None
    ) -> None:
        self.config = gpt.config
        self._gpt = gpt
        source = _Source(gpt.state_dict() if tensors is None else tensors, precision)
        self.precision = precision
        self.kernel = source.kernel.name
        self.stack = Stack(
            blocks=side_by_side(source.block, [f"gpt.h.{layer}" for layer in range(self.config.layers)]),
            norms=[source.norm("gpt.ln_f"), source.norm("final_norm")],
            num_heads=self.config.heads,
        )
        self._head = source.linear("mel_head")
        self._codes_VD = source.table("mel_embedding.weight")
        self._positions_PD = source.table("mel_pos_embedding.emb.weight")

    def prompt(self, text_N: Tensor, conditioning_LD: Tensor) -> Tensor:
        """Embed all that precedes the first code, [S, D]."""
        return self._gpt.prompt(text_N[None], conditioning_LD[None])[0].to(self._codes_VD.dtype)

    def new_cache(self, prompt_lengths: Sequence[int], num_new: int) -> Cache:
        """Allocate room for prompts of these lengths, and for `num_new` codes after each."""
        return self.stack.new_cache(prompt_lengths, num_new)

    def prefill(self, prompts: Sequence[Tensor], cache: Cache) -> Tensor:
        """Read the prompts, [S, D] each; return the hidden states after their last positions, [B, D]."""
        return self.stack.prefill(prompts, cache)

    def step(self, tokens: Sequence[int], index: int, cache: Cache) -> Tensor:
        """Read every sequence's generated code number `index`, from 0; return the hidden states after it, [B, D]."""
        codes_B = torch.tensor(tokens, device=self._codes_VD.device)
        return self.stack.step(self._codes_VD[codes_B] + self._positions_PD[index + 1], cache)

    def next_logits(self, hidden_BD: Tensor) -> Tensor:
        """Turn hidden states into the logits of the codes that follow, [B, V]."""
        return self._head(hidden_BD)

    @torch.no_grad()
    def mel_loss(self, batch: Batch, conditioning_BLD: Tensor) -> Tensor:
        """Compute the cross-entropy of the codes of `batch`, each predicted from the true ones before it.

        The sequence is the one of speaking: unlike in training, the codes see the stop of the text.

        Args:
            batch: As `Gpt.forward` takes it.
            conditioning_BLD: The voices.
        """
        segment = code_segment(batch["codes"], batch["code_lengths"], batch["ignored_codes"], self.config)
        logits = []
        for row, length in enumerate(batch["text_lengths"].tolist()):
            prompt_SD = self.prompt(batch["text"][row, :length], conditioning_BLD[row])
            codes_P = segment.inputs_BP[row, 1:]  # the start code is the prompt's last
            codes_PD = self._codes_VD[codes_P] + self._positions_PD[1 : len(codes_P) + 1]
            hidden_SD = self.stack.read(torch.cat([prompt_SD, codes_PD]))
            logits.append(self.next_logits(hidden_SD[len(prompt_SD) - 1 :]))
        return cross_entropy(torch.stack(logits), segment.targets_BP)


class _Source:
    """The release's tensors as the engine's parts."""

    def __init__(self, tensors: Mapping[str, Tensor], precision: Precision) -> None:
        self._tensors = tensors
        self._looks_on = precision == "exact"
        self.kernel: Kernel = choose_kernel(precision, tensors["gpt.h.0.mlp.c_fc.weight"].T)

    def block(self, name: str) -> Block:
        return Block(
            attention_norm=self.norm(f"{name}.ln_1"),
            queries_keys_values=self.linear_in_out(f"{name}.attn.c_attn"),
            attention_out=self.linear_in_out(f"{name}.attn.c_proj"),
            feed_forward_norm=self.norm(f"{name}.ln_2"),
            widen=self.linear_in_out(f"{name}.mlp.c_fc"),
            narrow=self.linear_in_out(f"{name}.mlp.c_proj"),
        )

    def norm(self, name: str) -> Norm:
        return Norm(self.table(f"{name}.weight"), self.table(f"{name}.bias"), EPSILON)

    def linear(self, name: str) -> Linear:
        return self.kernel.pack(self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])

    def linear_in_out(self, name: str) -> Linear:
        weight_OI = self._tensors[f"{name}.weight"].T
        if not self._looks_on:
            weight_OI = weight_OI.contiguous()  # once for all that packing does with it
        return self.kernel.pack(weight_OI, self._tensors[f"{name}.bias"])

    def table(self, name: str) -> Tensor:
        # A copy even where nothing is rounded: a tensor mapped from a file would keep the whole file in memory.
        tensor = self._tensors[name]
        return tensor if self._looks_on else tensor.to(self.kernel.activations, copy=True)
