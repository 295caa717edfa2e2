"""What the window shows, as one frozen value: views render from it, controllers replace it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.states.collapse_state import CollapseState, ModelCheck
from app.states.curves_state import CurvesState
from app.states.cut import FIRST_CUT, Cut, Point
from app.states.data_state import DataState
from app.states.history import History
from app.states.import_state import ImportState
from app.states.look import Look
from app.states.maker_state import MakerState
from app.states.pictures_state import LiveModel, PicturesState
from app.states.runs_state import Draft, ShelfState
from app.states.scope_state import GridState, LevelsState
from app.widgets.jobs import JobView
from app.widgets.series import Trace
from engine.api import Catalogue, Codes, Drawn, Encoded, Framing, ModelCard, ModelInfo, Pictures, Readout
from engine.runs import RunInfo

WORKSPACES: Final = (("explore", "Explore"), ("train", "Train"))
VIEWS: Final = (("single", "Single"), ("compare", "Compare models"), ("grid", "Grid"), ("morph", "Morph"))
FIRST_SEED: Final = 18
"""The first picture that a newcomer sees: a good one from each model in the box."""
REACH: Final = 1.5
"""Radians along the shell for a drag over one picture width."""

PhotoSource = str | Path | Pictures
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PhotoItem:
    """A photo of the library; `thumb` is (H, W, 3).

    Another face of the same photo is an item of its own: `base` is then the key of the first one, `cut` says which
    part of `source` it is. `faces` were found in the whole photo (0: not looked for yet). One that is not `listed` is
    only kept for the history.
    """

    key: str
    name: str
    thumb: Pictures
    source: PhotoSource
    shipped: bool = False
    cut: Cut = FIRST_CUT
    base: str = ""
    faces: int = 0
    listed: bool = True


@dataclass(frozen=True, eq=False)
class Loaded:
    """A photo cut for a model of some size; `framing` says where, None when only the cut itself was kept."""

    picture: Pictures
    name: str
    note: str
    how: str
    framing: Framing | None = None

    @property
    def faces(self) -> int:
        """How many faces were found in the photo."""
        return 0 if self.framing is None else len(self.framing.faces)


@dataclass(frozen=True)
class Search:
    """A search for the photo's code while it runs: RMS errors by step. `job` is its row in the jobs bar."""

    job: str
    text: str
    done: int = 0
    total: int = 0
    steps: tuple[int, ...] = ()
    errors: tuple[float, ...] = ()

    @property
    def fraction(self) -> float | None:
        """0..1, None while it is not known."""
        return self.done / self.total if self.total else None


@dataclass(frozen=True, eq=False)
class FrameState:
    """The framing panel, open for the photo `key`: the cut that is proposed and what it would give.

    `why` says why it opened by itself, empty when it was asked for. `points` are clicked so far, in the photo's pixels.
    """

    key: str
    name: str
    why: str = ""
    cut: Cut = FIRST_CUT
    framing: Framing | None = None
    proposed: Loaded | None = None
    clicking: bool = False
    points: tuple[Point, ...] = ()
    busy: bool = False
    message: str = ""


@dataclass(frozen=True)
class Recipe:
    """What a row's picture is made from: A's code, by `fraction` on its way to B's, moved along directions by name.

    Two recipes are equal only when they mean the same codes, so a picture is never taken for another's.
    """

    photo: Encoded
    other: Encoded | None = None
    fraction: float = 0.0
    method: str = ""
    edits: tuple[tuple[str, float], ...] = ()
    locked: tuple[str, ...] = ()

    def plain(self) -> bool:
        """Whether nothing is changed: the picture is then the reconstruction."""
        return self.other is None and not self.edits


@dataclass(frozen=True, eq=False)
class CompareRow:
    """One model's view of the photo. `status`: waiting, working, done or failed.

    `picture` (H, W, 3) is the newest of this model, made by `recipe`; `drawing` while a newer one is being made;
    `other` is the second photo of the path in this model, `other_note` how far its encoding is; `note` says what the
    row cannot follow.
    """

    ref: str
    title: str
    detail: str
    status: str = "waiting"
    encoded: Encoded | None = None
    message: str = ""
    fraction: float | None = None
    info: ModelInfo | None = None
    other: Encoded | None = None
    other_note: str = ""
    picture: Pictures | None = None
    recipe: Recipe | None = None
    drawing: bool = False
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """Which models are compared (None: those in the box), the photo at the far end of the path, and where on it."""

    models: tuple[str, ...] | None = None
    other: str | None = None
    fraction: float = 0.0


@dataclass(frozen=True, eq=False)
class MorphSlot:
    """A corner of the path: a photo by its key, or a code taken as it was."""

    name: str
    picture: Pictures
    photo: str | None = None
    code: Codes | None = None
    busy: bool = False
    hold: int = 0


@dataclass(frozen=True)
class MorphTiming:
    """How a morph is played and written: pictures in all, how legs start and end, how it repeats, pictures per second.

    `loop` is once, loop (a last leg leads back to the first corner) or there-and-back; see `engine.timeline`.
    """

    frames: int = 120
    easing: str = "smooth"
    loop: str = "there-and-back"
    fps: int = 30


@dataclass(frozen=True)
class MorphExport:
    """As what a morph is written: `kind` is the file's suffix, empty for a folder; `scale` enlarges."""

    kind: str = ".gif"
    scale: int = 4
    smooth: bool = True


@dataclass(frozen=True, eq=False)
class MorphState:
    """`fraction` 0..1 along the whole path; `strip` are its pictures at even steps, `frames` those for playing.

    `pad` is the pad's place (x, y), None while the path is on show. `norms` has |z| / sqrt(D) along the path by method,
    of the whole code and then of its levels. A corner's `hold` is its rest in frames; `rate` the pictures per second
    shown.
    """

    slots: tuple[MorphSlot | None, ...] = (None, None)
    chosen: int = 0
    fraction: float = 0.5
    method: str = "slerp"
    picture: Pictures | None = None
    strip: Pictures | None = None
    frames: Pictures | None = None
    playing: bool = False
    timing: MorphTiming = MorphTiming()
    export: MorphExport = MorphExport()
    pad: tuple[float, float] | None = None
    norms: Mapping[str, Floats] | None = None
    rate: float | None = None


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
    tags: tuple[str, ...] = ()
    attached: bool = False


@dataclass(frozen=True, eq=False)
class RunView:
    """The run on show: its metrics as series (steps, values) by name, and its previews."""

    path: Path
    info: RunInfo
    series: Mapping[str, Trace] = field(default_factory=dict)
    previews: tuple[tuple[int, Path], ...] = ()
    shown: int = -1
    following: bool = True
    pictures: Pictures | None = None


@dataclass(frozen=True, eq=False)
class Bookmark:
    """A look kept by name; `picture` is (H, W, 3), as it was when it was kept."""

    name: str
    look: Look
    picture: Pictures


@dataclass(frozen=True, eq=False)
class Split:
    """The handle between two states. What stands at its left: a bookmark, an entry of the history, or (both None) the
    state before the current one. `share` 0..1 is where the handle is."""

    on: bool = False
    entry: int | None = None
    bookmark: Bookmark | None = None
    share: float = 0.5


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
    live: LiveModel | None = None
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
    bookmarks: tuple[Bookmark, ...] = ()
    # directions: which kind of main axes is shown, which is being found, what locks take away, and the maker's panel
    axes: str = "pca"
    axes_busy: str = ""
    lost: tuple[tuple[str, float], ...] = ()
    maker: MakerState | None = None
    # a model that others made, in its panel
    importing: ImportState | None = None
    # the page that diagnoses the model on show
    check: ModelCheck | None = None
    # the photo
    photo: str | None = None
    loaded: Loaded | None = None
    encoded: Encoded | None = None
    encoding: bool = False
    search: Search | None = None
    frame: FrameState | None = None
    # the other views
    grid: GridState = field(default_factory=GridState)
    levels: LevelsState = field(default_factory=LevelsState)
    compare: tuple[CompareRow, ...] = ()
    comparison: Comparison = field(default_factory=Comparison)
    split: Split = field(default_factory=Split)
    morph: MorphState = field(default_factory=MorphState)
    # training: which page the left panel and the right side show
    train_panel: str = "new"
    train_side: str = "curves"
    collapse: CollapseState = field(default_factory=CollapseState)
    data: DataState = field(default_factory=DataState)
    catalogue: Catalogue | None = None
    training: Training | None = None
    run_view: RunView | None = None
    curves: CurvesState = field(default_factory=CurvesState)
    pictures: PicturesState = field(default_factory=PicturesState)
    shelf: ShelfState = field(default_factory=ShelfState)
    draft: Draft | None = None
    # what the run in the form would need, in words; empty before it is known
    train_cost: str = ""
    train_in: str = "window"
    on_close: str = "leave"
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
