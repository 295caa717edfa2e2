"""A picture that also takes a thumbnail dragged out of the library."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent

from app.widgets.picture import Picture
from app.widgets.pixels import dropped_key


class KeyPicture(Picture):
    """Emits the thumbnail's key; files and pictures as `Picture` does."""

    keyDropped = Signal(str)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_key(event.mimeData()) is None:
            super().dragEnterEvent(event)
        else:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        key = dropped_key(event.mimeData())
        if key is None:
            super().dropEvent(event)
        else:
            event.acceptProposedAction()
            self.keyDropped.emit(key)
