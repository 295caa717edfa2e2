"""What the lab's lane shows while it learns, kept until the window has time for it."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from engine.lab import BenchSeen

MOST: Final = 64


class Mailbox:
    """Any thread puts; the window takes all that came since, the oldest first. The newest is never lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[BenchSeen] = deque(maxlen=MOST)

    def put(self, seen: BenchSeen) -> None:
        with self._lock:
            self._waiting.append(seen)

    def take(self) -> list[BenchSeen]:
        """All that waits; empties the box."""
        with self._lock:
            found = list(self._waiting)
            self._waiting.clear()
        return found
