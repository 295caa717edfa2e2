"""The form of a new run: data, family, preset and knobs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.forms import KnobForm
from app.shortcuts import keys_text
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.form import Combo, FormRows, PathField, Section, TextField
from app.widgets.layout import hairline, hbox, scrolled, vbox
from engine.api import Catalogue, FamilyInfo, TrainRequest
from engine.errors import UsageError
from engine.knobs import Value

OTHER: Final = "other"
SIZES: Final = (("32", "32 px"), ("64", "64 px"), ("128", "128 px"))
CHANNELS: Final = (("3", "Colour"), ("1", "Grey"))
DATA_FILTERS: Final = "Image archives (*.zip *.npz *.gz *-ubyte *.idx);;All files (*)"


class TrainForm(QWidget):
    """Emits the request when the person starts it; `wrong` says why it cannot be started."""

    startWanted = Signal(object)
    wrong = Signal(str)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue: Catalogue | None = None
        self._forms: list[KnobForm] = []
        self.data = Combo(tooltip="What to learn from.")
        self.path = PathField(mode="folder", placeholder="Folder, zip, npz or idx")
        self.path.setToolTip("A folder of images, or a zip, npz or idx file; type, drop or browse.")
        self.side = Combo(SIZES, tooltip="Side of the images in pixels; smaller trains faster.")
        self.channels = Combo(CHANNELS, tooltip="Colour, or grey for pictures such as digits.")
        self.family = Combo(tooltip="Which kind of model.")
        self.preset = Combo(tooltip="How large the model is.")
        self.title = TextField(placeholder="optional")
        self.title.setToolTip("A name for the run.")
        self.summary = QLabel(wordWrap=True)
        self.summary.setProperty("kind", "small")
        self.side.set_current("64")
        self._rows = FormRows(label_px=88)
        for label, field in (
            ("Data", self.data),
            ("Path", self.path),
            ("Image size", self.side),
            ("Colours", self.channels),
            ("Family", self.family),
            ("Preset", self.preset),
            ("Title", self.title),
        ):
            self._rows.add_row(label, field, field.toolTip())
        self._rows.add_wide(self.summary)
        self._rows.set_row_visible(self.path, False)
        self.data.changed.connect(lambda _: self._data_changed())
        self.family.changed.connect(lambda _: self._family_changed())
        self.preset.changed.connect(lambda _: self._preset_changed())
        self.start = button("Start", f"Start training ({keys_text('train.start')})", kind="primary")
        self.start.clicked.connect(lambda: self.submit())
        self.start.setEnabled(False)
        section = Section("New run", collapsible=False)
        section.add(self._rows)
        self._plain, self._advanced = Section("Knobs"), Section("Advanced", collapsed=True)
        inner = QWidget()
        column = vbox(section, self._plain, self._advanced, None, gap_px=12)
        column.setContentsMargins(16, 8, 16, 8)
        inner.setLayout(column)
        row = hbox(self.start)
        row.setContentsMargins(16, 8, 16, 8)
        # The line says that the form goes on beneath it.
        outer = vbox(scrolled(inner), hairline(), row, gap_px=0)
        outer.setStretch(0, 1)
        self.setLayout(outer)

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "catalogue") and now.catalogue is not None:
            self._make(now.catalogue)
        if moved(now, before, "training", "catalogue", "closing"):
            free = now.training is None and not now.closing
            self.start.setEnabled(free and now.catalogue is not None)
            why = f"Start training ({keys_text('train.start')})" if free else "A run is being trained: stop it first."
            self.start.setToolTip(why)

    def _make(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.data.set_options([*catalogue.data_sets, (OTHER, "Folder or file…")])
        self.family.set_options([(family.name, family.title) for family in catalogue.families])
        self._data_changed()
        self._family_changed()

    def _data_changed(self) -> None:
        self._rows.set_row_visible(self.path, self.data.current() == OTHER)

    def _chosen(self) -> FamilyInfo | None:
        families = self._catalogue.families if self._catalogue is not None else ()
        return next((family for family in families if family.name == self.family.current()), None)

    def _family_changed(self) -> None:
        family = self._chosen()
        if family is None or self._catalogue is None:
            return
        self.summary.setText(family.summary)
        self.preset.set_options([(name, name) for name in family.presets])
        knobs = self._catalogue.training_knobs
        for form in self._forms:
            form.setParent(None)
            form.deleteLater()
        self._forms = []
        for section, advanced in ((self._plain, False), (self._advanced, True)):
            for source, defaults in ((family.model_knobs, {}), (knobs, family.training_defaults)):
                chosen = [knob for knob in source if knob.advanced == advanced]
                if chosen:
                    form = KnobForm(chosen, defaults)
                    section.add(form)
                    self._forms.append(form)
        count = sum(len(form.knobs) for form in self._forms if form.knobs[0].advanced)
        self._advanced.set_title(f"Advanced ({count})")
        self._advanced.setVisible(count > 0)
        self._preset_changed()

    def _preset_changed(self) -> None:
        family = self._chosen()
        if family is not None:
            values = family.presets.get(self.preset.current(), {})
            names = {knob.name for knob in family.model_knobs}
            for form in self._forms:
                if form.knobs[0].name in names:
                    form.set_values(values)

    def knob_form(self, name: str) -> KnobForm:
        """The form that holds knob `name`; raises KeyError when there is none."""
        for form in self._forms:
            if name in form.fields:
                return form
        raise KeyError(name)

    def request(self) -> TrainRequest:
        """What the form says.

        Raises:
            UsageError: no data, or a knob out of range.
        """
        family = self._chosen()
        if family is None:
            raise UsageError("The form is not ready yet: wait a moment.")
        data = self.path.path().strip() if self.data.current() == OTHER else self.data.current()
        if not data:
            raise UsageError("There is no data yet: choose a folder or file of images.")
        if not Path(data).expanduser().exists():
            raise UsageError(f"{data} is not there: choose a folder or file of images.")
        names = {knob.name for knob in family.model_knobs}
        values: dict[str, Value] = {}
        for form in self._forms:
            values |= form.values()
        return TrainRequest(
            family=family.name,
            data=data,
            size=int(self.side.current()),
            channels=int(self.channels.current()),
            model={name: value for name, value in values.items() if name in names},
            training={name: value for name, value in values.items() if name not in names},
            title=self.title.text().strip(),
        )

    def submit(self) -> None:
        """Starts what the form says, or says what is wrong with it."""
        if not self.start.isEnabled():
            return
        try:
            request = self.request()
        except UsageError as error:
            self.wrong.emit(str(error))
            return
        self.startWanted.emit(request)
