"""A lane does its work in order, the newest drag wins, and nothing that work raises ends it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from engine.control import Control
from engine.errors import Cancelled, UserError
from engine.events import Advanced, Done, Event, Failed, Started, Stopped
from engine.lanes import Lane

PATIENCE_SECONDS = 60.0
"""What is waited for comes at once, but on a machine that is busy with something else."""


class Ear:
    """Hears a lane's events, and on which thread."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.threads: set[str] = set()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.threads.add(threading.current_thread().name)

    def of(self, ticket: int) -> list[str]:
        return [type(event).__name__ for event in self.events if event.ticket == ticket]

    def values(self) -> list[object]:
        return [event.value for event in self.events if isinstance(event, Done)]


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def lane(ear: Ear) -> Iterator[Lane]:
    lane = Lane("test", ear)
    yield lane
    assert lane.close(PATIENCE_SECONDS)


class Gate:
    """Work that runs until it is let go; `entered` says that it has begun."""

    def __init__(self) -> None:
        self.entered, self.go = threading.Event(), threading.Event()

    def __call__(self, context) -> str:
        self.entered.set()
        while not self.go.wait(0.005):
            context.check()
        return "gate"


@pytest.fixture
def gate(lane: Lane) -> Iterator[Gate]:
    gate = Gate()
    lane.submit("gate", gate)
    assert gate.entered.wait(PATIENCE_SECONDS)
    yield gate
    gate.go.set()


def test_requests_are_done_in_order_on_the_lanes_own_thread(lane, ear):
    tickets = [lane.submit("count", lambda _, i=i: i) for i in range(20)]
    assert lane.wait_idle(5)
    assert ear.values() == list(range(20))
    assert tickets == sorted(set(tickets))
    assert [ear.of(ticket) for ticket in tickets] == [["Started", "Done"]] * 20
    assert ear.threads == {"lane-test"}


def test_of_waiting_drags_only_the_newest_is_done(lane, ear, gate):
    drags = [lane.submit("draw", lambda _, i=i: i, latest="draw") for i in range(200)]
    gate.go.set()
    assert lane.wait_idle(5)
    assert ear.values() == ["gate", 199]
    assert [ear.of(ticket) for ticket in drags[:-1]] == [[]] * 199
    assert ear.of(drags[-1]) == ["Started", "Done"]


def test_other_work_is_never_dropped_for_a_drag(lane, ear, gate):
    lane.submit("encode", lambda _: "photo one")
    lane.submit("draw", lambda _: "old", latest="draw")
    lane.submit("grid", lambda _: "grid", latest="grid")
    lane.submit("encode", lambda _: "photo two")
    lane.submit("draw", lambda _: "new", latest="draw")
    gate.go.set()
    assert lane.wait_idle(5)
    assert ear.values() == ["gate", "photo one", "grid", "photo two", "new"]


def test_running_work_is_asked_to_stop_and_says_so(lane, ear, gate):
    lane.cancel(1)
    assert lane.wait_idle(5)
    assert ear.of(1) == ["Started", "Stopped"]
    lane.submit("after", lambda _: "alive")
    assert lane.wait_idle(5)
    assert ear.values() == ["alive"]


def test_waiting_work_that_is_cancelled_never_starts(lane, ear, gate):
    ran = []
    first = lane.submit("a", lambda _: ran.append("a"))
    second = lane.submit("b", lambda _: ran.append("b"))
    lane.cancel(first)
    gate.go.set()
    assert lane.wait_idle(5)
    assert ran == ["b"]
    assert ear.of(first) == ["Stopped"]
    assert ear.of(second) == ["Started", "Done"]


def test_cancelling_everything_empties_the_lane(lane, ear, gate):
    waiting = [lane.submit("w", lambda _: "no") for _ in range(3)]
    lane.cancel()
    assert lane.wait_idle(5)
    assert ear.values() == []
    assert [ear.of(ticket) for ticket in waiting] == [["Stopped"]] * 3
    assert not lane.busy


def raising(error: BaseException):
    def work(_):
        raise error

    return work


def test_an_error_for_the_person_is_its_sentence_alone(lane, ear):
    ticket = lane.submit("open", raising(UserError("This file is broken: choose another.")))
    assert lane.wait_idle(5)
    (failed,) = [e for e in ear.events if isinstance(e, Failed)]
    assert failed == Failed(ticket, "open", "This file is broken: choose another.", "")


def test_a_bug_is_told_with_its_traceback_and_the_lane_lives(lane, ear, caplog):
    lane.submit("draw", raising(ZeroDivisionError("division by zero")))
    lane.submit("draw", lambda _: "alive")
    assert lane.wait_idle(5)
    (failed,) = [e for e in ear.events if isinstance(e, Failed)]
    assert "ZeroDivisionError" in failed.message
    assert "Traceback" in failed.details
    assert "\n" not in failed.message
    assert ear.values() == ["alive"]
    assert "draw failed" in caplog.text


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("Tried to allocate 9 GiB")], ids=["cpu", "gpu"]
)
def test_memory_that_runs_out_is_told_in_words(error, lane, ear):
    lane.submit("draw", raising(error))
    assert lane.wait_idle(5)
    (failed,) = [e for e in ear.events if isinstance(e, Failed)]
    assert "not enough memory" in failed.message
    assert "Tried" not in failed.message


def test_cancelled_is_a_stop_and_no_failure(lane, ear):
    ticket = lane.submit("x", raising(Cancelled()))
    assert lane.wait_idle(5)
    assert ear.of(ticket) == ["Started", "Stopped"]


def test_progress_carries_its_ticket(lane, ear):
    ticket = lane.submit("p", lambda context: context.step(3, 10, "encoding", seconds_left=1.5))
    assert lane.wait_idle(5)
    assert Advanced(ticket, 3, 10, "encoding", 1.5) in ear.events


def test_closing_stops_what_runs_and_ends_the_thread(ear):
    lane = Lane("closing", ear)
    gate = Gate()
    running = lane.submit("gate", gate)
    waiting = lane.submit("w", lambda _: None)
    assert gate.entered.wait(PATIENCE_SECONDS)
    assert lane.close(PATIENCE_SECONDS)
    assert "lane-closing" not in {t.name for t in threading.enumerate()}
    assert ear.of(running) == ["Started", "Stopped"]
    assert ear.of(waiting) == ["Stopped"]
    with pytest.raises(RuntimeError, match="closed"):
        lane.submit("late", lambda _: None)
    assert lane.close(1)


def test_closing_tells_when_work_does_not_listen(ear):
    lane = Lane("deaf", ear)
    entered, gate = threading.Event(), threading.Event()
    lane.submit("deaf", lambda _: entered.set() or gate.wait(PATIENCE_SECONDS))
    assert entered.wait(PATIENCE_SECONDS)
    assert not lane.close(0.05)
    gate.set()
    assert lane.close(PATIENCE_SECONDS)


def test_set_up_runs_first_and_its_failure_is_told(ear):
    order = []
    lane = Lane("ready", ear, set_up=lambda: order.append("set up"))
    lane.submit("w", lambda _: order.append("work"))
    assert lane.wait_idle(5)
    assert lane.close(PATIENCE_SECONDS)
    assert order == ["set up", "work"]
    assert [type(e) for e in ear.events] == [Started, Done]
    broken = Lane("broken", ear, set_up=lambda: 1 / 0)
    broken.submit("w", lambda _: "still here")
    assert broken.wait_idle(5)
    assert broken.close(5)
    assert ear.values()[-1] == "still here"
    assert any(isinstance(e, Failed) and e.kind == "set up" for e in ear.events)


def test_a_requests_control_is_at_hand_while_it_waits_and_runs(lane, ear, gate):
    waiting = lane.submit("w", lambda context: context.control.stopping)
    assert isinstance(lane.control(1), Control)
    lane.control(waiting).stop()
    gate.go.set()
    assert lane.wait_idle(5)
    assert ear.values() == ["gate", True]
    assert lane.control(waiting) is None
    assert any(isinstance(e, Stopped) for e in ear.events) is False


def test_waiting_for_an_idle_lane_gives_up_in_time(lane, gate):
    assert lane.busy
    assert not lane.wait_idle(0.02)
