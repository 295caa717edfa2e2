"""Writes a run's time-lapse to a file or a folder, on the study lane, with progress and Cancel."""

from pathlib import Path
from typing import Final

from app.core.export_job import export_file
from app.core.store import Store
from app.train.pictures.state import TimelapseChoice
from engine.lanes import Progress

JOB: Final = "time-lapse"
HOLD_SECONDS: Final = 1.0


def export(store: Store, run: Path, what: str, choice: TimelapseChoice, file: Path) -> None:
    """The samples or the pinned photos (`what`) of a run as a film; the kind of file is told by its name."""

    def work(progress: Progress) -> int:
        from engine import runs

        hold = round(HOLD_SECONDS * choice.fps)
        film = runs.plan_timelapse(run, what, scale=choice.scale, hold=hold, stamp=choice.stamp)
        runs.save_timelapse(film, file, frames_per_second=choice.fps, progress=progress)
        return len(film.previews)

    export_file(
        store,
        file,
        work,
        said=lambda previews: f"Saved {file}: {previews} previews.",
        key=JOB,
        what="A time-lapse",
        unit="frames",
        at_first="starting",
    )
