"""F5-TTS in `bench.parity`: how escuta computes what f5-tts and vocos computed.

Shapes: B batch, N text tokens, F mel bins, M mel frames.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from bench.limits import ABSOLUTE, RELATIVE, SOUND, Case, Limit, absolute_error
from bench.seeded import seeded_tensor
from escuta.audio.mel import vocos_mel
from escuta.models.f5.config import DitConfig, VocosConfig
from escuta.models.f5.dit import Dit
from escuta.models.f5.packed import PackedDit
from escuta.models.f5.sampler import Utterance, sample
from escuta.models.f5.vocos import Vocos

PEER = "f5-tts 1.1.22 and vocos 0.1.0"
INPUTS = {"seed", "wav_24000", "text", "x", "cond", "time", "mask", "noise", "vocos_input"}
GUIDANCE = 2.0
RESIDUAL_SCALE = 0.3
"""Of the gains on residual branches (`gamma`, `beta`): a case's weights are so much smaller than `seeded_tensor` makes
them."""


class Subject:
    """The inputs of a case, and the networks with the weights that it was made with."""

    def __init__(self, manifest: Mapping[str, Any], case: Case) -> None:
        self.case = case
        self._shapes: Mapping[str, list[int]] = manifest["shapes"]
        arch, vocos, istft = manifest["arch"], manifest["vocos"], manifest["istft"]
        self._sizes = DitConfig(
            width=arch["dim"],
            layers=arch["depth"],
            heads=arch["heads"],
            widening=arch["ff_mult"],
            text_width=arch["text_dim"],
            text_layers=arch["conv_layers"],
            num_text_tokens=manifest["text_num_embeds"],
            masks_text_padding=arch["text_mask_padding"],
            turned_heads=arch["pe_attn_head"],
        )
        self._vocos_sizes = VocosConfig(
            width=vocos["dim"],
            widened=vocos["intermediate_dim"],
            layers=vocos["num_layers"],
            num_fft=istft["n_fft"],
            hop=istft["hop_length"],
            centred=istft["padding"] == "center",
        )

    @cached_property
    def dit(self) -> Dit:
        """The network."""
        dit = Dit(self._sizes)
        self._fill(dit, "transformer.")
        return dit

    def flow(self, *, guides: bool) -> Tensor:
        """Where the batch flows, its padding masked."""
        lengths_B, drops = self.case["mask"].sum(1), not guides
        text_BMT = self.dit.text_embed(
            self.case["text"], lengths_B, torch.full_like(lengths_B, drops, dtype=torch.bool)
        )
        heard_BMF = self.case["cond"] * guides
        return self.dit.flow(self.case["x"], heard_BMF, text_BMT, self.case["time"], self.case["mask"])

    def flow_of_first(self) -> Tensor:
        """Where the first item flows, alone."""
        x, cond, text, time = (self.case[name][:1] for name in ("x", "cond", "text", "time"))
        return self.dit.flow(x, cond, self.dit.text_embed(text, torch.tensor([x.shape[1]])), time)

    def sampled(self, num_steps: int) -> Tensor:
        """The mel that speaking makes, [1, M, F]."""
        packed = PackedDit(self._sizes, "exact", self.dit.state_dict())
        noise_MF = self.case["noise"]
        utterance = Utterance(self.case["mel"][0].T, self.case["text"][0], len(noise_MF), noise_MF)
        return sample(packed, [utterance], num_steps=num_steps, guidance=GUIDANCE)[0][None]

    def wav(self) -> Tensor:
        """The vocoder's audio."""
        vocos = Vocos(self._vocos_sizes)
        self._fill(vocos, "vocos.")
        wav_BT: Tensor = vocos(self.case["vocos_input"])
        return wav_BT

    def _fill(self, module: nn.Module, prefix: str) -> None:
        module.load_state_dict({name: self._tensor(prefix + name) for name in module.state_dict()}, assign=True)
        module.requires_grad_(False).eval()

    def _tensor(self, name: str) -> Tensor:
        tensor = seeded_tensor(name, self._shapes[name], int(self.case["seed"]))
        return tensor * RESIDUAL_SCALE if name.endswith((".gamma", ".beta")) else tensor


SAMPLED = Limit(absolute_error, "absolute", 1e-3)

CHECKS: dict[str, tuple[Limit, Callable[[Subject], Tensor]]] = {
    "mel": (ABSOLUTE, lambda s: vocos_mel(s.case["wav_24000"][None])),
    "flow_conditional": (RELATIVE, lambda s: s.flow(guides=True)),
    "flow_unconditional": (RELATIVE, lambda s: s.flow(guides=False)),
    "flow_conditional_no_mask": (RELATIVE, Subject.flow_of_first),
    "sampled_mel_steps7": (SAMPLED, lambda s: s.sampled(7)),
    "sampled_mel_steps16": (SAMPLED, lambda s: s.sampled(16)),
    "vocos_wav_24000": (SOUND, Subject.wav),
}
"""Every result of a case: its limit, and how escuta computes it from the case's other arrays."""
