"""Writes a morph to a file or a folder, on the study lane, with progress and Cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.core.export_job import export_file
from app.core.notices import NO_MORPH
from app.core.store import Store
from app.explore.morph.path import path_of, timeline_of
from app.explore.morph.whole import Corners, whole_of
from app.explore.photos.controller import PhotoController
from engine.api import Pictures
from engine.exploring import LARGE_BYTES, distinct, frames_of, save_animation
from engine.lanes import Progress

JOB: Final = "export"


def export(store: Store, photos: PhotoController, file: Path) -> None:
    """The whole animation as its timing says, of photos or of what the model sees, as is on show; the kind of file is
    told by its name."""
    morph, path = store.state.morph, path_of(store.state)
    if path is None:
        store.notices.say(NO_MORPH)
        return
    fractions, choice, fps = timeline_of(morph).fractions(), morph.export, morph.timing.fps
    ready, (_, order) = morph.frames, distinct(fractions)
    host, loader, whole = store.study_host, store.photo_loader, whole_of(store.state, photos)

    def pictures() -> Iterator[Pictures]:
        if whole is not None:
            # One frame at a time: of large ones a few fill the memory.
            corners = Corners(loader).at(whole.photos, choice.side)
            return frames_of(
                lambda places: whole.frames(host, corners, places), fractions, keep_bytes=LARGE_BYTES, chunk=1
            )
        if ready is not None:
            return (ready[i] for i in order)
        return frames_of(lambda places: path.pictures(host, places), fractions)

    def work(progress: Progress) -> float:
        start = time.perf_counter()
        save_animation(
            file,
            pictures(),
            count=len(fractions),
            frames_per_second=fps,
            scale=choice.scale if whole is None else 1,
            smooth=choice.smooth,
            progress=progress,
        )
        return time.perf_counter() - start

    def said(seconds: float) -> str:
        return f"Saved {file}: {len(fractions)} pictures, {len(fractions) / max(seconds, 1e-6):.0f} a second."

    export_file(
        store, file, work, said=said, key=JOB, what="A morph", unit="pictures", at_first=f"{len(fractions)} pictures"
    )
