"""Following runs: one read a tick for all who look, events in place of files, and gaps that are caught up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtWidgets import QApplication

from app.core import run_files, run_follower
from app.core.bridge import Bridge
from app.core.model_host import ModelHost
from app.core.notices import Notices
from app.core.run_files import Part, RunReader, RunRecord
from app.core.run_follower import RunFollower
from app.core.store import Store
from app.core.tasks import Tasks
from app.state import AppState
from app.train.controller import TrainController
from app.train.state import Training
from engine.events import Failed, TrainingMetrics, TrainingPreview, TrainingState
from engine.runs import directory as runs
from engine.runs.line_files import NoticeRow, append_notice
from engine.runs.notes import set_note

PARTS: tuple[Part, ...] = get_args(Part)


class Window:
    """What a window has of all this."""

    def __init__(self) -> None:
        self.bridge = Bridge()
        self.failures: list[Failed] = []
        self.tasks = Tasks(self.bridge, set_ups={}, on_failed=self.failures.append)
        host = ModelHost(device="cpu")
        self.store = Store(
            AppState(), self.tasks, notices=Notices(), model_host=host, study_host=host, workspaces=("explore", "train")
        )
        self.follower = RunFollower(self.store, self.bridge)

    def wait(self, there: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not there():
            assert time.monotonic() < end, "it never came"
            QApplication.processEvents()
            time.sleep(0.001)

    def rest(self) -> None:
        """Until no read waits or is at work."""
        QApplication.processEvents()
        self.wait(lambda: not self.tasks.busy())
        QApplication.processEvents()

    def trains(self, run: Path) -> None:
        self.store.update(training=Training(run, "run", "running"))

    def write(self, run: Path, step: int) -> TrainingMetrics:
        """A line as the recorder writes it, with the event that tells it."""
        values = {"loss": 1.0 / step}
        when, begin, end = runs.append_metrics(run, step, values)
        return TrainingMetrics(run, step, 100, tuple(values.items()), when, begin, end)

    def tell(self, *events: object) -> None:
        for event in events:
            self.bridge.post_training(event)
        self.bridge.flush()
        QApplication.processEvents()


@pytest.fixture
def window(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    monkeypatch.setattr(run_follower, "FOLLOW_MS", 10**6)  # The tests tick by hand.
    made = Window()
    yield made
    made.store.update(closing=True)
    assert made.tasks.close()
    assert not made.failures


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "00000-vae-x")


def make_run(path: Path) -> Path:
    runs.create(path, runs.RunConfig("vae", {}, {}, "data", None, "0", (3, 8, 8)))
    runs.write_status(path, "running", 1, 100)
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[frozenset[Part]]:
    """The parts of every read."""
    made: list[frozenset[Part]] = []
    read = RunReader.read

    def counted(self: RunReader, parts: frozenset[Part], *args: object) -> run_files.Difference:
        made.append(parts)
        return read(self, parts, *args)

    monkeypatch.setattr(RunReader, "read", counted)
    return made


def steps_of(record: RunRecord) -> list[int]:
    return list(record.series["loss"].steps) if "loss" in record.series else []


def test_one_read_a_tick_however_many_look(window: Window, run: Path, reads: list[frozenset[Part]]) -> None:
    told: list[list[RunRecord]] = [[] for _ in PARTS]
    for part, mine in zip(PARTS, told, strict=True):
        window.follower.watch(run, part, take=mine.append).follow(True)
    window.rest()
    assert reads == [frozenset(PARTS)], "those who begin together are answered by one read"
    for tick in range(1, 4):
        window.follower._tick()
        window.rest()
        assert len(reads) == 1 + tick
        assert {len(mine) for mine in told} == {1 + tick}
    assert len({id(mine[-1]) for mine in told}) == 1


def test_own_metrics_and_state_come_without_the_files(window: Window, run: Path, reads: list[frozenset[Part]]) -> None:
    told: list[RunRecord] = []
    window.trains(run)
    first = window.write(run, 1)
    window.follower.watch(run, "metrics", take=told.append).follow(True)
    window.rest()
    assert steps_of(told[-1]) == [1]
    events = [window.write(run, step) for step in (2, 3)]
    (run / "metrics.jsonl").unlink()  # Whoever reads it now finds nothing.
    (run / "status.json").unlink()
    reads.clear()
    window.tell(first, *events, TrainingState(run, "paused", 3, 100))
    assert steps_of(told[-1]) == [1, 2, 3]
    assert list(told[-1].series["time"].steps) == [1, 2, 3]
    assert told[-1].info.status == runs.RunStatus("paused", 3, 100, True)
    assert len(told) == 2, "what is delivered together is one difference"
    window.follower._tick()
    window.rest()
    assert not reads


def test_a_gap_is_caught_up_from_the_file(window: Window, run: Path, reads: list[frozenset[Part]]) -> None:
    told: list[RunRecord] = []
    window.trains(run)
    window.follower.watch(run, "metrics", take=told.append).follow(True)
    window.rest()
    lost, seen = window.write(run, 1), window.write(run, 2)
    window.tell(seen)
    window.rest()
    assert steps_of(told[-1]) == [1, 2]
    assert len(reads) == 2
    window.tell(lost, seen, window.write(run, 3))
    window.rest()
    assert steps_of(told[-1]) == [1, 2, 3]
    assert len(reads) == 2, "what was read is not told again, and events go on from there"


def test_events_during_a_read_are_neither_lost_nor_doubled(
    window: Window, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[RunRecord] = []
    window.trains(run)
    events = [window.write(run, 1)]
    read = RunReader.read

    def busy(self: RunReader, *args: object) -> run_files.Difference:
        events.append(window.write(run, 2))
        found = read(self, *args)
        events.append(window.write(run, 3))
        for event in events:
            window.bridge.post_training(event)
        return found

    monkeypatch.setattr(RunReader, "read", busy)
    window.follower.watch(run, "metrics", take=told.append).follow(True)
    window.wait(lambda: len(events) == 3)
    monkeypatch.setattr(RunReader, "read", read)
    window.rest()
    window.tell(window.write(run, 4))
    window.rest()
    assert steps_of(told[-1]) == [1, 2, 3, 4]


def test_who_does_not_follow_is_left_alone_and_catches_up(
    window: Window, run: Path, reads: list[frozenset[Part]]
) -> None:
    told: list[RunRecord] = []
    window.trains(run)
    watch = window.follower.watch(run, "metrics", take=told.append)
    window.rest()
    window.tell(window.write(run, 1))
    window.follower._tick()
    window.rest()
    assert len(told) == len(reads) == 1
    watch.follow(True)
    window.rest()
    assert steps_of(told[-1]) == [1]
    watch.follow(False)
    assert not window.follower._timer.isActive()
    watch.close()
    watch.look()
    window.rest()
    assert len(reads) == 2


def test_a_run_of_another_process_is_read_at_every_tick(window: Window, run: Path) -> None:
    told: list[RunRecord] = []
    window.follower.watch(run, "metrics", take=told.append).follow(True)
    window.rest()
    assert window.follower._timer.isActive()
    for step in (1, 2):
        window.write(run, step)
        runs.write_status(run, "running", step, 100)
        window.follower._tick()
        window.rest()
        assert steps_of(told[-1])[-1] == step
        assert told[-1].info.status.step == step


def test_a_long_run_comes_in_pieces(window: Window, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "ROWS", 10)
    for step in range(1, 36):
        window.write(run, step)
    told: list[RunRecord] = []
    window.follower.watch(run, "metrics", take=told.append)
    window.wait(lambda: bool(told) and len(steps_of(told[-1])) == 35)
    assert [len(steps_of(record)) for record in told] == [10, 20, 30, 35]


def test_a_preview_of_ones_own_run_is_looked_for_at_once(
    window: Window, run: Path, reads: list[frozenset[Part]]
) -> None:
    told: list[RunRecord] = []
    window.trains(run)
    window.follower.watch(run, "previews", take=told.append).follow(True)
    window.rest()
    (run / "previews" / "000005.webp").write_bytes(b"a picture")
    window.tell(TrainingPreview(run, 5))
    window.rest()
    assert [step for step, _ in told[-1].previews] == [5]
    assert len(reads) == 2


def test_what_has_not_changed_is_not_read_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_files, "UNSURE_SECONDS", 0.0)
    opened: list[str] = []
    for owner, name in (
        (run_files.runs, "read_config"),
        (run_files.runs, "previews"),
        (run_files.runs, "read_notices"),
        (run_files.runs, "read_metrics"),
        (run_files, "read_notes"),
        (run_files, "list_reports"),
        (run_files.runs, "newest_weights"),
    ):
        monkeypatch.setattr(owner, name, _noted(opened, name, getattr(owner, name)))
    reader, parts = RunReader(run), frozenset(PARTS)
    runs.append_metrics(run, 1, {"loss": 1.0})
    found = reader.read(parts, 0)
    assert {"read_config", "previews", "read_metrics", "read_notes", "list_reports", "newest_weights"} == set(opened)
    opened.clear()
    again = reader.read(parts, found.offset)
    assert not opened
    assert not again.changes
    set_note(run, 1, "here")
    (run / "previews" / "000001.webp").write_bytes(b"a picture")
    append_notice(run, NoticeRow(0.0, 1, "info", "Well."))
    (run / "checkpoints" / "step_000001").mkdir()
    assert set(reader.read(parts, found.offset).changes) == {"notes", "previews"}
    assert set(opened) == {"read_notes", "previews", "read_notices", "newest_weights"}
    opened.clear()
    monkeypatch.setattr(run_files, "AGAIN_SECONDS", 0.0)
    reader.read(parts, found.offset)
    # Once in a while all is read anew.
    assert {"previews", "read_notes", "list_reports", "newest_weights"} <= set(opened)


def _noted(opened: list[str], name: str, real: Callable[..., object]) -> Callable[..., object]:
    def call(*args: object, **options: object) -> object:
        opened.append(name)
        return real(*args, **options)

    return call


def test_a_run_that_goes_is_told_and_one_in_its_place_is_read_whole(window: Window, run: Path) -> None:
    told: list[RunRecord] = []
    failures: list[Failed] = []
    window.write(run, 7)
    watch = window.follower.watch(run, "metrics", take=told.append, failed=failures.append)
    watch.follow(True)
    window.rest()
    run.rename(run.with_name("elsewhere"))
    window.follower._tick()
    window.rest()
    assert len(failures) == 1
    assert "is no run" in failures[0].message
    make_run(run)
    window.write(run, 1)
    window.follower._tick()
    window.rest()
    assert steps_of(told[-1]) == [1]
    # The same while nobody looked in between.
    run.rename(run.with_name("elsewhere too"))
    make_run(run)
    window.write(run, 2)
    window.follower._tick()
    window.rest()
    assert steps_of(told[-1]) == [2]
    assert len(failures) == 1


def test_a_torn_line_waits_for_its_end(window: Window, run: Path) -> None:
    told: list[RunRecord] = []
    window.trains(run)
    window.write(run, 1)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')  # A process that was killed.
    window.follower.watch(run, "metrics", take=told.append).follow(True)
    window.rest()
    junk, good = window.write(run, 3), window.write(run, 4)
    window.tell(junk, good)
    window.rest()
    assert steps_of(told[-1]) == [1, 4], "as whoever opens the run later reads it"
    window.tell(window.write(run, 5))
    assert steps_of(told[-1]) == [1, 4, 5]


def test_what_the_run_on_show_tells_while_another_opens_is_not_taken_for_the_other(
    window: Window, run: Path, tmp_path: Path
) -> None:
    other = make_run(tmp_path / "00001-vae-y")
    train = TrainController(window.store, window.bridge, window.store.study_host, window.follower)
    window.store.update(workspace="train")
    window.trains(run)
    train.show_run(run)
    window.rest()
    window.write(other, 7)
    train.show_run(other)
    window.tell(window.write(run, 1))
    window.rest()
    view = window.store.state.run_view
    assert view is not None
    assert view.path == view.info.path == other
    assert list(view.series["loss"].steps) == [7]


def test_a_run_that_breaks_while_another_opens_does_not_keep_the_other_away(
    window: Window, run: Path, tmp_path: Path
) -> None:
    other = make_run(tmp_path / "00001-vae-y")
    train = TrainController(window.store, window.bridge, window.store.study_host, window.follower)
    window.store.update(workspace="train")
    train.show_run(run)
    window.rest()
    (run / "config.json").write_text("no JSON")
    train.look()
    train.show_run(other)
    window.rest()
    window.rest()
    view = window.store.state.run_view
    assert view is not None
    assert view.path == other
