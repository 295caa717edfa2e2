"""A multi-scale flow for inference: every step two matrix products and a packed coupling network, in both directions.

The flow's own state stays in planes (B, C, H, W): there the halves are stretches of memory, a 1x1 convolution is one
matrix product and the coupling's arithmetic goes through whole vectors. The networks run with channels last.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pixel_shuffle, pixel_unshuffle, relu_

from engine.nn.packed import PackedConv

Net = Callable[[Tensor], Tensor]
"""(B, C, H, W) -> (B, C', H, W)."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A convolution's weights (C', C, K, K) and bias (C'); `edge` is what it sees beyond the picture.

    `places` (1, C', H, W), where given, is a bias of each pixel's own, and takes the place of `bias`.
    """

    weight: Tensor
    bias: Tensor
    edge: float = 0.0
    places: Tensor | None = None


def bounded_by(bound: float) -> Net:
    """Log scales of raw values that were divided by `bound` beforehand: bound * tanh(raw); overwrites them."""
    return lambda raw: torch.tanh_(raw).mul_(bound)


def below_one(raw: Tensor) -> Tensor:
    """Log scales of raw values: log sigmoid."""
    return logsigmoid(raw)


class Mix:
    """Actnorm and invertible 1x1 convolution as one linear map per pixel, W x + b, and its inverse."""

    def __init__(self, weight: Tensor, bias: Tensor, log_det: float) -> None:
        """Of W (C, C) and b (C) in float64; `log_det` is log|det W|."""
        self.log_det = log_det
        # The inverse is that of the rounded weights: what one direction does, the other undoes.
        self._weight = weight.float()[None].contiguous()
        rounded = self._weight[0].double()
        self._bias = bias.float()[None, :, None].contiguous()
        inverse = torch.linalg.inv(rounded.cpu()).to(rounded.device)
        self._inverse = inverse.float()[None].contiguous()
        self._inverse_bias = -(inverse @ self._bias[0, :, 0].double()).float()[None, :, None].contiguous()

    def forward(self, x: Tensor) -> Tensor:
        return self._apply(self._weight, self._bias, x)

    def inverse(self, y: Tensor) -> Tensor:
        return self._apply(self._inverse, self._inverse_bias, y)

    @staticmethod
    def _apply(weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
        if len(x) > 1:
            weight = weight.expand(len(x), -1, -1)
        return torch.baddbmm(bias, weight, x.flatten(2)).view(x.shape)


def packed_net(layers: Sequence[Weights], *, size: tuple[int, int], packed: bool) -> Net:
    """Convolutions of odd kernels that keep the size, with ReLU between them."""
    parts: list[Net] = []
    for i, layer in enumerate(layers):
        rectified = i < len(layers) - 1
        places = None
        if layer.places is not None:
            places = layer.places.detach().clone().contiguous(memory_format=torch.channels_last)
        conv = PackedConv(
            layer.weight,
            layer.bias if places is None else None,
            size=size,
            packed=packed,
            padding=layer.weight.shape[-1] // 2,
            edge=layer.edge,
            activation="relu" if rectified and places is None else "none",
        )
        parts.append(conv if places is None else _placed(conv, places, rectified))

    def net(x: Tensor) -> Tensor:
        for part in parts:
            x = part(x)
        return x.contiguous()

    return net


def _placed(conv: PackedConv, places: Tensor, rectified: bool) -> Net:
    # As operations of their own: fused into the convolution they were slower by 8 % of a picture.
    return lambda x: relu_(conv(x).add_(places)) if rectified else conv(x).add_(places)


class PackedStep:
    """y = W x + b, then b -> (b - shift) * exp(log scale) for the second half of y, as the first half says.

    `net` gives [raw log scale, shift] where there is a `log_scale`, else the shift alone. The shift is subtracted: so
    the inverse is one operation, and its sign is the weights' matter.
    """

    def __init__(self, mix: Mix, net: Net, log_scale: Net | None) -> None:
        self.mix, self._net, self._log_scale = mix, net, log_scale

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """(y, the coupling's log-determinant (B,) or None)."""
        y = self.mix.forward(x)
        kept, changed = y.chunk(2, 1)
        out = self._net(kept)
        if self._log_scale is None:
            changed.sub_(out)
            return y, None
        raw, shift = out.chunk(2, 1)
        scale = self._log_scale(raw)
        log_det = scale.sum((1, 2, 3))
        changed.sub_(shift).mul_(scale.exp_())
        return y, log_det

    def inverse(self, y: Tensor) -> Tensor:
        """x of y, whose second half is overwritten."""
        kept, changed = y.chunk(2, 1)
        out = self._net(kept)
        if self._log_scale is None:
            changed.add_(out)
        else:
            raw, shift = out.chunk(2, 1)
            torch.addcmul(shift, changed, self._log_scale(raw).neg_().exp_(), out=changed)
        return self.mix.inverse(y)


@dataclass(frozen=True, eq=False)
class PackedLevel:
    """Squeeze, steps, and what leaves as code, standardised by `prior`: (what stays or None) -> [mean, raw log std]."""

    steps: Sequence[PackedStep]
    prior: Callable[[Tensor | None], Tensor]
    log_std: Net
    code_shape: tuple[int, int, int]
    last: bool


class PackedFlow:
    """Levels from fine to coarse; see `engine.nn.multiscale.Levels` for the code's order."""

    def __init__(self, levels: Sequence[PackedLevel]) -> None:
        self._levels = levels
        self._log_det = 0.0
        for level in levels:
            _, height, width = level.code_shape
            self._log_det += height * width * sum(step.mix.log_det for step in level.steps)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(codes (B, D), log-determinant (B,)) of images."""
        log_det = x.new_full((len(x),), self._log_det)
        codes = []
        for level in self._levels:
            x = pixel_unshuffle(x, 2).contiguous()
            for step in level.steps:
                x, change = step.forward(x)
                if change is not None:
                    log_det += change
            kept, leaving = (None, x) if level.last else x.chunk(2, 1)
            mean, raw = level.prior(kept).chunk(2, 1)
            log_std = level.log_std(raw.clone())
            code = (leaving - mean) * torch.exp(-log_std)
            log_det -= log_std.expand_as(code).sum((1, 2, 3))
            codes.append(code.flatten(1))
            if kept is not None:
                x = kept
        return torch.cat(codes, 1), log_det

    def decode(self, z: Tensor) -> Tensor:
        """Images of codes (B, D)."""
        parts = z.split([math.prod(level.code_shape) for level in self._levels], 1)
        x: Tensor | None = None
        for level, part in zip(reversed(self._levels), reversed(parts), strict=True):
            mean, raw = level.prior(x).chunk(2, 1)
            leaving = torch.addcmul(mean, part.unflatten(1, level.code_shape), level.log_std(raw.clone()).exp_())
            # The steps write into what they are given: a fresh tensor, never the code.
            y = leaving if x is None else torch.cat([x, leaving], 1)
            for step in reversed(level.steps):
                y = step.inverse(y)
            x = pixel_shuffle(y, 2)
        assert x is not None
        return x
