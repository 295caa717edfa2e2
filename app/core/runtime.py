"""Around the window: where garbage is collected, where the log goes."""

import gc
import logging
import logging.handlers
import os
from pathlib import Path
from typing import Final

import platformdirs
from PySide6.QtCore import QObject, QTimer

COLLECT_MS: Final = 1000
LOG_BYTES: Final = 1_000_000


class Collector(QObject):
    """Collects cyclic garbage on the GUI thread only: a collection in a lane could destroy Qt objects there."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_on = gc.isenabled()
        self._ticks = 0
        self._timer = QTimer(self, interval=COLLECT_MS)
        self._timer.timeout.connect(self._collect)

    def start(self) -> None:
        """Takes over from Python's own trigger."""
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """Gives it back."""
        self._timer.stop()
        if self._was_on:
            gc.enable()

    def _collect(self) -> None:
        self._ticks += 1
        # The oldest generation is left alone: walking torch's modules would hold up a drag.
        gc.collect(1 if self._ticks % 5 == 0 else 0)


def log_to_file() -> Path | None:
    """Warnings and errors into a small rotating file; without a place to write there is no log.

    Where a command has opened its log already, the window writes into that one.
    """
    if any(isinstance(handler, logging.FileHandler) for handler in logging.getLogger().handlers):
        return None
    home = os.environ.get("LATENT_LOOM_HOME")
    folder = Path(home) / "log" if home else Path(platformdirs.user_log_dir("latent-loom"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "latent-loom.log"
        handler = logging.handlers.RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(min(root.level or logging.INFO, logging.INFO))
    return file
