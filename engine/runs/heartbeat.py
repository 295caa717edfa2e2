"""Whether something on another machine still writes: by a heartbeat that moves, never by trusting its clock."""

import time
from dataclasses import dataclass
from pathlib import Path


def fresh(heartbeat: float, modified: float, stale_seconds: float) -> bool:
    """Whether a first look finds signs of life: its clock or the file's time (both epoch seconds) is near ours."""
    now = time.time()
    return min(abs(now - heartbeat), abs(now - modified)) < stale_seconds


@dataclass(frozen=True)
class _Seen:
    mark: tuple[float, float]
    since: float
    moved: bool


class Heartbeats:
    """Remembers when each heartbeat was last seen to change, by this machine's own monotonic clock.

    One for each thread that reads.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}

    def beats(self, path: Path, heartbeat: float, modified: float, *, stale_seconds: float) -> bool:
        """Whether the writer of `path` lives: its heartbeat or the file's time moved in the last `stale_seconds`.

        At the first look there is nothing to compare with: the clocks then decide, until so many seconds have shown
        that nothing moves.
        """
        now, mark = time.monotonic(), (heartbeat, modified)
        before = self._seen.get(path)
        if before is None or before.mark != mark:
            seen = self._seen[path] = _Seen(mark, now, before is not None)
        else:
            seen = before
        return now - seen.since < stale_seconds and (seen.moved or fresh(heartbeat, modified, stale_seconds))
