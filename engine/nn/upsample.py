"""Nearest-neighbour enlargement and a 3x3 convolution as one transposed one: the same function with 4 of 9 products."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate

_SMALL = 4
"""Up to this side the plain form is as fast: most of a 4x4 input's products fall beside the picture."""


def summed_kernel(weight: Tensor) -> Tensor:
    """The kernel (C, C', 4, 4), for stride 2 and padding 1, of the 3x3 kernel (C', C, 3, 3) behind the enlargement."""
    # By sums alone: a matrix of zeros and ones would be copied to a GPU, which waits, and multiplied in low precision.
    return _summed(_summed(weight.transpose(0, 1), 2), 3).contiguous(memory_format=torch.channels_last)


def _summed(weight: Tensor, axis: int) -> Tensor:
    """Three rows become four sums of them: two enlarged pixels of one origin see the same value."""
    first, middle, last = weight.unbind(axis)
    return torch.stack([last, middle + last, first + middle, first], axis)


class UpsampleConv(nn.Conv2d):
    """(B, C, H, W) -> (B, C', 2H, 2W): each pixel becomes four alike, then a 3x3 convolution with padding 1.

    It draws evenly where a transposed convolution of free weights leaves a grid early in training (Odena et al. 2016,
    "Deconvolution and Checkerboard Artifacts"); each of the four kinds of pixel sees 2x2 pixels of the input.
    """

    def __init__(self, channels: int, out_channels: int, *, bias: bool) -> None:
        super().__init__(channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        if input.shape[-1] <= _SMALL:
            return conv2d(interpolate(input, scale_factor=2.0, mode="nearest"), self.weight, self.bias, padding=1)
        return conv_transpose2d(input, summed_kernel(self.weight), self.bias, stride=2, padding=1)
