"""Five seeds in the Lab's window: switched on and off, chosen, taken, and all that else is done with stages."""

from __future__ import annotations

import csv
import json
import statistics
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from app.lab.stage.grid import places
from app.lab.state import NOW
from app.lab.view import rows
from engine.lab import LAST_SEED

from .conftest import App, OpenApp
from .test_lab import LabApp
from .test_lab_files import saved

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def lab(app: App) -> LabApp:
    return LabApp(app)


def made(lab: LabApp, count: int) -> None:
    """Until so many stages stand there, of the set-ups of the state."""
    lab.wait(
        lambda: (
            len(lab.state.stages) == count
            and all(stage.info is not None for stage in lab.state.stages)
            and lab.lab.lab.bench is not None
            and len(lab.lab.lab.bench.setups) == count
            and lab.state.undo.now == lab.state.set_up
        )
    )


def gan(lab: LabApp) -> None:
    """A GAN as the one stage."""
    lab.lab.lab.choose_preset(0, "gan-non-saturating")
    lab.wait(lambda: lab.state.stages[0].info is not None and "critic" in lab.state.stages[0].info.shows)
    made(lab, 1)


def seeds(lab: LabApp) -> list[int]:
    """Those that the bench learns with."""
    return [setup.training.seed for setup in lab.lab.lab.bench.setups]


def visible(lab: LabApp) -> int:
    return sum(card.isVisible() for card in lab.view.cards)


def test_five_seeds_learn_on_one_clock_are_told_with_their_range_and_one_is_chosen_and_taken(lab: LabApp) -> None:
    view = lab.view
    gan(lab)
    lab.lab.lab.set_knobs(0, {}, {"seed": 3})
    made(lab, 1)
    before = lab.state.set_up
    lab.key(Qt.Key.Key_X)
    made(lab, 5)
    assert seeds(lab) == [3, 4, 5, 6, 7]
    assert (visible(lab), view.transport.seeds.isChecked()) == (5, True)
    lab.learn(6)
    lab.settle()
    traces = {stage.trace[-1].tobytes() for stage in lab.state.stages}
    assert len(traces) == 5
    assert all("density" in stage.maps and stage.seen.step == lab.state.clock for stage in lab.state.stages)
    # The numbers: median and range of those that the stages have; of modes each.
    found = {row.key: row for row in rows(lab.state)}
    values = found["sliced_w1"].values
    assert len(set(values)) == 5
    words = view.numbers.accessibleDescription()
    low, middle, high = (f"{value:.3f}" for value in (min(values), statistics.median(values), max(values)))
    assert f"Sliced W1 median {middle}, lowest to highest {low} to {high}, floor" in words
    assert f"each {' '.join(f'{value:.0f}' for value in found['modes'].values)}, floor 8" in words
    view.numbers.grab()
    # A click chooses: its line is strong, those of the others stand behind it; its seed stands beside the knobs.
    QTest.mouseClick(view.cards[2].canvas, LEFT)
    assert lab.state.chosen == 2
    lab.wait(lambda: bool(view.charts.losses.lines()))
    view.charts.losses.flush()
    assert {line.key for line in view.charts.losses.lines() if not line.behind} == {
        "2 discriminator_loss",
        "2 generator_loss",
    }
    assert len(view.charts.losses.lines()) == 10
    assert view.setup.forms["training more"].values()["seed"] == 5
    assert not view.setup.forms["training more"].fields["seed"].isEnabled()
    ring = [card.canvas.grab().toImage().pixelColor(card.canvas.width() // 2, 1).name() for card in view.cards]
    assert ring[2] == "#5b9bf0" not in (ring[0], ring[4])
    # The key goes on to the next, and round.
    for expected in (3, 4, 0):
        lab.app.press("lab.other")
        assert lab.state.chosen == expected
    # Off again: what was there before.
    QTest.mouseClick(view.transport.seeds, LEFT)
    made(lab, 1)
    assert (lab.state.set_up, visible(lab), view.transport.seeds.isChecked()) == (before, 1, False)
    # Two clicks take a seed alone.
    lab.key(Qt.Key.Key_X)
    made(lab, 5)
    QTest.mouseDClick(view.cards[4].canvas, LEFT)
    made(lab, 1)
    assert seeds(lab) == [7]
    QTest.mouseDClick(view.cards[0].canvas, LEFT)
    assert lab.state.made
    assert seeds(lab) == [7], "a stage alone is taken already"


@pytest.mark.slow
def test_compare_lessons_knobs_data_and_undo_know_five_seeds(lab: LabApp) -> None:
    view = lab.view
    first = lab.state.set_up
    lab.app.press("lab.compare")
    made(lab, 2)
    # The chosen stage is B; undone before they are made, five of it leave the two of before.
    assert lab.state.chosen == 1
    two = lab.state.set_up
    lab.app.press("lab.seeds")
    lab.app.press("lab.undo")
    made(lab, 2)
    assert lab.state.set_up == two
    assert [stage.info.layers for stage in lab.state.stages] == [one.layers for one in lab.lab.lab.bench.info()]
    # One switch turns the other off.
    lab.lab.lab.choose_stage(1)
    lab.app.press("lab.seeds")
    made(lab, 5)
    assert {stage.setup.preset for stage in lab.state.stages} == {"gan-non-saturating"}
    assert (view.compare.isChecked(), view.transport.seeds.isChecked()) == (False, True)
    # A knob is one of all, another five are the next five.
    five = lab.state.set_up
    lab.lab.lab.choose_stage(3)
    lab.lab.lab.set_knobs(3, {}, {"batch": 32})
    made(lab, 5)
    assert {setup.training.batch for setup in lab.lab.lab.bench.setups} == {32}
    assert seeds(lab) == [0, 1, 2, 3, 4]
    QTest.mouseClick(view.transport.seed, LEFT)
    lab.wait(lambda: lab.state.stages[0].setup.training.get("seed") == 5)
    made(lab, 5)
    assert seeds(lab) == [5, 6, 7, 8, 9]
    # Undone one after the other, at last the one stage; undone before it is made, it was never there.
    lab.app.press("lab.undo")
    lab.app.press("lab.undo")
    made(lab, 5)
    assert lab.state.set_up == five
    lab.app.press("lab.seeds")
    lab.app.press("lab.undo")
    made(lab, 5)
    assert lab.state.set_up == five
    # Points of the line: said once, five of what can learn them.
    lab.wait(lambda: "geyser" in lab.state.truths)
    lab.lab.lab.choose_truth("geyser")
    made(lab, 5)
    assert lab.state.truth == "geyser"
    assert seeds(lab) == [0, 1, 2, 3, 4]
    lab.settle()
    view.cards[1].grab()
    # Comparing turns them off, and so does a lesson.
    QTest.mouseClick(view.compare, LEFT)
    made(lab, 2)
    assert (view.compare.isChecked(), view.transport.seeds.isChecked()) == (True, False)
    lab.app.press("lab.seeds")
    made(lab, 5)
    lab.lab.lessons.open("mass")
    lab.wait(lambda: lab.state.made and not lab.state.seeded)
    lab.lab.lab.pause()
    lab.wait(lambda: not lab.state.playing)
    assert not view.transport.seeds.isChecked()
    # The last of all seeds has no next ones: said, and the switch stays off.
    lab.lab.lab.set_up(first.truth, first.setups)
    made(lab, 1)
    lab.lab.lab.set_knobs(0, {}, {"seed": LAST_SEED - 1})
    made(lab, 1)
    lab.settle()
    QTest.mouseClick(view.transport.seeds, LEFT)
    assert "start from a smaller one" in lab.app.said
    assert (len(lab.state.stages), view.transport.seeds.isChecked()) == (1, False)


@pytest.mark.slow
def test_five_seeds_are_written_copied_gone_back_through_and_remembered(
    home: object, open_app: OpenApp, tmp_path: Path
) -> None:
    lab = LabApp(open_app())
    view = lab.view
    gan(lab)
    lab.app.press("lab.seeds")
    made(lab, 5)
    lab.learn(8)
    lab.settle()
    # A moment back: every stage as it was.
    lab.view.transport.past.setFocus()
    QTest.keyClick(view.transport.past, Qt.Key.Key_Home)
    lab.wait(lambda: lab.state.at == 0 and all(stage.past is not None for stage in lab.state.stages))
    assert len({stage.past.tobytes() for stage in lab.state.stages}) == 5
    QTest.keyClick(view.transport.past, Qt.Key.Key_End)
    assert lab.state.at == NOW
    # A point under the mouse is told in each head.
    canvas = view.cards[1].canvas
    QTest.mouseMove(canvas, QPoint(canvas.width() // 2, canvas.height() // 2))
    lab.wait(lambda: all("D " in card.head.accessibleName() for card in view.cards))
    # The files.
    lab.app.press("lab.picture")
    with Image.open(saved(lab, tmp_path / "stages.png")) as image:
        pixels = np.asarray(image.convert("RGB"), np.int64)
    for card in view.cards:
        corner, size = 2 * (card.pos() + QPoint(16, 16)), 2 * card.size()
        part = pixels[corner.y() : corner.y() + size.height(), corner.x() : corner.x() + size.width()]
        assert (np.abs(part - (0x5B, 0x9B, 0xF0)).sum(2) < 12).sum() > 100
    lab.app.press("lab.curves")
    with saved(lab, tmp_path / "curves.csv").open() as file:
        names = next(csv.reader(file))
    assert {name[0] for name in names[1:]} == set("ABCDE")
    lab.app.press("lab.numbers")
    told = json.loads(saved(lab, tmp_path / "numbers.json").read_text())
    assert [(one["stage"], one["seed"]) for one in told["stages"]] == list(zip("ABCDE", range(5), strict=True))
    # One line of text, and back from it.
    five = lab.state.set_up
    lab.app.press("lab.copy")
    line = QGuiApplication.clipboard().text()
    assert json.loads(line)["seeds"] == 5
    lab.app.press("lab.seeds")
    made(lab, 1)
    lab.app.press("lab.paste")
    lab.wait(lambda: lab.state.seeded)
    made(lab, 5)
    assert [stage.setup.training["seed"] for stage in lab.state.stages] == [0, 1, 2, 3, 4]
    # The chosen one is kept as a run, with its seed.
    lab.lab.lab.choose_stage(2)
    lab.app.press("lab.keep")
    lab.wait(lambda: "Stage C is kept as" in lab.app.said)
    # And the next window has them again.
    assert five.setups[0].preset == lab.state.stages[0].setup.preset
    lab.app.close()
    after = LabApp(open_app())
    made(after, 5)
    assert seeds(after) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("wide", "high", "columns"), [(720, 430, 3), (1360, 760, 3), (1000, 220, 5)])
def test_five_stand_where_each_has_the_most_room(wide: int, high: int, columns: int) -> None:
    found = places(5, wide, high)
    assert len({one.top() for one in found[:columns]}) == 1
    assert len({one.size().toTuple() for one in found}) == 1
    assert all(0 <= one.left() and one.right() < wide and 0 <= one.top() and one.bottom() < high for one in found)
    assert not any(one.intersects(other) for at, one in enumerate(found) for other in found[:at])
