"""A diagnosis at work, in words: its row in the jobs bar, and that there is only one at a time."""

from __future__ import annotations

from typing import Final

from app.core.notices import Message
from app.job import JobView
from app.words import duration
from engine.events import Advanced

AT_WORK: Final = Message("A diagnosis is being made already: wait for it, or stop it in the bar below.", "warning")


def progress_view(key: str, title: str, event: Advanced, took_seconds: float) -> JobView:
    """A diagnosis in the jobs bar, with the time left once a tenth is done."""
    fraction = event.done / event.total if event.total else None
    detail = event.text
    if fraction is not None and 0.1 < fraction < 1 and took_seconds > 2:
        detail = f"{detail} · {duration(took_seconds * (1 - fraction) / fraction)} left"
    return JobView(key, f"Diagnosing {title}", fraction, detail)
