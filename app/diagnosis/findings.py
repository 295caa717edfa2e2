"""A finding of a report: its sign, sentence, figures with intervals, and the pictures that show what it means."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.widgets.buttons import button
from app.widgets.evidence import EvidenceRows
from app.widgets.labels import kind_label
from app.widgets.layout import hairline, hbox, vbox
from app.widgets.level_icon import LevelIcon
from engine.diagnostics import Figure, Finding

FIGURES_SHOWN: Final = 12
HEADS: Final = ("", "value", "95 % interval", "n")


class FindingCard(QWidget):
    """One finding, folded to its sentence or unfolded to all of it."""

    folded = Signal(str, bool)
    runWanted = Signal(str)

    def __init__(self, finding: Finding, *, opened: bool, can_run: bool) -> None:
        super().__init__()
        self.finding = finding
        name = finding.diagnostic
        has_more = bool(finding.figures or finding.evidence)
        self.title = button(finding.title, "Show or hide the figures and pictures of this finding.", kind="name")
        self.title.setCheckable(True)
        self.title.setChecked(opened)
        self.title.setEnabled(has_more)
        self.title.toggled.connect(lambda on: self.folded.emit(name, on))
        self.sign = LevelIcon(finding.level)
        self.sentence = words(finding.sentence)
        head = hbox(self.sign, self.title, None)
        if has_more:
            more = button("Less" if opened else "More", "Show or hide the figures and pictures.", kind="quiet")
            more.clicked.connect(lambda: self.title.toggle())
            head.addWidget(more)
        self.run: QPushButton | None = None
        if can_run:
            self.run = button("Run", "Make this finding anew, on the newest checkpoint.", kind="quiet")
            self.run.clicked.connect(lambda: self.runWanted.emit(name))
            head.addWidget(self.run)
        column = vbox(head, self.sentence, gap_px=4)
        self.table: QWidget | None = None
        if opened and finding.figures:
            self.table = _table(finding.figures)
            column.addSpacing(4)
            column.addWidget(self.table)
        self.pictures: list[EvidenceRows] = []
        for evidence in finding.evidence if opened else ():
            caption = kind_label("small", evidence.title)
            rows = EvidenceRows()
            rows.set_rows(evidence.rows, evidence.captions)
            self.pictures.append(rows)
            column.addSpacing(4)
            column.addWidget(caption)
            column.addWidget(rows)
        column.addSpacing(8)
        column.addWidget(hairline())
        self.setLayout(column)


class OfferRow(QWidget):
    """A diagnostic that has no finding: what it would tell, or why it could not be made, and a button."""

    runWanted = Signal(str)

    def __init__(self, name: str, title: str, text: str, *, tried: bool) -> None:
        super().__init__()
        self.name = name
        label = kind_label("name", title)
        self.run = button("Try again" if tried else "Run", "Make this finding, on the newest checkpoint.", kind="quiet")
        self.run.clicked.connect(lambda: self.runWanted.emit(name))
        self.text = words(text)
        self.setLayout(vbox(hbox(label, None, self.run), self.text, 8, hairline(), gap_px=4))


def words(text: str) -> QLabel:
    """A muted paragraph that wraps and can be selected."""
    label = kind_label("muted", text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return label


def figure_text(value: float) -> str:
    """A figure in three digits with separators: 0.0123, 4.57, 12,300."""
    if not math.isfinite(value):
        return "not a number"
    size = abs(value)
    if size >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace("-", "\u2212")
    if value == round(value):
        return f"{value:.0f}".replace("-", "\u2212")
    digits = max(0, 2 - math.floor(math.log10(size)))
    return f"{value:.{min(digits, 4)}f}".replace("-", "\u2212")


def interval_text(figure: Figure) -> str:
    """The interval as words, also where it is open at one end; empty where there is none."""
    if figure.low is not None and figure.high is not None:
        return f"{figure_text(figure.low)} to {figure_text(figure.high)}"
    if figure.low is not None:
        return f"from {figure_text(figure.low)}"
    return f"up to {figure_text(figure.high)}" if figure.high is not None else ""


def _table(figures: tuple[Figure, ...]) -> QWidget:
    table = QWidget()
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(3)
    grid.setColumnStretch(0, 1)
    for column, head in enumerate(HEADS):
        grid.addWidget(_cell(head, "small", right=column > 0), 0, column)
    for row, figure in enumerate(figures[:FIGURES_SHOWN], start=1):
        name = _cell(figure.title, "muted")
        name.setWordWrap(True)
        value = f"{figure_text(figure.value)} {figure.unit}".rstrip()
        cells = (
            name,
            _cell(value, "value", right=True),
            _cell(interval_text(figure), "readout", right=True),
            _cell("" if figure.n is None else f"{figure.n:,}", "readout", right=True),
        )
        tip = ". ".join(part for part in (figure.note, _better(figure)) if part)
        for column, cell in enumerate(cells):
            cell.setToolTip(tip)
            grid.addWidget(cell, row, column, Qt.AlignmentFlag.AlignTop)
    if len(figures) > FIGURES_SHOWN:
        rest = _cell(f"and {len(figures) - FIGURES_SHOWN} more in the report file", "small")
        grid.addWidget(rest, FIGURES_SHOWN + 1, 0, 1, 4)
    return table


def _better(figure: Figure) -> str:
    return {"higher": "Higher is better", "lower": "Lower is better"}.get(
        figure.better, f"Best {figure.better}" if figure.better else ""
    )


def _cell(text: str, kind: str, *, right: bool = False) -> QLabel:
    label = kind_label(kind, text)
    if right:
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
    return label
