"""A stage with its head and its readout."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab.stage.canvas import StageCanvas
from app.lab.stage.marks import lengths_of
from app.lab.state import LabState, StageView, set_up_title
from app.theme import mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.layout import vbox
from app.widgets.plot.inks import ink_of
from engine.lab import Probe, Reading

HEAD_PX: Final = 34
FOOT_PX: Final = 24
BADGE_PX: Final = 20
TITLES: Final = ("gap", "modes", "sliced_w1")
"""Figures that may stand large over a stage: the first that it has."""


class _Head(QWidget):
    """Badge, what the stage is, and one large figure with its floor."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self._index = index
        self._words = ("", "")
        self._figure: Reading | None = None
        self.setFixedHeight(HEAD_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_words(self, title: str, line: str, figure: Reading | None) -> None:
        """What is shown; repaints only when it differs."""
        if ((title, line), figure) != (self._words, self._figure):
            self._words, self._figure = (title, line), figure
            self.setAccessibleName(f"{'AB'[self._index]}: {title}, {line}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = paint.smooth(self), tokens()
        middle = self.height() / 2
        badge = QRectF(0, middle - BADGE_PX / 2, BADGE_PX, BADGE_PX)
        paint.box(painter, badge, fill=ink_of(self._index), radius_px=5)
        paint.text(
            painter,
            badge,
            "AB"[self._index],
            font=ui_font(12, bold=True),
            ink=theme.stage,
            align=Qt.AlignmentFlag.AlignHCenter,
        )
        right = float(self.width())
        if self._figure is not None:
            figure = self._figure
            value = f"{figure.value:.0f}" if figure.name == "modes" else f"{figure.value:.3f}"
            tail = f" of {figure.floor:.0f} modes" if figure.name == "modes" else _floor_words(figure)
            small, large = ui_font(12), ui_font(19, bold=True)
            for words, font, ink in ((tail, small, theme.muted), (value.replace("-", "\u2212"), large, theme.text)):
                wide = paint.width_of(words, font) + 2
                paint.text(painter, QRectF(right - wide, 0, wide, self.height()), words, font=font, ink=ink)
                right -= wide
        left = BADGE_PX + 10.0
        title, line = self._words
        wide = min(paint.width_of(title, ui_font(bold=True)) + 4, max(0.0, right - left - 8))
        paint.text(painter, QRectF(left, 0, wide, self.height()), title, font=ui_font(bold=True), ink=theme.text)
        left += wide + 10
        room = QRectF(left, 0, right - left - 12, self.height())
        if paint.width_of(line, ui_font(12)) <= room.width():
            paint.text(painter, room, line, font=ui_font(12), ink=theme.muted)
        painter.end()

    def sizeHint(self) -> QSize:
        return QSize(240, HEAD_PX)


def _floor_words(figure: Reading) -> str:
    if figure.name == "gap":
        return " nats above the floor"
    return f" {figure.title}, floor {figure.floor:.3f}"


class _Foot(QWidget):
    """The point under the pointer, or what the stage shows."""

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        self._note = ""
        self.setFixedHeight(FOOT_PX)

    def set_words(self, words: str, note: str) -> None:
        """Figures at the left, a remark at the right."""
        if (words, note) != (self._words, self._note):
            self._words, self._note = words, note
            self.setAccessibleName(f"{words} {note}")
            self.update()

    def words(self) -> str:
        """The figures as they stand."""
        return self._words

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = paint.smooth(self), tokens()
        paint.text(painter, QRectF(self.rect()), self._words, font=mono_font(12), ink=theme.text)
        left = paint.width_of(self._words, mono_font(12)) + 16 if self._words else 0
        room = QRectF(left, 0, self.width() - left, self.height())
        align = Qt.AlignmentFlag.AlignRight if self._words else Qt.AlignmentFlag.AlignLeft
        paint.text(painter, room, self._note, font=ui_font(theme.small_px), ink=theme.muted, align=align)
        painter.end()


class StageCard(QWidget):
    """Stage A (0) or B (1)."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
        self.head, self.canvas, self.foot = _Head(index), StageCanvas(index), _Foot()
        self.setLayout(vbox(self.head, self.canvas, self.foot, gap_px=2, stretch={1: 1}))

    def show_lab(self, state: LabState) -> None:
        """Shows this stage of the state."""
        if self.index < len(state.stages):
            stage = state.stages[self.index]
            self.head.set_words(*_titles(state, stage))
            self.foot.set_words(_probe_words(stage.probe), _note(state, stage))
            self.canvas.show_lab(state)


def _titles(state: LabState, stage: StageView) -> tuple[str, str, Reading | None]:
    catalogue = state.catalogue
    assert catalogue is not None
    size = "" if stage.info is None else f"{stage.info.parameters:,} weights"
    by_name = {one.name: one for one in stage.figures}
    figure = next((by_name[name] for name in TITLES if name in by_name), None)
    return set_up_title(catalogue, stage.setup.preset), size, figure


def _probe_words(probe: Probe | None) -> str:
    if probe is None:
        return ""
    parts = [f"x {', '.join(f'{value:.2f}' for value in probe.x)}", f"p {_density(probe.p)}"]
    if probe.q is not None:
        parts.append(f"q {_density(probe.q)}")
    if probe.critic is not None:
        parts.append(f"D {probe.critic:.2f}")
    if probe.log_det is not None:
        parts.append(f"log|det| {probe.log_det:.2f}")
    if probe.code:
        parts.append(f"z {', '.join(f'{value:.2f}' for value in probe.code)}")
    return "   ".join(parts).replace("-", "\u2212")


def _density(value: float) -> str:
    return f"{value:.3f}" if value >= 0.0005 or value == 0 else "< .001"


def _note(state: LabState, stage: StageView) -> str:
    pulled = stage.arrows.get("gradient")
    if pulled is not None and "gradient" in state.shown and state.depth == 1.0 and len(lengths_of(pulled)):
        return f"Pull on a sample: median {float(np.median(lengths_of(pulled))):.2g} a unit of distance"
    if state.depth < 1.0 and stage.info is not None:
        at = state.depth * len(stage.info.layers)
        done = int(at)
        if done == 0:
            return "The code: N(0, I)"
        return f"After {done} of {len(stage.info.layers)}: {stage.info.layers[done - 1]}"
    kinds = [kind for kind in ("density", "difference") if kind in state.shown]
    if any(kind in stage.maps and stage.maps[kind].sigma for kind in kinds):
        drawn = next(stage.maps[kind] for kind in kinds if kind in stage.maps)
        return f"No exact density: 8,192 samples, spread by \u03c3 {drawn.sigma:.2g}"
    return "Point at the stage: x and what is known there" if stage.probe is None else ""
