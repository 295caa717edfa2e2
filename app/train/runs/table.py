"""Two to six runs side by side: knobs that differ stand out, the best figure of a row is marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.state import AppState, moved
from app.theme import mono_font, tokens, ui_font
from app.train.runs.state import RunTable
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.fields import Toggle
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, scrolled, vbox
from app.widgets.leavable import Leavable
from app.widgets.painted import Painted
from engine.runs import CompareRow

ROW_PX: Final = 28
HEAD_PX: Final = 52
NAME_PX: Final = 240
COLUMN_PX: Final = 140
GROUPS: Final = {"run": "Run", "model": "Model knobs", "training": "Training knobs", "figures": "Last figures"}


class _Table(Painted):
    """Paints the rows; a click on a run's name shows that run."""

    runChosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._heads: tuple[str, ...] = ()
        self._rows: list[CompareRow | str] = []
        self._titles: Mapping[str, str] = {}
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

    def set_rows(self, heads: tuple[str, ...], rows: list[CompareRow | str], titles: Mapping[str, str]) -> None:
        self._heads, self._rows, self._titles = heads, rows, titles
        words = [f"{row.name}: " + ", ".join(row.texts) for row in rows if isinstance(row, CompareRow)]
        self.setAccessibleDescription("; ".join((", ".join(heads), *words)))
        self.setMinimumSize(NAME_PX + COLUMN_PX * len(heads), HEAD_PX + ROW_PX * len(rows) + 8)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def _column(self, index: int) -> tuple[float, float]:
        width = (self.width() - NAME_PX) / max(1, len(self._heads))
        return NAME_PX + index * width, width

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        if spot.y() < HEAD_PX:
            for index in range(len(self._heads)):
                left, width = self._column(index)
                if left <= spot.x() < left + width:
                    self.runChosen.emit(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        over = spot.y() < HEAD_PX and spot.x() >= NAME_PX
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        for index, head in enumerate(self._heads):
            left, width = self._column(index)
            cell = QRectF(left + 8, 8, width - 16, HEAD_PX - 16)
            paint.text(painter, cell, head, font=ui_font(bold=True), ink=theme.text)
        for number, row in enumerate(self._rows):
            top = HEAD_PX + number * ROW_PX
            line = QRectF(0, top, self.width(), ROW_PX)
            if not line.intersects(QRectF(event.rect())):
                continue
            if isinstance(row, str):
                font = ui_font(theme.small_px, bold=True)
                paint.text(painter, line.adjusted(8, 6, 0, 0), row, font=font, ink=theme.faint)
                continue
            self._paint_row(painter, row, line)
        painter.end()

    def _paint_row(self, painter: QPainter, row: CompareRow, line: QRectF) -> None:
        theme = tokens()
        knob = row.group != "figures"
        if row.differs and knob:
            paint.box(painter, line.adjusted(0, 1, 0, -1), fill=theme.selected, radius_px=4)
        name = self._titles.get(row.name) or _plain(row.name)
        ink = theme.text if row.differs else theme.muted
        paint.text(painter, QRectF(8, line.y(), NAME_PX - 16, ROW_PX), name, font=ui_font(), ink=ink)
        for index, text in enumerate(row.texts):
            left, width = self._column(index)
            cell = QRectF(left + 8, line.y(), width - 16, ROW_PX)
            if index in row.best:
                words = f"{text}  best"
                paint.text(painter, cell, words, font=mono_font(), ink=theme.ok)
            else:
                paint.text(painter, cell, text or "–", font=mono_font(), ink=ink)


def _plain(name: str) -> str:
    """``heldout/psnr_db`` -> ``Held-out psnr db``."""
    words = name.replace("heldout/", "held-out ").replace("_", " ").replace("/", " · ")
    return words[:1].upper() + words[1:]


class RunTablePage(Leavable):
    """The table in the watch area."""

    runChosen = Signal(str)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: RunTable | None = None
        self._titles: Mapping[str, str] = {}
        self.title, self.line = kind_label("title"), kind_label("muted")
        self.only = Toggle("Only what differs")
        self.only.setToolTip("Leave out the rows in which all runs are alike.")
        self.only.changed.connect(lambda _: self._fill())
        self.copy = button("Copy", "Copy the table as comma-separated text")
        self.close_table = button("Close", "Back to the run on show (Escape)", do=self.closeWanted.emit)
        self.table = _Table()
        self.table.setToolTip("A click on a name shows that run.")
        self.table.runChosen.connect(self._choose)
        head = hbox(vbox(self.title, self.line, gap_px=2), None, self.only, self.copy, self.close_table)
        self.setLayout(vbox(head, scrolled(self.table), gap_px=16, margins=(24, 16, 24, 12), stretch={1: 1}))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "catalogue") and now.catalogue is not None:
            families = now.catalogue.families
            knobs = [knob for family in families for knob in family.model_knobs] + list(now.catalogue.training_knobs)
            self._titles = {knob.name: knob.title for knob in knobs} | {
                metric: plot.title if len(plot.metrics) == 1 else f"{plot.title} · {plot.label(metric)}"
                for family in families
                for plot in family.curves
                for metric in plot.metrics
            }
        if now.run_list.table is not self._shown or moved(now, before, "catalogue"):
            opened = self._shown is None and now.run_list.table is not None
            self._shown = now.run_list.table
            self._fill()
            if opened:
                self.table.setFocus()

    def rows(self) -> list[CompareRow]:
        """The rows on show."""
        if self._shown is None:
            return []
        return [row for row in self._shown.rows if row.differs or not self.only.isChecked()]

    def _fill(self) -> None:
        table = self._shown
        if table is None:
            return
        heads = tuple(column.info.title for column in table.columns)
        rows: list[CompareRow | str] = []
        for row in self.rows():
            if GROUPS[row.group] not in rows:
                rows.append(GROUPS[row.group])
            rows.append(row)
        self.title.setText(f"{len(heads)} runs side by side")
        differing = sum(row.differs for row in table.rows if row.group in ("model", "training"))
        knobs = "1 knob differs" if differing == 1 else f"{differing} knobs differ"
        alike = len({(c.info.config.fingerprint, c.info.config.image_shape) for c in table.columns}) == 1
        note = "" if alike else " · other pictures or sizes: figures of quality are not comparable"
        self.line.setText(f"{knobs}{note}")
        self.table.set_rows(heads, rows, self._titles)

    def _choose(self, index: int) -> None:
        if self._shown is not None:
            self.runChosen.emit(str(self._shown.columns[index].info.path))
