"""A knob is declared once and checks what it is given."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.families import FAMILIES, model_knobs
from engine.knobs import Knob, from_json, knob, knobs_of, to_json
from engine.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Config:
    count: int = knob(3, "Count", "How many.", low=1, high=9, unit="pieces")
    rate: float = knob(0.5, "Rate", low=0.0, high=1.0, log=True)
    on: bool = knob(True, "On")
    way: str = knob("left", "Way", choices=("left", "right"))
    bits: int = knob(5, "Bits", choices=(5, 8), advanced=True)
    hidden: int = 7


KNOBS = {k.name: k for k in knobs_of(Config)}


def test_knobs_are_the_declared_fields_in_order_and_no_others():
    assert list(KNOBS) == ["count", "rate", "on", "way", "bits"]
    assert KNOBS["count"] == Knob(
        name="count", kind=int, default=3, title="Count", help="How many.", low=1, high=9, unit="pieces"
    )
    assert (KNOBS["rate"].log, KNOBS["bits"].advanced, KNOBS["way"].choices) == (True, True, ("left", "right"))


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("count", "4", 4),
        ("count", 4.0, 4),
        ("count", " 4 ", 4),
        ("rate", 1, 1.0),
        ("rate", "2.5e-1", 0.25),
        ("on", "off", False),
        ("on", "YES", True),
        ("way", "right", "right"),
        ("bits", "8", 8),
    ],
)
def test_values_of_forms_flags_and_json_become_the_knobs_type(name, given, value):
    found = KNOBS[name].check(given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("count", 0, "between 1 and 9"),
        ("count", "10", "between 1 and 9"),
        ("count", 2.5, "whole number"),
        ("count", True, "whole number"),
        ("count", "many", "whole number"),
        ("count", float("inf"), "whole number"),
        ("rate", -0.1, "between 0 and 1"),
        ("rate", float("nan"), "a number"),
        ("rate", "1e400", "a number"),
        ("rate", 10**400, "a number"),
        ("rate", None, "a number"),
        ("on", 2, "on or off"),
        ("on", "perhaps", "on or off"),
        ("way", "up", "left, right"),
        ("way", 3, "a word"),
        ("bits", 6, "5, 8"),
    ],
)
def test_wrong_values_are_refused_by_the_knobs_name_and_what_it_takes(name, given, words):
    with pytest.raises(UsageError, match=f"^{name} must be .*{words}"):
        KNOBS[name].check(given)


def test_unknown_names_are_refused_by_naming_the_known():
    with pytest.raises(UsageError, match=r"'cuont'.*count, rate, on, way, bits"):
        from_json(Config, {"cuont": 1})


@given(
    count=st.integers(1, 9),
    rate=st.floats(0, 1),
    on=st.booleans(),
    way=st.sampled_from(["left", "right"]),
    bits=st.sampled_from([5, 8]),
)
def test_configs_come_back_from_json_exactly(count, rate, on, way, bits):
    config = Config(count=count, rate=rate, on=on, way=way, bits=bits)
    assert from_json(Config, json.loads(json.dumps(to_json(config)))) == config


@given(st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.lists(st.integers()), st.booleans()))
def test_any_value_is_taken_within_bounds_or_refused(value):
    for item in KNOBS.values():
        try:
            found = item.check(value)
        except UsageError:
            continue
        assert type(found) is item.kind
        assert not item.choices or found in item.choices
        assert item.low is None or item.low <= found <= item.high


def test_every_knob_of_the_program_explains_itself_and_takes_its_own_default():
    for name in (*FAMILIES, None):
        for item in knobs_of(TrainConfig) if name is None else model_knobs(name):
            assert item.title, item.name
            assert item.help.endswith("."), item.name
            assert item.check(item.default) == item.default
            if item.kind is str and not item.choices:
                assert item.read is not None, f"{item.name} takes any text"
            elif item.kind is not bool and not item.choices:
                assert item.low is not None, item.name
                assert item.high is not None, item.name
