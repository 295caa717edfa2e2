"""The run on show in the library: its title, its tags, and how to continue it on more than one machine."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.run_card import RunCard
from app.train.runs.state import RunListState
from app.train.shortcuts import keys_text
from app.widgets.buttons import button
from app.widgets.fields import TextField
from app.widgets.form import FormRows, IntField, Section
from app.widgets.layout import hbox, vbox
from app.widgets.tag_chips import TagChips

LINE_PX = 88


class RunDetail(QWidget):
    """Hidden while no listed run is on show."""

    renamed = Signal(str, str)
    tagAdded = Signal(str, str)
    tagRemoved = Signal(str, str)
    copyWanted = Signal(str)
    machinesChanged = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self._key = ""
        self.title = TextField()
        self.title.changed.connect(lambda text: self.renamed.emit(self._key, text))
        self.tag = TextField(placeholder="Add a tag, then Enter")
        self.tag.returnPressed.connect(self._add_tag)
        self.tags = TagChips(removable=True)
        self.tags.clicked.connect(lambda tag: self.tagRemoved.emit(self._key, tag))
        rows = FormRows(label_px=56)
        rows.add_row("Title", self.title, "A name for the run (F2); empty shows the folder's name.")
        rows.add_row("Tags", self.tag, "A word to find the run by; at most 24 of them.")
        self.devices = IntField(1, 64, 1)
        self.nodes = IntField(1, 256, 1)
        self.line = QPlainTextEdit(readOnly=True)
        self.line.setFixedHeight(LINE_PX)
        self.line.setToolTip("Stop the run here, then give this line on each machine; all must see the run's folder.")
        self.line.setAccessibleName("torchrun line")
        self.copy = button("Copy", f"Copy the torchrun line ({keys_text('runs.torchrun')})")
        self.copy.clicked.connect(lambda: self.copyWanted.emit(self._key))
        for field in (self.devices, self.nodes):
            field.changed.connect(lambda _: self.machinesChanged.emit(self.devices.value(), self.nodes.value()))
        self.beyond = Section("Beyond one machine", collapsed=True)
        machines = FormRows(label_px=88)
        machines.add_row("Processes", self.devices, "On each machine: one for each GPU, or a few on a processor.")
        machines.add_row("Machines", self.nodes, "How many machines work together.")
        self.beyond.add(machines)
        self.beyond.add(self.line)
        self.beyond.add_layout(hbox(self.copy, None))
        self.setLayout(vbox(rows, self.tags, self.beyond, gap_px=6, margins=(16, 8, 16, 8)))
        self.hide()

    def key(self) -> str:
        """The run that is shown, empty without one."""
        return self._key

    def edit_title(self) -> None:
        """Puts the cursor into the title."""
        self.title.setFocus()
        self.title.selectAll()

    def show_run(self, card: RunCard | None, run_list: RunListState) -> None:
        """The run, or nothing."""
        key = str(card.info.path) if card is not None else ""
        if key != self._key:
            self.tag.set_text("")
        self.setVisible(card is not None)
        if card is None:
            self._key = key
            return
        if key != self._key or not self.title.hasFocus():
            self.title.set_text(card.info.config.title)
        self._key = key
        self.title.setPlaceholderText(card.info.name)
        self.tags.set_tags(card.tags)
        self.devices.set_value(run_list.devices)
        self.nodes.set_value(run_list.nodes)
        if self.line.toPlainText() != run_list.line:
            self.line.setPlainText(run_list.line)

    def _add_tag(self) -> None:
        text = self.tag.text().strip()
        self.tag.set_text("")
        if text:
            self.tagAdded.emit(self._key, text)
