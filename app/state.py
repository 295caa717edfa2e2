"""What the window shows, as one frozen value: views render from it, controllers replace it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from app.history import History
from app.look import Look
from app.widgets.jobs import JobView
from engine.api import Catalogue, Codes, Drawn, Encoded, ModelCard, ModelInfo, Pictures, Readout
from engine.runs import RunInfo

WORKSPACES: Final = (("explore", "Explore"), ("train", "Train"))
VIEWS: Final = (("single", "Single"), ("compare", "Compare models"), ("grid", "Grid"), ("morph", "Morph"))
FIRST_SEED: Final = 18
"""The first picture that a newcomer sees: a good one from each model in the box."""
REACH: Final = 1.5
"""Radians along the shell for a drag over one picture width."""

PhotoSource = str | Path | Pictures


@dataclass(frozen=True, eq=False)
class PhotoItem:
    """A photo of the library; `thumb` is (H, W, 3)."""

    key: str
    name: str
    thumb: Pictures
    source: PhotoSource
    shipped: bool = False


@dataclass(frozen=True, eq=False)
class Loaded:
    """A photo cut for a model of some size."""

    picture: Pictures
    name: str
    note: str
    how: str


@dataclass(frozen=True, eq=False)
class GridState:
    """Samples of the prior at one temperature."""

    seed: int = 1
    pictures: Pictures | None = None
    codes: Codes | None = None
    chosen: int = -1


@dataclass(frozen=True, eq=False)
class CompareRow:
    """One model's view of the photo. `status`: waiting, working, done or failed."""

    ref: str
    title: str
    detail: str
    status: str = "waiting"
    encoded: Encoded | None = None
    message: str = ""
    fraction: float | None = None


@dataclass(frozen=True, eq=False)
class MorphSlot:
    """A corner of the path: a photo by its key, or a code taken as it was."""

    name: str
    picture: Pictures
    photo: str | None = None
    code: Codes | None = None
    busy: bool = False


@dataclass(frozen=True, eq=False)
class MorphState:
    """`fraction` 0..1 along the whole path; `strip` are its pictures at even steps, `frames` those for playing."""

    slots: tuple[MorphSlot | None, ...] = (None, None)
    chosen: int = 0
    fraction: float = 0.5
    method: str = "slerp"
    picture: Pictures | None = None
    strip: Pictures | None = None
    frames: Pictures | None = None
    playing: bool = False


@dataclass(frozen=True)
class Training:
    """The run that this window trains. `state` as in `events.TrainingState`."""

    run: Path | None
    title: str
    state: str
    step: int = 0
    steps: int = 0
    images_per_second: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True, eq=False)
class RunCard:
    """A run in the lists, with the first picture of its newest preview."""

    info: RunInfo
    thumb: Pictures | None = None


@dataclass(frozen=True, eq=False)
class RunView:
    """The run on show: its metrics as series (steps, values) by name, and its previews."""

    path: Path
    info: RunInfo
    series: Mapping[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    previews: tuple[tuple[int, Path], ...] = ()
    shown: int = -1
    following: bool = True
    pictures: Pictures | None = None


@dataclass(frozen=True, eq=False)
class AppState:
    """Everything on screen. Compare its parts by identity: each change makes new ones."""

    workspace: str = "explore"
    view: str = "single"
    theme: str = "dark"
    device: str = ""
    # the library; None: still looking
    models: tuple[ModelCard, ...] | None = None
    runs: tuple[RunCard, ...] = ()
    photos: tuple[PhotoItem, ...] = ()
    # the model on show
    model: str | None = None
    info: ModelInfo | None = None
    opening: str | None = None
    # what is explored
    look: Look | None = None
    seed: int = FIRST_SEED
    temperature: tuple[float, ...] = (1.0,)
    reach: float = REACH
    drawn: Drawn | None = None
    drawing: bool = False
    picture_message: str = ""
    readout: Readout | None = None
    decode_ms: float | None = None
    history: History = field(default_factory=History)
    # the photo
    photo: str | None = None
    loaded: Loaded | None = None
    encoded: Encoded | None = None
    encoding: bool = False
    # the other views
    grid: GridState = field(default_factory=GridState)
    compare: tuple[CompareRow, ...] = ()
    morph: MorphState = field(default_factory=MorphState)
    # training
    catalogue: Catalogue | None = None
    training: Training | None = None
    run_view: RunView | None = None
    # the bars
    jobs: tuple[JobView, ...] = ()
    status: str = ""
    closing: bool = False


def moved(now: AppState, before: AppState | None, *names: str) -> bool:
    """Whether any of these parts is another one than before; True at the first render."""
    if before is None:
        return True
    # A plain loop: this runs some hundred times for every tick of a drag.
    for name in names:
        if getattr(now, name) is not getattr(before, name):
            return True
    return False


def resized_half(picture: Pictures, side_px: int) -> Pictures:
    """The picture thinned to about `side_px` by leaving pixels out: for thumbnails of thumbnails."""
    step = max(1, min(picture.shape[:2]) // side_px)
    return np.ascontiguousarray(picture[::step, ::step])
