"""The Lab workspace: data and layers at the left, one stage or two, set-up and numbers at the right."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import COLUMN_ENDINGS
from app.core.workspace import WorkspaceView
from app.lab.charts import LabCharts
from app.lab.game.board import GameBoard
from app.lab.lessons.view import LessonsView
from app.lab.numbers import NumberTable, Row
from app.lab.own.view import DrawPage, OwnButtons
from app.lab.setup_panel import SetupPanel
from app.lab.shortcuts import keys_text
from app.lab.show_list import Scale, ShowList
from app.lab.stage.canvas import top_density
from app.lab.stage.card import StageCard
from app.lab.stage.grid import StageGrid
from app.lab.stage.plane import volume
from app.lab.state import SEEDS, LabState
from app.lab.sweep.board import SweepBoard
from app.lab.tiles import DataTiles
from app.lab.transport import Transport
from app.state import AppState, moved
from app.theme import set_kind
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.fields import Toggle
from app.widgets.form import Section
from app.widgets.labels import breakable, kind_label
from app.widgets.layout import hairline, hbox, held, scrolled, stacked, vbox
from app.widgets.pixels import dropped_files
from app.widgets.plot.scale import figure
from app.widgets.slider import ValueSlider

LEFT_PX: Final = 208
RIGHT_PX: Final = 320
FIGURES_SECONDS: Final = 0.25
SHORT: Final = {
    "nll": "NLL",
    "gap": "Above floor",
    "kl": "KL(p, q)",
    "reverse_kl": "KL(q, p)",
    "near": "Within 3\u03c3",
}
"""Titles with room for two stages beside them; p is the truth and q the model, as in the readout."""
WHOLE: Final = ("modes",)


class LabView(WorkspaceView):
    """Emits nothing itself: its parts do."""

    playPressed = Signal()
    depthMoved = Signal(float)
    layersPlayed = Signal()
    compareToggled = Signal(bool)
    filesDropped = Signal(list)

    def __init__(self, setup: SetupPanel, charts: LabCharts, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles, self.layers = DataTiles(), ShowList()
        self.data_title, self.data_line = kind_label("name", wordWrap=True), kind_label("small", wordWrap=True)
        self.cards = tuple(StageCard(index) for index in range(SEEDS))
        self._grid = StageGrid(self.cards)
        self.compare = Toggle("Compare")
        self.compare.setToolTip(f"A second stage on the same clock and the same batches ({keys_text('lab.compare')})")
        self.along = ValueSlider("Code to data", 0.0, 1.0, value=1.0, default=1.0, decimals=1, label_px=92)
        self.play_layers = button("Play", f"Move the points through the layers ({keys_text('lab.layers')})")
        self.setup, self.numbers, self.charts = setup, NumberTable(), charts
        self.transport = Transport()
        self.own, self.drawing, self.board, self.sweep = OwnButtons(), DrawPage(), GameBoard(), SweepBoard()
        layers = hbox(self.along, self.play_layers, gap_px=8, stretch={0: 1})
        self._stages = held(vbox(self._grid, layers, gap_px=6, stretch={0: 1}))
        self.pages = stacked(self._stages, self.drawing, self.board, self.sweep)
        centre = held(vbox(self.pages, gap_px=0, margins=(16, 8, 16, 10)))
        across = hbox(self._left(), centre, self._right(), gap_px=0, stretch={1: 1})
        self.setAcceptDrops(True)
        self.lessons = LessonsView()
        self.setLayout(vbox(self.lessons, across, self.transport, gap_px=0, stretch={1: 1}))
        self.along.changed.connect(self._tell_depth)
        self.play_layers.clicked.connect(lambda: self.layersPlayed.emit())
        self.compare.changed.connect(self.compareToggled)
        self._layers = 1
        self._shown_at = 0.0

    def _left(self) -> QWidget:
        show = Section("Show", collapsible=False)
        show.add(self.layers)
        data = Section("Data", collapsible=False)
        data.add(self.tiles)
        column = vbox(
            data,
            2,
            self.own,
            2,
            self.data_title,
            self.data_line,
            4,
            self.compare,
            4,
            show,
            None,
            gap_px=4,
            margins=(16, 8, 16, 8),
        )
        inner = held(column)
        panel = held(vbox(scrolled(inner), gap_px=0))
        set_kind(panel, "panel-left")
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        panel.setFixedWidth(LEFT_PX)
        return panel

    def _right(self) -> QWidget:
        numbers = Section("Numbers", collapsible=False)
        numbers.add(self.numbers)
        self.charts.losses.show()
        column = vbox(self.setup, hairline(), numbers, self.charts.losses, None, gap_px=8, margins=(16, 10, 16, 8))
        # The figure's curve stays in sight however far the rest is scrolled.
        docked = held(hbox(self.charts, margins=(16, 8, 16, 10)))
        panel = held(vbox(scrolled(held(column)), hairline(), docked, gap_px=0, stretch={0: 1}))
        set_kind(panel, "panel-right")
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        panel.setFixedWidth(RIGHT_PX)
        return panel

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # Space belongs to the stage here, and not to the tab that was clicked last.
        self.cards[0].canvas.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        # Photos are the window's.
        if _columns(event.mimeData()):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        self.filesDropped.emit(_columns(event.mimeData()))
        event.acceptProposedAction()

    def event(self, event: QEvent) -> bool:
        # Space plays here; elsewhere in the window it is another key.
        return paint.keeps_key(event, (Qt.Key.Key_Space,)) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.playPressed.emit()
        else:
            super().keyPressEvent(event)

    def _tell_depth(self, layer: float) -> None:
        self.depthMoved.emit(layer / self._layers)

    # state
    def show_state(self, now: AppState, before: AppState | None) -> None:
        if not moved(now, before, LabState, "theme", "workspace"):
            return
        state = now.part(LabState)
        if state.catalogue is None or (now.workspace != "lab" and before is not None):
            return
        old = None if before is None else before.part(LabState)
        self._show_page(state)
        if old is None or (old.truths, old.truth, old.own) != (state.truths, state.truth, state.own):
            self._show_data(state)
        self._grid.set_count(max(1, len(state.stages)))
        for card in self.cards:
            card.show_lab(state)
        self.compare.setChecked(len(state.stages) == 2)
        self._show_depth(state)
        inks = 1 if state.seeded else len(state.stages)
        self.layers.set_layers(state.layers, state.possible(), scales=scales(state), inks=inks)
        self.setup.show_lab(state)
        self.lessons.show_lab(state)
        self._show_figures(state, old)

    def _show_figures(self, state: LabState, old: LabState | None) -> None:
        """Numbers, curves and transport: while stages learn, a few times a second is enough for an eye."""
        beat = time.monotonic()
        live = old is not None and old.playing and state.playing and len(old.stages) == len(state.stages)
        if live and beat - self._shown_at < FIGURES_SECONDS and old is not None and old.figure == state.figure:
            return
        self._shown_at = beat
        found = rows(state)
        chosen = chosen_figure(state, found)
        self.numbers.set_rows(found, chosen, seeded=state.seeded)
        self.charts.show_lab(state, next((row for row in found if row.key == chosen), None))
        self.transport.show_lab(state)

    def _show_page(self, state: LabState) -> None:
        """The stages, the page to draw on, or what a lesson has in their place."""
        pages = ((state.drawing, self.drawing), (state.game, self.board), (state.sweep, self.sweep))
        page = next((one for there, one in pages if there is not None), self._stages)
        self.drawing.show_lab(state)
        self.board.show_lab(state)
        self.sweep.show_lab(state)
        self.transport.setVisible(page is self._stages)
        if page is not self.pages.currentWidget():
            self.pages.setCurrentWidget(page)
            (self.drawing.pad if page is self.drawing else self.cards[0].canvas).setFocus()

    def _show_data(self, state: LabState) -> None:
        assert state.catalogue is not None
        self.tiles.set_truths(tuple(dict.fromkeys((*state.catalogue.truths, *state.own, state.truth))), state.truths)
        self.tiles.set_current(state.truth)
        info = state.info
        if info is not None:
            self.data_title.setText(breakable(info.title))
            modes = "" if info.centres is None or len(info.centres) < 2 else f", {len(info.centres)} modes"
            about = "about " if info.estimate else ""
            line = f"Entropy {about}{info.entropy:.3f} nats{modes}".replace("-", "\u2212")
            self.data_line.setText(f"{line}. {info.note}." if info.note else line)

    def _show_depth(self, state: LabState) -> None:
        """As many layers as the deepest stage has; with one network between code and data the way is one step."""
        counts = [len(stage.trace) - 1 for stage in state.stages if stage.trace is not None]
        layers = max(counts, default=0)
        self.along.setEnabled(layers > 0)
        self.play_layers.setEnabled(layers > 0)
        if max(1, layers) != self._layers:
            self._layers = max(1, layers)
            self.along.set_range(0.0, float(self._layers))
            self.along.set_default(float(self._layers))
        self.along.set_value(state.depth * self._layers)


def _columns(mime: QMimeData) -> list[Path]:
    """The files in a drop that may hold columns of numbers."""
    return [path for path in map(Path, dropped_files(mime)) if path.suffix.lower() in COLUMN_ENDINGS]


def rows(state: LabState) -> tuple[Row, ...]:
    """The figures of all stages, in the order in which the first stage that has them gives them."""
    found: dict[str, Row] = {}
    count = len(state.stages)
    for index, stage in enumerate(state.stages):
        for one in stage.figures:
            row = found.get(one.name) or Row(
                one.name,
                SHORT.get(one.name, one.title),
                (None,) * count,
                one.floor,
                one.unit,
                help=one.title,
                whole=one.name in WHOLE,
            )
            values = (*row.values[:index], one.value, *row.values[index + 1 :])
            found[one.name] = replace(row, values=values)
    return tuple(found.values())


def chosen_figure(state: LabState, found: tuple[Row, ...]) -> str:
    """The figure that was chosen, or the most telling one that every stage has."""
    keys = [row.key for row in found]
    if state.figure in keys:
        return state.figure
    for row in found:
        if row.key in ("gap", "sliced_w1") and None not in row.values:
            return row.key
    return keys[0] if keys else ""


def scales(state: LabState) -> dict[str, Scale]:
    """The ends of the colour scales that are on show, and what stands in the middle."""
    found: dict[str, Scale] = {}
    info = state.info
    if info is None or info.dimension == 1:
        return found
    for stage in state.stages:
        drawn = stage.maps.get("density")
        if drawn is not None and "density" not in found:
            top = top_density(info, drawn) / volume(info)
            found["density"] = (0.0, top, f"{figure(top / 4)}")
        apart = stage.maps.get("difference")
        if apart is not None and "difference" not in found:
            top = top_density(info, apart) / volume(info)
            found["difference"] = (-top, top, "0")
        judged = stage.maps.get("critic")
        if judged is not None and "critic" not in found:
            words = "cannot tell" if (judged.low, judged.high) == (0.0, 1.0) else ""
            found["critic"] = (judged.low, judged.high, words)
    return found
