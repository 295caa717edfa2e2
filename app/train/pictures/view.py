"""What the run on show draws: samples, pinned photos and the user's own look, with the whole history beneath them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.state import AppState, moved
from app.train.pictures.state import PLAY_RATES, TABS, PicturesState
from app.train.shortcuts import keys_text
from app.train.state import RunView
from app.widgets.buttons import button
from app.widgets.fields import Toggle
from app.widgets.grid import PictureGrid
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, stacked, vbox
from app.widgets.picture import Picture
from app.widgets.pixels import dropped_files, take_drop
from app.widgets.scrubber import Scrubber
from app.widgets.segmented import Segmented
from app.widgets.thumbs import Thumb, ThumbGrid

CAPTION_PX: Final = 28
THUMB_PX: Final = 52
SCRUBBER_PX: Final = 240
"""Narrower it is no use, however small the pictures."""
UNBOUND_PX: Final = 16_777_215
"""Qt's largest width, which it exports by no name."""


class _Pins(QWidget):
    """Photo, reconstruction and error of each pinned photo; beneath them those that are pinned now."""

    unpinned = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.grid = PictureGrid(columns=3)
        self.thumbs = ThumbGrid(columns=4)
        self.thumbs.setFixedWidth(4 * THUMB_PX + 3 * 8)
        self.thumbs.activated.connect(self._choose)
        self.thumbs.removed.connect(lambda key: self.unpinned.emit(int(key)))
        self.remove = button("Unpin", "Take the chosen photo away from the run (Delete on the photo)", kind="quiet")
        self.remove.clicked.connect(self._remove)
        self._foot = held(hbox(self.thumbs, None, self.remove, gap_px=8))
        self.setLayout(vbox(self.grid, self._foot, None, gap_px=8, stretch={0: 1000}))

    def show_pins(self, pictures: PicturesState, *, live: bool) -> None:
        """Shows the newest sheet and the pinned photos."""
        sheet = pictures.sheet
        self.grid.set_pictures(None if sheet is None else sheet.reshape(-1, *sheet.shape[2:]))
        self.grid.set_caption(
            "" if sheet is None else "Photo · reconstruction · error × 4",
            "" if sheet is None else f"step {pictures.sheet_step:,}",
        )
        if pictures.sheets:
            empty = "No photo was drawn yet at this step."
        elif pictures.pins:
            empty = f"Drawn {'at the next preview' if live else 'when the run goes on'}."
        else:
            empty = "Drop a photo here: at every preview the run encodes it and draws it again."
        self.grid.set_empty_text(empty)
        self.thumbs.set_thumbs(
            [Thumb(str(p.number), p.picture, f"Pinned photo {p.number}: Delete takes it away.") for p in pictures.pins]
        )
        keys = [str(p.number) for p in pictures.pins]
        if self.thumbs.selected() not in keys:
            self.thumbs.set_selected(keys[0] if len(keys) == 1 else None)
        self._foot.setVisible(bool(keys))
        self.remove.setEnabled(self.thumbs.selected() is not None)

    def _choose(self, key: str) -> None:
        self.thumbs.set_selected(key)
        self.remove.setEnabled(True)

    def _remove(self) -> None:
        key = self.thumbs.selected()
        if key is not None:
            self.unpinned.emit(int(key))


class _Pair(QWidget):
    """Two square pictures side by side, as large as the room allows."""

    def __init__(self, left: Picture, right: Picture) -> None:
        super().__init__()
        self._pair = (left, right)
        for picture in self._pair:
            picture.setParent(self)
        self.setMinimumSize(200, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        gap = 16
        side = max(32, min((self.width() - gap) // 2, self.height() - CAPTION_PX))
        for index, picture in enumerate(self._pair):
            picture.setGeometry(index * (side + gap), 0, side, side + CAPTION_PX)


class _LookInRun(QWidget):
    """The look of Explore, drawn at the preview before and now."""

    def __init__(self) -> None:
        super().__init__()
        self.before = Picture(empty_text="Here stands what was there, once the next preview has come.")
        self.now = Picture(empty_text="Your picture of Explore appears here, drawn by this run.")
        for picture in (self.before, self.now):
            picture.setAcceptDrops(False)  # A photo that is dropped here is for the panel.
        self.note = kind_label("muted", wordWrap=True)
        self._pair = _Pair(self.before, self.now)
        self.setLayout(vbox(self._pair, self.note, None, gap_px=8, stretch={0: 1000}))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._pair.setMaximumHeight((self.width() - 16) // 2 + CAPTION_PX)

    def show_look(self, pictures: PicturesState) -> None:
        """Shows both."""
        shown = pictures.look_in_run
        for picture, shot, words in ((self.before, shown.before, "Before"), (self.now, shown.now, "Now")):
            picture.set_picture(None if shot is None else shot.picture)
            picture.set_captions(words, "" if shot is None else f"step {shot.step:,}")
        text = shown.look.text() if shown.look is not None else ""
        self.note.setText("\n".join(part for part in (text, shown.note) if part))


class TrainPictures(QWidget):
    """Tabs of pictures, the scrubber close beneath them. Emits the preview that is wanted."""

    filesDropped = Signal(list)
    imageDropped = Signal(object)
    timelapseChanged = Signal(str, object)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.tabs = Segmented(TABS, tooltip=f"What the run draws at each preview ({keys_text('pictures.tab')})")
        self.pin = button("Pin photo…", f"Show a photo inside the run at every preview ({keys_text('pictures.pin')})")
        self.timelapse = button("Time-lapse", "How the history plays, and its export as a film", checkable=True)
        self.grid = PictureGrid(columns=5, empty_text="Samples appear here with the first preview.")
        self.pins, self.look = _Pins(), _LookInRun()
        self._pages = stacked(self.grid, self.pins, self.look)
        self.play = button("▶", f"Play the history ({keys_text('pictures.play')})", kind="quiet")
        self.play.setFixedWidth(32)
        self.scrubber = Scrubber(tooltip="The pictures as they were at this step.")
        timelapse_row = self._make_timelapse_row()
        self.timelapse.toggled.connect(timelapse_row.setVisible)
        head = hbox(self.tabs, None, self.pin, self.timelapse)
        self._foot = held(hbox(self.play, self.scrubber))
        self.grid.installEventFilter(self)
        foot = hbox(self._foot, None, gap_px=0, stretch={0: 1000})
        self.setLayout(vbox(head, self._pages, foot, timelapse_row, None, gap_px=8, stretch={1: 1000}))

    def _make_timelapse_row(self) -> QWidget:
        self.rate = Segmented(
            [(str(rate), f"{rate}/s") for rate in PLAY_RATES], tooltip="Previews a second, playing and in the film"
        )
        self.scale = Segmented(
            [(str(times), f"{times}×") for times in (1, 2, 4)], tooltip="How many times the film's pixels are enlarged"
        )
        self.stamp = Toggle("Step", checked=True)
        self.stamp.setToolTip("Draws the step in a corner of the film (Space)")
        self.export = button("Export…", f"Write the film: GIF, WebP, MP4 or PNG ({keys_text('pictures.timelapse')})")
        self.rate.changed.connect(lambda key: self.timelapseChanged.emit("fps", int(key)))
        self.scale.changed.connect(lambda key: self.timelapseChanged.emit("scale", int(key)))
        self.stamp.changed.connect(lambda on: self.timelapseChanged.emit("stamp", on))
        row = held(hbox(self.rate, self.scale, self.stamp, None, self.export))
        row.hide()
        return row

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "pictures"):
            self._show_pictures(now)
        if moved(now, before, "run_view") and now.run_view is not None:
            self._show_samples(now.run_view)
            self.pins.show_pins(now.pictures, live=now.run_view.info.status.alive)

    def _show_pictures(self, now: AppState) -> None:
        pictures = now.pictures
        keys = [key for key, _ in TABS]
        self.tabs.set_current(pictures.tab)
        self._pages.setCurrentIndex(keys.index(pictures.tab))
        self.pins.show_pins(pictures, live=now.run_view is not None and now.run_view.info.status.alive)
        self.look.show_look(pictures)
        self.play.setText("❚❚" if pictures.playing else "▶")
        self.rate.set_current(str(pictures.timelapse.fps))
        self.scale.set_current(str(pictures.timelapse.scale))
        self.stamp.setChecked(pictures.timelapse.stamp)
        what = "pinned photos" if pictures.tab == "pins" else "samples"
        self.export.setToolTip(f"Write the {what} as a film: GIF, WebP, MP4 or PNG ({keys_text('pictures.timelapse')})")
        self._fit()

    def _show_samples(self, view: RunView) -> None:
        self.grid.set_pictures(view.pictures)
        step = view.previews[view.shown][0] if 0 <= view.shown < len(view.previews) else None
        self.grid.set_caption("Samples from fixed codes", "" if step is None else f"step {step:,}")
        self._align()
        self.scrubber.set_steps([at for at, _ in view.previews])
        self.scrubber.set_index(view.shown)
        self.play.setEnabled(len(view.previews) > 1)
        self.timelapse.setEnabled(bool(view.previews))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(480, 560)

    def _fit(self) -> None:
        """The scrubber stays close beneath the pictures, whatever their shape."""
        page = self._pages.currentWidget()
        if page is self.grid:
            height = self.width() + CAPTION_PX
        elif page is self.pins:
            height = self.pins.grid.height_for(self.width()) + (THUMB_PX + 16 if self.pins.thumbs.item_count() else 0)
            height = max(height, self.width() // 2)
        else:
            height = self.width() // 2 + CAPTION_PX + 16 + self.look.note.heightForWidth(self.width())
        self._pages.setMaximumHeight(height)

        self._align()

    def _align(self) -> None:
        """Where the height decides how large the samples are, the scrubber is as wide as they are."""
        samples = self._pages.currentWidget() is self.grid and self.grid.count() > 0
        self._foot.setMaximumWidth(max(SCRUBBER_PX, self.grid.pictures_px()) if samples else UNBOUND_PX)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._align()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The scrubber's keys work wherever the focus is within the panel."""
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End):
            self.scrubber.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_files(event.mimeData()) or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        take_drop(event, self.filesDropped.emit, self.imageDropped.emit)
