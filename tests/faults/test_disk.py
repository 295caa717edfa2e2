"""A full disk, a folder that cannot be written, a checkpoint gone bad: one sentence, and what was good stays good."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.errors import CheckpointError, RunError, UserError
from engine.events import TrainingNotice
from engine.models.vae import Vae
from engine.runs import directory as runs
from engine.runs.checkpoints import newest_snapshot
from engine.runs.library import read_listing
from engine.training import recorder
from tests.contract.tiny import environment
from tests.engine.training.runner import digests, new_run, of, steps_saved, train
from tests.quick import quick


def sentence(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    assert "Traceback" not in text
    assert text.endswith(".")
    return text


def half_trained(tmp_path: Path, **training) -> tuple:
    """A run with a checkpoint at step 4 that still has 8 steps to go."""
    session, run = new_run(tmp_path, **training)
    session.extend_run(run, {"steps": 4, "decay": 0.0})
    train(session, run)
    session.extend_run(run, {"steps": 12})
    return session, run


@pytest.mark.parametrize("act", ["fsync", "replace"])
@pytest.mark.slow
def test_a_disk_that_fills_up_ends_in_a_sentence_and_the_old_checkpoint_stays(act, tmp_path, monkeypatch):
    session, run = half_trained(tmp_path)
    before = digests(run, 4)
    original, full = getattr(os, act), []

    def failing(*args, **kwargs):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*args, **kwargs)

    def fills(event):
        if getattr(event, "step", 0) == 4:
            full.append(1)

    monkeypatch.setattr(os, act, failing)
    with pytest.raises(RunError) as caught:
        train(session, run, hear=fills)
    assert "No space left" in sentence(caught.value)
    monkeypatch.undo()
    assert steps_saved(run) == [0, 4]
    assert digests(run, 4) == before
    train(session, run)
    assert steps_saved(run) == [0, 4, 8, 12]


@pytest.mark.slow
def test_little_room_is_seen_before_writing(tmp_path, monkeypatch):
    session, run = half_trained(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(RunError, match="free some space") as caught:
        train(session, run)
    sentence(caught.value)
    assert newest_snapshot(run)[0].name == "step_000004"


@pytest.mark.parametrize("name", ["append_metrics", "write_status"])
def test_records_that_cannot_be_written_end_in_a_sentence(name, tmp_path, monkeypatch):
    session, run = half_trained(tmp_path)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runs, name, full)
    with pytest.raises(RunError, match="newest checkpoint is kept") as caught:
        train(session, run)
    sentence(caught.value)
    assert newest_snapshot(run)[0] is not None


@pytest.mark.slow
def test_a_preview_that_cannot_be_written_costs_a_notice_and_no_run(tmp_path, monkeypatch):
    def failing(picture, path):
        raise UserError(f"{path} could not be written (No space left on device): choose another place.")

    monkeypatch.setattr(recorder, "save_picture", failing)
    session, run = new_run(tmp_path, preview_every=5)
    state, events = train(session, run)
    assert state.state == "done"
    assert [e.step for e in of(TrainingNotice, events)] == [5, 10, 12]


@pytest.mark.slow
def test_memory_that_runs_out_ends_in_a_sentence(tmp_path, monkeypatch):
    def greedy(self, batch, steps):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(Vae, "training_step", greedy)
    session, run = new_run(tmp_path)
    with pytest.raises(RunError, match="smaller batch") as caught:
        train(session, run)
    sentence(caught.value)
    monkeypatch.undo()
    state, _ = train(session, run)
    assert state.state == "done"


@pytest.mark.slow
def test_a_file_size_limit_behaves_like_a_full_disk(tmp_path):
    """The whole command under a real limit of the system: the kernel refuses the bytes, not a stand-in."""
    _, run = half_trained(tmp_path)
    size = (run / "checkpoints/step_000004/state.safetensors").stat().st_size
    before = digests(run, 4)
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "train", "--run", str(run), "--resume", "--json", "--device", "cpu"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2)),
    )
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.strip().splitlines()[-1]
    assert "could not be written" in last
    assert "Traceback" not in done.stderr
    assert steps_saved(run) == [0, 4]
    assert digests(run, 4) == before
    assert newest_snapshot(run)[0].name == "step_000004"


def test_a_run_in_a_place_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "tiny").write_text("mine")
    with pytest.raises(RunError) as caught:
        new_run(tmp_path)
    sentence(caught.value)
    (tmp_path / "under").write_text("a file, not a folder")
    with pytest.raises(RunError, match="cannot be written") as caught:
        new_run(tmp_path, name="under")
    sentence(caught.value)


def test_a_run_directory_without_rights_is_refused(tmp_path, monkeypatch):
    def denied(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    session, run = half_trained(tmp_path)
    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(RunError, match="Permission denied") as caught:
        new_run(tmp_path, name="other")
    sentence(caught.value)
    with pytest.raises(RunError, match="Permission denied") as caught:
        session.extend_run(run, {"steps": 30})
    sentence(caught.value)
    with pytest.raises(RunError, match="Permission denied") as caught:
        train(session, run)
    sentence(caught.value)


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


DAMAGES = {
    "flipped weights": lambda f: flip(f / "model.safetensors", -5),
    "flipped state": lambda f: flip(f / "state.safetensors", -5),
    "truncated state": lambda f: (f / "state.safetensors").write_bytes((f / "state.safetensors").read_bytes()[:999]),
    "no state": lambda f: (f / "state.safetensors").unlink(),
    "no manifest": lambda f: (f / "manifest.json").unlink(),
    "empty manifest": lambda f: (f / "manifest.json").write_bytes(b""),
    "manifest of nothing": lambda f: (f / "manifest.json").write_text(
        '{"schema": 1, "step": 8, "strikes": 0, "sha256": {}}'
    ),
    "manifest of another step": lambda f: (f / "manifest.json").write_text(
        (f / "manifest.json").read_text().replace('"step": 8', '"step": 9')
    ),
    "deep manifest": lambda f: (f / "manifest.json").write_text("[" * 100_000),
    "newer manifest": lambda f: (f / "manifest.json").write_text('{"schema": 99}'),
    "binary manifest": lambda f: (f / "manifest.json").write_bytes(bytes(range(256))),
}


@pytest.mark.parametrize("damage", quick(DAMAGES, *list(DAMAGES)[::4]))
@pytest.mark.slow
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(damage, tmp_path):
    session, run = new_run(tmp_path, steps=8)
    train(session, run)
    wanted = digests(run, 8)
    DAMAGES[damage](run / "checkpoints/step_000008")
    folder, problems = newest_snapshot(run)
    assert folder.name == "step_000004"
    assert "step_000008" in problems[0]
    assert session.open_run(run).info.step == 4
    state, events = train(session, run)
    assert (state.state, state.step) == ("done", 8)
    (notice,) = of(TrainingNotice, events)
    assert "step_000008" in notice.text
    assert "earlier checkpoint" in notice.text
    assert digests(run, 8) == wanted


@pytest.mark.slow
def test_a_run_whose_checkpoints_are_all_bad_is_not_opened_and_begins_again(tmp_path):
    session, run = new_run(tmp_path, steps=4)
    train(session, run)
    wanted = digests(run, 4)
    for folder in (run / "checkpoints").iterdir():
        flip(folder / "state.safetensors", -1)
    with pytest.raises(RunError, match="no checkpoint") as caught:
        session.open_run(run)
    sentence(caught.value)
    train(session, run)
    assert digests(run, 4) == wanted


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    session, run = new_run(tmp_path, steps=4)
    train(session, run)
    _, other = new_run(tmp_path, "gan", name="other", steps=4)
    shutil.copytree(run / "checkpoints", other / "checkpoints", dirs_exist_ok=True)
    with pytest.raises(CheckpointError, match="does not fit this run") as caught:
        train(session, other)
    sentence(caught.value)


BAD_CONFIGS = {
    "no json": "{",
    "a list": "[]",
    "nothing in it": "{}",
    "newer": '{"schema": 99}',
    "deep": "[" * 100_000,
    "binary": "\x00\x01",
    "unknown entry": None,
}


@pytest.mark.parametrize("bad", list(BAD_CONFIGS))
def test_a_damaged_config_is_told_and_hides_no_other_run(bad, tmp_path):
    session, run = new_run(tmp_path)
    _, good = new_run(tmp_path, name="good")
    text = BAD_CONFIGS[bad]
    if text is None:
        text = json.dumps({**json.loads((run / "config.json").read_text()), "surprise": 1})
    (run / "config.json").write_text(text)
    with pytest.raises(RunError, match="tiny") as caught:
        train(session, run)
    sentence(caught.value)
    shutil.copytree(run, tmp_path / "list" / "bad")
    shutil.copytree(good, tmp_path / "list" / "good")
    assert [entry.info.name for entry in read_listing(tmp_path / "list").entries] == ["good"]
