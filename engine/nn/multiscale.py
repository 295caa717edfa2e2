"""A multi-scale flow: levels that squeeze, flow, and let half of the channels go as code (arXiv:1605.08803, 3.6)."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle


class Step(Protocol):
    """An invertible step at one level, (B, C, H, W) <-> (B, C, H, W)."""

    def __call__(self, *inputs: Any) -> Any:
        """(y, log-determinant (B,)) of x; what follows x is handed on from `Levels.encode`."""
        ...

    def inverse(self, y: Tensor) -> Tensor: ...


class ScaleLevel(nn.Module, ABC):
    """Squeeze, flow steps, then (but at the last level) half of the channels leaves as this level's code.

    What is kept as code is standardised by its prior, so the prior of the code is N(0, I).
    """

    last: bool
    code_shape: tuple[int, int, int]

    @abstractmethod
    def flow_steps(self) -> Sequence[Step]:
        """This level's steps, first to last."""

    @abstractmethod
    def prior_of(self, kept: Tensor | None, n: int) -> tuple[Tensor, Tensor]:
        """(mean, log standard deviation) of what leaves of n images; shapes may broadcast over the batch."""

    def forward(self, x: Tensor, *more: Any) -> tuple[Tensor | None, Tensor, Tensor]:
        """(what goes on, this level's code, log-determinant (B,))."""
        x, log_det = self.flow(pixel_unshuffle(x, 2), *more)
        kept, leaving = (None, x) if self.last else x.chunk(2, 1)
        mean, log_std = self.prior_of(kept, len(x))
        code = (leaving - mean) * torch.exp(-log_std)
        return kept, code, log_det - log_std.expand_as(code).flatten(1).sum(1)

    def flow(self, x: Tensor, *more: Any) -> tuple[Tensor, Tensor]:
        """(y, log-determinant (B,)) of all steps, one after another."""
        log_det = x.new_zeros(len(x))
        for step in self.flow_steps():
            x, change = step(x, *more)
            log_det = log_det + change
        return x, log_det

    def inverse(self, kept: Tensor | None, code: Tensor) -> Tensor:
        """The images (B, C, H, W) of which `forward` makes these."""
        mean, log_std = self.prior_of(kept, len(code))
        x = code * torch.exp(log_std) + mean
        if kept is not None:
            x = torch.cat([kept, x], 1)
        for step in reversed(self.flow_steps()):
            x = step.inverse(x)
        return pixel_shuffle(x, 2)


class Levels(nn.ModuleList):
    """Levels from fine to coarse; the codes of all of them, finest first, make up the flat code (B, D)."""

    def scales(self) -> list[ScaleLevel]:
        """The levels by their type."""
        return [level for level in self if isinstance(level, ScaleLevel)]

    def encode(self, x: Tensor, *more: Any) -> tuple[Tensor, Tensor]:
        """(codes (B, D), log|det df/dx| (B,)) of images (B, C, H, W); every step is given `more`."""
        log_det = x.new_zeros(len(x))
        codes: list[Tensor] = []
        rest: Tensor | None = x
        for level in self.scales():
            assert rest is not None
            rest, code, change = level(rest, *more)
            log_det = log_det + change
            codes.append(code.flatten(1))
        return torch.cat(codes, 1), log_det

    def decode(self, z: Tensor, *, first: int = 0) -> Tensor:
        """Images of codes (B, D); with `first`, what the levels from that one on hand to the next finer one."""
        levels = self.scales()
        parts = z.split([math.prod(level.code_shape) for level in levels], 1)
        x: Tensor | None = None
        for level, part in reversed(list(zip(levels, parts, strict=True))[first:]):
            x = level.inverse(x, part.unflatten(1, level.code_shape))
        assert x is not None
        return x

    def layout(self, z: Tensor) -> Tensor:
        """What the coarser half of the levels hands on, (B, F, S, S): the layout before the fine levels fill it in."""
        return self.decode(z, first=len(self) // 2)
