"""What is drawn over a stage's ground: arrows, the ways of points through the layers, and samples by their quarter."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QPainter, QPen

from app.lab.stage.dots import polygon
from app.lab.stage.plane import Plane, at_depth
from app.lab.state import StageView
from app.theme import color
from app.widgets import paint
from engine.lab import Arrows, Points

WAYS: Final = 60
LONG: Final = 0.9
"""The share of the arrows that are no longer than `arrow_px`."""
HEAD_PX: Final = 5.0
LEAST_PX: Final = 1.0
MOST: Final = 3.0
"""The longest arrow that is drawn, in lengths of a usual one."""
SPREAD: Final = 0.45
"""Half the angle of an arrow's head, in radians."""
QUARTILE: Final = 0.6744897501960817
"""A quarter of a standard normal lies beyond it on either side."""


def unit_px(stages: tuple[StageView, ...], kind: str, length_px: float) -> float:
    """Pixels for an arrow of length 1, so that the longer ones of all stages are `length_px`: on one scale two stages
    can be compared."""
    long = 0.0
    for stage in stages:
        if kind in stage.arrows:
            lengths = lengths_of(stage.arrows[kind])
            long = max(long, float(np.quantile(lengths, LONG)) if len(lengths) else 0.0)
    return length_px / long if long > 0 else 0.0


def lengths_of(arrows: Arrows) -> NDArray[np.float64]:
    """The lengths (N,) of those that are numbers."""
    lengths = np.hypot(*arrows.along.astype(np.float64).T)
    found: NDArray[np.float64] = lengths[np.isfinite(lengths)]
    return found


def paint_arrows(painter: QPainter, plane: Plane, arrows: Arrows, *, unit: float, longest_px: float, ink: str) -> None:
    """Arrows with `unit` pixels for a length of 1, none longer than `longest_px`."""
    start = plane.to_px(arrows.at)
    step = arrows.along.astype(np.float64) * (unit, -unit)
    length = np.hypot(step[:, 0], step[:, 1])
    seen = np.isfinite(start).all(1) & np.isfinite(length) & (length >= LEAST_PX)
    start, step, length = start[seen], step[seen], length[seen]
    step = step * (np.minimum(length, longest_px) / np.maximum(length, 1e-12))[:, None]
    end, length = start + step, np.minimum(length, longest_px)
    angle = np.arctan2(step[:, 1], step[:, 0])
    head = np.minimum(HEAD_PX, 0.45 * length)
    lines = [np.hstack([start, end])]
    for turn in (math.pi - SPREAD, math.pi + SPREAD):
        tip = end + head[:, None] * np.stack([np.cos(angle + turn), np.sin(angle + turn)], 1)
        lines.append(np.hstack([end, tip]))
    painter.setPen(paint.pen(ink, 1.25))
    painter.drawLines([QLineF(*four) for four in np.concatenate(lines).tolist()])


def paint_ways(painter: QPainter, plane: Plane, trace: Points, depth: float, *, ink: str) -> None:
    """The ways of some points from code to data, strong as far as they have come."""
    at = np.clip(np.nan_to_num(plane.to_px(trace[:, :WAYS])), -4000, 8000)
    now = np.clip(np.nan_to_num(plane.to_px(at_depth(trace[:, :WAYS], depth)[0])), -4000, 8000)
    done = int(depth * (len(trace) - 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for index in range(at.shape[1]):
        painter.setPen(QPen(color(ink, 0.14), 1.0))
        painter.drawPolyline(polygon(np.ascontiguousarray(at[:, index])))
        painter.setPen(QPen(color(ink, 0.42), 1.0))
        painter.drawPolyline(polygon(np.vstack([at[: done + 1, index], now[index]])))


def quarter_of(codes: Points) -> NDArray[Any]:
    """For codes (N, 1) or (N, 2) the quarter 0 to 3 that each lies in: all hold the same mass."""
    if codes.shape[1] == 1:
        found: NDArray[Any] = np.searchsorted([-QUARTILE, 0.0, QUARTILE], codes[:, 0])
        return found
    return (codes[:, 0] > 0).astype(np.intp) + 2 * (codes[:, 1] > 0).astype(np.intp)


def quarter_ends(codes: Points, points: Points) -> NDArray[np.float64] | None:
    """Where a map of the line sends the three ends between quarters, rising; None where it does not keep the order."""
    order = np.argsort(codes[:, 0])
    z, x = codes[order, 0].astype(np.float64), points[order, 0].astype(np.float64)
    steps = np.diff(x)
    if not (np.isfinite(x).all() and ((steps >= 0).all() or (steps <= 0).all())):
        return None
    found: NDArray[np.float64] = np.sort(np.interp([-QUARTILE, 0.0, QUARTILE], z, x))
    return found
