"""The colours and dashes of lines: told apart on both backgrounds, also by people with colour blindness."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from app.theme import color, tokens

DARK: Final = ("#5b9bf0", "#f29e4c", "#7be3d0", "#d44d69", "#fff17d", "#6663be")
LIGHT: Final = ("#2f71d6", "#c8661b", "#1a9f9b", "#87204d", "#33156e", "#7c5405")
"""Found by search: every pair stays apart in OKLab for normal sight and for protan, deutan and tritan sight."""

DASHES: Final[tuple[tuple[float, ...], ...]] = ((), (5.0, 3.0), (1.5, 2.5), (8.0, 3.0, 1.5, 3.0))
"""Lengths on and off in pixels; the first is a solid line."""
BEHIND: Final = 0.22
"""How strong a line is that stands behind the chosen one."""


def ink_of(index: int) -> str:
    """The colour of line (or run) `index` in the theme in use; they repeat after the sixth."""
    inks = DARK if tokens().name == "dark" else LIGHT
    return inks[index % len(inks)]


def line_pen(ink: int, *, faint: bool = False, behind: bool = False) -> QPen:
    """The pen of a line, of its points as they were before smoothing, or of a line behind the others. Dashes are cut
    into the line itself."""
    pen = QPen(color(ink_of(ink), BEHIND if behind else 0.3 if faint else 1.0))
    pen.setWidthF(1.0 if faint or behind else 1.6)
    pen.setCosmetic(True)
    return pen


def legend_pen(ink: int | None, dash: int) -> QPen:
    """The pen of a stroke in a legend; without an ink it stands for lines of any colour."""
    width = 2.0
    pen = QPen(color(tokens().muted if ink is None else ink_of(ink)))
    pen.setWidthF(width)
    lengths = DASHES[dash % len(DASHES)]
    if lengths:
        pen.setDashPattern([length / width for length in lengths])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen
