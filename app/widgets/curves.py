"""Live curves: a plot in a card, with a cursor, zoom and notes. Only `app.widgets.plot` knows pyqtgraph."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QMenu, QToolTip

from app.widgets import paint
from app.widgets.inline_edit import NameEdit
from app.widgets.plot.card import PlotCard
from app.widgets.plot.lines import Clock, Line
from app.widgets.plot.marks import REACH_PX, Mark
from app.widgets.plot.scale import IMAGES, STEPS, TIME, Axis, Span, whole_span

__all__ = ["IMAGES", "STEPS", "TIME", "Axis", "Clock", "Curves", "Line", "Mark", "Span", "whole_span"]

_NOTE_PX: Final = 190
_KEYS: Final = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_Plus,
    Qt.Key.Key_Minus,
    Qt.Key.Key_Equal,
    Qt.Key.Key_0,
    Qt.Key.Key_N,
    Qt.Key.Key_L,
    Qt.Key.Key_Delete,
    Qt.Key.Key_Escape,
)


class Curves(PlotCard):
    """A plot that answers to mouse and keys.

    `hovered`, `spanned` and `logToggled` tell what a hand did, after it has been done here, so that others may follow.
    `noteMade` has the x and the text; `noteRemoved` the mark's key.
    """

    hovered = Signal(object)
    spanned = Signal(object)
    noteMade = Signal(float, str)
    noteRemoved = Signal(int)
    hideWanted = Signal()

    def __init__(
        self,
        title: str,
        y_label: str = "",
        *,
        log_y: bool = False,
        smoothing: float = 0.0,
        hint: str = "",
        hideable: bool = False,
    ) -> None:
        super().__init__(title, y_label, log_y=log_y, smoothing=smoothing, hint=hint)
        self._hideable = hideable
        self._editor: NameEdit | None = None
        self._plot.hovered.connect(self._on_hover)
        self._plot.spanned.connect(self._on_span)
        self._plot.noteAsked.connect(self.begin_note)
        self._plot.menuAsked.connect(lambda x, spot: self.menu_for(x).popup(spot))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # cursor
    def _on_hover(self, x: float | None) -> None:
        self.set_cursor(None if x is None else self._snapped(x))
        self.hovered.emit(self._cursor)

    def _snapped(self, x: float) -> float:
        """The x of the nearest point of any line."""
        found = [
            line.x_of(float(line.trace.steps.array[line.index_at(x)])) for line in self.lines() if len(line.trace.steps)
        ]
        return min(found, key=lambda at: abs(at - x), default=x)

    def _step_cursor(self, points: int) -> None:
        """The cursor by points of the line that has most of them."""
        longest = max(self.lines(), key=lambda line: len(line.trace.steps), default=None)
        if longest is None or not len(longest.trace.steps):
            return
        count = len(longest.trace.steps)
        now = count - 1 if self._cursor is None else longest.index_at(self._cursor) + points
        self.set_cursor(longest.x_of(float(longest.trace.steps.array[min(max(now, 0), count - 1)])))
        self.hovered.emit(self._cursor)
        self._bring_into_view()
        mark = self.mark_near(self._cursor)
        if mark is not None and self._cursor is not None:
            spot = QPoint(round(self._plot.px_of(self._cursor)), round(self._plot.room().top()))
            QToolTip.showText(self._plot.mapToGlobal(spot), mark.text, self._plot)

    def _bring_into_view(self) -> None:
        """Moves a zoomed part along with the cursor."""
        if self._span is not None and self._cursor is not None:
            share = self._span.share(self._cursor)
            if not 0 <= share <= 1:
                self._on_span(self._span.moved(share - 0.5).within(self._plot.whole))

    # notes
    def mark_near(self, x: float | None, *, notes_only: bool = False) -> Mark | None:
        """The mark at x as the eye sees it, None where there is none."""
        if x is None:
            return None
        at = self._plot.px_of(x)
        near = [mark for mark in self._marks if mark.is_note or not notes_only]
        found = min(near, key=lambda mark: abs(self._plot.px_of(mark.x) - at), default=None)
        return found if found is not None and abs(self._plot.px_of(found.x) - at) <= REACH_PX else None

    def begin_note(self, x: float) -> NameEdit:
        """Opens a field at x; the note that is there already is changed."""
        mark = self.mark_near(x, notes_only=True)
        x = mark.x if mark is not None else self._snapped(x)
        if self._editor is not None:
            self._editor.deleteLater()
        editor = self._editor = NameEdit(mark.text if mark is not None else "", parent=self)
        editor.setPlaceholderText(f"Note at {self._axis.place(x)}")
        editor.setToolTip("Enter keeps the note, Escape leaves.")
        editor.closed.connect(lambda text: self._end_note(x, text))
        room = self._plot.room().translated(self._plot.pos().toPointF())
        left = room.left() + self._plot.px_of(x) - self._plot.room().left()
        left = min(max(left, room.left()), room.right() - _NOTE_PX)
        editor.setGeometry(round(left), round(room.top()) + 2, _NOTE_PX, 26)
        editor.show()
        editor.setFocus()
        return editor

    def _end_note(self, x: float, text: str) -> None:
        self._editor = None
        if text:
            self.noteMade.emit(x, text)

    def menu_for(self, x: float) -> QMenu:
        """What can be done at x."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        note = self.mark_near(x, notes_only=True)
        where = self._axis.place(self._snapped(x))
        menu.addAction("Change the note…" if note else f"Note at {where}…", lambda: self.begin_note(x))
        if note is not None:
            menu.addAction("Remove the note", lambda: self.noteRemoved.emit(note.key))
        menu.addSeparator()
        whole = menu.addAction("Show the whole run", lambda: self._on_span(None))
        whole.setEnabled(self._span is not None)
        log = menu.addAction("Logarithmic axis", self._log_button.toggle)
        log.setCheckable(True)
        log.setChecked(self.is_log())
        if self._hideable:
            menu.addAction("Remove this plot", self.hideWanted.emit)
        return menu

    # the hand
    def _on_span(self, span: Span | None) -> None:
        self.set_span(span)
        self.spanned.emit(span)

    def _zoom(self, factor: float) -> None:
        span = self._plot.span
        around = 0.5 if self._cursor is None else min(max(span.share(self._cursor), 0.0), 1.0)
        self._on_span(span.zoomed(factor, around).within(self._plot.whole))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        at = self._cursor
        many = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                self._step_cursor(many if event.key() == Qt.Key.Key_Right else -many)
            case Qt.Key.Key_Home | Qt.Key.Key_End:
                self._step_cursor(1 << 40 if event.key() == Qt.Key.Key_End else -(1 << 40))
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal | Qt.Key.Key_Minus:
                self._zoom(1.5 if event.key() == Qt.Key.Key_Minus else 1 / 1.5)
            case Qt.Key.Key_0:
                self._on_span(None)
            case Qt.Key.Key_N if self._wanted:
                self.begin_note(at if at is not None else self._plot.span.high)
            case Qt.Key.Key_Delete if (mark := self.mark_near(at, notes_only=True)) is not None:
                self.noteRemoved.emit(mark.key)
            case Qt.Key.Key_L:
                self._log_button.toggle()
            case Qt.Key.Key_Escape if at is not None:
                self._on_hover(None)
            case _:
                super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        return paint.keeps_key(event, _KEYS) or super().event(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        x = self._cursor if self._cursor is not None else self._plot.span.high
        self.menu_for(x).popup(event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
