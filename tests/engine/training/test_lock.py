"""One writer a run: the lock is made by one process only, taken from the dead alone, and never lost unnoticed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest

from engine.errors import Cancelled, RunError
from engine.runs import directory as runs
from engine.training import lock as locks
from engine.training.lock import exclusive
from tests.contract.tiny import environment


@pytest.fixture
def run(tmp_path):
    runs.write_status(tmp_path, "stopped", 3, 9)
    return tmp_path


def write(run, **words) -> None:
    owner = {"token": "theirs", "pid": os.getpid(), "started": psutil.Process().create_time(), "host": "elsewhere"}
    (run / "lock").write_text(json.dumps({**owner, **words}))


def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    return child.pid


def test_a_held_run_is_refused_and_a_freed_one_is_not(run):
    with exclusive(run):
        with pytest.raises(RunError, match="another process"), exclusive(run):
            pass
        assert (run / "lock").exists()
        assert runs.read_status(run).state == "stopped", "a refused writer writes nothing"
    assert not (run / "lock").exists()
    with exclusive(run):
        pass
    assert not list(run.glob(".lock*"))
    assert not list(run.glob("lock*"))


def test_of_many_that_come_at_once_one_gets_it(run):
    """With a dead process's lock in the way: looking and replacing is where a second one could slip in."""
    write(run, pid=dead_pid(), host=socket.gethostname())
    start, got, most = threading.Barrier(8), [], []

    def contend() -> None:
        start.wait()
        try:
            with exclusive(run):
                got.append(1)
                most.append(len(got))
                time.sleep(0.2)
                got.pop()
        except RunError:
            pass

    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most
    assert max(most) == 1


@pytest.mark.parametrize(
    ("owner", "held"),
    [
        ({"host": "here"}, True),
        ({"host": "here", "started": 5.0}, False),
        ({"host": "here", "pid": None}, False),
        ({}, True),
        ({"silent": 1000.0}, False),
    ],
    ids=["alive", "its number given to another", "dead", "elsewhere and beating", "elsewhere and silent"],
)
def test_a_lock_is_taken_from_the_dead_alone(owner, held, run):
    silent = owner.pop("silent", 0.0)
    if owner.get("host") == "here":
        owner["host"] = socket.gethostname()
    if owner.get("pid", 0) is None:
        owner["pid"] = dead_pid()
    write(run, **owner)
    os.utime(run / "lock", (time.time() - silent,) * 2)
    if held:
        with pytest.raises(RunError, match="another process"), exclusive(run):
            pass
        assert json.loads((run / "lock").read_text())["token"] == "theirs"
    else:
        with exclusive(run) as mine:
            assert mine.held()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"token": 1}', "[" * 9999, '{"pid": Infinity}'])
def test_a_damaged_lock_holds_while_it_is_fresh(text, run):
    (run / "lock").write_text(text)
    with pytest.raises(RunError, match="another process"), exclusive(run):
        pass
    os.utime(run / "lock", (1, 1))
    with exclusive(run):
        pass


def test_a_lock_of_an_earlier_version_is_understood(run):
    (run / "lock").write_text(str(os.getpid()))
    with pytest.raises(RunError, match="another process"), exclusive(run):
        pass
    (run / "lock").write_text(str(dead_pid()))
    with exclusive(run):
        pass


def test_a_writer_that_was_taken_for_dead_stops_without_writing(run, monkeypatch):
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.0)

    def sleeps_too_long() -> None:
        with exclusive(run) as mine:
            mine.beat()
            write(run)
            mine.beat()

    with pytest.raises(RunError, match="taken over"):
        sleeps_too_long()
    assert runs.read_status(run).state == "stopped", "the state is the other one's to write now"
    assert json.loads((run / "lock").read_text())["token"] == "theirs"


def test_a_lock_beats_and_one_that_was_removed_is_made_again(run, monkeypatch):
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.0)
    with exclusive(run) as mine:
        os.utime(mine.file, (1, 1))
        mine.beat()
        assert time.time() - mine.file.stat().st_mtime < 60
        mine.file.unlink()
        mine.beat()
        assert mine.file.exists()


def test_a_failure_is_written_down_and_a_cancellation_is_none(run):
    with pytest.raises(RunError), exclusive(run):
        raise RunError("The disk is full: free some space.")
    status = runs.read_status(run)
    assert (status.state, status.message) == ("failed", "The disk is full: free some space.")
    runs.write_status(run, "stopped", 3, 9)
    with pytest.raises(Cancelled), exclusive(run):
        raise Cancelled
    assert runs.read_status(run).state == "stopped"


def test_a_takeover_that_died_half_way_is_got_over(run):
    write(run, pid=dead_pid(), host=socket.gethostname())
    owner = {"token": "x", "pid": dead_pid(), "started": 1.0, "host": socket.gethostname()}
    (run / "lock.takeover").write_text(json.dumps(owner))
    with exclusive(run):
        pass
    assert not list(run.glob("lock*"))


# Keeps a run locked until its input ends.
HOLD = """
import sys
from pathlib import Path
from engine.training.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_taken_over_at_once(run):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with pytest.raises(RunError, match="another process"), exclusive(run):
        pass
    child.kill()
    child.communicate()
    assert (run / "lock").exists()
    with exclusive(run):
        pass
