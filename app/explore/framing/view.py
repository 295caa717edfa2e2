"""The framing panel: the whole photo with its faces, clicking the eyes by hand, and the cut as the model sees it."""

from __future__ import annotations

from html import escape
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QWidget

from app.explore.framing.state import FrameState
from app.state import AppState, moved
from app.theme import set_kind
from app.widgets.buttons import button
from app.widgets.frame_picker import FramePicker
from app.widgets.layout import hbox, vbox
from app.widgets.picture import CAPTION_PX, Picture

SIDE_PX: Final = 200
STEPS: Final = ("the eye at the left", "the eye at the right", "the mouth")


class FramingPanel(QWidget):
    """Stands in the place of the pictures while a cut is chosen; Enter uses it, Esc leaves everything as it was."""

    clickWanted = Signal()
    useWanted = Signal()
    cancelWanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.line = QLabel(wordWrap=True)
        self.line.setTextFormat(Qt.TextFormat.RichText)
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.picker = FramePicker()
        self.picker.setToolTip("Click a face to take it; arrows go through them, Enter uses the cut.")
        self.preview = Picture("The cut")
        self.preview.set_accepts(files=False, images=False)
        self.preview.setFixedSize(SIDE_PX, SIDE_PX + CAPTION_PX)
        self.click = button("Click the eyes", "Show by hand where the eyes and the mouth are", checkable=True)
        self.undo = button("Undo click", "Take the last marker away (Backspace)", kind="quiet")
        self.middle = button("No alignment", "Take the middle square of the photo and look for no face")
        self.use = button("Use", "Encode this cut (Enter)", kind="primary", do=self.useWanted.emit)
        self.cancel = button("Cancel", "Leave everything as it was (Esc)", do=self.cancelWanted.emit)
        for made in (self.click, self.undo, self.middle, self.use, self.cancel):
            made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.picker.accepted.connect(self.useWanted)
        self.picker.cancelled.connect(self.cancelWanted)
        self.click.clicked.connect(self._click)
        side = vbox(self.preview, self.click, self.undo, self.middle, 8, hbox(self.cancel, self.use), None)
        row = hbox(self.picker, side, gap_px=16, stretch={0: 1})
        self.setLayout(vbox(self.line, row, gap_px=12, stretch={1: 1}))

    def _click(self, wanted: bool) -> None:
        (self.clickWanted if wanted else self.cancelWanted).emit()
        self.picker.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        focus = self.focusWidget()
        if event.key() == Qt.Key.Key_Escape:
            self.cancelWanted.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            focus.click() if isinstance(focus, QPushButton) else self.useWanted.emit()
        else:
            super().keyPressEvent(event)

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state; nothing while the panel is closed."""
        frame = now.frame
        if frame is None or not moved(now, before, "frame"):
            return
        old = before.frame if before is not None else None
        opened = old is None or old.key != frame.key
        framing = frame.framing
        if opened or old is None or old.framing is not framing:
            self.picker.set_photo(framing.overview if framing is not None else None, framing.scale if framing else 1.0)
        shown = framing
        if frame.proposed is not None and frame.proposed.framing is not None:
            shown = frame.proposed.framing
        self.picker.set_cut(shown.corners if shown is not None else ())
        boxes = [(box.x, box.y, box.size) for box in framing.faces] if framing is not None else []
        self.picker.set_faces(boxes, _face(frame))
        self.picker.set_clicking(frame.clicking, frame.points)
        self._show_preview(frame, now)
        self.line.setText(_sentence(frame))
        set_kind(self.line, "warn" if frame.message else "")
        self.click.setChecked(frame.clicking)
        self.undo.setVisible(frame.clicking)
        self.undo.setEnabled(bool(frame.points))
        self.use.setEnabled(not frame.message and (not frame.clicking or len(frame.points) >= 2))
        if opened:
            self.picker.setFocus()

    def _show_preview(self, frame: FrameState, now: AppState) -> None:
        found = frame.proposed
        if found is None and not frame.clicking and not frame.busy:
            found = now.loaded
        if found is not None or not frame.busy:
            self.preview.set_picture(found.picture if found is not None else None)
        self.preview.set_busy(frame.busy)
        self.preview.set_empty_text("Two eyes are enough" if frame.clicking else "")
        size = found.picture.shape[0] if found is not None else now.info.image_size if now.info is not None else 0
        self.preview.set_captions("The cut", f"{size} × {size} px" if size else "")


def _face(frame: FrameState) -> int:
    """The face that is marked: none once the eyes are clicked or the middle is taken."""
    if frame.cut.points or frame.clicking or frame.cut.align != "auto" or frame.framing is None:
        return -1
    return frame.cut.face if frame.cut.face < len(frame.framing.faces) else -1


def _sentence(frame: FrameState) -> str:
    if frame.message:
        return escape(frame.message)
    if frame.clicking:
        at = len(frame.points)
        if at == 0:
            return f"Click <b>{STEPS[0]}</b>, then {STEPS[1]}, then {STEPS[2]}; Esc cancels."
        if at == 1:
            return f"Now <b>{STEPS[1]}</b>, then {STEPS[2]}; Esc cancels."
        if at == 2:
            return f"Now <b>{STEPS[2]}</b>, or use the two eyes as they are; Esc cancels."
        return "Drag a marker or move it with the arrows, then <b>Use</b>; Esc cancels."
    if frame.why and frame.cut.align == "auto" and not frame.cut.points:
        return frame.why
    count = len(frame.framing.faces) if frame.framing is not None else 0
    if frame.framing is None:
        return "Looking at the photo…"
    if count > 1:
        return f"{count} faces: click another, or click the eyes yourself."
    if count == 1:
        return "One face was found. If the cut is not right, click the eyes yourself."
    return "No face was found: click the eyes yourself, or take the middle."
