"""Forms from knobs: every knob gets a field of its kind, and what the form gives is checked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pytestqt.qtbot import QtBot

from app.core.knob_forms import KnobForm, explained
from app.widgets.form import Combo, FloatField, IntField, TextField, Toggle
from engine.errors import UsageError
from engine.families import FAMILIES
from engine.knobs import from_json, knob, knobs_of
from engine.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Config:
    """One knob of every kind."""

    count: int = knob(3, "Count", "How many.", low=1, high=9, unit="images")
    rate: float = knob(0.5, "Rate", low=0.0, high=1.0)
    on: bool = knob(True, "On")
    kind: str = knob("a", "Kind", choices=("a", "b_c"))
    word: str = knob("x", "Word")


def test_fields_by_kind(qtbot: QtBot) -> None:
    form = KnobForm(knobs_of(Config), {})
    qtbot.addWidget(form)
    kinds = {name: type(field) for name, field in form.fields.items()}
    assert kinds == {"count": IntField, "rate": FloatField, "on": Toggle, "kind": Combo, "word": TextField}
    assert from_json(Config, form.values()) == Config()
    assert all(field.toolTip() for field in form.fields.values())


def test_defaults_and_presets(qtbot: QtBot) -> None:
    form = KnobForm(knobs_of(Config), {"rate": 0.25})
    qtbot.addWidget(form)
    form.set_values({"count": 5, "kind": "b_c"})
    assert form.values() == {"count": 5, "rate": 0.25, "on": True, "kind": "b_c", "word": "x"}
    form.set_values({})
    assert form.values()["count"] == 3


def test_typed_nonsense_is_refused_with_a_sentence(qtbot: QtBot) -> None:
    form = KnobForm(knobs_of(Config), {})
    qtbot.addWidget(form)
    field = form.fields["count"]
    field.setText("many")
    field.returnPressed.emit()
    with pytest.raises(UsageError, match="Count"):
        form.values()


def test_a_tooltip_names_unit_range_and_default() -> None:
    words = explained(knobs_of(Config)[0])
    assert "How many." in words
    assert "1 to 9 images" in words
    assert "default 3" in words


@pytest.mark.parametrize("config", [TrainConfig, *(row.config for row in FAMILIES.values())])
def test_every_real_knob_survives_the_form(qtbot: QtBot, config: type) -> None:
    """What the form shows and gives back is exactly the defaults: no field rounds them away."""
    form = KnobForm(knobs_of(config), {})
    qtbot.addWidget(form)
    assert from_json(config, form.values()) == config()
