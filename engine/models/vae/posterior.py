"""What an encoder says of the codes of a point: a Gaussian, upright or tilted, or one that is folded a few times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine.errors import Unsupported
from engine.nn.planar import STILL, bounded, fold, unfold
from engine.objectives.likelihood import standard_normal_log_density

FOLDS: Final = 4


@dataclass(frozen=True, eq=False)
class Posterior:
    """q(z|x) of B points: z = T(mean + factor noise), with `mean` (B, D), `factor` (B, D, D) lower triangular and T the
    `folds` (B, FOLDS, 2 D + 1), each w, u and b, or nothing (arXiv:1505.05770, section 4.1)."""

    mean: Tensor
    factor: Tensor
    folds: Tensor | None = None

    def codes(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """(z (K, B, D), log q(z|x) (K, B)) that standard normal noise (K, B, D) makes."""
        z = self.mean + torch.einsum("bij,kbj->kbi", self.factor, noise)
        log_q = _normal(noise) - self._log_volume()
        for w, u, b in self._folds():
            z, log_det = fold(z, w, u, b=b)
            log_q = log_q - log_det
        return z, log_q

    def middle(self) -> Tensor:
        """What the middle of the Gaussian becomes, (B, D)."""
        return self.codes(torch.zeros_like(self.mean)[None])[0][0]

    def log_density(self, z: Tensor) -> Tensor:
        """log q(z|x), (K, B), of any codes (K, B, D) or (K, 1, D)."""
        z = z.expand(len(z), *self.mean.shape)
        passed = torch.zeros(z.shape[:2], dtype=z.dtype, device=z.device)
        for w, u, b in reversed(list(self._folds())):
            z = unfold(z, w, u, b=b)
            passed = passed + fold(z, w, u, b=b)[1]
        noise = torch.linalg.solve_triangular(self.factor, (z - self.mean)[..., None], upper=False)[..., 0]
        return _normal(noise) - self._log_volume() - passed

    def kl(self, noise: Tensor | None = None, weights: Tensor | None = None) -> Tensor:
        """KL(q(z|x) to N(0, I)) in nats, (B,): in closed form, or of what is folded the mean over `noise` (K, B, D),
        with `weights` (K,) where it is a rule."""
        if self.folds is None:
            square = self.factor.square().sum((1, 2)) + self.mean.square().sum(1) - self.mean.shape[1]
            return 0.5 * square - self._log_volume()
        if noise is None:
            raise Unsupported("What is folded has no KL in closed form: give noise.")
        z, log_q = self.codes(noise)
        difference = log_q - _normal(z)
        return difference.mean(0) if weights is None else weights @ difference

    def where(self, chosen: Tensor, other: Posterior) -> Posterior:
        """This one where `chosen` (B,), else the other."""
        folds = self.folds
        if folds is not None and other.folds is not None:
            folds = torch.where(chosen[:, None, None], folds, other.folds)
        return Posterior(
            torch.where(chosen[:, None], self.mean, other.mean),
            torch.where(chosen[:, None, None], self.factor, other.factor),
            folds,
        )

    def _log_volume(self) -> Tensor:
        return self.factor.diagonal(dim1=1, dim2=2).log().sum(1)

    def _folds(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        if self.folds is None:
            return []
        size = self.mean.shape[1]
        found = []
        for part in self.folds.unbind(1):
            w, u, b = part.split([size, size, 1], 1)
            found.append((w, bounded(w, u), b[:, 0]))
        return found


def still_folds(size: int) -> Tensor:
    """What an encoder's last layer adds, (FOLDS * (2 size + 1),): folds then start as nothing, each along its own w."""
    w = torch.nn.functional.normalize(torch.randn(FOLDS, size), dim=1)
    return torch.cat([w, STILL * w, 0.5 * torch.randn(FOLDS, 1)], 1).flatten()


def _normal(z: Tensor) -> Tensor:
    """log N(z; 0, I), (K, B)."""
    return standard_normal_log_density(z.flatten(0, 1)).view(z.shape[:2])
