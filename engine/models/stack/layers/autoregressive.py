"""Autoregressive layers: each coordinate is scaled and shifted by what the ones before it decide.

One way all coordinates go at once, the other way one after another. Which way is which is the whole difference between
MAF (Papamakarios et al. 2017, arXiv:1705.07057: the density is fast) and IAF (Kingma et al. 2016, arXiv:1606.04934:
samples are fast). The masks are MADE's (Germain et al. 2015, arXiv:1502.03509).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from engine.models.stack.layers.base import Dense, Layer
from engine.nn.coupling import bounded

BOUND: Final = 3.0


class Made(Dense):
    """(B, D) -> (B, 2 D): the log scale and the shift of each coordinate, seeing only those before it."""

    def __init__(self, size: int, widths: Sequence[int]) -> None:
        super().__init__(size, widths, 2 * size)
        degrees = [torch.arange(1, size + 1)]
        # A hidden number of degree k sees the first k coordinates and serves those after; with one there are none.
        degrees += [torch.arange(width) % max(1, size - 1) + min(1, size - 1) for width in widths]
        masks = [after[:, None] >= before[None] for before, after in itertools.pairwise(degrees)]
        masks.append(torch.arange(1, size + 1).repeat(2)[:, None] > degrees[-1][None])
        for index, mask in enumerate(masks):
            self.register_buffer(f"mask{index}", mask.float(), persistent=False)

    def weights(self) -> list[Tensor]:
        return [layer.weight * getattr(self, f"mask{index}") for index, layer in enumerate(self.linear())]


class Autoregressive(Layer):
    """out_i = exp(s_i) * (in_i + t_i), where s_i and t_i depend on in_1 ... in_(i-1).

    `fast_density`: from data to code all coordinates go at once (MAF); else from code to data (IAF).
    """

    def __init__(self, size: int, widths: Sequence[int], *, fast_density: bool) -> None:
        super().__init__()
        self.fast_density = fast_density
        self.net = Made(size, widths)

    def _scale_and_shift(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.net(x).chunk(2, 1)
        return bounded(log_scale, BOUND), shift

    def _at_once(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = self._scale_and_shift(x)
        return (x + shift) * log_scale.exp(), log_scale.sum(1)

    def _one_by_one(self, out: Tensor) -> Tensor:
        found = torch.zeros_like(out)
        for index in range(out.shape[1]):
            # Nothing comes before the first coordinate: it is scaled and shifted alike everywhere.
            log_scale, shift = self._scale_and_shift(found if index else found[:1])
            column = out[:, index] * (-log_scale[:, index]).exp() - shift[:, index]
            found = torch.cat([found[:, :index], column[:, None], found[:, index + 1 :]], 1)
        return found

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.fast_density:
            return self._at_once(x)
        y = self._one_by_one(x)
        return y, -self._scale_and_shift(y)[0].sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        return self._one_by_one(y) if self.fast_density else self._at_once(y)[0]
