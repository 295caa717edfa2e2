"""What the window needs of each lesson."""

from __future__ import annotations

import pytest

from engine.lab.catalogue import catalogue
from engine.lab.lessons import LESSONS
from engine.lab.lessons.hearing import heard
from engine.lab.lessons.measured import advance
from engine.lab.setup import Setup
from engine.lab.stage import Stage
from engine.lab.truths import truth
from engine.progress import Progress


class Halted(Exception):
    pass


@pytest.fixture(scope="module")
def rows():
    return catalogue()


@pytest.mark.parametrize("name", LESSONS)
def test_its_stages_learn_one_truth_and_each_is_a_set_up_of_the_catalogue(rows, name: str):
    lesson, shown = LESSONS[name], rows.lesson(name)
    assert {setup.truth for setup in lesson.stages} <= {shown.truth}
    assert len(lesson.stages) <= 2
    for setup, preset in zip(lesson.stages, map(rows.preset, shown.presets), strict=True):
        assert truth(setup.truth).dimension in preset.dimensions
        assert Setup(setup.truth, preset.family, preset.knobs, type(setup.training)(**preset.training)) == setup


def test_what_trains_for_a_number_halts_when_nobody_waits():
    asked: list[int] = []

    def check() -> None:
        if len(asked) > 2:
            raise Halted
        asked.append(len(asked))

    stage = Stage(LESSONS["averaging"].stages[0])
    with heard(Progress(check)), pytest.raises(Halted):
        advance(stage, 10_000)
    assert 0 < stage.step < 200
