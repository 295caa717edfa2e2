"""What a picture of the window is to show, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ShotRequest:
    """What `latent-loom shot` is to show. `view` is one of the row's views, empty for the one that is there.

    `run` (None: the newest), `panel` and `side` are the pages of Train; `edits` are sliders by name, in sigmas;
    `lesson` names one of the Lab's.
    """

    view: str = ""
    edits: tuple[tuple[str, float], ...] = ()
    run: Path | None = None
    panel: str = "new"
    side: str = "curves"
    lesson: str = ""
