"""Latents to sound: HiFi-GAN, told in every layer whose voice it is.

Shapes: B batch, K codes, D width, C channels, M frames of the decoder, T wav frames, E embedding.
"""

import math
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from escuta.models.xtts.config import DecoderConfig, XttsConfig

LEAK = (
    0.1  # slope of the leaky ReLUs; HiFi-GAN (arXiv:2010.05646). The last one has PyTorch's 0.01, by an old oversight
)

OUTER_KERNEL = 7  # of the first convolution and the last
CHUNK_FRAMES = 512
"""5.5 s. Shorter chunks hear more twice; longer ones take more memory."""
EVEN_FRAMES = 64
"""0.7 s. What is packed voices multiples of it: oneDNN makes kernels for each length, of nano half a second's work."""


class WaveformDecoder(nn.Module):
    """HiFi-GAN. Its state has the release's names without `hifigan_decoder.waveform_decoder.`."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        sizes = config.decoder
        self.frames_per_code = config.gpt.code_stride / config.output_hop
        self.rate_ratio = config.output_sample_rate / config.sample_rate
        channels = [sizes.channels // 2**i for i in range(len(sizes.upsample_rates) + 1)]
        embedding_width = config.speaker_encoder.embedding_width
        self.conv_pre = nn.Conv1d(sizes.input_width, channels[0], OUTER_KERNEL, padding=OUTER_KERNEL // 2)
        self.cond_layer = nn.Conv1d(embedding_width, channels[0], 1)
        self.ups = nn.ModuleList(
            weight_norm(nn.ConvTranspose1d(many, few, kernel, rate, padding=(kernel - rate) // 2))
            for (many, few), kernel, rate in zip(
                pairwise(channels), sizes.upsample_kernel_sizes, sizes.upsample_rates, strict=True
            )
        )
        self.conds = nn.ModuleList(
            nn.Conv1d(embedding_width, few, 1) for few in channels[1:] if sizes.speaker_in_each_layer
        )
        self.reach_frames = reach_frames(sizes)
        self.hop = config.output_hop
        self.num_kernels = len(sizes.resblock_kernel_sizes)
        self.resblocks = nn.ModuleList(
            _ResidualBlock(few, kernel, sizes.resblock_dilations)
            for few in channels[1:]
            for kernel in sizes.resblock_kernel_sizes
        )
        self.conv_post = nn.Conv1d(channels[-1], 1, OUTER_KERNEL, padding=OUTER_KERNEL // 2, bias=False)
        self._is_flat = False

    def folded(self) -> "WaveformDecoder":
        """Multiply out the weight norms for good: faster, no longer to be trained, and the state has other names."""
        for module in self.modules():
            if is_parametrized(module):
                remove_parametrizations(module, "weight")
        return self

    def packed(self) -> "WaveformDecoder":
        """A copy for CPUs that compute in bfloat16: rounded to it, each sound a picture of height 1, channels last.

        oneDNN takes that layout as it lies, and would rearrange before and after every one-dimensional convolution.
        Weight norms must be folded.
        """
        packed = deepcopy(self)
        for parent in list(packed.modules()):
            for name, conv in parent.named_children():
                if isinstance(conv, nn.Conv1d | nn.ConvTranspose1d):
                    setattr(parent, name, _flat(conv))
        packed._is_flat = True
        return packed.to(torch.bfloat16, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def forward(self, latents_BKD: Tensor, speaker_BE: Tensor, chunk_frames: int = CHUNK_FRAMES) -> Tensor:
        """Voice the latents: [B, K, D] and [B, E] to audio [B, T] in [-1, 1], at the output rate.

        Args:
            latents_BKD: Hidden states of the language model.
            speaker_BE: Whose voice it is.
            chunk_frames: Frames voiced at a time, each with all around it that it hears: memory is bounded however
                long the audio, and the audio is that of one piece.
        """
        frames_BDM = latents_BKD.transpose(1, 2)
        # Two interpolations, not one: the first rounds the number of frames that the second starts from.
        for factor in (self.frames_per_code, self.rate_ratio):
            frames_BDM = functional.interpolate(frames_BDM, scale_factor=factor, mode="linear")
        num_frames = frames_BDM.shape[2]
        voiced = []
        for start in range(0, num_frames, chunk_frames):
            end = min(start + chunk_frames, num_frames)
            heard_from, heard_to = max(0, start - self.reach_frames), min(end + self.reach_frames, num_frames)
            heard_BDM = frames_BDM[:, :, heard_from:heard_to]
            if self._is_flat:
                missing = -heard_BDM.shape[2] % EVEN_FRAMES
                heard_BDM = functional.pad(heard_BDM, (0, missing), mode="replicate")
            wav_BT = self._voice(heard_BDM, speaker_BE[:, :, None])
            voiced.append(wav_BT[:, (start - heard_from) * self.hop : (end - heard_from) * self.hop])
        return torch.cat(voiced, dim=1)

    def _voice(self, frames_BDM: Tensor, speaker_BE1: Tensor) -> Tensor:
        if self._is_flat:  # from here on shapes have a height of 1 before their last dimension
            frames_BDM = frames_BDM[:, :, None].contiguous(memory_format=torch.channels_last)
            speaker_BE1 = speaker_BE1[:, :, None]
        x_BCM = self.conv_pre(frames_BDM) + self.cond_layer(speaker_BE1)
        for i, upsample in enumerate(self.ups):
            x_BCM = upsample(functional.leaky_relu(x_BCM, LEAK))
            if self.conds:
                x_BCM = x_BCM + self.conds[i](speaker_BE1)
            x_BCM = sum(block(x_BCM) for block in self._blocks(i)) / self.num_kernels
        wav_BT: Tensor = self.conv_post(functional.leaky_relu(x_BCM)).tanh().flatten(1)
        return wav_BT

    def _blocks(self, layer: int) -> nn.ModuleList:
        return self.resblocks[layer * self.num_kernels : (layer + 1) * self.num_kernels]


def _flat(conv: nn.Conv1d | nn.ConvTranspose1d) -> nn.Module:
    """The same convolution over pictures of height 1."""
    kind = nn.Conv2d if isinstance(conv, nn.Conv1d) else nn.ConvTranspose2d
    flat = kind(
        conv.in_channels,
        conv.out_channels,
        (1, conv.kernel_size[0]),
        stride=(1, conv.stride[0]),
        padding=(0, int(conv.padding[0])),
        dilation=(1, conv.dilation[0]),
        bias=False,
        device="meta",
    )
    flat.weight = nn.Parameter(conv.weight.detach()[:, :, None])
    flat.bias = conv.bias
    return flat


def reach_frames(sizes: DecoderConfig) -> int:
    """How many frames before and after its own a point of audio hears."""
    widest = max(sizes.resblock_kernel_sizes) // 2
    reach = OUTER_KERNEL // 2  # in points of the layer at hand, from the last one back
    for kernel, rate in reversed(list(zip(sizes.upsample_kernel_sizes, sizes.upsample_rates, strict=True))):
        reach += widest * (sum(sizes.resblock_dilations) + len(sizes.resblock_dilations))
        reach = math.ceil((reach + kernel - 1) / rate)
    return reach + OUTER_KERNEL // 2


class _ResidualBlock(nn.Module):
    """Pairs of convolutions, the first of each pair dilated."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()

        def conv(dilation: int) -> nn.Module:
            padding = dilation * (kernel - 1) // 2
            normed: nn.Module = weight_norm(nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=padding))
            return normed

        self.convs1 = nn.ModuleList(conv(dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(conv(1) for _ in dilations)

    def forward(self, x_BCM: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            inner_BCM = dilated(functional.leaky_relu(x_BCM, LEAK))
            x_BCM = x_BCM + plain(functional.leaky_relu(inner_BCM, LEAK))
        return x_BCM
