"""Diagnose this model: which images it is held against, and the report."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.diagnosis.report import ReportView
from app.explore.check.state import ModelCheck
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.form import Combo, FormRows, PathField
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, vbox
from app.widgets.leavable import Leavable
from engine.api import Catalogue

WIDTH_PX: Final = 640
OTHER: Final = "other"
NONE_YET: Final = (
    "Choose the images that the model learned from, or others of the same kind and framing: samples, codes and "
    "likelihoods are held against them. A quick diagnosis takes a minute or two."
)


class ModelCheckPanel(Leavable):
    """Stands in the place of the canvas."""

    runWanted = Signal(object, bool)
    dataChosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._catalogue: Catalogue | None = None
        self.heading = kind_label("title", "Diagnose")
        self.data = Combo(tooltip="The images that the model is held against.")
        self.path = PathField(mode="folder", placeholder="Folder, zip, npz or idx")
        self.path.setToolTip("A folder of images, or a zip, npz or idx file; type, drop or browse.")
        self._rows = FormRows(label_px=72)
        self._rows.add_row("Images", self.data, self.data.toolTip())
        self._rows.add_row("Path", self.path, self.path.toolTip())
        self.data.changed.connect(lambda _: self._choose())
        self.path.changed.connect(lambda _: self._choose())
        self.quick = button("Quick diagnosis", "All diagnostics with few samples", kind="primary")
        self.full = button("Full", "All diagnostics with all samples; takes minutes")
        self.close_button = button("Close", "Back to the pictures (Esc)", kind="quiet", do=self.closeWanted.emit)
        self.quick.clicked.connect(lambda: self.runWanted.emit(None, True))
        self.full.clicked.connect(lambda: self.runWanted.emit(None, False))
        self.report = ReportView(NONE_YET)
        self.report.runWanted.connect(lambda names: self.runWanted.emit(names, False))
        inner = QWidget()
        inner.setMaximumWidth(WIDTH_PX)
        head = hbox(self.heading, None, self.close_button)
        column = vbox(head, self._rows, hbox(self.quick, self.full, None), self.report, gap_px=12, stretch={3: 1})
        inner.setLayout(column)
        self.setLayout(hbox(None, inner, None, margins=(24, 16, 24, 12), stretch={1: 100}))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "catalogue") and now.catalogue is not None:
            self._catalogue = now.catalogue
            self.data.set_options([*now.catalogue.data_sets, (OTHER, "Other…")])
        if now.check is not None and moved(now, before, "check", "catalogue", "theme"):
            self._show(now.check)

    def _show(self, check: ModelCheck) -> None:
        self.heading.setText(f"Diagnose {check.title}")
        known = self._catalogue is not None and any(path == check.data for path, _ in self._catalogue.data_sets)
        if known:
            self.data.set_current(check.data)
        elif check.data and self._catalogue is not None:
            self.data.set_current(OTHER)
            if self.path.path() != check.data:
                self.path.set_path(check.data)
        self._rows.set_row_visible(self.path, not known and self.data.current() == OTHER)
        busy = check.running is not None
        for widget in (self.quick, self.full):
            widget.setEnabled(not busy)
        self.data.setEnabled(not busy)
        self.path.setEnabled(not busy)
        self.report.show_report(
            check.report,
            cards=check.cards,
            opened=check.opened,
            message=check.message,
            running=check.running,
            busy=busy,
        )

    def _choose(self) -> None:
        other = self.data.current() == OTHER
        self._rows.set_row_visible(self.path, other)
        self.dataChosen.emit(self.path.path() if other else self.data.current())
