"""The set-up of a stage: its preset and the knobs that matter for points; the rest is folded away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.core.knob_forms import KnobForm
from app.lab.setups import SHARED
from app.lab.shortcuts import keys_text
from app.lab.state import LabState, StageSetup, set_up_title
from app.widgets.buttons import button
from app.widgets.fields import Combo, TextField
from app.widgets.form import Section
from app.widgets.labels import breakable, kind_label
from app.widgets.layout import discard, hbox, vbox
from app.widgets.segmented import Segmented
from engine.api import Knob, Value
from engine.errors import UsageError
from engine.lab import LabCatalogue

FIRST: Final = 2
"""Knobs of the family that are seen at once."""
FIRST_TRAINING: Final = ("learning_rate",)


class SetupPanel(QWidget):
    """Emits what is wanted for the stage that is chosen."""

    presetChosen = Signal(str)
    knobsChanged = Signal(dict, dict)
    refused = Signal(str)
    stageChosen = Signal(int)
    copyWanted = Signal()
    pasteWanted = Signal()

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage = Segmented((("0", "A"), ("1", "B")), tooltip="Whose set-up this is (B)")
        self.preset = Combo(tooltip="What the stage starts from: a family with knobs that suit it")
        self.problem = kind_label("error", wordWrap=True)
        self.forms: dict[str, KnobForm] = {}
        self.more: Section | None = None
        self._body = QWidget()
        self._made_of: object = None
        self._shown: tuple[object, ...] = ()
        self._told: tuple[StageSetup, int, int] | None = None
        top = hbox(self.stage, self.preset, gap_px=8, stretch={1: 1})
        self.copy = button(
            "Copy", f"All of the set-up as one line to the clipboard ({keys_text('lab.copy')})", kind="quiet"
        )
        self.paste = button("Paste", f"Stages of such a line ({keys_text('lab.paste')})", kind="quiet")
        self.copy.clicked.connect(lambda: self.copyWanted.emit())
        self.paste.clicked.connect(lambda: self.pasteWanted.emit())
        for push in (self.copy, self.paste):
            push.setFixedHeight(22)
        head = hbox(Section("Set-up", collapsible=False), self.copy, self.paste, gap_px=2, stretch={0: 1})
        column = vbox(head, top, self._body, self.problem, gap_px=6)
        self._place = column
        self.setLayout(column)
        self.problem.hide()
        self.stage.changed.connect(lambda key: self.stageChosen.emit(int(key)))
        self.preset.changed.connect(self.presetChosen)

    def show_lab(self, state: LabState) -> None:
        """The set-up of the chosen stage."""
        catalogue = state.catalogue
        if catalogue is None or not state.stages:
            return
        chosen, info = min(state.chosen, len(state.stages) - 1), state.info
        # Thirty times a second nothing of this changes.
        now = (catalogue, chosen, info, *((one.setup, one.said) for one in state.stages))
        if now == self._shown:
            return
        self._shown = now
        stage = state.stages[chosen]
        compared = len(state.stages) == 2
        self.stage.setVisible(compared)
        if compared:
            self.stage.set_current(str(chosen))
        dimension = 2 if info is None else info.dimension
        # What stands there is listed in any case.
        own = stage.setup.preset
        offered = [row for row in catalogue.lesson_presets if row.name == own]
        offered += [row for row in catalogue.presets if dimension in row.dimensions or row.name == own]
        self.preset.set_options([(row.name, set_up_title(catalogue, row.name)) for row in offered])
        self.preset.set_current(stage.setup.preset)
        self._show_knobs(catalogue, stage.setup)
        told = stage.setup, chosen, len(state.stages)
        if self._told != told:
            self._told = told
            # What it has from the first stage.
            self._fill(stage.setup, held=() if chosen == 0 else ("seed",) if state.seeded else SHARED)
        self._mark(state, chosen)
        said = breakable(stage.said)
        if said != self.problem.text():
            self.problem.setText(said)
            self.problem.setVisible(bool(stage.said))

    def _show_knobs(self, catalogue: LabCatalogue, setup: StageSetup) -> None:
        """Forms for this family, made anew where another one is shown."""
        if self._made_of == (setup.family, setup.preset):
            return
        self._made_of, self._told = (setup.family, setup.preset), None
        own, training = catalogue.family(setup.family).knobs, catalogue.training_knobs
        first = [knob for knob in training if knob.name in FIRST_TRAINING]
        rest = [knob for knob in training if knob.name not in FIRST_TRAINING]
        groups: Sequence[tuple[str, Sequence[Knob], Mapping[str, Value]]] = (
            ("own", own[:FIRST], setup.knobs),
            ("training", first, setup.training),
            ("own more", own[FIRST:], setup.knobs),
            ("training more", rest, setup.training),
        )
        self.forms = {name: KnobForm(knobs, defaults) for name, knobs, defaults in groups}
        # What was unfolded stays so for the next stage.
        more = self.more = Section("More knobs", collapsed=self.more is None or self.more.is_collapsed())
        for name in ("own more", "training more"):
            more.add(self.forms[name])
        for form in self.forms.values():
            form.changed.connect(self._changed)
        body = QWidget()
        body.setLayout(vbox(self.forms["own"], self.forms["training"], more, gap_px=6))
        # `replaceWidget` hands its item over to Python and frees it as well.
        index = self._place.indexOf(self._body)
        self._place.removeWidget(self._body)
        self._place.insertWidget(index, body)
        discard([self._body])
        self._body = body

    def _fill(self, setup: StageSetup, *, held: Sequence[str]) -> None:
        for name, form in self.forms.items():
            form.set_values(setup.knobs if name.startswith("own") else setup.training)
            for field in form.fields.values():
                if isinstance(field, TextField):
                    field.setCursorPosition(0)
        for name in SHARED:
            field = self.forms["training more"].fields[name]
            field.setEnabled(name not in held)

    def _mark(self, state: LabState, chosen: int) -> None:
        """The knobs that differ from the other stage, where that is of the same family."""
        other = state.stages[1 - chosen].setup if len(state.stages) == 2 else None
        same = other is not None and other.family == state.stages[chosen].setup.family
        for name, form in self.forms.items():
            reference = None
            if other is not None and (same or not name.startswith("own")):
                reference = other.knobs if name.startswith("own") else other.training
            form.mark(None if reference is None else {**_defaults(form), **reference}, where="on the other stage")

    def _changed(self) -> None:
        try:
            values = {name: form.values() for name, form in self.forms.items()}
        except UsageError as error:
            self.refused.emit(str(error))
            return
        own = {**values["own"], **values["own more"]}
        self.knobsChanged.emit(own, {**values["training"], **values["training more"]})


def _defaults(form: KnobForm) -> dict[str, Value]:
    return {knob.name: knob.default for knob in form.knobs}
