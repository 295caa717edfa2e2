"""Writes a morph to a file or a folder, on the study lane, with progress and Cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.export_job import Tell, export_file
from app.hub import Hub
from app.notices import NO_MORPH
from app.states.morph_path import path_of, timeline_of
from engine.api import Pictures
from engine.export import save_animation
from engine.lanes import Context
from engine.timeline import distinct, frames_of

JOB: Final = "export"


def export(hub: Hub, file: Path) -> None:
    """The whole animation as its timing says; the kind of file is told by its name."""
    morph, path = hub.state.morph, path_of(hub.state)
    if path is None:
        hub.notices.say(NO_MORPH)
        return
    fractions, choice, fps = timeline_of(morph).fractions(), morph.export, morph.timing.fps
    ready, (_, order) = morph.frames, distinct(fractions)
    host = hub.study_host

    def pictures() -> Iterator[Pictures]:
        if ready is not None:
            return (ready[i] for i in order)
        return frames_of(lambda places: path.pictures(host, places), fractions)

    def work(context: Context, tell: Tell) -> float:
        start = time.perf_counter()
        save_animation(
            file,
            pictures(),
            count=len(fractions),
            frames_per_second=fps,
            scale=choice.scale,
            smooth=choice.smooth,
            progress=tell,
            check_cancel=context.check,
        )
        return time.perf_counter() - start

    def said(seconds: float) -> str:
        return f"Saved {file}: {len(fractions)} pictures, {len(fractions) / max(seconds, 1e-6):.0f} a second."

    export_file(
        hub,
        file,
        work,
        said=said,
        key=JOB,
        what="A morph",
        unit="pictures",
        at_first=f"{len(fractions)} pictures",
    )
