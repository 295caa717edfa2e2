"""What needs no network: a Gaussian, a mixture, a kernel density, a histogram. A model no better learned little."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine.lab.truths import mesh
from engine.objectives.likelihood import LOG_2PI

LEAST_STD: Final = 1e-4
ROUNDS: Final = 500


@dataclass(frozen=True)
class Mixture:
    """Gaussians in d dimensions: log weights (K,), means (K, d), Cholesky factors (K, d, d) of the covariances."""

    log_weights: Tensor
    means: Tensor
    factors: Tensor

    def log_density(self, x: Tensor) -> Tensor:
        """Nats (B,) of points (B, d)."""
        return torch.logsumexp(self.parts(x), 1)

    def parts(self, x: Tensor) -> Tensor:
        """Each Gaussian's share of it in nats, (B, K)."""
        centred = x.double()[:, None] - self.means
        white = torch.linalg.solve_triangular(self.factors, centred[..., None], upper=False)[..., 0]
        volume = self.factors.diagonal(dim1=1, dim2=2).log().sum(1)
        found: Tensor = self.log_weights - 0.5 * white.square().sum(2) - volume - 0.5 * x.shape[1] * LOG_2PI
        return found

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Points (n, d) float32."""
        which = torch.multinomial(self.log_weights.exp(), n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        return (self.means[which] + (self.factors[which] @ noise[..., None])[..., 0]).float()


def fit_mixture(x: Tensor, count: int = 1, *, seed: int = 0) -> Mixture:
    """The mixture of `count` Gaussians most likely to have given points (N, d), by expectation-maximisation.

    One Gaussian is found at once. More start from points far apart (k-means++), and end in a maximum near by, which
    need not be the highest.
    """
    x = x.double()
    generator = torch.Generator().manual_seed(seed)
    share = x.new_full((len(x), 1), 1.0)
    if count > 1:
        centres = x[torch.randint(0, len(x), (1,), generator=generator)]
        while len(centres) < count:
            far = torch.cdist(x, centres).min(1)[0].square().clamp_min(1e-300)
            centres = torch.cat([centres, x[torch.multinomial(far, 1, generator=generator)]])
        share = torch.nn.functional.one_hot(torch.cdist(x, centres).argmin(1), count).double()
    found, before = _maximised(x, share), -math.inf
    for _ in range(ROUNDS if count > 1 else 0):
        parts = found.parts(x)
        total = torch.logsumexp(parts, 1, keepdim=True)
        found = _maximised(x, (parts - total).exp())
        now = float(total.mean())
        if now - before < 1e-10:
            break
        before = now
    return found


def _maximised(x: Tensor, share: Tensor) -> Mixture:
    """The mixture where each point (N, d) belongs to the Gaussians by its shares (N, K)."""
    weight = share.sum(0).clamp_min(1e-12)
    means = (share.T @ x) / weight[:, None]
    centred = x[:, None] - means
    covariance = torch.einsum("nk,nki,nkj->kij", share, centred, centred) / weight[:, None, None]
    covariance = covariance + LEAST_STD**2 * torch.eye(x.shape[1], dtype=x.dtype)
    return Mixture((weight / len(x)).log(), means, torch.linalg.cholesky(covariance))


@dataclass(frozen=True)
class KernelDensity:
    """A Gaussian of standard deviation `width` around each of the points (N, d)."""

    points: Tensor
    width: float

    def log_density(self, x: Tensor) -> Tensor:
        """Nats (B,) of points (B, d)."""
        return _kernels(x.double(), self.points, self.width) - math.log(len(self.points))

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Points (n, d) float32."""
        which = torch.randint(0, len(self.points), (n,), generator=generator)
        noise = torch.randn(n, self.points.shape[1], generator=generator, dtype=torch.float64)
        return (self.points[which] + self.width * noise).float()


def _kernels(x: Tensor, points: Tensor, width: float) -> Tensor:
    d = points.shape[1]
    log_volume = d * (math.log(width) + 0.5 * LOG_2PI)
    return torch.cat(
        [torch.logsumexp(-0.5 * (_distances(part, points) / width).square(), 1) - log_volume for part in x.split(2048)]
    )


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def fit_kernel_density(x: Tensor, widths: Tensor | None = None) -> KernelDensity:
    """The width under which each of the points (N, d) is likeliest given the others (leave-one-out): to 3 %, out of a
    thousandth to twice their spread, or one of `widths`.

    By its own kernel each would ask for no width at all, and by those of its equals too: rounded data are full of them.
    """
    x = x.double()
    spread = float(x.std(0).mean().clamp_min(1e-6))
    some = x[:2000]
    square = _distances(some, some).square()
    square = square.masked_fill_(square == 0, math.inf).float()
    if widths is not None:
        return KernelDensity(x, _likeliest(square, widths.tolist(), x.shape[1]))
    low, high = math.log(1e-3 * spread), math.log(2.0 * spread)
    best = high
    for _ in range(3):
        step = (high - low) / 7
        best = math.log(_likeliest(square, [math.exp(low + step * index) for index in range(8)], x.shape[1]))
        low, high = best - step, best + step
    return KernelDensity(x, math.exp(best))


def _likeliest(square: Tensor, widths: list[float], d: int) -> float:
    """The width of most leave-one-out likelihood, from squared distances (N, N)."""
    return max(
        widths, key=lambda w: float(torch.logsumexp(square * (-0.5 / w**2), 1).double().mean()) - d * math.log(w)
    )


@dataclass(frozen=True)
class Histogram:
    """Equal cells over view^d, each with its log-density (side^d,); outside there is none."""

    log_cells: Tensor
    view: tuple[float, float]
    side: int
    dimension: int

    def log_density(self, x: Tensor) -> Tensor:
        """Nats (B,) of points (B, d)."""
        at = ((x.double() - self.view[0]) / (self.view[1] - self.view[0]) * self.side).floor().long()
        outside = ((at < 0) | (at >= self.side)).any(1)
        at = at.clamp(0, self.side - 1)
        index = at[:, 0] if self.dimension == 1 else at[:, 0] * self.side + at[:, 1]
        return self.log_cells[index].masked_fill(outside, -math.inf)


def fit_histogram(x: Tensor, view: tuple[float, float], side: int) -> Histogram:
    """Of points (N, d), d 1 or 2: counts in side^d cells, of which an empty one has no density."""
    dimension = x.shape[1]
    _, cell = mesh(view, side, dimension)
    at = ((x.double() - view[0]) / (view[1] - view[0]) * side).floor().long()
    at = at[((at >= 0) & (at < side)).all(1)]
    index = at[:, 0] if dimension == 1 else at[:, 0] * side + at[:, 1]
    counts = torch.bincount(index, minlength=side**dimension).double()
    return Histogram((counts / (len(x) * cell)).log(), view, side, dimension)
