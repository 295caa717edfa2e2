"""Training in its own process: it outlives the window, is found again, stopped by a file, and its crash is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.train.runs import process as own_process
from engine.api import TrainRequest
from engine.runs import directory as runs
from engine.runs import library as run_library
from engine.runs.torchrun import torchrun_command, torchrun_folder
from engine.session import Session
from tests.gui.conftest import SIZE, TINY, App, OpenApp, drop
from tests.gui.test_runs import make_run, open_runs
from tests.gui.test_train import fill, good_checkpoint, images

__all__ = ["images"]


@pytest.fixture(autouse=True)
def nothing_goes_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[psutil.Process]]:
    """Whatever a test starts ends with it."""
    started: list[psutil.Process] = []
    popen = own_process.subprocess.Popen

    def start(*args: object, **options: object) -> object:
        process = popen(*args, **options)
        started.append(psutil.Process(process.pid))
        return process

    monkeypatch.setattr(own_process.subprocess, "Popen", start)
    yield started
    for process in started:
        if process.is_running():
            process.kill()
    psutil.wait_procs(started, timeout=10)


def stand_in(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Another program in the place of the trainer, so that nobody waits for torch."""
    monkeypatch.setattr(
        own_process, "train_command", lambda run, device="auto": [sys.executable, "-c", script, str(run)]
    )


def begin(app: App, run: Path) -> None:
    app.train.run_actions.choose_host("process")
    app.train.run_actions.resume(run)
    app.wait(lambda: app.train.processes.running() == (run,))


@pytest.mark.slow
def test_it_outlives_the_window_and_a_later_one_finds_it(
    home: Path, open_app: OpenApp, images: Path, nothing_goes_on: list[psutil.Process]
) -> None:
    app = open_app()
    fill(app, images)
    form = app.train_view.form
    form.hosts.host.set_current("process")
    form.hosts.host.changed.emit("process")
    assert form.hosts.on_close.isVisible()
    form.start.click()
    app.wait(lambda: bool(app.train.processes.running()))
    (run,) = app.train.processes.running()
    app.wait(lambda: runs.read_status(run).state == "running", 90)
    app.wait(lambda: app.state.run_view is not None and app.state.run_view.path == run)
    app.wait(lambda: app.state.run_view.info.status.step > 0 and app.state.run_view.info.status.alive)
    assert app.state.training is None
    assert form.start.isEnabled(), "the window is free for more"
    process = nothing_goes_on[-1]
    assert process.nice() == own_process.NICENESS
    assert process.cmdline()[1:5] == ["-m", "engine.cli", "train", "--run"]
    app.close()
    assert process.is_running()
    later = open_runs(open_app)
    assert later.conductor.preferences.now.train_in == "process"
    later.wait(lambda: later.state.run_view.path == run and later.state.run_view.info.status.alive)
    later.wait(lambda: any(job.key == f"run:{run}" for job in later.state.jobs))
    step = later.state.run_view.info.status.step
    later.wait(lambda: later.state.run_view.info.status.step > step)
    later.train_view.stop.clicked.emit()
    later.wait(lambda: runs.read_status(run).state == "stopped", 60)
    later.wait(lambda: not later.state.run_view.info.status.alive and not later.state.jobs)
    assert good_checkpoint(run) > 0
    assert "stopped" in own_process.last_line(run / own_process.LOG)


@pytest.mark.slow
def test_two_processes_under_torchrun_are_watched_live(
    home: Path, open_app: OpenApp, images: Path, tmp_path: Path, nothing_goes_on: list[psutil.Process]
) -> None:
    """An attached run that torchrun trains: seen live, its curves follow, stopped by a file."""
    run = tmp_path / "cluster" / "00000-vae-x"
    training = {"steps": 100_000, "batch": 4, "preview_every": 20, "save_every": 50}
    request = TrainRequest("vae", str(images), size=SIZE, model=TINY["vae"], training=training, folder=run)
    Session(device="cpu", home=home).new_run(request)
    app = open_app()
    drop(app.train_view.runs, [run.parent])
    app.wait(lambda: app.state.run_view is not None and app.state.run_view.path == run)
    folder = torchrun_folder() or tmp_path
    job = own_process.subprocess.Popen(
        torchrun_command(run, 2, device="cpu"), cwd=folder, env=own_process.environment(), start_new_session=True
    )
    whole = psutil.Process(job.pid)
    try:
        app.wait(lambda: app.state.run_view.info.status.alive and app.state.run_view.info.status.step > 0, 150)
        step = app.state.run_view.info.status.step
        app.wait(lambda: app.state.run_view.info.status.step > step and bool(app.state.run_view.previews))
        assert app.train_view.runs.runs.cards()[0].live
        assert app.state.run_view.series
        app.train_view.stop.clicked.emit()
        app.wait(lambda: runs.read_status(run).state == "stopped", 60)
        app.wait(lambda: not app.state.run_view.info.status.alive)
        assert good_checkpoint(run) > 0
        assert job.wait(60) == 0
    finally:
        if job.poll() is None:
            for process in whole.children(recursive=True):
                process.kill()
            job.kill()
            job.wait()


CRASH = "import os, signal; print('Something gave way\\n', flush=True); os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.slow
def test_a_crash_is_one_sentence_with_the_logs_last_line(
    home: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(home / "runs" / "00000-vae-x", title="Doomed")
    app = open_runs(open_app)
    stand_in(monkeypatch, CRASH)
    begin(app, run)
    app.wait(lambda: "Doomed" in app.said and "SIGKILL" in app.said)
    assert app.said == (
        "The process of Doomed was ended by SIGKILL at step 10; its log ends with “Something gave way”; "
        "it has no checkpoint yet, and it can be resumed."
    )
    app.wait(lambda: not app.state.run_view.info.status.alive and not app.state.jobs)
    assert app.train.processes.running() == ()


def test_a_failure_is_told_in_the_runs_own_words(
    home: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(home / "runs" / "00000-vae-x", title="Doomed")
    app = open_runs(open_app)
    stand_in(
        monkeypatch,
        "import sys; from pathlib import Path; from engine.runs import directory as runs\n"
        "runs.write_status(Path(sys.argv[1]), 'failed', 7, 9, 'The data are gone: restore them.')\n"
        "sys.exit(1)",
    )
    begin(app, run)
    app.wait(lambda: app.said == "Doomed failed at step 7: The data are gone: restore them.")


SLEEP = "import time; time.sleep(600)"


@pytest.mark.parametrize("wish", ["leave", "stop", "ask"])
@pytest.mark.slow
def test_closing_does_what_the_setting_says(
    wish: str, home: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch, nothing_goes_on: list[psutil.Process]
) -> None:
    run = make_run(home / "runs" / "00000-vae-x", title="Long one")
    app = open_runs(open_app)
    stand_in(monkeypatch, SLEEP)
    app.train.run_actions.choose_on_close(wish)
    begin(app, run)
    if wish == "ask":
        app.window.close()
        assert not app.state.closing
        assert "Long one" in app.said
        assert app.window.notice.action() == "Stop it first"
    app.close()
    assert nothing_goes_on[-1].is_running()
    assert (run / "STOP").exists() == (wish == "stop")


@pytest.mark.slow
def test_a_run_is_never_started_twice(home: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(home / "runs" / "00000-vae-x", title="Once")
    app = open_runs(open_app)
    stand_in(monkeypatch, SLEEP)
    begin(app, run)
    app.train.run_actions.resume(run)
    app.wait(lambda: "being trained already" in app.said)
    assert len(app.train.processes.running()) == 1


def test_the_command_is_what_a_person_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "a path with spaces"
    line = own_process.train_command(run, "cpu")
    assert line == [sys.executable, "-m", "engine.cli", "train", "--run", str(run), "--resume", "--device", "cpu"]
    for name in ("RANK", "WORLD_SIZE", "QT_QPA_PLATFORM", "PYTEST_CURRENT_TEST", "PYTHONSAFEPATH"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("LATENT_LOOM_CACHE", "kept")
    clean = own_process.environment()
    assert not {"RANK", "WORLD_SIZE", "QT_QPA_PLATFORM", "PYTEST_CURRENT_TEST", "PYTHONSAFEPATH"} & set(clean)
    assert clean["LATENT_LOOM_CACHE"] == "kept"


@pytest.mark.parametrize(
    ("text", "last"),
    [(b"", ""), (b"one\ntwo\n\n  \n", "two"), (b"\xff\x00bell\x07 x" + b"y" * 500, None), (b"z" * 10**6, "z" * 200)],
)
def test_the_last_line_of_any_log(text: bytes, last: str | None, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(text)
    found = own_process.last_line(tmp_path / "log")
    assert len(found) <= 200
    assert found.isprintable()
    assert last is None or found == last
    assert own_process.last_line(tmp_path / "none") == ""
    assert run_library.read_tags(tmp_path) == ()


def test_a_process_of_its_own_leaves_a_core_to_the_window_and_a_persons_choice_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = int(own_process.threads()["OMP_NUM_THREADS"])
    assert 1 <= own <= max(1, (os.cpu_count() or 1) - 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert (own_process.threads() | own_process.environment())["OMP_NUM_THREADS"] == "7"
