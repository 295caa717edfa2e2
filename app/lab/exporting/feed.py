"""Frames that the window draws and a lane writes: a few wait between the two."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.lanes import Progress

ROOM: Final = 4
NAP_SECONDS: Final = 0.05
Frame = NDArray[np.uint8]


class Feed:
    """The window asks whether there is `room` and then puts; the lane goes through `frames`."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._waiting: queue.Queue[Frame | str] = queue.Queue()
        self._given = 0
        self.ended = False
        """Whether nobody takes frames any more."""

    @property
    def room(self) -> bool:
        """Whether one more frame is wanted now."""
        return not self.ended and self._given < self.count and self._waiting.qsize() < ROOM

    def put(self, frame: Frame) -> None:
        """The next frame."""
        self._given += 1
        self._waiting.put(frame)

    def fail(self, sentence: str) -> None:
        """There will be no more frames."""
        self._waiting.put(sentence)

    def frames(self, progress: Progress) -> Iterator[Frame]:
        """All frames, as they come; raises what `progress` raises, or UserError with the sentence of `fail`."""
        try:
            for _ in range(self.count):
                yield self._next(progress)
        finally:
            self.ended = True

    def _next(self, progress: Progress) -> Frame:
        while True:
            progress.check()
            try:
                found = self._waiting.get(timeout=NAP_SECONDS)
            except queue.Empty:
                continue
            if isinstance(found, str):
                raise UserError(found)
            return found
