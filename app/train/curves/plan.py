"""Which plots a run gets, in which section, and with which lines: pure functions from state to values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from app.core.run_files import CLOCK
from app.series import Floats, Trace
from app.train.curves.state import CurvesState
from app.train.state import RunView
from engine.api import Plot
from engine.runs import RunInfo

if TYPE_CHECKING:
    from app.widgets.curves import Clock, Line

LEARNING: Final = "Learning"
GRADIENTS: Final = "Gradients"
SPEED: Final = "Speed"
MORE: Final = "More curves"
SECTIONS: Final = (LEARNING, GRADIENTS, SPEED, MORE)
LONGEST_PAUSE: Final = 60.0
"""Seconds between two rows that may still be training; what is longer was a stop, unless the run is that slow."""
HINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "explosion": ("gradient_norm", "generator_gradient_norm"),
    "discriminator-won": ("discriminator_loss", "d_real"),
    "discriminator-overfits": ("d_real", "discriminator/on_heldout"),
    "posterior-collapse": ("kl_nats", "active_units"),
    "memorisation": ("heldout/bits_per_dim",),
    "samples-alike": ("heldout/diversity",),
    "critic-behind": ("critic_distance", "critic/lag"),
    "stalled-input": ("system/input_share",),
    "slowed-down": ("images_per_second",),
}
"""Beside which metrics a notice of this kind is worth a line."""
HINT_SHARE: Final = 0.2
"""A notice counts as news for so long, as a share of the steps so far."""
_GRADIENTS: Final = ("gradient_norm", "update_ratio", "learning_rate", "gradient_clipped")


@dataclass(frozen=True)
class Section:
    """Plots under one heading."""

    title: str
    plots: tuple[Plot, ...]


def sections(rows: Sequence[Plot], view: RunView, state: CurvesState) -> tuple[Section, ...]:
    """The plots of a run that have something to show; all of its family while it has written nothing."""
    fresh = not view.series
    config = view.info.config.model
    shown = [
        row for row in rows if row.shown(config) and (has_data(row, view, state) or (fresh and row.kind == "line"))
    ]
    named: dict[str, list[Plot]] = {title: [] for title in SECTIONS}
    for row in shown:
        named[_section(row)].append(row)
    taken = {row.title for row in rows}
    for name in state.more:
        if name in view.series:
            title = nice(name)
            named[MORE].append(Plot(f"{title} ({name})" if title in taken else title, (name,)))
    return tuple(Section(title, tuple(plots)) for title, plots in named.items() if plots)


def has_data(row: Plot, view: RunView, state: CurvesState) -> bool:
    """Whether the run wrote anything that the plot draws."""
    known = state.figures if row.kind != "line" else view.series
    return any(metric in known for metric in row.metrics)


def _section(row: Plot) -> str:
    first = row.metrics[0]
    if first == "images_per_second" or first.startswith("system/"):
        return SPEED
    return GRADIENTS if first.endswith(_GRADIENTS) else LEARNING


def others(rows: Sequence[Plot], view: RunView) -> tuple[str, ...]:
    """Metrics of the run that no plot of its family draws."""
    drawn = {metric for row in rows if row.shown(view.info.config.model) for metric in row.metrics}
    return tuple(sorted(name for name in view.series if name not in drawn and name != CLOCK))


def nice(name: str) -> str:
    """A metric's name as a title: heldout/active_units becomes "Active units, held-out"."""
    part, _, rest = name.rpartition("/")
    words = rest.replace("_", " ")
    where = {"heldout": "held-out"}.get(part, part)
    return f"{words[:1].upper()}{words[1:]}" + (f", {where}" if where else "")


def is_sparse(name: str) -> bool:
    """Figures of previews and settings: few or exact, so each point is drawn as it is."""
    return name.startswith(("heldout/", "training/"))


def run_name(info: RunInfo) -> str:
    """A run's name in a legend."""
    name = info.title
    return name if len(name) <= 22 else f"{name[:20].rstrip()}…"


# x
def clock_of(series: Mapping[str, Trace], info: RunInfo, axis: str) -> Clock | None:
    """How a run's steps become x; None where x is the step itself, or cannot be known."""
    from app.widgets.curves import Clock

    batch = info.config.training.get("batch", 0)
    images = float(batch) if isinstance(batch, int | float) and batch > 0 else 0.0
    if axis == "images" and images:
        return Clock(np.array([0.0, 1.0]), np.array([0.0, images]))
    if axis == "time":
        found = _seconds(series, images)
        return Clock(*found) if found is not None else None
    return None


def _seconds(series: Mapping[str, Trace], images: float) -> tuple[Floats, Floats] | None:
    """Seconds of training at each step: from when rows were written, without stops; else from the speed."""
    if CLOCK in series and len(series[CLOCK].steps) > 1:
        steps, written = series[CLOCK].steps.array.astype(np.float64), series[CLOCK].values.array
        passed = np.maximum(np.diff(written), 0.0)
        usual = float(np.median(passed))
        passed = np.where(passed > max(LONGEST_PAUSE, 20 * usual), usual, passed)
        # The first row came after some steps as well: they took as long as those that followed.
        rate = float(passed.sum()) / max(float(steps[-1] - steps[0]), 1.0)
        seconds = np.concatenate([[0.0], np.cumsum(passed)]) + rate * steps[0]
        return np.concatenate([[-1e-9], steps]), np.concatenate([[0.0], np.maximum(seconds, 1e-9)])
    if "images_per_second" in series and images:
        steps = series["images_per_second"].steps.array.astype(np.float64)
        speed = np.maximum(series["images_per_second"].values.array, 1e-9)
        seconds = np.cumsum(np.diff(np.concatenate([[0.0], steps])) * images / speed)
        return np.concatenate([[-1e-9], steps]), np.concatenate([[0.0], np.maximum(seconds, 1e-9)])
    return None


def axes_known(view: RunView) -> frozenset[str]:
    """What x may count for this run."""
    known = {"step"}
    if clock_of(view.series, view.info, "images") is not None:
        known.add("images")
    if (CLOCK in view.series and len(view.series[CLOCK].steps) > 1) or (
        "images_per_second" in view.series and "images" in known
    ):
        known.add("time")
    return frozenset(known)


# lines
@dataclass(frozen=True, eq=False)
class PlottedRun:
    """A run as its lines are made from it."""

    key: str
    name: str
    series: Mapping[str, Trace]
    clock: Clock | None


def sources(view: RunView, state: CurvesState, axis: str) -> tuple[PlottedRun, ...]:
    """The run on show first, then those over it."""
    runs = [(view.path, view.info, view.series), *((one.path, one.info, one.series) for one in state.overlays)]
    names = told_apart([run_name(info) for _, info, _ in runs])
    return tuple(
        PlottedRun(str(path), name, series, clock_of(series, info, axis))
        for name, (path, info, series) in zip(names, runs, strict=True)
    )


def told_apart(names: Sequence[str]) -> list[str]:
    """Names without the words that all begin with, and numbered where two are the same."""
    words = [name.split(" ") for name in names]
    same = 0
    while len(names) > 1 and all(len(one) > same + 1 and one[same] == words[0][same] for one in words):
        same += 1
    short = [" ".join(one[same:]) for one in words]
    return [
        f"{name} ({short[: at + 1].count(name)})" if short.count(name) > 1 else name for at, name in enumerate(short)
    ]


def lines_of(row: Plot, runs: Sequence[PlottedRun]) -> tuple[Line, ...]:
    """Alone, each metric has its colour; compared, each run has its colour and each metric its dashes."""
    from app.widgets.curves import Line

    many = len(runs) > 1
    return tuple(
        Line(
            f"{run.key}\n{metric}",
            row.label(metric),
            run.series[metric],
            ink=which if many else at,
            dash=at if many else 0,
            smooth=not is_sparse(metric),
            group=run.name if many else "",
            clock=run.clock,
        )
        for which, run in enumerate(runs)
        for at, metric in enumerate(row.metrics)
        if metric in run.series
    )


def hint(row: Plot, view: RunView, state: CurvesState) -> str:
    """The newest notice that concerns this plot, while it is news."""
    last = max((trace.steps[-1] for trace in view.series.values() if len(trace.steps)), default=0)
    for notice in reversed(state.notices):
        if notice.step < (1 - HINT_SHARE) * last:
            break
        if set(HINTS.get(notice.kind, ())) & set(row.metrics):
            return f"{notice.text} {notice.suggestion}".strip()
    return ""
