"""The textbook Glow, written plainly from the paper (Kingma & Dhariwal 2018, arXiv:1807.03039), to be measured against.

Nothing is folded, cached or laid out for speed: the inverse of a 1x1 convolution is computed at every call, as public
codes do. With `ours` it is the same function as the program's own Glow (bounded log scales, the pixel's place in the
couplings and priors) under the same names of weights, so that both can be given the same numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pixel_shuffle, pixel_unshuffle, relu

BITS = 5


class ActNorm(nn.Module):
    """y = exp(log_scale) * (x + shift) a channel, set by the first batch (section 3.1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        self.register_buffer("initialised", torch.tensor(False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if not bool(self.initialised):
            with torch.no_grad():
                self.shift.copy_(-x.mean((0, 2, 3)))
                self.log_scale.copy_(-torch.log(x.std((0, 2, 3), unbiased=False) + 1e-3))
                self.initialised.fill_(True)
        y = (x + self.shift[:, None, None]) * torch.exp(self.log_scale)[:, None, None]
        return y, x.shape[2] * x.shape[3] * self.log_scale.sum()

    def inverse(self, y: Tensor) -> Tensor:
        return y * torch.exp(-self.log_scale)[:, None, None] - self.shift[:, None, None]


class InvertibleConv(nn.Module):
    """W = P L (U + diag(s)) (section 3.2, equation 10)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels))
        p, lower, upper = torch.linalg.lu(rotation)
        self.register_buffer("permutation", p)
        self.register_buffer("sign", upper.diagonal().sign())
        self.lower = nn.Parameter(lower.tril(-1))
        self.upper = nn.Parameter(upper.triu(1))
        self.log_diagonal = nn.Parameter(upper.diagonal().abs().log())

    def weight(self) -> Tensor:
        lower = self.lower.tril(-1) + torch.eye(len(self.sign))
        upper = self.upper.triu(1) + torch.diag(self.sign * torch.exp(self.log_diagonal))
        return self.permutation @ lower @ upper

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = conv2d(x, self.weight()[:, :, None, None])
        return y, x.shape[2] * x.shape[3] * self.log_diagonal.sum()

    def inverse(self, y: Tensor) -> Tensor:
        return conv2d(y, torch.inverse(self.weight())[:, :, None, None])


class ZeroConv(nn.Module):
    """A 3x3 convolution that starts at zero, times exp(3 log_scale) a channel (section 3.3)."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.log_scale = nn.Parameter(torch.zeros(out_channels))
        nn.init.zeros_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) * torch.exp(3.0 * self.log_scale)[:, None, None]


def places(height: int, width: int, frequencies: int = 4) -> Tensor:
    """The pixel's place, (1, 4 * frequencies + 2, height, width): coordinates, and their sines and cosines."""
    ys = torch.linspace(-1, 1, height) if height > 1 else torch.zeros(1)
    xs = torch.linspace(-1, 1, width) if width > 1 else torch.zeros(1)
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    waves = [
        wave(math.pi * 2**k * value / 2)
        for k in range(frequencies)
        for value in (x, y)
        for wave in (torch.sin, torch.cos)
    ]
    return torch.stack([x, y, *waves])[None]


class Coupling(nn.Module):
    """The first half of the channels scales and shifts the other (section 3.3), by sigmoid(raw + 2) as in its code."""

    def __init__(self, channels: int, hidden: int, side: int, *, ours: bool) -> None:
        super().__init__()
        half = channels // 2
        self.ours = ours
        self.first = nn.Conv2d(half, hidden, 3, padding=1)
        self.second = nn.Conv2d(hidden, hidden, 1)
        self.last = ZeroConv(hidden, 2 * (channels - half))
        for conv in (self.first, self.second):
            nn.init.normal_(conv.weight, std=0.05)
        if ours:
            self.places_weight = nn.Parameter(torch.randn(hidden, 18, 1, 1) * 0.05)
            self.register_buffer("places", places(side, side), persistent=False)

    def network(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """(log scale, shift)."""
        h = self.first(kept)
        if self.ours:
            h = h + conv2d(self.places, self.places_weight)
        raw, shift = self.last(relu(self.second(relu(h)))).chunk(2, 1)
        return (1.5 * torch.tanh(raw / 1.5) if self.ours else torch.log(torch.sigmoid(raw + 2.0))), shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        kept, changed = x.chunk(2, 1)
        log_scale, shift = self.network(kept)
        return torch.cat([kept, (changed + shift) * torch.exp(log_scale)], 1), log_scale.sum((1, 2, 3))

    def inverse(self, y: Tensor) -> Tensor:
        kept, changed = y.chunk(2, 1)
        log_scale, shift = self.network(kept)
        return torch.cat([kept, changed / torch.exp(log_scale) - shift], 1)


class FlowStep(nn.Module):
    """Actnorm, 1x1 convolution, coupling (figure 2a)."""

    def __init__(self, channels: int, hidden: int, side: int, *, ours: bool) -> None:
        super().__init__()
        self.norm = ActNorm(channels)
        self.mix = InvertibleConv(channels)
        self.coupling = Coupling(channels, hidden, side, ours=ours)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x, first = self.norm(x)
        x, second = self.mix(x)
        x, third = self.coupling(x)
        return x, first + second + third

    def inverse(self, y: Tensor) -> Tensor:
        return self.norm.inverse(self.mix.inverse(self.coupling.inverse(y)))


class Level(nn.Module):
    """Squeeze, steps, and the learned prior of what leaves (figure 2b)."""

    def __init__(self, channels: int, depth: int, hidden: int, side: int, *, last: bool, ours: bool) -> None:
        super().__init__()
        self.last = last
        self.steps = nn.ModuleList(FlowStep(4 * channels, hidden, side, ours=ours) for _ in range(depth))
        leaving = 4 * channels if last else 2 * channels
        self.code_shape = (leaving, side, side)
        if not last:
            self.prior = ZeroConv(2 * channels, 2 * leaving)
        if ours or last:
            self.prior_places = nn.Parameter(torch.zeros(1, 2 * leaving, side if ours else 1, side if ours else 1))
        self.ours = ours

    def prior_of(self, kept: Tensor | None) -> tuple[Tensor, Tensor]:
        """(mean, log standard deviation)."""
        raw = self.prior_places if self.last or self.ours else 0.0
        if kept is not None:
            raw = raw + self.prior(kept)
        mean, log_std = raw.chunk(2, 1)
        return mean, (3.0 * torch.tanh(log_std / 3.0) if self.ours else log_std)

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x = pixel_unshuffle(x, 2)
        total = x.new_zeros(len(x))
        for step in self.steps:
            x, log_det = step(x)
            total = total + log_det
        kept, leaving = (None, x) if self.last else x.chunk(2, 1)
        mean, log_std = self.prior_of(kept)
        z = (leaving - mean) * torch.exp(-log_std)
        return kept, z, total - log_std.expand_as(z).sum((1, 2, 3))

    def inverse(self, kept: Tensor | None, z: Tensor) -> Tensor:
        mean, log_std = self.prior_of(kept)
        x = z * torch.exp(log_std) + mean
        if kept is not None:
            x = torch.cat([kept, x], 1)
        for step in reversed(self.steps):
            x = step.inverse(x)
        return pixel_shuffle(x, 2)


class Glow(nn.Module):
    """(B, C, S, S) in [-1, 1] <-> the codes of all levels, finest first."""

    def __init__(
        self, *, levels: int, depth: int, hidden: int, side: int, channels: int = 3, ours: bool = False
    ) -> None:
        super().__init__()
        stack = []
        for i in range(levels):
            side //= 2
            stack.append(Level(channels, depth, hidden, side, last=i == levels - 1, ours=ours))
            channels *= 2
        self.stack = nn.ModuleList(stack)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """(codes, log|det| (B,)) of images."""
        total, codes, rest = x.new_zeros(len(x)), [], x
        for level in self.stack:
            rest, z, log_det = level(rest)
            codes.append(z)
            total = total + log_det
        return codes, total

    def inverse(self, codes: list[Tensor]) -> Tensor:
        """The images of these codes."""
        x = None
        for level, z in zip(reversed(self.stack), reversed(codes), strict=True):
            x = level.inverse(x, z)
        return x

    def draw_codes(self, n: int) -> list[Tensor]:
        """Codes of n samples."""
        return [torch.randn(n, *level.code_shape) for level in self.stack]

    def split(self, flat: Tensor) -> list[Tensor]:
        """Codes of flat ones (B, D), as the program keeps them."""
        parts = flat.split([math.prod(level.code_shape) for level in self.stack], 1)
        return [part.view(-1, *level.code_shape) for part, level in zip(parts, self.stack, strict=True)]

    def loss(self, x: Tensor) -> Tensor:
        """Bits/dim of images of 256 grey values at 5 bits (section 2, equation 2)."""
        grey = torch.floor(torch.floor((x + 1.0) * 127.5 + 0.5) / 2 ** (8 - BITS))
        codes, log_det = self((grey + torch.rand_like(x)) * (2.0 / 2**BITS) - 1.0)
        prior = sum((-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum((1, 2, 3)) for z in codes)
        size = x[0].numel()
        return (-(prior + log_det) / (size * math.log(2.0)) + math.log2(2**BITS / 2.0)).mean()


def step(model: Glow, adam: torch.optim.Optimizer, x: Tensor) -> Tensor:
    """One update from images."""
    adam.zero_grad()
    loss = model.loss(x)
    loss.backward()
    adam.step()
    return loss
