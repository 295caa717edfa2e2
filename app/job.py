"""A row of the jobs bar, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class JobView:
    """One job as shown; ``fraction`` in 0..1 or None when unknown; ``detail`` holds step and time left."""

    key: str
    text: str
    fraction: float | None
    detail: str = ""
    can_pause: bool = False
    paused: bool = False
    can_cancel: bool = True
