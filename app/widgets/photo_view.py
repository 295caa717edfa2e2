"""A photo under the hand: pushed, zoomed, its faces clicked, the active one dragged.

Places are in the screen's own pixels unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QHideEvent, QKeyEvent, QMouseEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.widgets import paint
from app.widgets.painted import ARROWS
from app.widgets.photo_canvas import PhotoCanvas
from app.widgets.picture import NOTCHES
from app.widgets.pixels import dropped_files, dropped_image
from app.widgets.split import GRAB_PX, shares_by_key, step_of


class PhotoView(PhotoCanvas):
    """A drag on the active face wanders, beside it the photo is pushed; the wheel zooms about the pointer.

    A photo that is larger than its room is pushed wherever a drag begins, as in other programs; with Shift the face
    wanders there too.
    """

    dragged = Signal(float, float)
    dragFinished = Signal()
    panned = Signal(float, float)
    zoomed = Signal(float, float, float)
    faceClicked = Signal(int)
    planeWanted = Signal()
    fitWanted = Signal()
    reachTurned = Signal(float)
    shareChanged = Signal(float)
    beforeHeld = Signal(bool)
    filesDropped = Signal(list)
    imageDropped = Signal(object)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._hand, self._button = "", Qt.MouseButton.NoButton
        self._press, self._moved, self._space = QPointF(), False, False
        self._keys = _WindowKeys(self)
        self.setAcceptDrops(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _spot(self, event: QMouseEvent) -> QPointF:
        return event.position() * self.devicePixelRatioF()

    def _face_at(self, spot: QPointF) -> int:
        """The outline under a spot, by its place in the list: of several the one whose middle is nearest; or -1."""
        point, found = complex(spot.x(), spot.y()), []
        for index, one in enumerate(self._outlines):
            corners = self._spots(one)
            if _inside(point, corners):
                side = abs(corners[1] - corners[0])
                found.append((abs(point - sum(corners) / 4) / max(side, 1.0), index))
        return min(found)[1] if found else -1

    def _larger(self) -> bool:
        """Whether the photo is larger than its room, so that there is something to push."""
        photo = self.photo_rect()
        return photo.width() > self.width() + 1 or photo.height() > self.height() + 1

    def _near_line(self, spot: QPointF) -> bool:
        line = self.split_line()
        near = line is not None and line.distance(complex(spot.x(), spot.y())) <= GRAB_PX * self.devicePixelRatioF()
        return near and not self._plain

    def mousePressEvent(self, event: QMouseEvent) -> None:
        spot = self._spot(event)
        # A second button neither begins another drag nor ends this one.
        if self._hand or event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            event.ignore()
            return
        self._press, self._moved, self._button = spot, False, event.button()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._hand = "pan"
        elif self._space:
            self._hand = "pan"
        elif self._near_line(spot):
            self._hand = "split"
        else:
            at = self._face_at(spot)
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            live = at >= 0 and self._outlines[at].active
            self._hand = "wander" if live and (shift or not self._larger()) else "pan"
        self._set_cursor(spot)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        spot = self._spot(event)
        if not self._hand:
            self._hover_at(spot)
            return
        step = spot - self._press
        if self._hand == "split":
            self._move_line(spot)
            return
        if not self._moved and step.manhattanLength() < QApplication.startDragDistance() / 2:
            return
        self._moved, self._press = True, spot
        if self._hand == "pan":
            self.panned.emit(step.x(), step.y())
            return
        active = self._active()
        if active is not None:
            corners = self._spots(active)
            side = abs(corners[1] - corners[0])
            self.dragged.emit(step.x() / side, step.y() / side)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != self._button:
            return
        hand, self._hand, self._button = self._hand, "", Qt.MouseButton.NoButton
        spot = self._spot(event)
        if hand == "wander" and self._moved:
            self.dragFinished.emit()
        elif hand == "pan" and not self._moved and event.button() == Qt.MouseButton.LeftButton and not self._space:
            at = self._face_at(spot)
            if at >= 0 and not self._outlines[at].active:
                self.faceClicked.emit(self._outlines[at].number)
        self._set_cursor(spot)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        spot = self._spot(event)
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._near_line(spot):
            self.shareChanged.emit(0.5)
            return
        at = self._face_at(spot)
        if at < 0:
            self.fitWanted.emit()
        elif self._outlines[at].active:
            self.planeWanted.emit()

    def _move_line(self, spot: QPointF) -> None:
        active = self._active()
        if active is None:
            return
        corners = self._spots(active)
        across = corners[1] - corners[0]
        way = complex(spot.x(), spot.y()) - corners[0]
        share = (way * across.conjugate()).real / abs(across) ** 2
        self.shareChanged.emit(min(1.0, max(0.0, share)))

    def _hover_at(self, spot: QPointF) -> None:
        at = self._face_at(spot)
        hover = at if at >= 0 and not self._outlines[at].active else -1
        if hover != self._hover:
            self._hover = hover
            self.update()
        self._set_cursor(spot)

    def _set_cursor(self, spot: QPointF) -> None:
        shape = Qt.CursorShape.ArrowCursor
        at = self._face_at(spot)
        if self._hand in ("pan", "wander"):
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space:
            shape = Qt.CursorShape.OpenHandCursor
        elif self._hand == "split" or self._near_line(spot):
            shape = Qt.CursorShape.SplitHCursor
        elif at >= 0:
            active = self._outlines[at].active
            shape = Qt.CursorShape.OpenHandCursor if active else Qt.CursorShape.PointingHandCursor
        elif self._larger():
            shape = Qt.CursorShape.OpenHandCursor
        if shape != self.cursor().shape():
            self.setCursor(shape)

    def leaveEvent(self, event: QEvent) -> None:
        if self._hover >= 0:
            self._hover = -1
            self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches, spot = event.angleDelta().y() / 120.0, event.position() * self.devicePixelRatioF()
        if notches:
            self.zoomed.emit(spot.x(), spot.y(), notches)
        event.accept()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.window().installEventFilter(self._keys)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.window().removeEventFilter(self._keys)
        hand, self._hand, self._button = self._hand, "", Qt.MouseButton.NoButton
        if hand == "wander" and self._moved:
            self.dragFinished.emit()
        self.hold(space=False)
        self.beforeHeld.emit(False)

    def hold(self, *, space: bool) -> None:
        """Space is held: a drag pushes the photo wherever it begins."""
        if space != self._space:
            self._space = space
            self._set_cursor(QPointF(self.mapFromGlobal(self.cursor().pos())) * self.devicePixelRatioF())

    def event(self, event: QEvent) -> bool:
        keys = {*ARROWS, *NOTCHES, Qt.Key.Key_Return, Qt.Key.Key_Home, Qt.Key.Key_End}
        return paint.keeps_key(event, keys) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        step = step_of(event)
        shares = shares_by_key(self._share, step)
        if self._split and key in shares:
            self.shareChanged.emit(min(1.0, max(0.0, shares[key])))
        elif key in ARROWS:
            self.dragged.emit(ARROWS[key][0] * step, ARROWS[key][1] * step)
            self.dragFinished.emit()
        elif key in NOTCHES:
            self.reachTurned.emit(NOTCHES[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.planeWanted.emit()
        else:
            super().keyPressEvent(event)

    # drops
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_files(event.mimeData()) or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files, image = dropped_files(event.mimeData()), dropped_image(event.mimeData())
        if files:
            self.filesDropped.emit(files)
        elif image is not None:
            self.imageDropped.emit(image)
        else:
            return
        event.acceptProposedAction()


class _WindowKeys(QObject):
    """Keys that are held, wherever the focus is but in a text field: Space to push, B for the untouched photo."""

    def __init__(self, view: PhotoView) -> None:
        super().__init__(view)
        self._view = view

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.WindowDeactivate:
            # The release will go to another window.
            self._view.hold(space=False)
            self._view.beforeHeld.emit(False)
            return False
        kinds = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
        if event.type() not in kinds or not isinstance(event, QKeyEvent) or not self._view.isVisible():
            return False
        if event.key() not in (Qt.Key.Key_Space, Qt.Key.Key_B):
            return False
        released = event.type() == QEvent.Type.KeyRelease
        if not released and event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return False
        if event.type() != QEvent.Type.ShortcutOverride and not event.isAutoRepeat():
            pressed = event.type() == QEvent.Type.KeyPress
            if event.key() == Qt.Key.Key_B:
                self._view.beforeHeld.emit(pressed)
            else:
                self._view.hold(space=pressed)
        event.accept()
        return True


def _inside(point: complex, corners: Sequence[complex]) -> bool:
    """Whether a point lies in a convex polygon whose corners go clockwise on the screen."""
    sides = zip(corners, (*corners[1:], corners[0]), strict=True)
    return all(((b - a).conjugate() * (point - a)).imag >= 0 for a, b in sides)
