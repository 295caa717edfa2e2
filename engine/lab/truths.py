"""Distributions of points whose density is known exactly: what a model of the Lab learns, and is judged by.

A truth that is a curve with noise around it has its density as an integral over the curve, by a rule with nodes so
close that nothing is left of them (`CURVE_NODES`). Densities are in nats, per unit of length or area.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.objectives.likelihood import LOG_2PI

CURVE_NODES: Final = 300
"""Points on a curve; on the longest one they lie less than a deviation of its noise apart: the rule errs by 1e-8."""

Draw = Callable[[int, torch.Generator], Tensor]
LogDensity = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Modes:
    """Where a truth is clustered: centres (K, d) with the standard deviation `sigma` around each."""

    centres: Tensor
    sigma: float


@dataclass(frozen=True)
class Truth:
    """One row: how it is drawn and how dense it is.

    `draw(n, generator)` gives points (n, d) float32, `log_density` of points (B, d) gives nats (B,), -inf outside.
    `entropy` is in nats: no model's mean negative log-likelihood can be lower. `view` is the stretch that is shown, the
    same along each coordinate, and holds all but a hair of the mass. `kinks`: the density jumps, so that a rule over a
    grid is right to its cells alone.

    Of data nothing is known but rows. Then `estimate` is true: density and entropy are those of an estimate. `fresh`
    gives rows that `draw` never gives; a coordinate x stands for shift + scale x in the person's own units, `columns`
    are their names where the file had any, and `note` says in words where they came from.
    """

    name: str
    title: str
    dimension: int
    draw: Draw
    log_density: LogDensity
    entropy: float
    view: tuple[float, float]
    modes: Modes | None = None
    kinks: bool = False
    fresh: Draw | None = None
    estimate: bool = False
    shift: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    columns: tuple[str, ...] = ()
    note: str = ""


def normal_log_density(x: Tensor, mean: Tensor, sigma: Tensor | float) -> Tensor:
    """Log-density of N(mean, sigma^2 I), summed over the last dimension; shapes broadcast."""
    sigma = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
    return (-0.5 * ((x - mean) / sigma) ** 2 - sigma.log() - 0.5 * LOG_2PI).sum(-1)


def clusters(name: str, title: str, centres: Tensor, *, sigma: float, view: tuple[float, float]) -> Truth:
    """Equal Gaussians around centres (K, d) that lie far apart: the entropy is that of one, and log K for which."""
    count, dimension = centres.shape

    def draw(n: int, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(0, count, (n,), generator=generator)
        return (centres[chosen] + sigma * torch.randn(n, dimension, generator=generator)).float()

    def log_density(x: Tensor) -> Tensor:
        each = normal_log_density(x[:, None], centres.to(x), sigma)
        return torch.logsumexp(each, 1) - math.log(count)

    entropy = math.log(count) + dimension * (0.5 * (1.0 + LOG_2PI) + math.log(sigma))
    return Truth(name, title, dimension, draw, log_density, entropy, view, Modes(centres, sigma))


def _ring_centres(count: int, radius: float) -> Tensor:
    angle = torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)
    return radius * torch.stack([angle.cos(), angle.sin()], 1)


def _grid_centres(side: int, spacing: float) -> Tensor:
    line = (torch.arange(side, dtype=torch.float64) - (side - 1) / 2) * spacing
    return torch.cartesian_prod(line, line)


def curves(
    name: str,
    title: str,
    arcs: tuple[Callable[[Tensor], Tensor], ...],
    *,
    sigma: float,
    view: tuple[float, float],
    power: int = 1,
) -> Truth:
    """Curves c(u) (n, 2), u^power uniform on [0, 1], all as likely, with Gaussian noise around them."""
    # Gauss-Legendre: for a smooth integrand its error falls faster than any power of the number of nodes.
    nodes, weights = gauss_legendre(CURVE_NODES, 0.0, 1.0)
    places = torch.cat([arc(nodes) for arc in arcs])
    log_weights = (weights * power * nodes ** (power - 1) / len(arcs)).log().repeat(len(arcs))

    def draw(n: int, generator: torch.Generator) -> Tensor:
        t = torch.rand(n, generator=generator, dtype=torch.float64) ** (1 / power)
        which = torch.randint(0, len(arcs), (n,), generator=generator)
        found = torch.stack([arc(t) for arc in arcs])[which, torch.arange(n)]
        return (found + sigma * torch.randn(n, 2, generator=generator, dtype=torch.float64)).float()

    def log_density(x: Tensor) -> Tensor:
        # In float64 the square of a difference by three products is right to 1e-12.
        wide, there = x.double(), places.to(x.device)
        each = torch.addmm(-0.5 * there.square().sum(1) / sigma**2 + log_weights.to(x.device), wide, there.T / sigma**2)
        found = torch.logsumexp(each, 1) - 0.5 * wide.square().sum(1) / sigma**2
        return (found - LOG_2PI - 2 * math.log(sigma)).to(x.dtype)

    return Truth(name, title, 2, draw, log_density, entropy_on_grid(log_density, view), view)


def _moon(t: Tensor, *, lower: bool) -> Tensor:
    angle = math.pi * t
    x, y = angle.cos(), angle.sin()
    return torch.stack([1.0 - x - 0.5, 0.5 - y - 0.25] if lower else [x - 0.5, y - 0.25], 1)


def _spiral(t: Tensor, *, turn: float) -> Tensor:
    angle = 3 * math.pi * t
    radius = angle / 3
    return torch.stack([radius * (angle + turn).cos(), radius * (angle + turn).sin()], 1)


def _roll(t: Tensor) -> Tensor:
    angle = 1.5 * math.pi * (1 + 2 * t)
    return 0.2 * torch.stack([angle * angle.cos(), angle * angle.sin()], 1)


def _pinwheel() -> Truth:
    """Five arms: Gaussians that are longer than wide, twisted by their distance from the middle.

    The twist turns each circle by itself, so it keeps areas, and the density is that of the untwisted arms.
    """
    arms, rate, along, across, middle = 5, 0.75, 0.35, 0.08, 1.4
    angles = torch.arange(arms, dtype=torch.float64) * (2 * math.pi / arms)
    shape = torch.tensor([along, across], dtype=torch.float64)
    centre = torch.tensor([middle, 0.0], dtype=torch.float64)

    def turned(x: Tensor, angle: Tensor) -> Tensor:
        cos, sin = angle.cos(), angle.sin()
        return torch.stack([x[..., 0] * cos - x[..., 1] * sin, x[..., 0] * sin + x[..., 1] * cos], -1)

    def draw(n: int, generator: torch.Generator) -> Tensor:
        arm = angles[torch.randint(0, arms, (n,), generator=generator)]
        x = centre + shape * torch.randn(n, 2, generator=generator, dtype=torch.float64)
        return turned(x, arm + rate * x.norm(dim=1)).float()

    def log_density(x: Tensor) -> Tensor:
        twist = rate * x.norm(dim=1)
        flat = turned(x[:, None], -(angles.to(x)[None] + twist[:, None]))
        return torch.logsumexp(normal_log_density(flat, centre.to(x), shape.to(x)), 1) - math.log(arms)

    view = (-3.2, 3.2)
    return Truth("pinwheel", "Pinwheel", 2, draw, log_density, entropy_on_grid(log_density, view), view)


def _banana() -> Truth:
    """x2 = b / 40, x1 = (b^2 / 4 + a) / 40 with b ~ N(0, 4^2) and a ~ N(0, 1)."""

    def draw(n: int, generator: torch.Generator) -> Tensor:
        b = 4.0 * torch.randn(n, generator=generator)
        return torch.stack([b * b / 4 + torch.randn(n, generator=generator), b], 1) / 40.0

    def log_density(x: Tensor) -> Tensor:
        a, b = 40.0 * x[:, 0], 40.0 * x[:, 1]
        zero = torch.zeros((), dtype=x.dtype, device=x.device)
        found = normal_log_density(b[:, None], zero, 4.0) + normal_log_density((a - b * b / 4)[:, None], zero, 1.0)
        return found + 2 * math.log(40.0)

    entropy = math.log(4.0) + 1.0 + LOG_2PI - 2 * math.log(40.0)
    return Truth("banana", "Banana", 2, draw, log_density, entropy, (-0.6, 1.8))


def _checkerboard() -> Truth:
    """Uniform on the eight dark squares of side 2 in [-4, 4]^2."""

    def draw(n: int, generator: torch.Generator) -> Tensor:
        x = torch.rand(n, generator=generator) * 8 - 4
        row = 2 * torch.randint(0, 2, (n,), generator=generator)
        odd = torch.div(x, 2, rounding_mode="floor") % 2
        return torch.stack([x, 2 * (row + odd) - 4 + 2 * torch.rand(n, generator=generator)], 1)

    def log_density(x: Tensor) -> Tensor:
        square = torch.div(x, 2, rounding_mode="floor")
        dark = (square.sum(1) % 2 == 0) & (x.abs() < 4).all(1)
        return torch.where(dark, -math.log(32.0), -math.inf)

    return Truth("checkerboard", "Checkerboard", 2, draw, log_density, math.log(32.0), (-5.0, 5.0), kinks=True)


def uniform(name: str, title: str, low: float, high: float, *, dimension: int, view: tuple[float, float]) -> Truth:
    """Every point of [low, high]^d as likely."""
    entropy = dimension * math.log(high - low)

    def draw(n: int, generator: torch.Generator) -> Tensor:
        return low + (high - low) * torch.rand(n, dimension, generator=generator)

    def log_density(x: Tensor) -> Tensor:
        return torch.where(((x >= low) & (x <= high)).all(1), -entropy, -math.inf)

    return Truth(name, title, dimension, draw, log_density, entropy, view, kinks=True)


def gauss_legendre(nodes: int, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Places and weights (nodes,) float64 of the rule on [low, high]; the weights add up to high - low."""
    x, w = _legendre(nodes)
    half = 0.5 * (high - low)
    return torch.from_numpy(low + half * (x + 1.0)), torch.from_numpy(half * w)


@cache
def _legendre(nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places and weights on [-1, 1]: 400 of them take a tenth of a second to find."""
    return np.polynomial.legendre.leggauss(nodes)


def mesh(view: tuple[float, float], side: int, dimension: int) -> tuple[Tensor, float]:
    """(middles (side^d, d) float64 of the equal cells of view^d, last coordinate fastest, and a cell's volume)."""
    step = (view[1] - view[0]) / side
    line = view[0] + step * (torch.arange(side, dtype=torch.float64) + 0.5)
    points = line[:, None] if dimension == 1 else torch.cartesian_prod(*[line] * dimension)
    return points, step**dimension


def entropy_on_grid(log_density: LogDensity, view: tuple[float, float], *, side: int = 240) -> float:
    """-integral of p log p in nats, by the midpoint rule, for smooth densities in the plane that fade inside `view`."""
    points, cell = mesh(view, side, 2)
    parts = []
    for part in points.split(8192):
        log_p = log_density(part)
        parts.append(-(log_p.exp() * log_p.clamp_min(-700)).sum())
    return float(torch.stack(parts).sum()) * cell


def _line(name: str, title: str, mean: float, sigma: float, view: tuple[float, float]) -> Truth:
    centre = torch.tensor([[mean]], dtype=torch.float64)
    made = clusters(name, title, centre, sigma=sigma, view=view)
    return Truth(name, title, 1, made.draw, made.log_density, made.entropy, view)


def _bumps() -> Truth:
    centres = torch.tensor([[-2.0], [2.0]], dtype=torch.float64)
    made = clusters("bumps", "Two bumps", centres, sigma=0.5, view=(-5.0, 5.0))
    # The bumps touch: log 2 for which of them is a little too much.
    x, w = gauss_legendre(400, -7.0, 7.0)
    log_p = made.log_density(x[:, None])
    entropy = -float((w * log_p.exp() * log_p).sum())
    return Truth(made.name, made.title, 1, made.draw, made.log_density, entropy, made.view, made.modes)


MAKERS: Final[dict[str, Callable[[], Truth]]] = {
    "ring8": lambda: clusters("ring8", "Ring of 8", _ring_centres(8, 2.0), sigma=0.1, view=(-3.0, 3.0)),
    "grid25": lambda: clusters("grid25", "Grid of 25", _grid_centres(5, 2.0), sigma=0.05, view=(-5.0, 5.0)),
    "moons": lambda: curves(
        "moons", "Two moons", (partial(_moon, lower=False), partial(_moon, lower=True)), sigma=0.1, view=(-2.2, 2.2)
    ),
    "checkerboard": _checkerboard,
    "spirals": lambda: curves(
        "spirals",
        "Two spirals",
        (partial(_spiral, turn=0.0), partial(_spiral, turn=math.pi)),
        sigma=0.1,
        view=(-4.0, 4.0),
        power=2,
    ),
    "pinwheel": _pinwheel,
    "banana": _banana,
    "roll": lambda: curves("roll", "Swiss roll", (_roll,), sigma=0.1, view=(-3.4, 3.4)),
    "square": lambda: uniform("square", "Square", -1.0, 1.0, dimension=2, view=(-1.6, 1.6)),
    "normal2": lambda: clusters(
        "normal2", "Gaussian", torch.zeros(1, 2, dtype=torch.float64), sigma=1.0, view=(-4.0, 4.0)
    ),
    "uniform1": lambda: uniform("uniform1", "U(0, 1)", 0.0, 1.0, dimension=1, view=(-0.5, 1.5)),
    "uniform2": lambda: uniform("uniform2", "U(0, 2)", 0.0, 2.0, dimension=1, view=(-0.5, 2.5)),
    "normal": lambda: _line("normal", "N(0, 1)", 0.0, 1.0, (-5.0, 5.0)),
    "bumps": _bumps,
    "narrow": lambda: _line("narrow", "N(5, 0.2)", 5.0, 0.2, (3.5, 6.5)),
}
"""How each truth is made, in the order of the tiles: of the plane, then of the line."""


@cache
def truth(name: str) -> Truth:
    """The truth of this name, made once.

    Raises:
        KeyError: there is none.
    """
    return MAKERS[name]()
