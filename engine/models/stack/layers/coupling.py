"""Coupling layers: the first half decides what becomes of the second (NICE, arXiv:1410.8516; RealNVP, 1605.08803)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from engine.models.stack.layers.base import Dense, Layer
from engine.nn.coupling import bounded

BOUND: Final = 3.0
"""Largest |log scale| of one layer: what one step may stretch, e^3, is inverted exactly enough in float32."""


class Coupling(Layer):
    """y1 = x1, y2 = exp(s(x1)) * (x2 + t(x1)); additive: s = 0. Its log-determinant is the sum of s."""

    def __init__(self, size: int, widths: Sequence[int], *, affine: bool) -> None:
        super().__init__()
        self.kept, self.affine = size // 2, affine
        changed = size - self.kept
        self.net = Dense(self.kept, widths, 2 * changed if affine else changed)

    def _scale_and_shift(self, kept: Tensor) -> tuple[Tensor | None, Tensor]:
        raw = self.net(kept)
        if not self.affine:
            return None, raw
        log_scale, shift = raw.chunk(2, 1)
        return bounded(log_scale, BOUND), shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        kept, changed = x[:, : self.kept], x[:, self.kept :]
        log_scale, shift = self._scale_and_shift(kept)
        changed = changed + shift
        if log_scale is None:
            return torch.cat([kept, changed], 1), x.new_zeros(len(x))
        return torch.cat([kept, changed * log_scale.exp()], 1), log_scale.sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        kept, changed = y[:, : self.kept], y[:, self.kept :]
        log_scale, shift = self._scale_and_shift(kept)
        if log_scale is not None:
            changed = changed * (-log_scale).exp()
        return torch.cat([kept, changed - shift], 1)
