"""A job of two processes under torchrun: one is killed, the job ends, and goes on bit for bit from its checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from engine.runs import directory as runs
from engine.runs.checkpoints import newest_snapshot
from engine.runs.torchrun import torchrun_command
from tests.contract.tiny import environment
from tests.engine.training.runner import digests, new_run, steps_saved

LIMIT_SECONDS = 30.0
STEPS = 40

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def job(run: Path, processes: int = 2) -> subprocess.Popen[str]:
    """The very line that the program prints, in a process group of its own."""
    return subprocess.Popen(
        torchrun_command(run, processes, device="cpu"),
        env={**environment(), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def workers(process: subprocess.Popen[str]) -> dict[int, psutil.Process]:
    """The job's processes by rank."""
    found = {}
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            environ = child.environ()
        except psutil.Error:
            continue
        if "RANK" in environ:
            found[int(environ["RANK"])] = child
    return found


def wait_for(condition, process: subprocess.Popen[str], seconds: float = 400.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail(f"the job ended early: {process.communicate()}")
        time.sleep(0.01)


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    return out, err


@pytest.mark.parametrize("family", ["vae", "gan"])
def test_one_process_lost_ends_the_job_which_then_resumes_bit_for_bit(family, tmp_path):
    training = {"batch": 8, "steps": STEPS, "save_every": 8}
    _, whole = new_run(tmp_path, family, name="whole", **training)
    out, _ = finish(job(whole))
    assert out.count("done at step") == 1, "rank 0 alone talks"

    _, cut = new_run(tmp_path, family, name="cut", **training)
    process = job(cut)
    wait_for((cut / "checkpoints" / "step_000008").exists, process)
    # It stands still while one is killed, so that it is not done before.
    (cut / "PAUSE").touch()
    wait_for(lambda: runs.read_status(cut).state == "paused", process)
    lost = workers(process)
    assert sorted(lost) == [0, 1]
    begun = time.monotonic()
    lost[1].kill()
    process.communicate(timeout=4 * LIMIT_SECONDS)
    assert time.monotonic() - begun < LIMIT_SECONDS
    assert process.returncode != 0
    assert not lost[0].is_running()
    (cut / "PAUSE").unlink()
    folder, problems = newest_snapshot(cut)
    assert folder is not None
    assert not problems
    assert runs.read_status(cut).state in ("failed", "stopped")

    finish(job(cut))
    assert digests(cut, STEPS) == digests(whole, STEPS)


def test_three_processes_resume_bit_for_bit(tmp_path):
    """Of three numbers the sum depends on the order, which must not depend on when a process began."""
    training = {"batch": 9, "save_every": 1, "decay": 0.0}
    _, whole = new_run(tmp_path, "vae", name="whole", steps=4, **training)
    finish(job(whole, 3))
    session, cut = new_run(tmp_path, "vae", name="cut", steps=2, **training)
    finish(job(cut, 3))
    session.extend_run(cut, {"steps": 4})
    finish(job(cut, 3))
    assert digests(cut, 4) == digests(whole, 4)


def test_a_termination_stops_the_whole_job_in_order(tmp_path):
    _, run = new_run(tmp_path, "vae", batch=8, steps=100_000, save_every=100_000)
    process = job(run)
    wait_for(lambda: runs.read_status(run).state == "running", process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=2 * LIMIT_SECONDS)
    status = runs.read_status(run)
    assert status.state == "stopped"
    assert status.step > 0
    assert steps_saved(run) == [0, status.step]
