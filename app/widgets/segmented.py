"""A row of choices of which one is on: the views of a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.painted import Painted

_PAD_PX: Final = 14
_HEIGHT_PX: Final = 32


class Segmented(Painted):
    """Options (key, label) side by side; click, or arrows when focused. Where there is less room than they need, those
    in `short` have that label."""

    changed = Signal(str)
    handled_keys = (Qt.Key.Key_Left, Qt.Key.Key_Right)

    def __init__(
        self, options: Sequence[tuple[str, str]], *, tooltip: str = "", short: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        if not options or len({key for key, _ in options}) != len(options):
            raise ValueError("A segmented control needs options with different keys.")
        self._options = tuple(options)
        self._short = dict(short or {})
        self._index = 0
        self._hover = -1
        self._off: dict[str, str] = {}
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        across = QSizePolicy.Policy.Maximum if self._short else QSizePolicy.Policy.Fixed
        self.setSizePolicy(across, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setToolTip(tooltip or "Left and Right choose.")
        self._tell()

    def current(self) -> str:
        """The key of the choice that is on."""
        return self._options[self._index][0]

    def set_current(self, key: str) -> None:
        """Choose without emitting; raises KeyError for an unknown key."""
        self._index = self._find(key)
        self._tell()
        self.update()

    def set_option_enabled(self, key: str, enabled: bool, why: str = "") -> None:
        """Allow or forbid one choice; ``why`` becomes its tooltip."""
        self._find(key)
        off = {k: w for k, w in self._off.items() if k != key} | ({} if enabled else {key: why})
        if off != self._off:
            self._off = off
            self.update()

    def segment_rect(self, key: str) -> QRectF:
        """Where the option ``key`` is, in widget pixels."""
        return self._rects()[self._find(key)]

    def _find(self, key: str) -> int:
        for index, (own, _) in enumerate(self._options):
            if own == key:
                return index
        raise KeyError(key)

    def labels(self) -> tuple[str, ...]:
        """What stands on the options now."""
        return self._labels(short=bool(self._short) and self.width() < self.sizeHint().width())

    def _labels(self, *, short: bool) -> tuple[str, ...]:
        return tuple(self._short.get(key, label) if short else label for key, label in self._options)

    def _rects(self) -> list[QRectF]:
        labels = self.labels()
        # Room that short labels leave is shared.
        spare = self.width() - _width_of(labels) if self._short else 0
        rects, x = [], 2.0
        for label in labels:
            width = _label_width(label) + max(0, spare) / len(labels)
            rects.append(QRectF(x, 2, width, _HEIGHT_PX - 4))
            x += width
        return rects

    def sizeHint(self) -> QSize:
        return QSize(_width_of(self._labels(short=False)), _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(_width_of(self._labels(short=True)), _HEIGHT_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        paint.box(painter, QRectF(self.rect()), fill=theme.raised, radius_px=theme.radius_px + 2)
        parts = zip(self._rects(), self._options, self.labels(), strict=True)
        for index, (rect, (key, _), label) in enumerate(parts):
            on = index == self._index
            if on:
                paint.box(painter, rect, fill=theme.segment, radius_px=theme.radius_px)
            ink = theme.faint if key in self._off else theme.text if on or index == self._hover else theme.muted
            paint.text(painter, rect, label, font=ui_font(), ink=ink, align=Qt.AlignmentFlag.AlignHCenter)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, self._rects()[self._index], theme.radius_px)
        painter.end()

    def _choose(self, index: int) -> None:
        if index == self._index or self._options[index][0] in self._off:
            return
        self._index = index
        self._tell()
        self.update()
        self.changed.emit(self.current())

    def _at(self, spot: QPointF) -> int:
        return next((i for i, rect in enumerate(self._rects()) if rect.contains(spot)), -1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._choose(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = self._at(event.position())
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        index = self._index + step
        while 0 <= index < len(self._options) and self._options[index][0] in self._off:
            index += step
        if 0 <= index < len(self._options):
            self._choose(index)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self._at(QPointF(event.pos()))
            why = self._off.get(self._options[index][0], "") if index >= 0 else ""
            if why:
                QToolTip.showText(event.globalPos(), why, self)
                return True
        return super().event(event)

    def _tell(self) -> None:
        self.setAccessibleName(self._options[self._index][1])


def _label_width(label: str) -> int:
    # The bold width is reserved, so that choosing does not move the neighbours.
    return round(paint.width_of(label, ui_font(bold=True))) + 2 * _PAD_PX


def _width_of(labels: Sequence[str]) -> int:
    return sum(map(_label_width, labels)) + 4
