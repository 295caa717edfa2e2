"""What takes long for a lesson's number asks its caller whether it is still wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from engine.progress import SILENT, Progress

CALLER: Final[ContextVar[Progress]] = ContextVar("caller", default=SILENT)
LEARNED_AT_ONCE: Final = 20
"""Steps between two looks at whether the caller still waits."""


@contextmanager
def heard(progress: Progress) -> Iterator[None]:
    """Within it, what is measured asks `progress` whether to go on."""
    token = CALLER.set(progress)
    try:
        yield
    finally:
        CALLER.reset(token)


def heard_steps(steps: int) -> Iterator[int]:
    """0 to steps - 1; raises Cancelled where the caller no longer waits."""
    progress = CALLER.get()
    for step in range(steps):
        if step % LEARNED_AT_ONCE == 0:
            progress.check()
            progress.step(step, steps)
        yield step
