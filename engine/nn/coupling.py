"""Coupling: half of the channels decides how the other half is scaled and shifted (Glow, section 3.3)."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from engine.nn.coupling_pass import LOG_SCALE_BOUND, CouplingPass

Precision = Callable[[], AbstractContextManager[object]]


def bounded(raw: Tensor, bound: float) -> Tensor:
    """A smooth clamp to (-bound, bound) with slope 1 at zero."""
    return bound * torch.tanh(raw / bound)


class ZeroConv(nn.Module):
    """A 3x3 convolution that starts at zero, with a learned scale per channel (Glow, section 3.3)."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.log_scale = nn.Parameter(torch.zeros(out_channels))
        nn.init.zeros_(self.conv.weight)
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        # Scaling the small weights instead of the large activations is the same function, and cheaper.
        scale = torch.exp(3.0 * self.log_scale)
        assert self.conv.bias is not None
        y: Tensor = nn.functional.conv2d(
            x, self.conv.weight * scale[:, None, None, None], self.conv.bias * scale, padding=1
        )
        return y


def position_features(height: int, width: int, frequencies: int = 4) -> Tensor:
    """Fourier features of the pixel's place, (1, 4 * frequencies + 2, height, width), in [-1, 1]."""
    ys = torch.linspace(-1, 1, height) if height > 1 else torch.zeros(1)
    xs = torch.linspace(-1, 1, width) if width > 1 else torch.zeros(1)
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    features = [x, y]
    for k in range(frequencies):
        for value in (x, y):
            features += [torch.sin(math.pi * 2**k * value / 2), torch.cos(math.pi * 2**k * value / 2)]
    return torch.stack(features)[None]


class Coupling(nn.Module):
    """(B, C, H, W) <-> (B, C, H, W); the first half of the channels passes through.

    The network also sees where each pixel is: aligned pictures differ from place to place, and a stack of 3x3
    convolutions cannot know it. The places' part of the first layer is the same for every image of a batch, so it
    costs next to nothing.
    """

    places: Tensor

    def __init__(self, channels: int, hidden: int, *, height: int, width: int, affine: bool) -> None:
        super().__init__()
        self.affine = affine
        kept, changed = channels // 2, channels - channels // 2
        self.first = nn.Conv2d(kept, hidden, 3, padding=1)
        self.places_weight = nn.Parameter(torch.randn(hidden, 4 * 4 + 2, 1, 1) * 0.05)
        self.second = nn.Conv2d(hidden, hidden, 1)
        self.last = ZeroConv(hidden, 2 * changed if affine else changed)
        nn.init.kaiming_normal_(self.first.weight)
        nn.init.kaiming_normal_(self.second.weight)
        self.register_buffer("places", position_features(height, width), persistent=False)

    def scale_and_shift(self, kept: Tensor, precision: Precision = nullcontext) -> tuple[Tensor | None, Tensor]:
        """(log scale or None, shift) for the other half; the network may run in a lower precision."""
        with precision():
            places = nn.functional.conv2d(self.places, self.places_weight)
            # In the order in memory of what it is added to: across two orders a sum takes twenty times as long.
            places = places.contiguous(memory_format=torch.channels_last)
            out = self.last(relu(self.second(relu(self.first(kept) + places))))
        out = out.to(kept.dtype)
        if not self.affine:
            return None, out
        raw, shift = out.chunk(2, 1)
        return bounded(raw, LOG_SCALE_BOUND), shift

    def forward(self, x: Tensor, precision: Precision = nullcontext) -> tuple[Tensor, Tensor]:
        """(y, log-determinant (B,))."""
        if self.training and torch.is_grad_enabled():
            return self._trained(x, precision)
        kept, changed = x.chunk(2, 1)
        log_scale, shift = self.scale_and_shift(kept, precision)
        if log_scale is None:
            return torch.cat([kept, changed + shift], 1), x.new_zeros(len(x))
        return torch.cat([kept, (changed + shift) * torch.exp(log_scale)], 1), log_scale.flatten(1).sum(1)

    def _trained(self, x: Tensor, precision: Precision) -> tuple[Tensor, Tensor]:
        """As `forward`, by the pass whose way back is written out."""
        kind = x.device.type
        with precision():
            dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        run: Callable[..., tuple[Tensor, Tensor]] = CouplingPass.apply
        return run(
            x,
            self.places,
            self.affine,
            dtype,
            self.places_weight,
            self.first.weight,
            self.first.bias,
            self.second.weight,
            self.second.bias,
            self.last.conv.weight,
            self.last.conv.bias,
            self.last.log_scale,
        )

    def inverse(self, y: Tensor) -> Tensor:
        kept, changed = y.chunk(2, 1)
        log_scale, shift = self.scale_and_shift(kept)
        if log_scale is not None:
            changed = changed * torch.exp(-log_scale)
        return torch.cat([kept, changed - shift], 1)
