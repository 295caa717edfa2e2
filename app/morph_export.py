"""Writes a morph to a file or a folder, on the study lane, with progress and Cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.hub import Hub
from app.morph_path import path_of, timeline_of
from app.notices import NO_MORPH
from app.widgets.jobs import JobView
from app.words import duration
from engine.api import Pictures
from engine.events import Failed, Progress
from engine.export import save_animation
from engine.lanes import Context
from engine.timeline import distinct, frames_of

JOB: Final = "export"
LOOK_AGAIN_SECONDS: Final = 0.1


def export(hub: Hub, file: Path) -> None:
    """The whole animation as its timing says; the kind of file is told by its name."""
    morph, path = hub.state.morph, path_of(hub.state)
    if path is None:
        hub.notices.say(NO_MORPH)
        return
    if any(job.key == JOB for job in hub.state.jobs):
        hub.notices.warn("A morph is being exported already: wait for it, or stop it in the bar below.")
        return
    fractions, choice, fps = timeline_of(morph).fractions(), morph.export, morph.timing.fps
    ready, (_, order) = morph.frames, distinct(fractions)
    host, text = hub.study_host, f"Exporting {file.name}"

    def pictures() -> Iterator[Pictures]:
        if ready is not None:
            return (ready[i] for i in order)
        return frames_of(lambda places: path.pictures(host, places), fractions)

    def work(context: Context) -> float:
        start = told = time.perf_counter()

        def progress(done: int, total: int) -> None:
            nonlocal told
            now = time.perf_counter()
            if now - told > LOOK_AGAIN_SECONDS and done:
                told = now
                context.progress(done, total, seconds_left=(now - start) / done * (total - done))

        save_animation(
            file,
            pictures(),
            count=len(fractions),
            frames_per_second=fps,
            scale=choice.scale,
            smooth=choice.smooth,
            progress=progress,
            check_cancel=context.check,
        )
        return time.perf_counter() - start

    def done(seconds: float) -> None:
        hub.end_job(JOB)
        rate = len(fractions) / max(seconds, 1e-6)
        hub.notices.info(f"Saved {file}: {len(fractions)} pictures, {rate:.0f} a second.")

    def failed(event: Failed | None) -> None:
        hub.end_job(JOB)
        if event is not None:
            hub.notices.failed(event)
        else:
            hub.notices.info(f"The export of {file.name} was stopped: nothing was left behind.")

    def told(event: Progress) -> None:
        left = f" · {duration(event.seconds_left)} left" if event.seconds_left is not None else ""
        hub.show_job(JobView(JOB, text, event.done / event.total, f"{event.done} / {event.total} pictures{left}"))

    job = hub.desk.submit("study", JOB, work, done=done, failed=failed, stopped=lambda: failed(None), progress=told)
    hub.show_job(JobView(JOB, text, None, f"{len(fractions)} pictures"), cancel=lambda: hub.desk.cancel(job))
