"""Looks at a bench from another thread: densities, critics, deformed grids and figures of any kept moment."""

from __future__ import annotations

import math
import time
from typing import Final

import numpy as np
import torch
from torch import Tensor

from engine.lab.bench import Bench, codes_of, put_weights, traced
from engine.lab.seen import Arrows, Judged, Map, MapRequest, Maps, Probe, Span, TruthInfo
from engine.lab.stage import Stage, as_images
from engine.lab.truths import LogDensity, Truth, mesh, truth

SPREAD_SAMPLES: Final = 8192
SPREAD: Final = 1 / 60
"""The width of the Gaussians that samples are spread with, over that of the view."""
LINE_CELLS: Final = 8
"""Cells of the line for each row that is asked for."""
TRUTH_FINER: Final = 2
SHOWN_POINTS: Final = 1000
PULLED: Final = 160
"""Samples that show where the generator's step would have them go."""
FIELD_ROWS: Final = 15
REACH: Final = 4.0
"""The truth is spread from places so many sigma beyond the span."""
GRID_REACH, GRID_EVERY, GRID_POINTS = 3.0, 0.5, 97
CHUNK: Final = 8192


class Viewer:
    """Owned by one thread; holds stages of its own, into which it puts the weights of the moment that is asked for."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._stages: dict[int, Stage] = {}
        self._holds: dict[int, object] = {}

    def _stage(self, index: int, clock: int) -> Stage:
        if index not in self._stages:
            self._stages[index] = Stage(self._bench.setups[index])
        stage, moment = self._stages[index], self._bench.moment(clock)
        weights, _ = moment.stages[index]
        if self._holds.get(index) is not weights:
            put_weights(stage, weights)
            stage.model.eval()
            self._holds[index] = weights
        return stage

    @torch.no_grad()
    def draw(self, request: MapRequest) -> Maps:
        """All that a request asks for."""
        begun = time.perf_counter()
        stage, span = self._stage(request.stage, request.clock), request.span
        dimension = stage.truth.dimension
        maps: dict[str, Map] = {}
        shape = _shape(span, request.rows, dimension)
        if "density" in request.kinds:
            maps["density"] = self._density(stage, span, shape)
        if "critic" in request.kinds:
            found = _critic(stage, span, shape)
            if found is not None:
                maps["critic"] = found
        if "difference" in request.kinds:
            maps["difference"] = self._difference(stage, span, shape)
        if "truth" in request.kinds:
            fine = tuple(TRUTH_FINER * side for side in shape)
            maps["truth"] = _density_map(span, fine, stage.truth.log_density)
        grid = trace = None
        if "grid" in request.kinds and stage.shown.spec.size == dimension == 2:
            lines = _code_lines()
            grid = traced(stage.shown, lines.flatten(0, 1)).unflatten(1, lines.shape[:2]).numpy()
        if "trace" in request.kinds:
            trace = traced(stage.shown, codes_of(stage.shown)).numpy()
        return Maps(request, maps, self._arrows(stage, request), grid, trace, 1000 * (time.perf_counter() - begun))

    def _arrows(self, stage: Stage, request: MapRequest) -> dict[str, Arrows]:
        found: dict[str, Arrows] = {}
        if "gradient" in request.kinds:
            samples = traced(stage.shown, codes_of(stage.shown)[:PULLED])[-1]
            batch = as_images(stage.truth.draw(stage.setup.training.batch, torch.Generator().manual_seed(7)))
            pull = stage.model.pull(as_images(samples), batch)
            if pull is not None:
                found["gradient"] = Arrows(samples.numpy(), pull.flatten(1).numpy())
        if "field" in request.kinds:
            places = _places(request.span, _shape(request.span, FIELD_ROWS, 2)).float()
            along = stage.shown.velocity(as_images(places), request.depth)
            if along is not None:
                found["field"] = Arrows(places.numpy(), along.flatten(1).numpy())
        return found

    def _difference(self, stage: Stage, span: Span, shape: tuple[int, ...]) -> Map:
        """How much denser the model is than the truth; spread samples are compared with the truth spread alike."""
        own = self._density(stage, span, shape)
        if own.sigma:
            truth = _spread_density(stage.truth.log_density, span, shape, sigma=own.sigma)
        else:
            truth = torch.from_numpy(_density_map(span, shape, stage.truth.log_density).values)
        values = own.values - truth.float().numpy()
        reach = max(float(np.abs(values).max()), 1e-9)
        return Map(span, values, -reach, reach, sigma=own.sigma)

    def _density(self, stage: Stage, span: Span, shape: tuple[int, ...]) -> Map:
        if stage.shown.abilities.density == "exact":
            return _density_map(span, shape, stage.log_density)
        low, high = stage.truth.view
        sigma = SPREAD * (high - low)
        samples = stage.samples(SPREAD_SAMPLES, seed=5).double()
        values = _spread(samples, span, shape, sigma=sigma)
        return Map(span, values.float().numpy(), 0.0, float(values.max()), sigma=sigma)

    @torch.no_grad()
    def probe(self, stage: int, clock: int, x: tuple[float, ...]) -> Probe:
        """What is known of one point."""
        own = self._stage(stage, clock)
        point = torch.tensor([x], dtype=torch.float32)
        q = float(own.log_density(point).exp()) if own.shown.abilities.density == "exact" else None
        said = own.model.critic(as_images(point))
        code = own.shown.encode(as_images(point))[0].tolist() if own.shown.abilities.encode == "exact" else ()
        p = float(own.truth.log_density(point.double()).exp())
        log_det = None
        if code and q is not None and len(code) == len(x):
            log_det = float(own.log_density(point)) + sum(0.5 * (z * z + math.log(2 * math.pi)) for z in code)
        return Probe(x, p, q, None if said is None else float(said), tuple(code), log_det)

    def figures(self, stage: int, clock: int) -> Judged:
        """How near a stage is, each figure beside its floor."""
        begun = time.perf_counter()
        moment = self._bench.moment(clock)
        return Judged(stage, moment.clock, self._stage(stage, clock).figures(), time.perf_counter() - begun)


def truth_info(name: str) -> TruthInfo:
    """A truth as the Lab lists it."""
    made: Truth = truth(name)
    points = made.draw(SHOWN_POINTS, torch.Generator().manual_seed(3))
    grid, _ = mesh(made.view, 120 if made.dimension == 2 else 800, made.dimension)
    peak = max(float(made.log_density(part).max()) for part in (grid, points.double()))
    centres = None if made.modes is None else made.modes.centres.float().numpy()
    return TruthInfo(
        name,
        made.title,
        made.dimension,
        made.view,
        made.entropy,
        math.exp(peak),
        points.numpy(),
        centres,
        0.0 if made.modes is None else made.modes.sigma,
    )


def _shape(span: Span, rows: int, dimension: int) -> tuple[int, ...]:
    if dimension == 1:
        return (LINE_CELLS * rows,)
    wide = (span.right - span.left) / (span.top - span.bottom)
    return rows, max(1, round(rows * wide))


def _middles(low: float, high: float, count: int) -> Tensor:
    return low + (high - low) / count * (torch.arange(count, dtype=torch.float64) + 0.5)


def _places(span: Span, shape: tuple[int, ...]) -> Tensor:
    """Middles (cells, d) of the cells, row by row from the bottom."""
    across = _middles(span.left, span.right, shape[-1])
    if len(shape) == 1:
        return across[:, None]
    up = _middles(span.bottom, span.top, shape[0])
    return torch.stack([across.repeat(shape[0]), up.repeat_interleave(shape[1])], 1)


def _density_map(span: Span, shape: tuple[int, ...], log_density: LogDensity) -> Map:
    parts = [log_density(part.float()).double() for part in _places(span, shape).split(CHUNK)]
    values = torch.cat(parts).exp().nan_to_num(0.0).reshape(shape)
    return Map(span, values.float().numpy(), 0.0, float(values.max()))


def _critic(stage: Stage, span: Span, shape: tuple[int, ...]) -> Map | None:
    said = stage.model.critic(as_images(_places(span, shape).float()))
    if said is None:
        return None
    values, even = said.float().reshape(shape).numpy(), stage.model.critic_even
    if even is not None:
        return Map(span, values, 0.0, 1.0, even=even)
    middle = float(np.median(values))
    reach = max(float(np.quantile(np.abs(values - middle), 0.98)), 1e-6)
    return Map(span, values, middle - reach, middle + reach, even=middle)


def _spread(samples: Tensor, span: Span, shape: tuple[int, ...], *, sigma: float) -> Tensor:
    """The density of samples (N, d), each a Gaussian of `sigma`, at the middles of cells."""
    ends = [(span.left, span.right)] if len(shape) == 1 else [(span.left, span.right), (span.bottom, span.top)]
    kernels = [
        torch.exp(-0.5 * ((samples[:, axis, None] - _middles(*ends[axis], count)) / sigma) ** 2)
        / (sigma * math.sqrt(2 * math.pi))
        for axis, count in enumerate(reversed(shape))
    ]
    return kernels[0].mean(0) if len(shape) == 1 else kernels[1].T @ kernels[0] / len(samples)


def _spread_density(log_density: LogDensity, span: Span, shape: tuple[int, ...], *, sigma: float) -> Tensor:
    """A density that is smoothed by a Gaussian of `sigma`, at the middles of cells; the span is of the plane or line.

    The sum goes over cells of half a sigma at most, which reach beyond the span: what lies there spreads into it.
    """
    ends = [(span.left, span.right)] if len(shape) == 1 else [(span.left, span.right), (span.bottom, span.top)]
    wider = [(low - REACH * sigma, high + REACH * sigma) for low, high in ends]
    counts = [max(2, math.ceil((high - low) / (0.5 * sigma))) for low, high in wider]
    area = math.prod((high - low) / count for (low, high), count in zip(wider, counts, strict=True))
    beyond = Span(*wider[0], *(wider[1] if len(shape) == 2 else (0.0, 1.0)))
    fine = torch.from_numpy(_density_map(beyond, tuple(reversed(counts)), log_density).values).double()
    kernels = [
        torch.exp(-0.5 * ((_middles(*ends[axis], cells)[:, None] - _middles(*wider[axis], counts[axis])) / sigma) ** 2)
        / (sigma * math.sqrt(2 * math.pi))
        for axis, cells in enumerate(reversed(shape))
    ]
    if len(shape) == 1:
        return area * (kernels[0] @ fine)
    return area * (kernels[1] @ fine @ kernels[0].T)


def _code_lines() -> Tensor:
    """Lines of the code's plane (L, GRID_POINTS, 2): upright ones, then level ones."""
    along = torch.linspace(-GRID_REACH, GRID_REACH, GRID_POINTS)
    at = torch.arange(-GRID_REACH, GRID_REACH + 1e-6, GRID_EVERY)
    first, second = torch.broadcast_tensors(at[:, None], along[None])
    return torch.cat([torch.stack([first, second], -1), torch.stack([second, first], -1)])
