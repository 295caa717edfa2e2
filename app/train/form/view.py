"""The form of a new run: data, family, preset and knobs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from app.core.knob_forms import KnobForm, fitting
from app.state import AppState, moved
from app.train.data.state import DataChoice
from app.train.form.extras import DraftBanner, HostRow
from app.train.runs.state import Draft
from app.train.shortcuts import keys_text
from app.widgets.buttons import button
from app.widgets.form import Combo, FormRows, PathField, Section, TextField
from app.widgets.labels import kind_label
from app.widgets.layout import discard, hairline, held, scrolled, vbox
from engine.api import Catalogue, FamilyInfo, Knob, TrainRequest, Value
from engine.data import BY_FOLDER
from engine.errors import UsageError

OTHER: Final = "other"
COST_MS: Final = 700
"""How long the form rests before its cost is worked out."""
GROUPS: Final = (("", "By itself"), (BY_FOLDER, "Folder"))
CHANNELS: Final = (("3", "Colour"), ("1", "Grey"))


def side_options(sizes: Iterable[int]) -> list[tuple[str, str]]:
    """Sides of pictures as the choices of a box, rising."""
    return [(str(size), f"{size} px") for size in sorted(sizes)]


class TrainForm(QWidget):
    """Emits the request when the person starts it; `wrong` says why it cannot be started."""

    startWanted = Signal(object)
    wrong = Signal(str)
    costAsked = Signal(object)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue: Catalogue | None = None
        self._forms: list[KnobForm] = []
        self._draft: Draft | None = None
        self._images: int | None = None
        self.data = Combo(tooltip="What to learn from.")
        self.path = PathField(mode="folder", placeholder="Folder, zip, npz or idx")
        self.path.setToolTip("A folder of images, or a zip, npz or idx file; type, drop or browse.")
        self.labels = PathField(mode="file", filters="CSV (*.csv);;All files (*)", placeholder="labels.csv inside")
        self.labels.setToolTip("A CSV with a column 'file' and attributes as 1 and -1; empty takes the one inside.")
        self.group = Combo(GROUPS, tooltip="Pictures of one person or folder stay together in training or outside it.")
        self.side = Combo(side_options((64,)), tooltip="Side of the images in pixels; smaller trains faster.")
        self.channels = Combo(CHANNELS, tooltip="Colour, or grey for pictures such as digits.")
        self.family = Combo(tooltip="Which kind of model.")
        self.preset = Combo(tooltip="How large the model is, and how long the small one is trained.")
        self.title = TextField(placeholder="optional")
        self.title.setToolTip("A name for the run.")
        self.summary = kind_label("small", wordWrap=True)
        self.cost = kind_label("small", wordWrap=True)
        self.cost.setToolTip("Estimates for this machine at rest; memory is beside the program's own.")
        self._cost_timer = QTimer(self, interval=COST_MS, singleShot=True)
        self._cost_timer.timeout.connect(self._ask_cost)
        self._rows = FormRows(label_px=88)
        for label, field in (
            ("Data", self.data),
            ("Path", self.path),
            ("Labels", self.labels),
            ("Split by", self.group),
            ("Image size", self.side),
            ("Colours", self.channels),
            ("Family", self.family),
            ("Preset", self.preset),
            ("Title", self.title),
        ):
            self._rows.add_row(label, field, field.toolTip())
        self._rows.add_wide(self.summary)
        self._rows.add_wide(self.cost)
        self.data.changed.connect(lambda _: self._data_changed())
        self.family.changed.connect(lambda _: self._family_changed())
        self.preset.changed.connect(lambda _: self._preset_changed())
        self.side.changed.connect(lambda _: self._preset_changed())
        self.channels.changed.connect(lambda _: self._ask_cost_soon())
        self.start = button("Start", f"Start training ({keys_text('train.start')})", kind="primary", do=self.submit)
        self.start.setEnabled(False)
        section = Section("New run", collapsible=False)
        section.add(self._rows)
        self._plain, self._advanced = Section("Knobs"), Section("Advanced", collapsed=True)
        self.banner = DraftBanner()
        column = vbox(self.banner, section, self._plain, self._advanced, None, gap_px=12, margins=(16, 8, 16, 8))
        inner = held(column)
        self.hosts = HostRow(self.start)
        # The line says that the form goes on beneath it.
        self.setLayout(vbox(scrolled(inner), hairline(), self.hosts, gap_px=0, stretch={0: 1}))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "catalogue") and now.catalogue is not None:
            self._make(now.catalogue)
        if moved(now, before, "data", "train_panel"):
            self._count(now)
        if moved(now, before, "draft", "catalogue") and now.catalogue is not None:
            self._show_draft(now.draft)
        if moved(now, before, "train_cost"):
            self.cost.setText(now.train_cost)
            self.cost.setVisible(bool(now.train_cost))
        if moved(now, before, "workspace", "training") and now.workspace == "train":
            self._ask_cost_soon()
        if now.closing:
            self._cost_timer.stop()
        if moved(now, before, "train_in", "on_close"):
            self.hosts.show_choice(now.train_in, now.on_close)
        if moved(now, before, "training", "catalogue", "closing", "train_in"):
            free = (now.training is None or now.train_in == "process") and not now.closing
            self.start.setEnabled(free and now.catalogue is not None)
            why = f"Start training ({keys_text('train.start')})" if free else "A run is being trained: stop it first."
            self.start.setToolTip(why)

    def _show_draft(self, draft: Draft | None) -> None:
        """Fills the form from another run, once; then only its banner and its marks follow."""
        before, self._draft = self._draft, draft
        if draft is not None and (before is None or before.request is not draft.request):
            self._fill(draft)
        self._lock(draft is not None and draft.start is not None)
        self._mark()

    def _fill(self, draft: Draft) -> None:
        asked = draft.request
        if asked.family not in [row.name for row in self._catalogue.families] if self._catalogue else []:
            self.wrong.emit(f"{draft.name} is of the family {asked.family}, which cannot be trained here.")
            return
        channels = asked.channels if str(asked.channels) in dict(CHANNELS) else int(self.channels.current())
        self.family.set_current(asked.family)
        self._family_changed()
        self.set_data(DataChoice(asked.data, asked.labels or "", asked.group, asked.size, channels))
        self._preset_changed()
        for form in self._forms:
            form.set_values(fitting(form.knobs, {**asked.model, **asked.training}))
        after = "again" if draft.start is None else "continued"
        self.title.set_text(f"{asked.title} {after}" if asked.title else "")

    def _lock(self, locked: bool) -> None:
        """Weights fit only the model that they were trained as."""
        family = self._chosen()
        names = {knob.name for knob in family.model_knobs} if family is not None else set()
        for field in (self.side, self.channels, self.family, self.preset):
            field.setEnabled(not locked)
        for form in self._forms:
            form.setEnabled(not (locked and form.knobs[0].name in names))

    def _ask_cost_soon(self) -> None:
        """Asks once the hand rests, and only while the form is on show; showing it asks again."""
        if self.isVisible():
            self._cost_timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask_cost_soon()

    def hideEvent(self, event: QHideEvent) -> None:
        self._cost_timer.stop()
        super().hideEvent(event)

    def _mark(self) -> None:
        self._ask_cost_soon()
        draft, differing = self._draft, 0
        reference = {**draft.request.model, **draft.request.training} if draft is not None else None
        for form in self._forms:
            differing += form.mark(reference)
        self.banner.show_draft(draft, differing)

    def _make(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.data.set_options([*catalogue.data_sets, (OTHER, "Folder or file…")])
        self.family.set_options([(family.name, family.title) for family in catalogue.families])
        self._data_changed()
        self._family_changed()

    def _data_changed(self) -> None:
        other = self.data.current() == OTHER
        for field in (self.path, self.labels, self.group):
            self._rows.set_row_visible(field, other)

    def set_data(self, choice: DataChoice) -> None:
        """Fills in what is learnt from, as it was looked at."""
        known = self._catalogue is not None and choice.path in dict(self._catalogue.data_sets)
        plain = known and not choice.labels and not choice.group
        self.data.set_current(choice.path if plain else OTHER)
        self.path.set_path(choice.path)
        self.labels.set_path(choice.labels)
        if choice.group not in dict(GROUPS):
            self.group.set_options([*GROUPS, (choice.group, choice.group)])
        self.group.set_current(choice.group)
        if self.side.findData(str(choice.size)) >= 0:
            self.side.set_current(str(choice.size))
        self.channels.set_current(str(choice.channels))
        self._data_changed()

    def _count(self, now: AppState) -> None:
        """How many images there are to train on, where the data set has been looked at."""
        looked, survey = now.data.looked, now.data.survey
        path = self.path.path() if self.data.current() == OTHER else self.data.current()
        known = survey.splits[0] if survey is not None and looked is not None and looked.path == path else None
        if known != self._images:
            self._images = known
            self._preset_changed()

    def _chosen(self) -> FamilyInfo | None:
        families = self._catalogue.families if self._catalogue is not None else ()
        return next((family for family in families if family.name == self.family.current()), None)

    def _family_changed(self) -> None:
        family = self._chosen()
        if family is None or self._catalogue is None:
            return
        self.summary.setText(family.summary)
        self.side.set_options(side_options(family.sizes))
        self.preset.set_options([(name, name) for name in family.presets])
        knobs = self._catalogue.training_knobs
        discard(self._forms)
        self._forms = []
        for section, advanced in ((self._plain, False), (self._advanced, True)):
            for source, defaults in ((family.model_knobs, {}), (knobs, family.training_defaults)):
                chosen = [knob for knob in source if knob.advanced == advanced]
                if chosen:
                    form = KnobForm(chosen, defaults)
                    section.add(form)
                    form.changed.connect(self._mark)
                    self._forms.append(form)
        count = sum(len(form.knobs) for form in self._forms if form.knobs[0].advanced)
        self._advanced.set_title(f"Advanced ({count})")
        self._advanced.setVisible(count > 0)
        self._preset_changed()

    def _preset_changed(self) -> None:
        family = self._chosen()
        if family is not None:
            defaults = {knob.name: knob.default for knob in self._knobs()} | dict(family.training_defaults)
            preset = family.presets[self.preset.current()]
            chosen = preset.values(
                family.few_images, side=int(self.side.current()), images=self._images, batch=int(defaults["batch"])
            )
            names = {knob.name for knob in family.model_knobs}
            for form in self._forms:
                if form.knobs[0].name in names:
                    form.set_values(chosen)
                else:
                    # Only how long to train: a rate that was set by hand is no matter of the preset's.
                    form.put({name: chosen.get(name, defaults[name]) for name in preset.PACED})
            self._mark()

    def _knobs(self) -> tuple[Knob, ...]:
        return self._catalogue.training_knobs if self._catalogue is not None else ()

    def knob_form(self, name: str) -> KnobForm:
        """The form that holds knob `name`; raises KeyError when there is none."""
        for form in self._forms:
            if name in form.fields:
                return form
        raise KeyError(name)

    def _values(self, family: FamilyInfo) -> tuple[dict[str, Value], dict[str, Value]]:
        """The knobs of the model and those of training; raises UsageError for one out of range."""
        values = {name: value for form in self._forms for name, value in form.values().items()}
        names = {knob.name for knob in family.model_knobs}
        model = {name: value for name, value in values.items() if name in names}
        return model, {name: value for name, value in values.items() if name not in names}

    def request(self) -> TrainRequest:
        """What the form says.

        Raises:
            UsageError: no data, or a knob out of range.
        """
        family = self._chosen()
        if family is None:
            raise UsageError("The form is not ready yet: wait a moment.")
        other = self.data.current() == OTHER
        data = self.path.path().strip() if other else self.data.current()
        if not data:
            raise UsageError("There is no data yet: choose a folder or file of images.")
        if not Path(data).expanduser().exists():
            raise UsageError(f"{data} is not there: choose a folder or file of images.")
        model, training = self._values(family)
        draft = self._draft
        return TrainRequest(
            family=family.name,
            data=data,
            labels=(self.labels.path() or None) if other else None,
            group=self.group.current() if other else "",
            size=int(self.side.current()),
            channels=int(self.channels.current()),
            model=model,
            training=training,
            title=self.title.text().strip(),
            checkpoint=draft.start.path if draft is not None and draft.start is not None else None,
        )

    def _ask_cost(self) -> None:
        """Asks what the run would need, a moment after the last change; its data plays no part."""
        family = self._chosen()
        if family is None or not self.isVisible():
            return
        try:
            model, training = self._values(family)
        except UsageError:
            return
        size, channels = int(self.side.current()), int(self.channels.current())
        self.costAsked.emit(
            TrainRequest(family.name, data="", size=size, channels=channels, model=model, training=training)
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
