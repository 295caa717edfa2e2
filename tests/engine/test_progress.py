"""One object for "may I go on" and "how far am I"."""

import pytest

from engine.errors import Cancelled
from engine.progress import SILENT, Progress, Step


def stop() -> None:
    raise Cancelled


def test_a_step_is_told_as_it_is():
    told: list[Step] = []
    Progress(tell=told.append).step(3, 10, "encoding", seconds_left=1.5, value=0.2)
    assert told == [Step(3, 10, "encoding", 1.5, 0.2)]


@pytest.mark.parametrize(("done", "of", "told"), [(0, 7, 20), (7, 7, 50), (9, 7, 50), (-1, 7, 20), (1, 0, 20)])
def test_a_part_covers_its_stretch_and_no_more(done, of, told):
    steps: list[Step] = []
    Progress(tell=steps.append).part(20, 50, 100).step(done, of)
    assert (steps[0].done, steps[0].total) == (told, 100)


def test_a_part_of_as_many_counts_one_by_one():
    steps: list[Step] = []
    part = Progress(tell=steps.append).part(4, 64, 64)
    for done in range(61):
        part.step(done, 60)
    assert [step.done for step in steps] == list(range(4, 65))


def test_parts_and_names_go_into_each_other():
    steps: list[Step] = []
    whole = Progress(tell=steps.append)
    whole.named("copies").part(100, 200, 400).part(0, 1, 2).step(1, 1)
    whole.part(0, 10, 10).named("copies").step(1, 10, "its own")
    assert [(step.done, step.total, step.text) for step in steps] == [(150, 400, "copies"), (1, 10, "its own")]


def test_the_time_left_of_a_part_is_not_that_of_the_whole():
    steps: list[Step] = []
    Progress(tell=steps.append).part(0, 1, 2).step(1, 1, seconds_left=3.0)
    assert steps[0].seconds_left is None


@pytest.mark.parametrize("made", [lambda p: p, lambda p: p.part(0, 1, 2), lambda p: p.named("x"), lambda p: p.quiet()])
def test_every_form_asks_the_same_one(made):
    with pytest.raises(Cancelled):
        made(Progress(stop)).check()
    made(SILENT).check()


def test_quiet_says_nothing():
    steps: list[Step] = []
    Progress(tell=steps.append).quiet().step(1, 2)
    assert steps == []
