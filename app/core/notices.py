"""Everything that the window says: one place for infos, warnings and errors, from wherever they come."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from engine.events import Failed

Level = Literal["info", "warning", "error"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """One sentence, and for a bug what the log says; `action` is a button beside it that calls `act`.

    `about` is the key of the photo that it is about, or `A_PHOTO` of one that did not open: it is over once another
    has. Of `A_MODEL` it is over once there is one, of `A_TABLE` (of numbers) once one was read.
    """

    text: str
    level: Level = "info"
    details: str = ""
    action: str = ""
    act: Callable[[], None] | None = None
    about: str = ""


A_PHOTO: Final = "a photo"


A_MODEL: Final = "a model"
A_TABLE: Final = "a table"
NO_MODEL: Final = Message("Open a model first: choose one at the left, or train one.", "warning", about=A_MODEL)
NO_CLIPBOARD: Final = Message("There is no picture on the clipboard: copy one, then paste again.", "warning")
NO_PICTURE: Final = Message("There is no picture yet: open a model first.", "warning")
NO_CURVES: Final = Message("There are no curves yet: open a run in Train first.", "warning")
NO_MORPH: Final = Message("A morph needs two corners: choose A and B first.", "warning")
ONE_TRAINING: Final = Message("A run is being trained already: stop it first, then start the next.", "warning")
NOT_DROPPED: Final = Message("Nothing that was dropped is a photo, a model or a run.", "warning")
ONLY_ADDRESS: Final = Message(
    "Only an address was dropped and nothing is fetched from the net: save the picture and drop the file, or copy and "
    "paste it.",
    "warning",
)
BUG: Final = "Something went wrong inside Latent Loom ({name}): details are in the log."


class Notices(QObject):
    """Says messages; also what no one caught: exceptions of any thread and Qt's own warnings.

    `install` puts the hooks in and `restore` takes them out again.
    """

    said = Signal(object)
    over = Signal()
    """What was said last has no cause any more."""
    _from_thread = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hooks = (sys.excepthook, threading.excepthook)
        self._installed = False
        self._count, self._about = 0, ""
        self._from_thread.connect(self.say)

    def say(self, message: Message) -> None:
        """Shows one message; the log keeps warnings and errors."""
        if message.level != "info":
            log.log(logging.ERROR if message.details else logging.WARNING, "%s", message.text)
        self._count, self._about = self._count + 1, message.about
        self.said.emit(message)

    @property
    def count(self) -> int:
        """How many messages were said so far."""
        return self._count

    def photo_opened(self, key: str, *, since: int) -> None:
        """A photo has opened well; `since` is the count when that was asked for. What was said of another one before is
        over; what was said meanwhile, of photos that came together with it, stays."""
        if self._about not in ("", key) and self._count <= since:
            self._end()

    def model_opened(self) -> None:
        """There is a model: what was said because there was none is over."""
        if self._about == A_MODEL:
            self._end()

    def table_read(self) -> None:
        """A file of numbers was read: what was said of one that could not be is over."""
        if self._about == A_TABLE:
            self._end()

    def _end(self) -> None:
        self._about = ""
        self.over.emit()

    def info(self, text: str) -> None:
        """Says something that needs no answer."""
        self.say(Message(text))

    def warn(self, text: str, *, about: str = "") -> None:
        """Says what did not work, in one sentence; `about` as in `Message`."""
        self.say(Message(text, "warning", about=about))

    def failed(self, event: Failed, *, about: str = "") -> None:
        """Says why a piece of work failed; `about` as in `Message`."""
        self.say(Message(event.message, "error", event.details, about=about))

    def install(self) -> None:
        """Catches what nobody else does."""
        self._installed = True
        sys.excepthook = self._uncaught
        threading.excepthook = lambda args: self._uncaught(args.exc_type, args.exc_value, args.exc_traceback)
        qInstallMessageHandler(_qt_message)

    def restore(self) -> None:
        """Puts the hooks of before back."""
        if self._installed:
            sys.excepthook, threading.excepthook = self._hooks
            qInstallMessageHandler(None)
            self._installed = False

    def _uncaught(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error or kind(), trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error("uncaught: %s", details)
        self._from_thread.emit(Message(BUG.format(name=f"{kind.__name__}: {error}"), "error", details))


_QT_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def _qt_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    logging.getLogger("qt").log(_QT_LEVELS.get(kind, logging.WARNING), "%s", text)
