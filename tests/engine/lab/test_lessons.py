"""Every number of every lesson is measured, and every lesson is whole."""

from __future__ import annotations

import pytest

from engine.lab.games import RULES
from engine.lab.lessons import DECKS, LAYERS, LESSONS, Check
from engine.lab.lines import read
from engine.lab.stage import Stage
from engine.lab.sweeps import SWEEPS, swept
from engine.lab.written import written

LENGTHY = ("tries-alone", "tries-linear", "tries-volume", "tilted-free", "gap-identity", "line-mean")
"""Seconds of training each, with others of their lesson that take none."""
NUMBERS = [
    pytest.param(check, id=name, marks=pytest.mark.slow if check.slow or name in LENGTHY else ())
    for row in LESSONS.values()
    for check in row.checks
    for name in (f"{row.name}-{check.name}",)
]
EVERY = pytest.mark.parametrize("row", LESSONS.values(), ids=LESSONS.keys())


@pytest.mark.parametrize("check", NUMBERS)
def test_a_lesson_says_what_is_so(check):
    value = check.measure()
    assert check.holds(value), f"{check.title}: {value}, and not {check.sense} {check.target} +- {check.tolerance}"


@EVERY
def test_a_lesson_is_whole(row):
    assert row.deck in DECKS
    assert set(row.layers) <= set(LAYERS)
    assert set(row.game) <= set(RULES)
    assert 0 < len(row.stages) + len(row.game) + bool(row.sweep)
    assert not row.sweep or row.sweep in SWEEPS
    assert len(row.stages) <= 2
    assert len({check.name for check in row.checks}) == len(row.checks) > 0
    for sentence in (*row.sentences, row.answer, *([row.erratum] if row.erratum else [])):
        assert sentence.endswith("."), sentence
        assert len(sentence) < 400
    assert row.question.endswith("?")


@EVERY
def test_its_stages_are_made_and_come_back_from_their_lines(row):
    for setup in row.stages:
        assert read(written(setup)) == setup
        stage = Stage(setup)
        stage.advance(1)
        assert stage.samples(4).shape == (4, stage.truth.dimension)


def test_numbers_and_names_are_each_ones_own():
    assert len({row.number for row in LESSONS.values()}) == len(LESSONS)
    assert [row.name for row in LESSONS.values()] == list(LESSONS)


@pytest.mark.parametrize(
    ("sense", "good", "bad"),
    [("about", (0.9, 1.1), (0.8, 1.2)), ("at most", (-5, 1.1), (1.2,)), ("at least", (0.9, 9), (0.8,))],
)
def test_a_check_can_fail(sense, good, bad):
    check = Check("a", "A", 1.0, 0.1001, lambda: 1.0, sense=sense)
    assert all(check.holds(value) for value in good)
    assert not any(check.holds(value) for value in bad)
    assert not check.holds(float("nan"))


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_is_of_the_numbers_that_its_lesson_measures(name):
    seen = swept(name)
    curves = {one.title: dict(zip(seen.at.round(6).tolist(), one.values.tolist(), strict=True)) for one in seen.series}
    if name == "distances":
        assert curves["JS"][1.0] == pytest.approx(0.1114, abs=1e-4)
        assert curves["TV"][3.0] == pytest.approx(0.8664, abs=1e-4)
        assert curves["W1"][6.0] == pytest.approx(6.0, abs=1e-6)
        assert [curve[0.0] for curve in curves.values()] == pytest.approx([0.0] * 3, abs=1e-9)
    else:
        assert curves["Minimax"][10.0] == pytest.approx(4.5e-6, abs=1e-7)
        assert curves["Non-saturating"][10.0] == pytest.approx(10.0, abs=1e-3)
        assert set(curves["Wasserstein"].values()) == {1.0}
    assert len({len(one.values) for one in seen.series} | {len(seen.at)}) == 1
