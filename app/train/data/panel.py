"""Which data set is looked at, in the left panel of Train, and what to make of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.core.file_kinds import DATA_SETS
from app.state import AppState, moved
from app.train.data.state import DataChoice, DataState
from app.train.form.view import CHANNELS, GROUPS, OTHER, side_options
from app.widgets.buttons import button
from app.widgets.form import Combo, FormRows, PathField, Section
from app.widgets.layout import hairline, hbox, held, scrolled, vbox


class DataPanel(QWidget):
    """Emits what was chosen, that it shall be looked at, and that it shall be trained on."""

    chosen = Signal(object)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.data = Combo(tooltip="Which data set.")
        self.path = PathField(mode="folder", filters=DATA_SETS, placeholder="Folder, zip, npz or idx")
        self.labels = PathField(mode="file", filters="CSV (*.csv);;All files (*)", placeholder="labels.csv inside")
        self.group = Combo(GROUPS)
        self.side = Combo(side_options((64,)))
        self.channels = Combo(CHANNELS)
        rows = self._rows = FormRows(label_px=88)
        for label, field, tooltip in (
            ("Data", self.data, "Which data set."),
            ("Path", self.path, "A folder of images, or a zip, npz or idx file; type, drop or browse."),
            ("Labels", self.labels, "A CSV with a column 'file' and attributes as 1 and -1; empty: the one inside."),
            ("Split by", self.group, "What stays together, in training or outside it: a person, a folder."),
            ("Image size", self.side, "Side of the images in pixels, as they are trained on."),
            ("Colours", self.channels, "Colour, or grey for pictures such as digits."),
        ):
            rows.add_row(label, field, tooltip)
            field.changed.connect(lambda _text: self._tell())
        self.look = button("Look", "Count, measure and search for copies", kind="primary")
        self.train = button("Train on this", "Put this data set into the form of a new run")
        self.notes = QLabel(wordWrap=True)
        section, self._remarks = Section("Data set", collapsible=False), Section("Remarks", collapsible=False)
        section.add(rows)
        self._remarks.add(self.notes)
        inner = held(vbox(section, self._remarks, None, gap_px=16, margins=(16, 8, 16, 8)))
        row = hbox(self.look, self.train, margins=(16, 8, 16, 8))
        self.setLayout(vbox(scrolled(inner), hairline(), row, gap_px=0, stretch={0: 1}))

    def choice(self) -> DataChoice:
        """What the panel says."""
        named = self.data.current()
        return DataChoice(
            path=self.path.path() if named == OTHER else named,
            labels=self.labels.path(),
            group=self.group.current(),
            size=int(self.side.current()),
            channels=int(self.channels.current()),
        )

    def _tell(self) -> None:
        self._rows.set_row_visible(self.path, self.data.current() == OTHER)
        self.chosen.emit(self.choice())

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "catalogue") and now.catalogue is not None:
            self.data.set_options([*now.catalogue.data_sets, (OTHER, "Folder or file…")])
            self.side.set_options(side_options({size for row in now.catalogue.families for size in row.sizes}))
            self._tell()
        if moved(now, before, "data"):
            self._show(now.data)

    def _show(self, data: DataState) -> None:
        survey = data.survey
        if survey is not None:
            columns = [(name, name) for name in survey.data.columns]
            current = self.group.current()
            options = [GROUPS[0], *columns, *GROUPS[1:]]
            self.group.set_options(options)
            self.group.set_current(current if current in dict(options) else "")
        self.look.setEnabled(bool(data.choice.path) and not data.busy)
        self.train.setEnabled(bool(data.choice.path))
        stale = survey is not None and data.looked != data.choice
        lines = [data.message] if data.message else ["Something else is chosen now: press Look."] if stale else []
        if survey is not None and not stale and not data.message:
            lines += survey.sentences or ("Nothing stands out.",)
        self.notes.setText("\n\n".join(lines))
        self._remarks.setVisible(bool(lines))
