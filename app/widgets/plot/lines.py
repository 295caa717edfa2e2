"""One line of a plot: what is to be drawn, and the few points of it that reach the painter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from app.series import Floats, Smoother, Trace, nearest, thinned
from app.widgets.plot.inks import DASHES, line_pen
from app.widgets.plot.scale import Span

LARGEST: Final = 1e100


@dataclass(frozen=True, eq=False)
class Clock:
    """What a run's steps are in another unit: rising `steps` and the `xs` there, going on evenly beyond both ends."""

    steps: Floats
    xs: Floats

    def to_x(self, steps: NDArray[Any] | float) -> Any:
        """Steps to x."""
        return _even(steps, self.steps, self.xs)

    def to_step(self, xs: NDArray[Any] | float) -> Any:
        """The inverse."""
        return _even(xs, self.xs, self.steps)


def _even(at: NDArray[Any] | float, sources: Floats, targets: Floats) -> Any:
    slope = (targets[-1] - targets[0]) / max(sources[-1] - sources[0], 1e-12)
    inside = np.interp(at, sources, targets)
    return inside + slope * (np.minimum(at - sources[0], 0.0) + np.maximum(at - sources[-1], 0.0))


@dataclass(frozen=True, eq=False)
class Line:
    """A metric of a run. `ink` and `dash` choose its pen, `group` is its run where several are compared.

    `smooth` is False for what has few points that count by themselves. `behind`: it is one of many, thin and weak, and
    the legend leaves it out. Without a `clock` x is the trace's own.
    """

    key: str
    label: str
    trace: Trace
    ink: int = 0
    dash: int = 0
    smooth: bool = True
    group: str = ""
    clock: Clock | None = None
    behind: bool = False

    def same_as(self, other: Line) -> bool:
        """Whether the picture of it would be the same."""
        mine = (self.key, self.label, self.ink, self.dash, self.smooth, self.group, self.behind)
        theirs = (other.key, other.label, other.ink, other.dash, other.smooth, other.group, other.behind)
        return self.trace is other.trace and self.clock is other.clock and mine == theirs

    def x_range(self) -> tuple[float, float] | None:
        """The lowest and the highest x, None without points."""
        steps = self.trace.steps.array
        if not len(steps):
            return None
        return self.x_of(steps[0]), self.x_of(steps[-1])

    def x_of(self, step: float) -> float:
        """The x of a step."""
        return float(step) if self.clock is None else float(self.clock.to_x(float(step)))

    def step_of(self, x: float) -> float:
        """The step of an x."""
        return x if self.clock is None else float(self.clock.to_step(x))

    def index_at(self, x: float) -> int:
        """The point nearest to x, -1 without points."""
        return nearest(self.trace.steps.array, self.step_of(x))


@dataclass(frozen=True)
class Sheet:
    """All that the points of a line depend on, beside the line itself."""

    span: Span
    pixels: int
    log_y: bool
    smoothing: float
    raw: bool


@dataclass(eq=False)
class DrawnLine:
    """A line on the canvas: a faint one of its points and a bold one of their mean. `points` went to the painter."""

    line: Line
    faint: Any = field(default_factory=lambda: _curve(1))
    bold: Any = field(default_factory=lambda: _curve(2))
    ratio: float = 1.0
    points: int = 0
    low: float = np.nan
    high: float = np.nan
    _smoother: Smoother = field(default_factory=lambda: Smoother(0.0))
    _made: tuple[Line, Sheet] | None = None

    @property
    def items(self) -> tuple[Any, Any]:
        """Both curves, as the plot holds them."""
        return self.faint, self.bold

    def value(self, index: int) -> float:
        """The bold line's value at a point."""
        return float(self._calm()[index])

    def _calm(self) -> Floats:
        """The smoothed values, all of them; only new ones are computed."""
        return self._smoother(self.line.trace.values)

    def draw(self, line: Line, sheet: Sheet) -> bool:
        """Hands the points over; False where they would be those of last time."""
        if self._made is not None and self._made[1] == sheet and line.same_as(self._made[0]):
            return False
        self.line, self._made = line, (line, sheet)
        self.restyle(self.ratio)
        amount = sheet.smoothing if line.smooth else 0.0
        if self._smoother.amount != amount:
            self._smoother = Smoother(amount)
        # A calm line needs half the points: its extremes hardly differ within a pixel.
        xs, ys = self._thinned(self._calm(), sheet, max(2, sheet.pixels // (2 if amount else 1)))
        bounds = [ys]
        if line.dash:
            xs, ys = _dashed(xs, ys, sheet, DASHES[line.dash % len(DASHES)])
        self.bold.setData(xs, ys, connect="finite")
        self.points = len(xs)
        if amount and sheet.raw and not line.behind:
            faint_xs, faint_ys = self._thinned(line.trace.values.array, sheet, sheet.pixels)
            self.faint.setData(faint_xs, faint_ys, connect="finite")
            self.points += len(faint_xs)
            finite = faint_ys[np.isfinite(faint_ys)]
            # The faint points may leave the picture: a single spike must not press the bold line flat.
            bounds.append(np.percentile(finite, (2, 98)) if len(finite) else finite)
        else:
            self.faint.setData(np.empty(0), np.empty(0))
        known = np.concatenate(bounds)
        known = known[np.isfinite(known)]
        self.low, self.high = (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)
        return True

    def restyle(self, ratio: float) -> None:
        """Its pens, anew for another theme or for another number of pixels to a point."""
        self.ratio = ratio
        self.bold.setZValue(0 if self.line.behind else 2)
        for curve, faint in ((self.faint, True), (self.bold, False)):
            pen = line_pen(self.line.ink, faint=faint, behind=self.line.behind)
            pen.setWidthF(pen.widthF() * ratio)
            curve.setPen(pen)

    def _thinned(self, ys: Floats, sheet: Sheet, pixels: int) -> tuple[Floats, Floats]:
        """The points of the part on show, placed for the canvas: two a pixel at most, and one beyond either end."""
        steps, clock = self.line.trace.steps.array, self.line.clock
        edges = sheet.span.edges(pixels)
        if clock is not None:
            edges = clock.to_step(edges)
        if sheet.log_y and len(ys) and not (np.nanmin(ys, initial=np.inf) > 0):
            ys = np.where(ys > 0, ys, np.nan)
        at, values = thinned(steps, ys, edges)
        # A run may write any float; what no axis can hold is left out like what is no number.
        values = np.where(np.abs(values) <= LARGEST, values, np.nan)
        xs = at if clock is None else clock.to_x(at)
        if sheet.span.log:
            positive = xs > 0
            xs, values = xs[positive], values[positive]
        return sheet.span.placed(xs), np.log10(values) if sheet.log_y else values


def _dashed(xs: Floats, ys: Floats, sheet: Sheet, lengths: Sequence[float]) -> tuple[Floats, Floats]:
    """The line with gaps cut into it, by pixels along x: a pen that dashes must draw one long stroke, see `_curve`."""
    if len(xs) < 2:
        return xs, ys
    low, high = sheet.span.ends()
    places = np.linspace(max(low, xs[0]), min(high, xs[-1]), 2 * sheet.pixels)
    pixels = (places - low) / max(high - low, 1e-300) * sheet.pixels
    ends = np.cumsum(lengths)
    off = np.searchsorted(ends, pixels % ends[-1], side="right") % 2 == 1
    return places, np.where(off, np.nan, np.interp(places, xs, ys))


def _curve(z: int) -> Any:
    curve = pg.PlotCurveItem(antialias=z > 1)
    # Piece by piece: one long stroke wider than a pixel that folds over itself takes Qt a hundred times as long.
    curve.setSegmentedLineMode("on")
    curve.setZValue(z)
    return curve
