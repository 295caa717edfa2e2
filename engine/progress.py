"""May I go on, and how far am I: what long work asks and tells, whoever started it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Step:
    """`done` of `total`; `total` 0 means unknown. `value` is a figure to draw, for instance a search's error."""

    done: int
    total: int
    text: str = ""
    seconds_left: float | None = None
    value: float | None = None


def _go_on() -> None:
    pass


def _unheard(step: Step) -> None:
    pass


@dataclass(frozen=True)
class Progress:
    """What long work asks and tells its caller; a lane's `Context` is one, and `SILENT` stands for no caller.

    `check` raises `Cancelled` when the work should end; call it wherever stopping leaves nothing half done. `tell`
    receives each `step`.
    """

    check: Callable[[], None] = _go_on
    tell: Callable[[Step], None] = _unheard

    def step(
        self, done: int, total: int, text: str = "", *, seconds_left: float | None = None, value: float | None = None
    ) -> None:
        """Tells that `done` of `total` is done."""
        self.tell(Step(done, total, text, seconds_left, value))

    def part(self, start: int, end: int, total: int) -> Progress:
        """For a piece of work that is `start` to `end` of a whole of `total`."""

        def tell(step: Step) -> None:
            done = (end - start) * min(max(step.done, 0), step.total) // step.total if step.total > 0 else 0
            self.tell(replace(step, done=start + done, total=total, seconds_left=None))

        return Progress(self.check, tell)

    def named(self, text: str) -> Progress:
        """The same, with `text` for each step that has none of its own."""
        return Progress(self.check, lambda step: self.tell(replace(step, text=step.text or text)))

    def quiet(self) -> Progress:
        """The same, but tells nothing: for small pieces of work that the caller counts itself."""
        return Progress(self.check)


SILENT: Final = Progress()
"""Never stops the work, and hears nothing."""
