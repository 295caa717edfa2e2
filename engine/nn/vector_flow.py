"""A flow over vectors: it maps codes of any distribution to standard normal ones, and back (arXiv:1605.08803)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

LOG_SCALE_BOUND = 1.0
"""Largest |log scale| of one coupling: the way there and back stays exact in float32."""


class VectorCoupling(nn.Module):
    """(B, D) <-> (B, D): half of the numbers, drawn once, decides how the other half is shifted and scaled.

    It starts as the identity.
    """

    order: Tensor
    back: Tensor

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        kept = size // 2
        self.kept = kept
        order = torch.randperm(size)
        self.register_buffer("order", order)
        self.register_buffer("back", torch.argsort(order))
        self.first = nn.Linear(kept, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 2 * (size - kept))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def _scale_and_shift(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        raw, shift = self.last(silu(self.second(silu(self.first(kept))))).chunk(2, 1)
        return LOG_SCALE_BOUND * torch.tanh(raw / LOG_SCALE_BOUND), shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(y, log-determinant (B,))."""
        x = x[:, self.order]
        kept, changed = x[:, : self.kept], x[:, self.kept :]
        log_scale, shift = self._scale_and_shift(kept)
        y = torch.cat([kept, (changed + shift) * torch.exp(log_scale)], 1)
        return y[:, self.back], log_scale.sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        y = y[:, self.order]
        kept, changed = y[:, : self.kept], y[:, self.kept :]
        log_scale, shift = self._scale_and_shift(kept)
        x = torch.cat([kept, changed * torch.exp(-log_scale) - shift], 1)
        return x[:, self.back]


class VectorFlow(nn.Module):
    """`depth` couplings; none is the identity."""

    def __init__(self, size: int, *, hidden: int, depth: int) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(VectorCoupling(size, hidden) for _ in range(depth))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(standard normal numbers (B, D) of vectors (B, D), log-determinant (B,))."""
        log_det = x.new_zeros(len(x))
        for coupling in self.couplings:
            x, change = coupling(x)
            log_det = log_det + change
        return x, log_det

    def inverse(self, y: Tensor) -> Tensor:
        """The vectors of which `forward` makes these."""
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, VectorCoupling)
            y = coupling.inverse(y)
        return y
