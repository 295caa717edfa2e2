"""The panel that makes an attribute: two groups of photos, or a CSV of labels, a name and a method."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.core.file_kinds import ask_photos
from app.explore.directions.state import FEWEST, METHODS, GroupPhoto, MakerState
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.cards import DropZone, Thumb, ThumbGrid
from app.widgets.form import Combo, FormRows, PathField, TextField
from app.widgets.jobs import ProgressLine
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, scrolled, stacked, vbox
from app.widgets.leavable import Leavable
from app.widgets.pixels import dropped_key
from app.widgets.segmented import Segmented

WAYS: Final = (("photos", "Two groups of photos"), ("labels", "CSV of labels"))
SEARCHES: Final = "This model has no encoder: each photo's code is searched for, about a second a photo."
THUMB_COLUMNS: Final = 6
ZONE_PX: Final = 64
EMPTY_ZONE_PX: Final = 200


class Group(QWidget):
    """One group: how many, the place to drop more, and what is there."""

    filesDropped = Signal(list)
    imageDropped = Signal(object)
    keyDropped = Signal(str)
    removed = Signal(str)

    def __init__(self, letter: str, what: str) -> None:
        super().__init__()
        self._what = f"{letter} · {what}"
        self.title, self.count = kind_label("name", self._what), kind_label("muted")
        self.zone = DropZone(f"Drop photos {what} here, a folder,\nor thumbnails from the left")
        self.zone.setToolTip(f"Photos {what} (at least {FEWEST}); a click opens a chooser.")
        self.thumbs = ThumbGrid(columns=THUMB_COLUMNS, empty_text="")
        self.thumbs.setToolTip("Arrows move, Delete takes a photo out of the group.")
        self.zone.filesDropped.connect(self.filesDropped)
        self.zone.imageDropped.connect(self.imageDropped)
        self.zone.clicked.connect(self._choose)
        self.thumbs.removed.connect(self.removed)
        inner = held(vbox(self.thumbs, None))
        # The thumbnails are part of the place to drop on: nobody aims at a strip above them. Keys come here from the
        # zone too, since it does not take them.
        self.setAcceptDrops(True)
        self.setLayout(vbox(hbox(self.title, None, self.count), self.zone, scrolled(inner), gap_px=8, stretch={2: 1}))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_key(event.mimeData()) is None:
            self.zone.dragEnterEvent(event)
        else:
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.zone.dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        key = dropped_key(event.mimeData())
        if key is None:
            self.zone.dropEvent(event)
        else:
            event.acceptProposedAction()
            self.keyDropped.emit(key)

    def show_photos(self, photos: tuple[GroupPhoto, ...]) -> None:
        """Shows the photos and counts them."""
        enough = len(photos) >= FEWEST
        self.count.setText(
            f"{len(photos)} photo{'' if len(photos) == 1 else 's'}" + ("" if enough else f" of {FEWEST}")
        )
        # An empty group is all place to drop on.
        self.zone.setFixedHeight(ZONE_PX if photos else EMPTY_ZONE_PX)
        self.thumbs.set_thumbs([Thumb(photo.key, photo.thumb, photo.name) for photo in photos])

    def _choose(self) -> None:
        ask_photos(self, self._what, use=self.filesDropped.emit)


class NewAttribute(Leavable):
    """Stands in the place of the canvas, so that the library stays at hand and the sliders stay in sight."""

    makeWanted = Signal()
    filesDropped = Signal(str, list)
    imageDropped = Signal(str, object)
    keyDropped = Signal(str, str)
    removed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        title = kind_label("title", "New attribute")
        tip = "Back to the picture; what was collected is let go (Escape)"
        self.close_button = button("Close", tip, kind="quiet", do=self.closeWanted.emit)
        self.name = TextField(placeholder="for instance Curly hair")
        self.name.setToolTip("What the slider is called.")
        self.name.returnPressed.connect(self.makeWanted)
        self.way = Segmented(WAYS, tooltip="Where the examples come from (Left and Right)")
        self.groups = {"a": Group("A", "with it"), "b": Group("B", "without it")}
        for key, group in self.groups.items():
            self._connect_group(key, group)
        self.method = Segmented([(key, label) for key, label, _ in METHODS], tooltip="How the direction is fitted")
        self.explained, self.message = (QLabel(wordWrap=True) for _ in range(2))
        self.explained.setProperty("kind", "muted")
        self.make = button("Make", "Encode the photos and fit the direction (Enter in the name)", kind="primary")
        self.make.clicked.connect(lambda: self.makeWanted.emit())
        self.stop = button("Stop", "Stop; the photos stay here")
        self.progress = ProgressLine()
        self._pages = stacked(held(hbox(*self.groups.values(), gap_px=24)), self._labels_page())
        name_label = QLabel("Name")
        name_label.setBuddy(self.name)
        head = hbox(title, None, self.close_button)
        row = hbox(name_label, self.name, 16, self.way, stretch={1: 1})
        foot = hbox(self.message, self.progress, self.stop, self.make, gap_px=12, stretch={0: 1})
        self.message.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        column = vbox(
            head,
            row,
            self._pages,
            hbox(self.method, None),
            self.explained,
            foot,
            gap_px=16,
            margins=(24, 16, 24, 16),
            stretch={2: 1},
        )
        self.setLayout(column)

    def _connect_group(self, key: str, group: Group) -> None:
        group.filesDropped.connect(lambda files: self.filesDropped.emit(key, files))
        group.imageDropped.connect(lambda picture: self.imageDropped.emit(key, picture))
        group.keyDropped.connect(lambda photo: self.keyDropped.emit(key, photo))
        group.removed.connect(lambda photo: self.removed.emit(key, photo))

    def _labels_page(self) -> QWidget:
        self.labels = PathField(mode="file", filters="Labels (*.csv);;All files (*)", placeholder="A CSV file")
        self.data = PathField(mode="folder", placeholder="A folder, or drop a .zip")
        self.column = Combo(tooltip="Which column says with and without.")
        rows = FormRows(label_px=96)
        rows.add_row("Labels", self.labels, "A CSV with a column of file names, and columns of 1 and −1 or yes and no.")
        rows.add_row("Pictures", self.data, "The folder or zip whose files the CSV names.")
        rows.add_row("Column", self.column, "Which column says with and without; at most 300 photos of each are used.")
        return held(vbox(rows, None))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if not moved(now, before, "maker", "info") or now.maker is None:
            return
        maker, old = now.maker, before.maker if before is not None else None
        if self.name.text() != maker.name:
            self.name.set_text(maker.name)
        self.way.set_current(maker.way)
        self.method.set_current(maker.method)
        self._pages.setCurrentIndex(1 if maker.way == "labels" else 0)
        for key, group in self.groups.items():
            if old is None or old.group(key) is not maker.group(key):
                group.show_photos(maker.group(key))
            group.setEnabled(not maker.busy)
        if old is None or old.columns is not maker.columns:
            self.column.set_options([(c.name, f"{c.name} ({c.positives} / {c.negatives})") for c in maker.columns])
        if maker.column:
            self.column.set_current(maker.column)
        for field, path in ((self.labels, maker.labels), (self.data, maker.data)):
            if field.path() != path:
                field.set_path(path)
        searches = now.info is not None and now.info.encode == "search"
        help_text = next(words for key, _, words in METHODS if key == maker.method)
        self.explained.setText(f"{help_text}\n{SEARCHES}" if searches else help_text)
        self._show_foot(maker)
        if old is None:
            self.name.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_foot(self, maker: MakerState) -> None:
        missing = maker.missing()
        reading = f"Reading {maker.reading} photos…" if maker.reading else ""
        left = f"{len(maker.left_out)} could not be read: {', '.join(maker.left_out[:3])}. " if maker.left_out else ""
        self.message.setText(maker.message or (maker.detail if maker.busy else reading or left + missing))
        kind = "warn" if maker.message else "muted"
        if self.message.property("kind") != kind:
            self.message.setProperty("kind", kind)
            self.message.style().polish(self.message)
        self.make.setEnabled(not maker.busy and not maker.reading and not missing)
        self.make.setVisible(not maker.busy)
        self.stop.setVisible(maker.busy)
        self.progress.setVisible(maker.busy)
        self.progress.set_fraction(maker.fraction)
