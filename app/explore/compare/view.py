"""One photo through every model: a row each, driven by the same sliders and the same path to a second photo."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.explore.compare.row_view import GAP_PX, PICTURES, TITLE_PX, RowView, height_px
from app.explore.compare.shown import whole_shows
from app.state import AppState, moved
from app.widgets.buttons import button, tick
from app.widgets.cards import Thumb
from app.widgets.empty import EmptyState
from app.widgets.layout import hbox, held, scrolled, stacked, vbox
from app.widgets.photo_slot import PhotoSlot
from app.widgets.picture import CAPTION_PX, Picture
from app.widgets.slider import ValueSlider
from app.words import nice, signed
from engine.api import Pictures

SMALLEST_PX: Final = 112
ROW_GAP_PX: Final = 12
NO_OTHER: Final = "Choose a second photo (B) first: click its place, or drag a photo there."
PATH_TIP: Final = (
    "From the photo A (0) to the photo B (1), in every model by its own codes; a double click goes back to A."
)


class Board(QWidget):
    """The two photos at the left, the rows at the right, as large as the room allows."""

    rowChosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.photo = Picture("A", parent=self)
        self.other = PhotoSlot(
            "B", empty_text="Click, or drag a photo here: every model then goes from A to B", parent=self
        )
        self.other.setToolTip("The photo at the far end of the path: click to choose (Enter), or drag one here.")
        self.rows: list[RowView] = []
        self._room_px = (720, 480)
        self._whole = False
        self.side_px = SMALLEST_PX

    def set_whole(self, whole: bool) -> None:
        """The photo with the change of each model, as large as there is room; or what the models see."""
        if whole == self._whole:
            return
        self._whole = whole
        for row in self.rows:
            row.set_whole(whole)
        self.place(*self._room_px)

    def set_rows(self, count: int) -> None:
        """As many rows as there are models."""
        while len(self.rows) > count:
            self.rows.pop().deleteLater()
        while len(self.rows) < count:
            row, index = RowView(parent=self), len(self.rows)
            row.title.clicked.connect(lambda _checked=False, at=index: self.rowChosen.emit(at))
            row.set_whole(self._whole)
            row.show()
            self.rows.append(row)
        self.place(*self._room_px)

    def place(self, width_px: int, height: int) -> None:
        """Shares the room: the rows' squares first, the photos get what is left of the width."""
        self._room_px = (width_px, height)
        count = max(1, len(self.rows))
        spent = height_px(0)
        if self._whole:
            self._place_whole(width_px, height)
            return
        by_height = (height - (count - 1) * ROW_GAP_PX) // count - spent
        by_width = (width_px - (PICTURES + 1) * GAP_PX) // (PICTURES + 1)
        side = max(SMALLEST_PX, min(by_height, by_width))
        spare = width_px - PICTURES * side - (PICTURES + 1) * GAP_PX
        photo = max(64, min(spare, (height - TITLE_PX - GAP_PX) // 2 - CAPTION_PX))
        left = self._place_photos(photo)
        self.side_px = side
        for index, row in enumerate(self.rows):
            row.place(side)
            row.setGeometry(QRect(left, index * (height_px(side) + ROW_GAP_PX), width_px - left, height_px(side)))
        self.setMinimumHeight(count * (height_px(side) + ROW_GAP_PX) - ROW_GAP_PX)

    def _place_photos(self, side: int) -> int:
        """The photos below each other; says where the rows begin."""
        # Their upper edge is in line with the first row's pictures.
        top = TITLE_PX + 4
        self.photo.setGeometry(QRect(0, top, side, side + CAPTION_PX))
        self.other.setGeometry(QRect(0, top + side + CAPTION_PX + ROW_GAP_PX, side, side + CAPTION_PX))
        return side + 2 * GAP_PX

    def _place_whole(self, width_px: int, height: int) -> None:
        """Each model's photo in as many columns as make them largest."""
        count, spent = max(1, len(self.rows)), height_px(0)
        most = (height - TITLE_PX - GAP_PX) // 2 - CAPTION_PX
        room = width_px - min(width_px // 5, most) - 2 * GAP_PX

        def side_in(columns: int) -> int:
            lines = -(-count // columns)
            by_width = (room - (columns - 1) * GAP_PX) // columns
            return min(by_width, (height - (lines - 1) * ROW_GAP_PX) // lines - spent)

        columns = max(range(1, count + 1), key=side_in)
        side = self.side_px = max(SMALLEST_PX, side_in(columns))
        spare = width_px - columns * side - (columns + 1) * GAP_PX
        left = self._place_photos(max(64, min(spare, most)))
        for index, row in enumerate(self.rows):
            line, column = divmod(index, columns)
            row.place(side)
            spot = (left + column * (side + GAP_PX), line * (height_px(side) + ROW_GAP_PX))
            row.setGeometry(QRect(*spot, side, height_px(side)))
        lines = -(-count // columns)
        self.setMinimumHeight(lines * (height_px(side) + ROW_GAP_PX) - ROW_GAP_PX)


class CompareView(QWidget):
    """Empty until a photo is chosen. Rows are named by their model's `ref`."""

    rowOpened = Signal(str)
    modelToggled = Signal(str, bool)
    roomChanged = Signal(int)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty = EmptyState(
            "One photo through every model",
            "Choose a photo at the left, or drop one. Each model shows what it makes of it, its error and its time.",
            "Take a portrait from the box",
        )
        self.board = Board()
        self.board.rowChosen.connect(self._open_row)
        self._refs: tuple[str, ...] = ()
        self._scroll = scrolled(self.board)
        self.path = ValueSlider("A → B", 0.0, 1.0, value=0.0, default=0.0, label_px=44, value_px=44)
        self.models = button("Models…", "Which models of the library are compared")
        self.menu = QMenu(self)
        self.models.setMenu(self.menu)
        bar = hbox(self.path, self.models, gap_px=16, stretch={0: 1})
        self._pages = stacked(self.empty, held(vbox(self._scroll, bar, gap_px=8, stretch={0: 1})))
        self.setLayout(vbox(self._pages))

    def _open_row(self, index: int) -> None:
        if index < len(self._refs):
            self.rowOpened.emit(self._refs[index])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        room = self._scroll.viewport().size()
        self.board.place(room.width(), self.height() - self.models.sizeHint().height() - 8)
        self._tell_room()

    def _tell_room(self) -> None:
        self.roomChanged.emit(round(self.board.side_px * self.devicePixelRatioF()))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "photo"):
            self._pages.setCurrentIndex(0 if now.photo is None else 1)
        whole = whole_shows(now)
        if before is None or whole != whole_shows(before):
            self.board.set_whole(whole)
            self._tell_room()
            before = None
        if moved(now, before, "photo", "loaded", "encoded", "photos") or (whole and moved(now, before, "compare")):
            self._show_photo(now, whole=whole)
        if moved(now, before, "photos", "comparison", "compare"):
            self._show_other(now, fresh=moved(now, before, "photos"))
        if moved(now, before, "comparison"):
            self.path.set_value(now.comparison.fraction)
            ready = now.comparison.other is not None
            self.path.setEnabled(ready)
            self.path.set_help(PATH_TIP if ready else NO_OTHER)
        if moved(now, before, "models", "comparison", "compare"):
            self._show_menu(now)
        if moved(now, before, "compare", "look", "comparison", "model"):
            self._show_rows(now)

    def _show_rows(self, now: AppState) -> None:
        if len(self.board.rows) != len(now.compare):
            self.board.set_rows(len(now.compare))
            self._place()
        self._refs = tuple(row.ref for row in now.compare)
        for widget, row in zip(self.board.rows, now.compare, strict=True):
            widget.show_row(row, on_show=row.ref == now.model, caption=_caption(now))

    def _show_photo(self, now: AppState, *, whole: bool) -> None:
        item = next((p for p in now.photos if p.key == now.photo), None)
        best = now.encoded.photo if now.encoded is not None else now.loaded.picture if now.loaded is not None else None
        close = next((row.close.before for row in now.compare if row.close is not None), None) if whole else None
        picture = close if close is not None else best if best is not None else item.thumb if item is not None else None
        if self.board.photo.picture() is not picture:
            self.board.photo.set_picture(picture)
        self.board.photo.set_captions("A", item.name if item is not None else "Photo")

    def _show_other(self, now: AppState, *, fresh: bool) -> None:
        slot = self.board.other
        if fresh:
            slot.set_thumbs([Thumb(p.key, p.thumb, p.name) for p in now.photos if p.listed])
        item = next((p for p in now.photos if p.key == now.comparison.other), None)
        framed: Pictures | None = next((row.other.photo for row in now.compare if row.other is not None), None)
        if whole_shows(now):
            framed = next((r.close.far for r in now.compare if r.close is not None and r.close.far is not None), framed)
        picture = (
            None if now.comparison.other is None else framed if framed is not None else item.thumb if item else None
        )
        if slot.picture() is not picture:
            slot.set_picture(picture)
        slot.set_captions("B", item.name if item is not None else "")

    def _show_menu(self, now: AppState) -> None:
        shown = {row.ref for row in now.compare}
        wanted = [(card.key, card.title, card.key in shown) for card in now.models or ()]
        if [(a.data(), a.text(), a.isChecked()) for a in self.menu.actions()] == wanted:
            return
        self.menu.clear()
        for key, title, checked in wanted:
            # The last one stays: a comparison of nothing would be an empty page without a way back.
            free = not checked or len(shown) > 1
            tick(self.menu, title, on=checked, enabled=free, do=partial(self.modelToggled.emit, key)).setData(key)


def _caption(now: AppState) -> str:
    """What the rows' current pictures are changed by."""
    parts = [f"{nice(name)} {signed(value)} σ" for name, value in (now.look.edits if now.look is not None else ())]
    if now.comparison.fraction and now.comparison.other is not None:
        parts.insert(0, f"{now.comparison.fraction:.0%} to B" if not parts else f"{now.comparison.fraction:.0%}")
    return ", ".join(parts)
