"""The Collapse panel: diagnosing a run, reading its reports, and the birthday test by eye."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.diagnosis.findings import figure_text, interval_text
from app.train.birthday.controller import JOB as TEST_JOB
from app.train.collapse.controller import JOB
from engine.control import Control
from engine.diagnostics import birthday_game as play
from engine.diagnostics.base import Diagnostic, Request
from engine.diagnostics.birthday_files import NAME, game_file
from engine.diagnostics.report_files import list_reports, read_report, report_folder, write_report
from engine.errors import UserError
from engine.report import Evidence, Figure, Finding, Report, Verdict
from tests.gui.conftest import SIZE, TINY, App, OpenApp
from tests.gui.test_train import start, stop


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a tiny VAE with 160 pictures, made once."""
    from engine.session import Session

    folder = tmp_path_factory.mktemp("trained")
    images = folder / "images"
    images.mkdir()
    rng = np.random.default_rng(0)
    for index in range(160):
        low = rng.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(low).resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(images / f"{index:03}.png")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "CACHE", "CONFIG"):
            patch.setenv(f"LATENT_LOOM_{name}", str(folder / name.lower()))
        session = Session(device="cpu")
        from engine.api import TrainRequest

        values = {"steps": 4, "batch": 4, "preview_every": 2, "save_every": 2, "warmup": 0}
        run = session.new_run(
            TrainRequest("vae", str(images), size=SIZE, model=TINY["vae"], training=values, title="Judged")
        )
        session.train(run, control=Control(), emit=lambda event: None)
    return run


@pytest.fixture
def run(trained: Path, home: Path) -> Path:
    """The run among the user's runs, fresh for each test."""
    return Path(shutil.copytree(trained, home / "runs" / "00001-vae"))


@pytest.fixture
def shown(run: Path, open_app: OpenApp) -> App:
    """The window with the run on show and the Collapse panel beside it."""
    app = open_app()
    app.show_workspace("train")
    app.train.training.show_run(run)
    app.wait(lambda: app.state.run_view is not None and app.state.run_view.path == run)
    app.train_view.side.changed.emit("collapse")
    app.wait(lambda: app.state.collapse.run == run and app.state.collapse.cards is not None)
    return app


def finding(name: str, level: str = "good", **changes: object) -> Finding:
    given = {
        "figures": (Figure("share", "A share", 0.1234, low=0.1, high=0.2, n=64, note="of all"),),
        "evidence": (Evidence("Pairs", (np.zeros((3, 8, 8, 3), np.uint8),) * 2, ("0.1", "0.2", "0.3")),),
        **changes,
    }
    return Finding(name, name.title(), level, f"What {name} says.", **given)  # type: ignore[arg-type]


def report(step: int, title: str) -> Report:
    verdict = Verdict("healthy", "good", title, f"At step {step} all is well.", ("birthday",))
    skipped = {"probe": "There are no labels here."}
    return Report("a" * 64, "Judged", "vae", "images", (finding("birthday"),), verdict, step=step, skipped=skipped)


@pytest.fixture
def quick_rows(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Request]]:
    """Three diagnostics that take no time, one of which fails, in place of the catalogue."""
    asked: dict[str, list[Request]] = {}

    def row(name: str, run: Callable[[Request], Finding]) -> Diagnostic:
        def told(request: Request) -> Finding:
            asked.setdefault(name, []).append(request)
            request.progress.step(1, 2)
            return run(request)

        return Diagnostic(name, name.title(), f"What {name} is for.", told)

    def broken(request: Request) -> Finding:
        raise UserError("It has no labels.")

    rows = (
        row("birthday", lambda request: finding("birthday", "bad")),
        row("memorisation", lambda request: finding("memorisation")),
        row("probe", broken),
    )
    monkeypatch.setattr("engine.diagnostics.diagnose.DIAGNOSTICS", rows)
    monkeypatch.setattr("engine.diagnostics.catalogue.DIAGNOSTICS", rows)
    return asked


def test_a_run_is_diagnosed_shown_and_kept(quick_rows: dict[str, list[Request]], shown: App, run: Path) -> None:
    panel = shown.train_view.collapse
    assert [*panel.report.offers] == ["birthday", "memorisation", "probe"]
    assert not list_reports(run)
    panel.quick.click()
    shown.wait(lambda: shown.state.collapse.report is not None and shown.state.collapse.running is None)
    shown.settle()
    assert quick_rows["birthday"][0].quick
    assert [*panel.report.cards] == ["birthday", "memorisation"]
    assert panel.report.cards["birthday"].sign.level == "bad"
    assert "It has no labels." in panel.report.offers["probe"].text.text()
    assert panel.report.verdict is not None
    verdict = shown.state.collapse.report.verdict
    assert verdict.paragraph.endswith(panel.report.verdict.text())
    assert verdict.title not in panel.report.verdict.text(), "the heading says it already"
    assert not any(job.key == JOB for job in shown.state.jobs)
    entries = list_reports(run)
    assert [entry.step for entry in entries] == [4]
    assert len(read_report(entries[0].folder).findings) == 2
    # A finding opens to its figures and pictures, and closes.
    card = panel.report.cards["birthday"]
    assert card.table is None
    card.title.click()
    card = panel.report.cards["birthday"]
    assert card.table is not None
    assert card.pictures[0].columns == 3
    card.title.click()
    assert panel.report.cards["birthday"].table is None
    # One alone joins the others.
    panel.report.cards["memorisation"].run.click()
    shown.wait(lambda: len(quick_rows["memorisation"]) == 2 and shown.state.collapse.running is None)
    shown.settle()
    assert not quick_rows["memorisation"][1].quick
    assert len(quick_rows["birthday"]) == 1
    assert [*panel.report.cards] == ["birthday", "memorisation"]


@pytest.mark.slow
def test_a_diagnosis_is_cancelled_and_training_is_not_held_up(
    home: Path, open_app: OpenApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def long(request: Request) -> Finding:
        import time

        while True:
            request.progress.check()
            request.progress.step(1, 4)
            time.sleep(0.01)

    rows = (Diagnostic("birthday", "Birthday test", "", long),)
    monkeypatch.setattr("engine.diagnostics.diagnose.DIAGNOSTICS", rows)
    monkeypatch.setattr("engine.diagnostics.catalogue.DIAGNOSTICS", rows)
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(120):
        Image.fromarray(rng.integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)).save(folder / f"{index:03}.png")
    app = open_app()
    run = start(app, folder)
    app.wait(lambda: any((run / "checkpoints").glob("step_*")))
    app.train_view.side.changed.emit("collapse")
    app.train_view.collapse.full.click()
    app.wait(lambda: app.state.collapse.running is not None and app.state.collapse.running.fraction == 0.25)
    assert not app.train_view.collapse.full.isEnabled()
    job = next(job for job in app.state.jobs if job.key == JOB)
    assert job.fraction == 0.25
    assert "25%" in app.train_view.collapse.report.busy_line.text()
    step = app.state.training.step
    app.wait(lambda: app.state.training.step > step)
    app.train.collapse.run()
    assert "already" in app.said
    app.window.jobs.stopClicked.emit(JOB)
    app.wait(lambda: app.state.collapse.running is None)
    assert not any(job.key == JOB for job in app.state.jobs)
    assert app.train_view.collapse.full.isEnabled()
    assert not list_reports(run)
    stop(app)


def test_reports_follow_the_scrubber_until_one_is_chosen(shown: App, run: Path) -> None:
    """Also a damaged report is told, and the others stay."""
    panel, view = shown.train_view.collapse, shown.state.run_view
    assert panel.every.text() == "A diagnosis is made when you ask for one."
    config = replace(view.info.config, training={**view.info.config.training, "diagnose_every": 500})
    shown.conductor.store.update(run_view=replace(view, info=replace(view.info, config=config)))
    assert panel.every.text() == "A quick diagnosis is made every 500 steps."
    for step in (0, 2, 4):
        write_report(report_folder(run, step), report(step, f"Verdict {step}"))
    shown.wait(lambda: shown.state.collapse.report is not None and shown.state.collapse.report.step == 4)
    assert [entry.step for entry in shown.state.collapse.reports] == [0, 2, 4]
    assert panel.steps.current() == "4"
    steps = [step for step, _ in shown.state.run_view.previews]
    shown.train.training.scrub(steps.index(2))
    shown.wait(lambda: shown.state.collapse.report.step == 2)
    assert panel.report.verdict.text() == "At step 2 all is well."
    panel.steps.changed.emit("0")
    shown.wait(lambda: shown.state.collapse.report.step == 0)
    shown.settle()
    assert shown.state.collapse.report.step == 0
    shown.train.training.scrub(steps.index(4))
    shown.wait(lambda: shown.state.collapse.report.step == 4)
    assert panel.report.offers["probe"].text.text() == "There are no labels here."
    (report_folder(run, 2) / "report.json").write_bytes(b'{"schema": 1, "findings": [3')
    panel.steps.changed.emit("2")
    shown.wait(lambda: bool(shown.state.collapse.message))
    assert shown.state.collapse.report is None
    panel.steps.changed.emit("0")
    shown.wait(lambda: shown.state.collapse.report is not None)
    assert shown.state.collapse.message == ""


def press(app: App, key: Qt.Key) -> None:
    QTest.keyClick(app.train_view.collapse.birthday, key)


def begin(app: App) -> None:
    app.train_view.collapse.birthday_button.click()
    app.wait(lambda: app.train_view.collapse.birthday.same.isEnabled())


def test_the_birthday_test_is_played_with_keys_to_its_result(shown: App, run: Path) -> None:
    view = shown.train_view.collapse.birthday
    begin(shown)
    game = shown.state.collapse.birthday.game
    assert view.pair._images
    assert "nearest pairs" in view.line.text()
    # Whether it is a control is told nowhere.
    said = " ".join(label.text() for label in (view.line, view.question, view.message))
    assert "real" not in said
    assert len(game.current.pairs) == play.PAIRS
    press(shown, Qt.Key.Key_D)
    press(shown, Qt.Key.Key_D)
    press(shown, Qt.Key.Key_S)
    assert shown.state.collapse.birthday.game.current.answers == ("different", "different", "same")
    press(shown, Qt.Key.Key_Z)
    assert shown.state.collapse.birthday.game.current.answers == ("different", "different")
    assert not view.skip.isEnabled()
    # All through the first batches by keys; the split of Explore, whose key is S too, must not move.
    split = shown.state.split
    for _ in range(400):
        if view._pages.currentIndex() == 1:
            break
        shown.wait(lambda: view.same.isEnabled() or view._pages.currentIndex() == 1)
        now = shown.state.collapse.birthday.game
        if len(now.rounds) >= 3 and now.current is not None and now.current.same:
            view.finish.click()
            break
        press(shown, Qt.Key.Key_S if now.current is not None and not now.current.same else Qt.Key.Key_N)
    shown.wait(lambda: view._pages.currentIndex() == 1)
    assert shown.state.split is split
    game = shown.state.collapse.birthday.game
    assert {item.plan.kind for item in game.rounds} == {"samples", "real"}
    assert view.result is not None
    assert "real images" in view.result.text()
    shown.wait(lambda: list_reports(run) != () and shown.state.collapse.report is not None)
    kept = next(f for f in read_report(list_reports(run)[-1].folder).findings if f.diagnostic == NAME)
    assert kept.value("support") == pytest.approx(play.outcome(game).samples.estimate, rel=1e-4)
    assert kept.evidence
    press(shown, Qt.Key.Key_Escape)
    assert not shown.state.collapse.birthday.open
    shown.settle()
    assert NAME in shown.train_view.collapse.report.cards


@pytest.mark.slow
def test_the_test_is_kept_for_the_next_window(shown: App, run: Path, open_app: OpenApp) -> None:
    begin(shown)
    for key in (Qt.Key.Key_D, Qt.Key.Key_S):
        press(shown, key)
    shown.settle()
    before = shown.state.collapse.birthday.game
    assert game_file(run, 4).is_file()
    shown.close()
    again = open_app()
    again.show_workspace("train")
    again.train.training.show_run(run)
    again.wait(lambda: again.state.run_view is not None and again.state.run_view.path == run)
    again.train.birthday.open()
    view = again.train_view.collapse.birthday
    again.wait(lambda: view.same.isEnabled())
    assert again.state.collapse.birthday.game == before
    press(again, Qt.Key.Key_N)
    again.wait(lambda: view.same.isEnabled() and len(again.state.collapse.birthday.game.rounds) == 1)
    # Undo goes back over the end of the batch, and its pictures come back with it.
    press(again, Qt.Key.Key_Z)
    again.wait(lambda: view.same.isEnabled())
    assert again.state.collapse.birthday.game.rounds == ()
    assert len(again.state.collapse.birthday.game.current.answers) == 1


@pytest.mark.slow
def test_batches_are_drawn_ahead_and_another_run_puts_the_test_away(shown: App, run: Path, home: Path) -> None:
    begin(shown)
    birthday = shown.train.birthday
    shown.wait(lambda: len(birthday._batches) >= 2)
    plans = [*birthday._batches]
    for _ in range(play.PAIRS):
        press(shown, Qt.Key.Key_D)
    assert shown.state.collapse.birthday.game.current.plan == plans[1], "no waiting where nothing was the same"
    shown.train_view.collapse.birthday.back.click()
    shown.settle()
    assert not any(job.key == TEST_JOB for job in shown.state.jobs)
    begin(shown)
    other = Path(shutil.copytree(run, home / "runs" / "00002-vae"))
    shown.train.training.show_run(other)
    shown.wait(lambda: shown.state.run_view.path == other)
    shown.settle()
    assert not shown.state.collapse.birthday.open
    begin(shown)
    assert shown.state.collapse.birthday.run == other
    # A run without a checkpoint says so instead.
    shutil.rmtree(run / "checkpoints")
    shown.train.training.show_run(run)
    shown.wait(lambda: shown.state.run_view.path == run)
    shown.train_view.collapse.quick.click()
    shown.wait(lambda: shown.state.collapse.running is None and bool(shown.state.collapse.message))
    assert "checkpoint" in shown.state.collapse.message
    shown.train_view.collapse.birthday_button.click()
    shown.wait(lambda: bool(shown.state.collapse.birthday.message))
    assert "checkpoint" in shown.state.collapse.birthday.message


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123456, "0.0123"), (4.567, "4.57"), (12345, "12,300"), (64, "64"), (-0.5, "−0.500")]
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert figure_text(value) == text


def test_an_interval_may_be_open() -> None:
    assert interval_text(Figure("a", "A", 2, low=1, high=3)) == "1 to 3"
    assert interval_text(Figure("a", "A", 2, low=1)) == "from 1"
    assert interval_text(Figure("a", "A", 2)) == ""
    assert figure_text(float("nan")) == "not a number"


@pytest.mark.slow
def test_a_model_of_the_library_is_diagnosed_against_named_images(
    quick_rows: dict[str, list[Request]], shown: App, run: Path, trained: Path
) -> None:
    shown.show_workspace("explore")
    shown.explore.check.open()
    page = shown.explore_view.check
    shown.wait(lambda: len(page.report.offers) == 3)
    assert page.isVisible()
    assert "Tiny VAE" in page.heading.text()
    # A wrong place is a sentence on the page.
    page.data.set_current("other")
    page.data.changed.emit("other")
    page.path.set_path(str(run / "nowhere"))
    page.path.changed.emit(str(run / "nowhere"))
    page.quick.click()
    shown.wait(lambda: bool(shown.state.check.message) and shown.state.check.running is None)
    images = str(trained.parents[2] / "images")
    page.path.set_path(images)
    page.path.changed.emit(images)
    assert shown.state.check.message == ""
    page.quick.click()
    shown.wait(lambda: shown.state.check.report is not None and shown.state.check.running is None)
    assert [*page.report.cards] == ["birthday", "memorisation"]
    assert shown.state.check.report.data == "images"
    assert quick_rows["birthday"][0].subject.origin.title == "Tiny VAE"
    page.report.offers["probe"].run.click()
    shown.wait(lambda: len(quick_rows["probe"]) == 2 and shown.state.check.running is None)
    assert [*page.report.cards] == ["birthday", "memorisation"]
    QTest.keyClick(page, Qt.Key.Key_Escape)
    assert shown.state.check is None
    # It is kept: the next time the report is there at once.
    shown.explore.check.open()
    page.path.set_path("")
    shown.explore.check.set_data(images)
    shown.wait(lambda: shown.state.check.report is not None)
    assert [*page.report.cards] == ["birthday", "memorisation"]
    # Another model puts the page away, and a run is diagnosed in Train.
    shown.model("Tiny GAN")
    assert shown.state.check is None
    shown.explore_view.library.runs.activated.emit(str(run))
    shown.wait(lambda: shown.state.model is not None and "run:" in shown.state.model and shown.state.drawn is not None)
    shown.explore.check.open()
    assert shown.state.workspace == "train"
    assert shown.state.train_side == "collapse"
