"""What the window shows, as one frozen value: views render from it, controllers replace it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

from app.explore.check.state import ModelCheck
from app.explore.compare.state import CompareRow, Comparison
from app.explore.directions.state import MakerState
from app.explore.framing.state import FrameState
from app.explore.fullsize.state import Blended, FullState
from app.explore.grid.state import GridState
from app.explore.history.history import History
from app.explore.history.state import Bookmark, Split
from app.explore.importing.state import ImportState
from app.explore.levels.state import LevelsState
from app.explore.live.state import LiveModel
from app.explore.morph.state import MorphState
from app.explore.photos.state import PhotoItem, Search
from app.job import JobView
from app.look import Look
from app.run_card import RunCard
from app.train.collapse.state import CollapseState
from app.train.curves.state import CurvesState
from app.train.data.state import DataState
from app.train.pictures.state import PicturesState
from app.train.runs.state import Draft, RunListState
from app.train.state import RunView, Training
from engine.api import Catalogue, Drawn, Encoded, Loaded, ModelCard, ModelInfo, Readout

T = TypeVar("T")
VIEWS: Final = (("single", "Single"), ("compare", "Compare models"), ("grid", "Grid"), ("morph", "Morph"))
FIRST_SEED: Final = 18
"""The first picture that a newcomer sees: a good one from each model in the box."""
REACH: Final = 1.5
"""Radians along the shell for a drag over one picture width."""


@dataclass(frozen=True, eq=False)
class AppState:
    """Everything on screen. Compare its parts by identity: each change makes new ones.

    `workspace` is a key of the table of workspaces. `parts` is what a workspace keeps that has no field here: one
    frozen dataclass, by its class.
    """

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
    # whether a hand is on a control of the look
    moving: bool = False
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
    # the photo at its own size
    full: FullState = field(default_factory=FullState)
    blended: Blended | None = None
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
    run_list: RunListState = field(default_factory=RunListState)
    draft: Draft | None = None
    # what the run in the form would need, in words; empty before it is known
    train_cost: str = ""
    train_in: str = "window"
    on_close: str = "leave"
    # the bars
    jobs: tuple[JobView, ...] = ()
    status: str = ""
    closing: bool = False
    parts: Mapping[type, object] = field(default_factory=dict)

    def part(self, kind: type[T]) -> T:
        """A workspace's own state; raises KeyError when no workspace keeps one of this class."""
        return cast(T, self.parts[kind])


def moved(now: AppState, before: AppState | None, *names: str | type) -> bool:
    """Whether any of these fields, or parts of these classes, is another one than before; True at the first render."""
    if before is None:
        return True
    # A plain loop: this runs some hundred times for every tick of a drag.
    for name in names:
        if isinstance(name, type):
            if now.parts[name] is not before.parts[name]:
                return True
        elif getattr(now, name) is not getattr(before, name):
            return True
    return False
