"""Truths that a person brings along, and every truth by its name.

What is drawn by hand is a mixture of Gaussians, so its density is exact. Of data none is known: theirs is a kernel
density estimate, and is called one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from engine.errors import UsageError
from engine.files import disk
from engine.lab import geyser
from engine.lab.baselines import fit_kernel_density
from engine.lab.columns import read_columns
from engine.lab.names import CSV, DRAWN, Stamp, stamps_of
from engine.lab.truths import MAKERS, Truth, mesh, truth
from engine.objectives.likelihood import LOG_2PI

KERNELS: Final = 1000
"""Rows that a density is estimated from: more would keep its map and its figures waiting."""
HELD_OUT: Final = 5
"""One row in so many is never learned from, and judges."""
FEW: Final = 0.05
"""Share of the rows: where no more of them differ from the usual number, they spread over nothing."""
LEAST_VIEW: Final = 3.0
LONGEST_NAME: Final = 19_000
MARGIN: Final = 0.15


def named(name: str) -> Truth:
    """The truth of a name: one of `NAMES`, a file of numbers (`csv:PATH`), or a drawing (`drawn:x,y,weight,width;...`).

    Raises:
        UsageError: there is none, or the file or the drawing cannot be used; the sentence says why.
    """
    if name in MAKERS:
        return truth(name)
    if name in DATA:
        return _data(name)
    if len(name) <= LONGEST_NAME and name.startswith(CSV):
        return _of_file(name)
    if len(name) <= LONGEST_NAME and name.startswith(DRAWN):
        return _drawn(name)
    raise UsageError(
        f"truth must be one of {', '.join(NAMES)}, {CSV}PATH or {DRAWN}x,y,weight,width;..., got {name[:80]!r}."
    )


def _of_file(name: str) -> Truth:
    path = Path(name.removeprefix(CSV))
    with disk.told_as(
        UsageError, f"{path.name or path} cannot be read", "choose a CSV file.", errors=(OSError, ValueError)
    ):
        found = path.stat()
    return _read(name, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=8)
def _read(name: str, _changed: int, _size: int) -> Truth:
    """A file is read again once it has changed."""
    path = Path(name.removeprefix(CSV))
    columns = read_columns(path)
    rows = torch.from_numpy(columns.rows)
    said = f"{columns.of:,} rows"
    if len(rows) < columns.of:
        said = f"{len(rows):,} rows drawn from {columns.of:,}"
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    held = max(2, len(rows) // HELD_OUT)
    learned = rows[order[held:]]
    for place, column in enumerate(learned.unbind(1), 1):
        usual = column.median()
        if float((column != usual).double().mean()) <= FEW:
            raise UsageError(
                f"Column {place} of {path.name} is {float(usual):g} in nearly every row, so it has no density to "
                "learn: take that column out, or bring numbers that differ."
            )
    return of_rows(name, path.stem[:40], learned, held=rows[order[:held]], said=said, columns=columns.names)


def of_rows(
    name: str, title: str, rows: Tensor, *, held: Tensor | None, said: str, columns: tuple[str, ...] = ()
) -> Truth:
    """The truth that rows (N, 1 or 2) float64 are, each column in its standard deviations from its mean.

    Without `held` rows a model is judged on those that it learned from. `said` are the words for how many there are.
    """
    shift, scale = rows.mean(0), rows.std(0)
    own = (rows - shift) / scale
    judges = None if held is None else ((held - shift) / scale).float()
    found = own.float()
    some = own[torch.randperm(len(own), generator=torch.Generator().manual_seed(1))[:KERNELS]]
    kernels = fit_kernel_density(some)

    def draw(n: int, generator: torch.Generator) -> Tensor:
        return found[torch.randint(0, len(found), (n,), generator=generator)]

    def log_density(x: Tensor) -> Tensor:
        return _kernels(x, some, torch.full((len(some),), kernels.width).double(), weights=None)

    both = own if held is None else torch.cat([own, (held - shift) / scale])
    ends = torch.quantile(both, torch.tensor([0.001, 0.999], dtype=both.dtype), dim=0)
    low, high = float(ends[0].min()), float(ends[1].max())
    room = MARGIN * (high - low) + 2 * kernels.width
    units = ", ".join(f"{m:.4g} ± {s:.4g}" for m, s in zip(shift.tolist(), scale.tolist(), strict=True))
    return Truth(
        name,
        title,
        rows.shape[1],
        draw,
        log_density,
        _left_out(some, kernels.width),
        (low - room, high + room),
        fresh=None if judges is None else partial(_spread_evenly, judges),
        estimate=True,
        shift=tuple(shift.tolist()),
        scale=tuple(scale.tolist()),
        columns=columns,
        note=f"{said}, in standard deviations ({units}); the density is an estimate, kernels {kernels.width:.2g} wide",
    )


def _spread_evenly(rows: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n rows: each as often as any other, but for what is left over."""
    order = torch.cat([torch.randperm(len(rows), generator=generator) for _ in range(-(-n // len(rows)))])
    return rows[order[:n]]


def _left_out(points: Tensor, width: float) -> float:
    """The mean cost of each point under the kernels of all others."""
    distance = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(math.inf)
    volume = points.shape[1] * (math.log(width) + 0.5 * LOG_2PI) + math.log(len(points) - 1)
    return float(volume - torch.logsumexp(-0.5 * (distance / width).square(), 1).mean())


def _kernels(x: Tensor, centres: Tensor, widths: Tensor, *, weights: Tensor | None) -> Tensor:
    """log-density (B,) of points (B, d) under round Gaussians; equal `weights` where they are None."""
    d, wide = x.shape[1], x.double()
    log_weights = (
        torch.full_like(widths, -math.log(len(widths))) if weights is None else (weights / weights.sum()).log()
    )
    inverse = widths**-2
    # In float64 the square of a difference by three products is right to 1e-12.
    constant = log_weights - d * (widths.log() + 0.5 * LOG_2PI) - 0.5 * centres.square().sum(1) * inverse
    found = []
    for part in wide.split(4096):
        each = torch.addmm(constant, part, centres.T * inverse) - 0.5 * part.square().sum(1, keepdim=True) * inverse
        found.append(torch.logsumexp(each, 1))
    return torch.cat(found).to(x.dtype)


@lru_cache(maxsize=32)
def _drawn(name: str) -> Truth:
    return of_stamps(name, stamps_of(name))


def of_stamps(name: str, stamps: tuple[Stamp, ...]) -> Truth:
    """The mixture of Gaussians that was drawn."""
    centres = torch.tensor([[one.x, one.y] for one in stamps], dtype=torch.float64)
    weights = torch.tensor([one.weight for one in stamps], dtype=torch.float64)
    widths = torch.tensor([one.width for one in stamps], dtype=torch.float64)

    def draw(n: int, generator: torch.Generator) -> Tensor:
        chosen = torch.multinomial(weights, n, replacement=True, generator=generator)
        return (centres[chosen] + widths[chosen, None] * torch.randn(n, 2, generator=generator)).float()

    def log_density(x: Tensor) -> Tensor:
        return _kernels(x, centres.to(x.device), widths, weights=weights)

    reach = max(LEAST_VIEW, float((centres.abs().amax(1) + 4 * widths).max()))
    view = (-reach, reach)
    return Truth(name, "Drawn", 2, draw, log_density, _entropy(centres, widths, weights), view)


def _entropy(centres: Tensor, widths: Tensor, weights: Tensor) -> float:
    """Of a mixture, in nats, by the midpoint rule on cells no wider than the narrowest Gaussian: two products of
    matrices give the density of a whole grid."""
    reach = float((centres.abs().amax(1) + 8 * widths).max())
    side = math.ceil(2 * reach / float(widths.min()))
    points, step = mesh((-reach, reach), side, 1)
    upright, level = (
        torch.exp(-0.5 * ((points[:, 0] - centres[:, axis, None]) / widths[:, None]).square()) / widths[:, None]
        for axis in (0, 1)
    )
    density = (upright * (weights / weights.sum())[:, None]).T @ level / (2 * math.pi)
    return -float((density * density.clamp_min(1e-300).log()).sum()) * step**2


DATA: Final[dict[str, Callable[[], Truth]]] = {
    "geyser": lambda: of_rows(
        "geyser", "Geyser", geyser.waiting(), held=None, said="272 waits in minutes, judged as they were learned"
    )
}
"""Data in the box."""
NAMES: Final = (*MAKERS, *DATA)
"""The truths in the box, in the order of the tiles."""


@cache
def _data(name: str) -> Truth:
    return DATA[name]()
