"""The curves of the Lab: what training minimises, and a figure against its floor."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QWidget

from app.lab.numbers import Row
from app.lab.state import LETTERS, LabState, StageView
from app.series import Trace, trace_of
from app.widgets.curves import Curves, Line
from app.widgets.layout import discard, vbox

HEIGHT_PX: Final = 148
SMOOTHING: Final = 0.9
PERFECT: Final = 2
"""Its ink, after those of A and B."""
LOSSES: Final = {"loss": "loss", "discriminator_loss": "D", "generator_loss": "G"}


class LabCharts(QWidget):
    """The plot of the figure that is chosen; `losses` is another one, which stands elsewhere."""

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.losses = Curves(
            "Training loss by step", "each model's own", smoothing=SMOOTHING, hint="Losses of games say little."
        )
        self.figure: Curves | None = None
        self._title = ""
        self._floor: tuple[tuple[float, int], Trace] | None = None
        # It has its place elsewhere, and until then goes with this one.
        self.losses.setParent(self)
        self.losses.hide()
        self.losses.setFixedHeight(HEIGHT_PX)
        self._column = vbox(gap_px=8)
        self.setLayout(self._column)
        self.setFixedHeight(HEIGHT_PX)

    def show_lab(self, state: LabState, row: Row | None) -> None:
        """The curves of all stages, and that of one figure."""
        many, lines = len(state.stages) > 1, []
        for index, stage in _in_order(state):
            names = [name for name in LOSSES if name in stage.curves]
            ink, behind = state.ink(index), state.seeded and index != state.chosen
            for dash, name in enumerate(names):
                label = f"{LETTERS[index]} {LOSSES[name]}" if many else LOSSES[name]
                lines.append(Line(f"{index} {name}", label, stage.curves[name], ink=ink, dash=dash, behind=behind))
        self.losses.set_lines(lines)
        if row is None:
            # What is drawn there is of stages of before.
            if self.figure is not None:
                self.figure.set_lines([])
            return
        chart = self._chart(f"{row.title} ({row.unit}) by step" if row.unit else f"{row.title} by step")
        # A line and no mark, so that the floor is always within the plot.
        lines = [
            Line(
                f"{index} {row.key}",
                LETTERS[index] if many else "now",
                stage.curves[row.key],
                ink=state.ink(index),
                smooth=False,
                behind=state.seeded and index != state.chosen,
            )
            for index, stage in _in_order(state)
            if row.key in stage.curves
        ]
        floor = self._floor_trace(row.floor, state.clock)
        chart.set_lines([*lines, Line("perfect", "perfect", floor, ink=PERFECT, dash=2, smooth=False)])

    def _floor_trace(self, floor: float, clock: int) -> Trace:
        """A level line; made anew only where it is another one, since a plot draws anew what is."""
        if self._floor is None or self._floor[0] != (floor, clock):
            self._floor = (floor, clock), trace_of([0, max(1, clock)], [floor, floor])
        return self._floor[1]

    def _chart(self, title: str) -> Curves:
        """The plot of this title, made anew where another one stands there."""
        if self.figure is None or self._title != title:
            if self.figure is not None:
                discard([self.figure])
            self._title, self.figure = title, Curves(title, title)
            self.figure.setFixedHeight(HEIGHT_PX)
            self._column.insertWidget(0, self.figure)
        return self.figure


def _in_order(state: LabState) -> list[tuple[int, StageView]]:
    """The stages with their places; of five seeds the chosen one last, over the others."""
    return sorted(enumerate(state.stages), key=lambda one: state.seeded and one[0] == state.chosen)
