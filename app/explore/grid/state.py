"""What the grid shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.api import Codes, Pictures

SAMPLES: Final = "samples"
NEIGHBOURS: Final = "neighbours"
MANIFOLD: Final = "manifold"
EDITS: Final = "edits"
GRID_KINDS: Final = ((SAMPLES, "Samples"), (NEIGHBOURS, "Neighbours"), (MANIFOLD, "Manifold"), (EDITS, "Edits"))
FEW_ROWS: Final = 5
MOST_ROWS: Final = 10
"""Of the grid of edits: so many directions are shown at first, and at most."""
FEWEST_SIDE: Final = 4
MOST_SIDE: Final = 10
SPAN_SIGMAS: Final = 3.0
"""How far the manifold of two directions reaches to each side, before it is zoomed."""
ACROSS, UPWARDS = "plane:x", "plane:y"
"""The two axes of the wandering plane, beside the directions by name."""


@dataclass(frozen=True, eq=False)
class GridCell:
    """One picture (H, W, 3) with its code (D,); `whole` (P, P, 3) is the photo itself with its change."""

    picture: Pictures
    code: Codes
    whole: Pictures | None = None


@dataclass(frozen=True, eq=False)
class GridState:
    """`side` x `side` cells, filled piece by piece; a cell keeps its old picture until its new one is there.

    `radius` in radians is that of the outermost ring of neighbours. `axes` are the two directions of the manifold, by
    name; `centre` and `span` its window, in sigmas, and in shares of the unit square for a code of two numbers.

    Edits are a row a direction of `names` (None: the first few) and a column a strength up to `reach` sigmas; `room` is
    the side of a cell in pixels of the screen, `sheet` that of an exported one. `why`: why they cannot be shown on the
    photo.
    """

    kind: str = SAMPLES
    seed: int = 1
    side: int = 6
    radius: float = 0.5
    axes: tuple[str, str] = ("", "")
    centre: tuple[float, float] = (0.0, 0.0)
    span: float = 1.0
    cells: tuple[GridCell | None, ...] = ()
    missing: int = 0
    chosen: int = -1
    names: tuple[str, ...] | None = None
    reach: float = 2.0
    room: int = 0
    sheet: int = 256
    why: str = ""

    @property
    def pictures(self) -> Pictures | None:
        """All pictures (N, H, W, 3), None until each cell has had one."""
        if not self.cells or any(cell is None for cell in self.cells):
            return None
        return np.stack([cell.picture for cell in self.cells if cell is not None])

    @property
    def shown_side(self) -> int:
        """Cells in a row, and but for edits in a column: odd around a code, so that it stands in the middle."""
        return self.side if self.kind not in (NEIGHBOURS, EDITS) or self.side % 2 else self.side + 1
