"""A set-up as one line: what comes back, and what a bad one is told."""

from __future__ import annotations

import json

import pytest

from engine.errors import UsageError
from engine.lab.lines import read, read_all
from engine.lab.presets import PRESETS
from engine.lab.setup import LabTraining, Setup, with_seeds
from engine.lab.written import written, written_all

SETUP = Setup("moons", "vae", {"code": 1, "posterior": "full"}, LabTraining(steps=7, optimiser="sgd"))


def changed(**values: object) -> str:
    return json.dumps({**json.loads(written(SETUP)), **values})


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_comes_back(name):
    setup = Setup("moons", PRESETS[name].family, dict(PRESETS[name].knobs))
    assert "\n" not in written(setup)
    assert read(written(setup)) == setup
    assert read(written(SETUP)) == SETUP


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no whole set-up"),
        (written(SETUP)[:40], "no whole set-up"),
        ("[" * 5000, "no whole set-up"),
        ("[1]", "begins with"),
        ("{}", "begins with"),
        (changed(lab=2), "version 2"),
        (changed(truth="donut"), "truth must be one of"),
        (changed(truth=["moons"]), "truth must be one of"),
        (changed(family="flow"), "family must be one of"),
        (changed(family={"a": 1}), "family must be one of"),
        (changed(knobs=[1]), "names with values"),
        (changed(knobs={"depth": 3}), "unknown knob 'depth'"),
        (changed(training={"steps": -1}), "steps must be between"),
        (" " * 50_000, "at most 40,000"),
    ],
)
def test_a_line_that_is_cut_or_wrong_is_told_so(line, said):
    with pytest.raises(UsageError, match=said):
        read(line)


def test_two_stages_are_one_line_too():
    both = (SETUP, Setup("moons", "stack", {"recipe": "actnorm"}))
    assert "\n" not in written_all(both)
    assert read_all(written_all(both)) == both
    assert read_all(written_all([SETUP])) == (SETUP,)


def test_seeds_of_one_set_up_are_that_one_and_their_number():
    five = with_seeds(SETUP, 5)
    line = written_all(five)
    assert len(line) < len(written(SETUP)) + 20
    assert read_all(line) == five
    for seeds in (0, 2, 6, True, "5", 5.0, None):
        with pytest.raises(UsageError, match="seeds of a set-up are 1 or 5"):
            read_all(json.dumps({**json.loads(written(SETUP)), "seeds": seeds}))
    # Five that are no seeds of one are not passed off as such.
    others = (*five[:4], Setup(SETUP.truth, "gan"))
    assert "seeds" not in json.loads(written_all(others))


@pytest.mark.parametrize(
    ("stages", "said"),
    [([], "one set-up or 2"), ([SETUP] * 3, "one set-up or 2"), ([SETUP, Setup("ring8")], "the same points")],
)
def test_stages_that_do_not_stand_together_are_refused(stages, said):
    with pytest.raises(UsageError, match=said):
        read_all(json.dumps({"lab": 1, "stages": [json.loads(written(one)) for one in stages]}))
    with pytest.raises(UsageError, match="no set-up of the Lab"):
        read_all(json.dumps({"lab": 1, "stages": [7]}))
