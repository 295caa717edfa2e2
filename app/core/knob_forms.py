"""A form from a list of knobs: hyper-parameters and settings alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.theme import set_kind
from app.widgets.form import Combo, FloatField, FormRows, IntField, TextField, Toggle
from app.widgets.layout import vbox
from engine.api import Knob, Value
from engine.errors import UsageError

LABEL_PX: Final = 88
INT_LIMIT: Final = 2**31 - 1
FLOAT_LIMIT: Final = 1e12


class KnobForm(QWidget):
    """One row a knob. `values` gives those that differ from what the form was made with."""

    changed = Signal()

    def __init__(self, knobs: Sequence[Knob], defaults: Mapping[str, Value]) -> None:
        super().__init__()
        self.knobs = tuple(knobs)
        self._defaults = {knob.name: defaults.get(knob.name, knob.default) for knob in knobs}
        self._read: dict[str, Callable[[], Value]] = {}
        self._write: dict[str, Callable[[Value], None]] = {}
        self.fields: dict[str, QWidget] = {}
        self.labels: dict[str, QLabel] = {}
        rows = FormRows(label_px=LABEL_PX)
        for knob in knobs:
            field = self._field(knob, self._defaults[knob.name])
            field.setToolTip(explained(knob))
            field.setAccessibleName(knob.title)
            self.fields[knob.name] = field
            self.labels[knob.name] = rows.add_row(knob.title, field, explained(knob))
        self.setLayout(vbox(rows))

    def values(self) -> dict[str, Value]:
        """All knobs of the form, checked.

        Raises:
            UsageError: a value is out of its range.
        """
        return {knob.name: self._checked(knob) for knob in self.knobs}

    def _checked(self, knob: Knob) -> Value:
        field = self.fields[knob.name]
        if isinstance(field, IntField | FloatField) and not field.is_valid():
            raise UsageError(f"{knob.title} is no value that this knob can have: {field.toolTip()}.")
        return knob.check(self._read[knob.name]())

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Sets the knobs that are named; the others go back to their defaults."""
        for knob in self.knobs:
            self._write[knob.name](values.get(knob.name, self._defaults[knob.name]))

    def put(self, values: Mapping[str, Value]) -> None:
        """Sets the knobs that are named and leaves the others; those that the form does not have are passed over."""
        for knob in self.knobs:
            if knob.name in values:
                self._write[knob.name](values[knob.name])

    def mark(self, reference: Mapping[str, Value] | None, *, where: str = "in the other run") -> int:
        """Marks the knobs that differ from `reference` (none where it is None); gives how many do."""
        differing = 0
        for knob in self.knobs:
            label, tip = self.labels[knob.name], explained(knob)
            there = reference.get(knob.name, self._defaults[knob.name]) if reference is not None else None
            differs = there is not None and not self._is(knob, there)
            differing += differs
            set_kind(label, "changed" if differs else "")
            label.setToolTip(f"{tip}\n{_shown(there)} {where}" if differs and there is not None else tip)
        return differing

    def _is(self, knob: Knob, value: Value) -> bool:
        try:
            return self._checked(knob) == knob.check(value)
        except UsageError:
            return False

    def _field(self, knob: Knob, value: Value) -> QWidget:
        name = knob.name
        if knob.choices:
            return self._choice(knob, value)
        if knob.kind is bool:
            toggle = Toggle(checked=bool(value))
            self._read[name], self._write[name] = toggle.isChecked, lambda v: toggle.setChecked(bool(v))
            toggle.changed.connect(lambda _: self.changed.emit())
            return toggle
        if knob.kind is int:
            low, high = int(knob.low or 0), int(knob.high if knob.high is not None else INT_LIMIT)
            whole = IntField(low, high, int(value), unit=knob.unit)
            self._read[name], self._write[name] = whole.value, lambda v: whole.set_value(int(v))
            whole.changed.connect(lambda _: self.changed.emit())
            return whole
        if knob.kind is float:
            low_f = -FLOAT_LIMIT if knob.low is None else knob.low
            high_f = FLOAT_LIMIT if knob.high is None else knob.high
            number = FloatField(low_f, high_f, float(value), unit=knob.unit)
            self._read[name], self._write[name] = number.value, lambda v: number.set_value(float(v))
            number.changed.connect(lambda _: self.changed.emit())
            return number
        text = TextField(str(value))
        self._read[name], self._write[name] = text.text, lambda v: text.set_text(str(v))
        text.changed.connect(lambda _: self.changed.emit())
        return text

    def _choice(self, knob: Knob, value: Value) -> QWidget:
        by_key = {str(choice): choice for choice in knob.choices}
        combo = Combo([(key, key.replace("_", " ")) for key in by_key])
        combo.set_current(str(value))
        self._read[knob.name] = lambda: by_key[combo.current()]
        self._write[knob.name] = lambda v: combo.set_current(str(v))
        combo.changed.connect(lambda _: self.changed.emit())
        return combo


def fitting(knobs: Sequence[Knob], values: Mapping[str, object]) -> dict[str, Value]:
    """Those of `values` that these knobs can have: a run of another version may hold others."""
    found: dict[str, Value] = {}
    for knob in knobs:
        if knob.name in values:
            try:
                found[knob.name] = knob.check(values[knob.name])
            except UsageError:
                continue
    return found


def explained(knob: Knob) -> str:
    """A knob's tooltip: what it does, its unit, range and default."""
    lines = [knob.help] if knob.help else [knob.title]
    if knob.low is not None and knob.high is not None:
        lines.append(
            f"{knob.low:g} to {knob.high:g}{' ' + knob.unit if knob.unit else ''}, default {_shown(knob.default)}"
        )
    elif knob.unit:
        lines.append(f"In {knob.unit}, default {_shown(knob.default)}")
    else:
        lines.append(f"Default {_shown(knob.default)}")
    return "\n".join(lines)


def _shown(value: Value) -> str:
    return (
        ("on" if value else "off")
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
