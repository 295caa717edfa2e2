"""Tiny runs: made through the session as the window and the command make them, trained in this thread."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from engine.api import TrainRequest
from engine.control import Control
from engine.events import TrainingEvent, TrainingState
from engine.families import FAMILIES
from engine.session import Session
from tests.contract.tiny import Config, folder_of_pictures, tiny_config

WITH_PICTURES = [name for name, row in FAMILIES.items() if row.sizes]
"""Families that a run can be made of: the others learn points in the Lab."""
QUIET = {"batch": 4, "steps": 12, "save_every": 4, "preview_every": 1000, "keep": 100}


def new_run(
    tmp_path: Path, family: str = "vae", *, name: str = "run", model: Config | None = None, **training
) -> tuple[Session, Path]:
    """A session and a run that has not begun; the data set is made once a test."""
    data = tmp_path / "data"
    if not data.exists():
        folder_of_pictures(data)
    session = Session(device="cpu", home=tmp_path / "home")
    request = TrainRequest(
        family=family,
        data=str(data),
        size=32,
        model={**tiny_config(family), **(model or {})},
        training={**QUIET, **training},
        folder=tmp_path / name / "tiny",
    )
    return session, session.new_run(request)


def train(
    session: Session, run: Path, *, control: Control | None = None, hear: Callable[[TrainingEvent], None] | None = None
) -> tuple[TrainingState, list[TrainingEvent]]:
    """Trains to the end; gives the final state and all events."""
    events: list[TrainingEvent] = []

    def emit(event: TrainingEvent) -> None:
        events.append(event)
        if hear is not None:
            hear(event)

    return session.train(run, control=control or Control(), emit=emit), events


def of(kind: type, events: list[TrainingEvent]) -> list:
    return [event for event in events if isinstance(event, kind)]


def digests(run: Path, step: int) -> dict[str, str]:
    """SHA-256 of both files of a checkpoint."""
    folder = run / "checkpoints" / f"step_{step:06d}"
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("model.safetensors", "state.safetensors")
    }


def steps_saved(run: Path) -> list[int]:
    return sorted(int(p.name[5:]) for p in (run / "checkpoints").glob("step_*"))
