"""A stage with its head and its readout."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab.setups import seed_of, set_up_words
from app.lab.shortcuts import keys_text
from app.lab.stage.canvas import StageCanvas
from app.lab.stage.marks import lengths_of
from app.lab.stage.plane import in_units, volume
from app.lab.state import LETTERS, LabState, StageView
from app.theme import mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.layout import vbox
from app.widgets.plot.inks import ink_of
from engine.lab import Probe, Reading, TruthInfo

HEAD_PX: Final = 42
ROW_PX: Final = 26
FOOT_PX: Final = 24
BADGE_PX: Final = 20
TITLES: Final = ("gap", "modes", "sliced_w1")
"""Figures that may stand large over a stage: the first that it has."""
CHOOSE: Final = f"Click chooses it, a double click takes its seed alone ({keys_text('lab.take_seed')})"


class _Head(QWidget):
    """Badge, what the stage is, and one large figure with its floor: titles above, small words below them."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self._index = index
        self._title = ""
        self._parts: tuple[str, ...] = ()
        self._figure: Reading | None = None
        self._ink = index
        self._readout = ""
        self.setFixedHeight(HEAD_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_words(
        self, title: str, parts: Sequence[str], figure: Reading | None, *, ink: int, readout: str = "", help: str = ""
    ) -> None:
        """What is shown, `parts` as far as there is room, or `readout` in place of all small words; repaints only when
        it differs."""
        now = title, tuple(parts), figure, ink, readout
        if now != (self._title, self._parts, self._figure, self._ink, self._readout):
            self._title, self._parts, self._figure, self._ink, self._readout = now
            words = f"{LETTERS[self._index]}: {', '.join((title, *parts))}"
            self.setAccessibleName(f"{words}, {readout}" if readout else words)
            self.setToolTip(f"{words}. {help}" if help else words)
            self.update()

    def shown_words(self) -> tuple[str, str]:
        """The title and the small words as there is room for them."""
        value, tail = _figure_words(self._figure)
        bold, small = ui_font(bold=True), ui_font(tokens().small_px)
        left = BADGE_PX + 10.0
        room = self.width() - left - paint.width_of(value, ui_font(19, bold=True)) - 12
        title, rest = fitted(self._title, lambda words: paint.width_of(words, bold) <= room)
        room = self.width() - left - paint.width_of(tail, small) - 12
        line = ""
        for part in (*rest, *self._parts):
            longer = f"{line}, {part}" if line else part
            if paint.width_of(longer, small) <= room:
                line = longer
        return title, line

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = paint.smooth(self), tokens()
        badge = QRectF(0, (ROW_PX - BADGE_PX) / 2, BADGE_PX, BADGE_PX)
        paint.box(painter, badge, fill=ink_of(self._ink), radius_px=5)
        middle, right = Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight
        paint.text(painter, badge, LETTERS[self._index], font=ui_font(12, bold=True), ink=theme.stage, align=middle)
        value, tail = _figure_words(self._figure)
        title, line = self.shown_words()
        small, left = ui_font(theme.small_px), BADGE_PX + 10.0
        above = QRectF(left, 0, self.width() - left, ROW_PX)
        below = QRectF(left, ROW_PX - 2, self.width() - left, HEAD_PX - ROW_PX)
        paint.text(painter, above, value, font=ui_font(19, bold=True), ink=theme.text, align=right)
        if self._readout:
            below.setLeft(0)
            paint.text(painter, below, self._readout, font=mono_font(theme.small_px), ink=theme.text)
        else:
            paint.text(painter, below, tail, font=small, ink=theme.muted, align=right)
            paint.text(painter, below, line, font=small, ink=theme.muted)
        above.setRight(above.right() - paint.width_of(value, ui_font(19, bold=True)) - 8)
        paint.text(painter, above, title, font=ui_font(bold=True), ink=theme.text)
        painter.end()

    def sizeHint(self) -> QSize:
        return QSize(240, HEAD_PX)


def fitted(title: str, fits: Callable[[str], bool]) -> tuple[str, tuple[str, ...]]:
    """As much of a title as fits, and what of it may stand elsewhere: the family goes first, then what is behind a
    comma or a colon, the last first; a recipe is whole or cut."""
    if fits(title):
        return title, ()
    family, colon, own = title.partition(": ")
    rest = [family] if colon else []
    shown = own if colon else title
    while not fits(shown) and "(" not in shown:
        parts = re.split(r"[,:] (?!.*[,:] )", shown, maxsplit=1)
        if len(parts) == 1:
            break
        shown = parts[0]
        rest.insert(0, parts[1])
    return shown, tuple(rest)


def _figure_words(figure: Reading | None) -> tuple[str, str]:
    """The value, and what it is with its floor."""
    if figure is None:
        return "", ""
    if figure.name == "modes":
        return f"{figure.value:.0f}", f"of {figure.floor:.0f} modes"
    value = f"{round(figure.value, 3) + 0.0:.3f}".replace("-", "\u2212")
    return value, "nats above the floor" if figure.name == "gap" else f"{figure.title}, floor {figure.floor:.3f}"


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
    """Stage A (0), B (1), or one of five seeds, which has no foot: what would stand there stands in its head."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
        self.head, self.canvas, self.foot = _Head(index), StageCanvas(index), _Foot()
        self.setLayout(vbox(self.head, self.canvas, self.foot, gap_px=2, stretch={1: 1}))

    def show_lab(self, state: LabState) -> None:
        """Shows this stage of the state."""
        if self.index < len(state.stages):
            stage = state.stages[self.index]
            part = _part_words(stage)
            told = part or _probe_words(stage.probe, state.info)
            if state.seeded:
                title, help = f"seed {seed_of(stage.setup)}", CHOOSE
                self.head.set_words(title, (), _large(stage), ink=state.ink(self.index), readout=told, help=help)
            else:
                title, parts = _titles(state, stage)
                self.head.set_words(title, parts, _large(stage), ink=state.ink(self.index))
                self.foot.set_words(told, "" if part else _note(state, stage))
            self.foot.setVisible(not state.seeded)
            self.canvas.show_lab(state)


def _large(stage: StageView) -> Reading | None:
    """The figure that stands large."""
    by_name = {one.name: one for one in stage.figures}
    return next((by_name[name] for name in TITLES if name in by_name), None)


def _titles(state: LabState, stage: StageView) -> tuple[str, tuple[str, ...]]:
    catalogue = state.catalogue
    assert catalogue is not None
    title, changes = set_up_words(catalogue, stage.setup)
    size = () if stage.info is None else (f"{stage.info.parameters:,} weights",)
    return title, (*changes, *size)


def _probe_words(probe: Probe | None, info: TruthInfo | None) -> str:
    if probe is None or info is None:
        return ""
    x = [in_units(info, axis, value) for axis, value in enumerate(probe.x)]
    cell, about = volume(info), "p \u2248" if info.estimate else "p"
    parts = [f"x {', '.join(map(_place, x))}", f"{about} {_density(probe.p / cell)}"]
    if probe.q is not None:
        parts.append(f"q {_density(probe.q / cell)}")
    if probe.critic is not None:
        parts.append(f"D {probe.critic:.2f}")
    if probe.log_det is not None:
        parts.append(f"log|det| {probe.log_det:.2f}")
    if probe.code:
        parts.append(f"z {', '.join(f'{value:.2f}' for value in probe.code)}")
    return "   ".join(parts).replace("-", "\u2212")


def _place(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.4g}"


def _density(value: float) -> str:
    if value >= 0.01 or value == 0:
        return f"{value:.3f}"
    return f"{value:.2g}" if value > 1e-6 else "<1e-6"


def _part_words(stage: StageView) -> str:
    """What a step does just now, where it is slow enough to follow."""
    seen = stage.seen
    return f"Step {seen.step + 1:,}: {seen.part}" if seen is not None and seen.part else ""


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
