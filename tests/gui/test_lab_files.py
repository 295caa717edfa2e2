"""What goes in and out of the Lab in the real window: a set-up as a line, files, a run, and what is remembered."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.lab.exporting.pictures import Stages
from app.lab.exporting.pictures import pixels as pixels_of
from engine.lab import setup_line

from .conftest import App
from .test_lab import LabApp

LEFT = Qt.MouseButton.LeftButton
SHIFTED = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def lab(app: App) -> LabApp:
    return LabApp(app)


def clip() -> str:
    return QGuiApplication.clipboard().text()


def control(lab: LabApp, key: Qt.Key) -> None:
    QTest.keyClick(lab.view.cards[0].canvas, key, Qt.KeyboardModifier.ControlModifier)


def test_a_set_up_is_copied_pasted_and_a_bad_line_is_told_at_the_place(lab: LabApp) -> None:
    view = lab.view
    lab.app.window.activateWindow()
    lab.app.press("lab.compare")
    lab.wait(lambda: len(lab.state.stages) == 2 and lab.state.stages[1].seen is not None)
    lab.lab.lab.set_knobs(0, {"recipe": "actnorm, 3 x (coupling(affine, 8), swap)"}, {"seed": 5})
    lab.wait(lambda: len(lab.state.stages[0].info.layers) == 7)
    QGuiApplication.clipboard().clear()
    QTest.keyClick(view.cards[0].canvas, Qt.Key.Key_C, SHIFTED)
    lab.wait(lambda: "lab" in clip())
    line = clip()
    assert "\n" not in line
    assert "on the clipboard" in lab.app.said
    # Something else, and back by the line: also the second stage and the data.
    lab.app.press("lab.compare")
    lab.wait(lambda: len(lab.state.stages) == 1 and lab.state.made)
    lab.lab.lab.choose_preset(0, "gan-hinge")
    lab.wait(lambda: lab.state.stages[0].info is not None and "critic" in lab.state.stages[0].info.shows)
    lab.learn(3)
    control(lab, Qt.Key.Key_V)
    control(lab, Qt.Key.Key_V)
    lab.wait(lambda: len(lab.state.stages) == 2 and lab.state.made)
    one, other = lab.state.stages
    assert one.setup.knobs["recipe"] == "actnorm, 3 x (coupling(affine, 8), swap)"
    assert (one.setup.training["seed"], len(one.info.layers)) == (5, 7)
    assert other.setup.preset == "gan-non-saturating"
    lab.learn(3)
    clock, shown = lab.state.clock, [stage.setup for stage in lab.state.stages]
    bad = (
        (line[:60], "no whole set-up"),
        (json.dumps({**json.loads(line), "lab": 9}), "version 9"),
        (line.replace("ring8", "donut"), "donut"),
        (line.replace("coupling(affine", "coupling(nonsense"), "nonsense"),
        ("[" * 9000, "no whole set-up"),
    )
    for text, words in bad:
        QGuiApplication.clipboard().setText(text)
        QTest.mouseClick(view.setup.paste, LEFT)
        lab.wait(lambda words=words: words in view.setup.problem.text())
        assert view.setup.problem.isVisible()
        assert [stage.setup for stage in lab.state.stages] == shown
        assert all(stage.seen is not None for stage in lab.state.stages)
    QGuiApplication.clipboard().clear()
    QTest.mouseClick(view.setup.paste, LEFT)
    assert "no text on the clipboard" in view.setup.problem.text()
    assert lab.state.clock == clock
    # What stands there still learns. Elsewhere the keys are those of Explore again.
    lab.learn(2)
    lab.app.show_workspace("explore")
    lab.app.press("picture.copy")
    assert not QGuiApplication.clipboard().image().isNull()


def asked(lab: LabApp) -> QFileDialog:
    """The dialog that is open, with what it offers."""
    found = [one for one in lab.app.window.findChildren(QFileDialog) if one.isVisible()]
    assert len(found) == 1
    return found[0]


def saved(lab: LabApp, path: Path) -> Path:
    """Chooses this place in the dialog that is open, and waits for the file."""
    dialog = asked(lab)
    dialog.fileSelected.emit(str(path))
    dialog.reject()
    lab.wait(path.exists)
    lab.wait(lambda: path.name in lab.app.said)
    return path


def test_pictures_loops_curves_and_numbers_are_written_and_a_full_place_is_said(lab: LabApp, tmp_path: Path) -> None:
    view, transport = lab.view, lab.view.transport
    # A loop of one moment is none.
    lab.settle()
    lab.app.press("lab.loop")
    assert "one moment only" in lab.app.said
    lab.app.press("lab.compare")
    lab.wait(lambda: len(lab.state.stages) == 2 and lab.state.stages[1].seen is not None)
    lab.learn(10)
    lab.settle()
    # Every entry of the one menu asks for a place and offers a name.
    names = []
    for entry in transport.export_menu.actions()[:4]:
        entry.trigger()
        dialog = asked(lab)
        names.append(Path(dialog.selectedFiles()[0]).name)
        dialog.reject()
    stem = f"lab-ring-of-8-flow-realnvp-against-gan-non-saturating-{lab.state.clock}"
    assert names == [f"{stem}.png", f"{stem}.gif", f"{stem}.csv", f"{stem}.json"]

    lab.app.press("lab.picture")
    with Image.open(saved(lab, tmp_path / "stages.png")) as image:
        pixels = np.asarray(image.convert("RGB"), np.int64)
    wide = sum(card.width() for card in view.cards[:2]) + 48
    assert pixels.shape == (2 * (view.cards[0].height() + 32), 2 * wide, 3)
    for ink in ((0x5B, 0x9B, 0xF0), (0xF2, 0x9E, 0x4C)):
        assert (np.abs(pixels - ink).sum(2) < 12).sum() > 400
    # As fine as it is large: dots have smooth edges at this size, so most neighbours differ.
    blocks = pixels[: pixels.shape[0] // 2 * 2].reshape(-1, 2, wide, 2, 3)
    assert (blocks[:, 0, :, 0] != blocks[:, 1, :, 1]).any(2).mean() > 0.05

    # Under each stage stands what it is of, and nothing else of the picture changes with it.
    stages = Stages([card.geometry() for card in view.cards[:2]], ratio=1.0)
    one, other = (pixels_of(stages.drawn(lab.state, caption)).astype(int) for caption in ("step 1", "step 2,000"))
    changed = np.flatnonzero((one != other).any((1, 2)))
    assert changed.size
    assert changed.min() > 0.8 * len(one)

    lab.app.press("lab.loop")
    with Image.open(saved(lab, tmp_path / "loop.gif")) as film:
        frames = [np.asarray(one.convert("RGB"), np.int64) for one in ImageSequence.Iterator(film)]
    assert len(frames) == len(lab.state.kept)
    assert (frames[0] != frames[-1]).any()

    lab.app.press("lab.curves")
    with saved(lab, tmp_path / "curves.csv").open() as file:
        head, *rows = csv.reader(file)
    assert head[0] == "step"
    assert {"A loss", "A gap", "B discriminator_loss", "B modes"} <= set(head)
    assert rows == sorted(rows, key=lambda row: int(row[0]))
    at = head.index("A gap")
    measured = {int(row[0]): float(row[at]) for row in rows if row[at]}
    figures = {one.name: one for one in lab.state.stages[0].figures}
    assert measured[lab.state.clock] == pytest.approx(figures["gap"].value)

    lab.app.press("lab.numbers")
    found = json.loads(saved(lab, tmp_path / "numbers.json").read_text())
    assert (found["clock"], found["truth"], len(found["setup"]["stages"])) == (lab.state.clock, "ring8", 2)
    read = {one["name"]: one for one in found["stages"][0]["figures"]}
    assert read["nll"]["value"] == figures["nll"].value
    assert read["nll"]["perfect"] == figures["nll"].floor

    # The set-up of the file is one that can be pasted.
    lab.lab.sharing.take(json.dumps(found["setup"]))
    lab.wait(lambda: lab.state.made and lab.state.clock == 0)
    # A place that takes nothing.
    (tmp_path / "file").write_text("in the way")
    for write in (lab.lab.exporting.save_picture, lab.lab.exporting.save_curves):
        write(tmp_path / "file" / "in.png")
        lab.wait(lambda: "could not be written" in lab.app.said)
        assert "choose another place" in lab.app.said
        lab.app.conductor.notices.info("")


@pytest.mark.slow
def test_a_loop_is_stopped_and_leaves_nothing(lab: LabApp, tmp_path: Path) -> None:
    lab.learn(30)
    lab.lab.exporting.save_loop(tmp_path / "loop.webp")
    lab.wait(lambda: any(job.key == "lab loop" for job in lab.app.state.jobs))
    lab.app.conductor.store.cancel_job("lab loop")
    lab.wait(lambda: not lab.app.state.jobs)
    lab.app.settle()
    assert not list(tmp_path.iterdir())
    assert "stopped" in lab.app.said


def test_a_stage_is_kept_as_a_run_that_train_lists_and_explore_opens(lab: LabApp) -> None:
    lab.learn(8)
    lab.settle()
    entry = lab.view.transport.export_menu.actions()[-1]
    # What learns halts for it, and goes on.
    lab.app.press("lab.play")
    lab.wait(lambda: lab.state.playing)
    entry.trigger()
    lab.wait(lambda: "is kept as 00000-stack" in lab.app.said)
    clock = lab.state.clock
    lab.wait(lambda: lab.state.playing and lab.state.clock > clock)
    lab.app.press("lab.play")
    lab.wait(lambda: not lab.state.playing)
    run = next(path for path in (lab.app.train.services.store.study_host.session().runs_folder).iterdir())
    # The button beside the sentence shows it in Train, with its curves and what it is.
    lab.app.window.notice.acted.emit()
    lab.wait(lambda: lab.app.state.workspace == "train" and lab.app.state.run_view is not None)
    lab.wait(lambda: "points of 2 numbers" in lab.app.train_view.line.text())
    assert len(lab.app.state.run_view.series["loss"].steps) > 0
    # A diagnosis of it, in the window: nothing of pictures, and how near the truth it is.
    lab.app.press("collapse.quick")
    lab.wait(lambda: lab.app.state.collapse.report is not None and lab.app.state.collapse.running is None)
    report = lab.app.state.collapse.report
    assert [one.diagnostic for one in report.findings] == ["truth"]
    assert "memorisation" in report.skipped
    # Explore reads it, says why it has no picture, and keeps the model on show.
    lab.app.show_workspace("explore")
    before = lab.app.state.info
    lab.app.conductor.requests.modelWanted.emit(f"run:{run}")
    lab.wait(lambda: "draws points" in lab.app.said)
    lab.app.settle()
    assert lab.app.state.info is before


def test_files_are_of_the_stages_that_were_made_and_of_the_data_they_began_with(
    lab: LabApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.learn(20)
    lab.settle()
    made, judged = lab.lab.lab.bench.setups, lab.state.clock
    # Knobs that cannot be are shown beside a stage of others.
    lab.lab.lab.set_knobs(0, {"recipe": "nonsense"}, {})
    lab.wait(lambda: bool(lab.state.stages[0].problem))
    lab.lab.exporting.save_numbers(tmp_path / "numbers.json")
    lab.wait((tmp_path / "numbers.json").exists)
    found = json.loads((tmp_path / "numbers.json").read_text())
    assert found["setup"] == json.loads(setup_line(made))
    assert (found["stages"][0]["step"], found["stages"][0]["figures_at"]) == (judged, judged)
    lab.app.press("lab.keep")
    lab.wait(lambda: "is kept as 00000-stack" in lab.app.said)
    run = next(lab.app.train.services.store.study_host.session().runs_folder.iterdir())
    assert "nonsense" not in json.loads((run / "config.json").read_text())["title"]
    lab.app.press("lab.undo")
    # Of a moment of before, the numbers say which one they are of.
    lab.app.press("lab.back")
    lab.lab.exporting.save_numbers(tmp_path / "before.json")
    lab.wait((tmp_path / "before.json").exists)
    found = json.loads((tmp_path / "before.json").read_text())
    assert found["clock"] < found["stages"][0]["figures_at"] == judged
    assert found["stages"][0]["step"] is None
    # A loop stays with its own plane, whatever comes while it is drawn.
    spans, draw = set(), lab.lab.lab.looking.draw
    span = lab.lab.lab.looking.span

    def drawn(bench: object, requests: list) -> list:
        if len(bench.setups) == 1 and bench.setups[0].truth == "ring8":
            spans.update(one.span for one in requests)
        return draw(bench, requests)

    lab.settle()
    monkeypatch.setattr(lab.lab.lab.looking, "draw", drawn)
    lab.wait(lambda: "bumps" in lab.state.truths)
    lab.lab.exporting.save_loop(tmp_path / "loop.gif")
    lab.lab.lab.choose_truth("bumps")
    lab.wait(lambda: lab.state.made and lab.lab.lab.looking.span != span)
    lab.wait((tmp_path / "loop.gif").exists)
    assert spans == {span}


def test_a_flow_of_the_line_that_is_no_preset_is_pasted(lab: LabApp) -> None:
    lab.lab.sharing.take(json.dumps({"lab": 1, "truth": "bumps", "family": "stack", "knobs": {"recipe": "diagonal"}}))
    lab.wait(lambda: lab.state.made and lab.state.info is not None and lab.state.info.dimension == 1)
    assert dict(lab.state.stages[0].setup.knobs) == {"recipe": "diagonal"}
    assert lab.view.setup.preset.current() == lab.state.stages[0].setup.preset
    lab.learn(2)
