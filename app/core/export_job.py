"""Writes one file or folder on the study lane, with progress, time left and Cancel in the jobs bar."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from app.core.store import Store
from app.job import JobView
from app.words import duration
from engine.events import Advanced
from engine.lanes import Context, Progress, Step

TELL_SECONDS: Final = 0.1

Made = TypeVar("Made")


def export_file(
    store: Store,
    file: Path,
    work: Callable[[Progress], Made],
    *,
    said: Callable[[Made], str],
    key: str,
    what: str,
    unit: str,
    at_first: str,
) -> None:
    """Runs `work` as the job `key`, once at a time; `said` is the sentence of what it made.

    `what` is exported ("A morph"), counted in `unit`; `at_first` stands in the bar until the first count.
    """
    if any(job.key == key for job in store.state.jobs):
        store.notices.warn(f"{what} is being exported already: wait for it, or stop it in the bar below.")
        return
    text = f"Exporting {file.name}"

    def run(context: Context) -> Made:
        start = told = time.perf_counter()

        def tell(step: Step) -> None:
            nonlocal told
            now = time.perf_counter()
            if now - told > TELL_SECONDS and step.done:
                told = now
                context.tell(replace(step, seconds_left=(now - start) / step.done * (step.total - step.done)))

        return work(Progress(context.check, tell))

    def shown(event: Advanced) -> JobView:
        left = f" · {duration(event.seconds_left)} left" if event.seconds_left is not None else ""
        return JobView(key, text, event.done / event.total, f"{event.done} / {event.total} {unit}{left}")

    stopped = f"The export of {file.name} was stopped: nothing was left behind."
    store.run_job(
        JobView(key, text, None, at_first),
        run,
        done=lambda made: store.notices.info(said(made)),
        stopped=lambda: store.notices.info(stopped),
        told=shown,
    )
