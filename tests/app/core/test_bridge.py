"""The bridge and the tasks: order, the GUI thread, latest wins, and nothing is flooded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.core.bridge import MOST_METRICS, Bridge
from app.core.tasks import Tasks
from engine.errors import UserError
from engine.events import Advanced, Failed, Started, TrainingMetrics, TrainingNotice, TrainingState
from engine.lanes import Context

RUN = Path("run")


@pytest.fixture
def bridge(qapp: QApplication) -> Bridge:
    return Bridge()


@pytest.fixture
def said() -> list[Failed]:
    return []


@pytest.fixture
def tasks(bridge: Bridge, said: list[Failed]) -> Iterator[Tasks]:
    made = Tasks(bridge, set_ups={}, on_failed=said.append)
    yield made
    assert made.close()


def wait(there: Callable[[], bool]) -> None:
    for _ in range(60_000):
        if there():
            return
        QApplication.processEvents()
        time.sleep(0.001)
    pytest.fail("it did not come")


def test_events_of_many_threads_arrive_on_this_one_in_their_order(bridge: Bridge) -> None:
    arrived: dict[str, list[int]] = {"0": [], "1": [], "2": []}
    threads_seen = set()

    def take(lane: str, event: Started) -> None:
        arrived[lane].append(event.ticket)
        threads_seen.add(threading.current_thread())

    bridge.arrived.connect(take)

    def post(lane: str) -> None:
        emit = bridge.emitter(lane)
        for ticket in range(500):
            emit(Started(ticket, "x"))

    threads = [threading.Thread(target=post, args=(lane,)) for lane in arrived]
    for thread in threads:
        thread.start()
    wait(lambda: all(len(tickets) == 500 for tickets in arrived.values()))
    for thread in threads:
        thread.join()
    assert all(tickets == list(range(500)) for tickets in arrived.values())
    assert threads_seen == {threading.current_thread()}


def test_a_fast_training_run_does_not_flood(bridge: Bridge) -> None:
    """Of a thousand metrics the newest arrive, in order; notices and states all do, and the state last."""
    arrived: list[object] = []
    bridge.trained.connect(arrived.append)
    bridge.watch_training(True)
    for step in range(1000):
        bridge.post_training(TrainingMetrics(RUN, step, 1000, ()))
    bridge.post_training(TrainingState(RUN, "running", 999, 1000))
    bridge.post_training(TrainingNotice(RUN, 5, "warning", "rolled back"))
    wait(lambda: len(arrived) == MOST_METRICS + 2)
    bridge.watch_training(False)
    assert [event.step for event in arrived[:MOST_METRICS]] == list(range(1000 - MOST_METRICS, 1000))
    assert isinstance(arrived[-1], TrainingState)


def test_answers_go_to_those_who_asked(tasks: Tasks, said: list[Failed]) -> None:
    answers: list[object] = []

    def fail(context: Context) -> None:
        raise UserError("No.")

    def slow(context: Context) -> int:
        context.step(1, 2)
        return 7

    tasks.submit("model", "a", slow, done=answers.append, progress=lambda event: answers.append(event.done))
    tasks.submit("model", "b", fail, done=answers.append, failed=lambda event: answers.append(event.message))
    tasks.submit("study", "c", fail, done=answers.append)
    wait(lambda: len(answers) == 3 and len(said) == 1)
    assert answers == [1, 7, "No."]
    assert said[0].message == "No."


def test_latest_wins_and_the_replaced_are_forgotten(tasks: Tasks) -> None:
    gate, answers = threading.Event(), []
    tasks.submit("model", "hold", lambda context: gate.wait(60), done=answers.append)
    for value in range(100):
        tasks.submit("model", "draw", lambda context, value=value: value, done=answers.append, latest="draw")
    gate.set()
    wait(lambda: len(answers) == 2)
    assert answers == [True, 99]
    assert not tasks._waiters


def test_cancel_tells_the_one_who_asked(tasks: Tasks) -> None:
    told: list[str] = []

    def until_stopped(context: Context) -> None:
        while True:
            context.check()
            time.sleep(0.001)

    job = tasks.submit("study", "search", until_stopped, done=told.append, stopped=lambda: told.append("stopped"))
    wait(lambda: tasks.busy("study"))
    tasks.cancel(job)
    wait(lambda: told == ["stopped"])


def test_a_closed_desk_takes_nothing_more(bridge: Bridge) -> None:
    tasks = Tasks(bridge, set_ups={}, on_failed=lambda event: None)
    tasks.submit("files", "x", lambda context: None, done=lambda _: None)
    assert tasks.close()
    assert tasks.submit("files", "x", lambda context: None, done=lambda _: None) is None


def test_a_lane_that_cannot_be_set_up_says_so(bridge: Bridge, said: list[Failed]) -> None:
    def broken() -> None:
        raise UserError("The device is gone.")

    tasks = Tasks(bridge, set_ups={"model": broken}, on_failed=said.append)
    tasks.submit("model", "x", lambda context: None, done=lambda _: None)
    wait(lambda: bool(said))
    assert tasks.close()
    assert said[0].message == "The device is gone."


def test_progress_of_the_dead_is_dropped(bridge: Bridge, tasks: Tasks) -> None:
    bridge.emitter("model")(Advanced(12345, 1, 2))
    QApplication.processEvents()
