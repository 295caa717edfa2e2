"""The library of runs: hostile directories never hide the others; tags, search, order; copies to go on from."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.errors import RunError
from engine.runs import directory as runs
from engine.runs import library as run_library
from engine.runs.heartbeat import Heartbeats


def make_run(path: Path, *, title: str = "", family: str = "vae", state: str = "stopped", step: int = 10) -> Path:
    """A run as training leaves it, without weights."""
    runs.create(
        path, runs.RunConfig(family, {"width": 8}, {"steps": 100}, "data/faces.zip", None, "f", (3, 8, 8), title)
    )
    runs.write_status(path, state, step, 100)
    return path


def names(listing: run_library.RunListing) -> set[str]:
    return {entry.info.name for entry in listing.entries}


def test_runs_come_newest_first_and_are_not_read_twice(tmp_path, monkeypatch):
    for index in range(4):
        run = make_run(tmp_path / f"0000{index}-vae-x")
        os.utime(run / "status.json", (index, index))
    listing = run_library.read_listing(tmp_path)
    assert [entry.info.name[4] for entry in listing.entries] == ["3", "2", "1", "0"]
    read = []
    monkeypatch.setattr(runs, "read_json", lambda file, real=runs.read_json: (read.append(file), real(file))[1])
    before = {entry.info.path: entry for entry in listing.entries}
    again = run_library.read_listing(tmp_path, before=before)
    assert again == listing
    assert read == []
    run_library.write_tags(tmp_path / "00002-vae-x", ["new"])
    third = run_library.read_listing(tmp_path, before=before)
    assert {entry.info.name: entry.tags for entry in third.entries}["00002-vae-x"] == ("new",)


HOSTILE_CONFIGS = {
    "list": "[]",
    "torn": '{"schema": 1, "fam',
    "deep": "[" * 50_000,
    "title": json.dumps({"title": ["x"]}),
    "shape": json.dumps({"image_shape": [3, -1, 10**9]}),
    "knobs": json.dumps({"model": "none"}),
    "data": json.dumps({"data": None}),
    "newer": json.dumps({"schema": 99}),
    "extra": json.dumps({"nobody": 1}),
}


@pytest.mark.parametrize("kind", HOSTILE_CONFIGS)
def test_a_hostile_config_is_a_sentence_and_hides_nobody(kind, tmp_path):
    make_run(tmp_path / "good")
    bad = make_run(tmp_path / "bad")
    text = HOSTILE_CONFIGS[kind]
    if text.startswith("{") and text.endswith("}"):
        text = json.dumps({**json.loads((bad / "config.json").read_text()), **json.loads(text)})
    (bad / "config.json").write_text(text)
    listing = run_library.read_listing(tmp_path)
    assert names(listing) == {"good"}
    (lost,) = listing.lost
    assert lost.path == bad
    assert lost.why.endswith(".")


def test_hostile_directories_are_passed_over(tmp_path):
    good = make_run(tmp_path / "good")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(good)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    make_run(tmp_path / ".hidden")
    piped = make_run(tmp_path / "piped")
    (piped / "config.json").unlink()
    os.mkfifo(piped / "config.json")
    huge = make_run(tmp_path / "huge")
    with (huge / "config.json").open("wb") as file:
        file.truncate(2**31)
    ring = make_run(tmp_path / "ring")
    (ring / "previews").rmdir()
    (ring / "previews").symlink_to(ring / "previews")
    strange = make_run(tmp_path / "strange")
    for file in ("metrics.jsonl", "tags.json", "status.json"):
        (strange / file).unlink(missing_ok=True)
        os.mkfifo(strange / file)
    listing = run_library.read_listing(tmp_path, [tmp_path / "loop"])
    assert len(names(listing) & {"good", "again"}) == 1, "one run by two names is listed once"
    assert names(listing) - {"good", "again"} == {"ring", "strange"}
    assert {lost.path.name for lost in listing.lost} == {"piped", "huge", "loop"}
    assert runs.previews(ring) == []
    assert runs.read_metrics(strange) == ([], 0)


def test_attached_runs_and_folders(tmp_path):
    own, far = tmp_path / "own", tmp_path / "far"
    make_run(own / "a")
    make_run(far / "b")
    make_run(far / "c")
    (tmp_path / "void").mkdir()
    attached = [far, own / "a", tmp_path / "gone", tmp_path / "void"]
    listing = run_library.read_listing(own, attached)
    assert {entry.info.name: entry.attached for entry in listing.entries} == {"a": False, "b": True, "c": True}
    assert {lost.path.name for lost in listing.lost} == {"gone", "void"}
    assert all(lost.attached and lost.why.endswith(".") for lost in listing.lost)
    alone = run_library.read_listing(own, [far / "b"])
    assert names(alone) == {"a", "b"}


@given(st.text(max_size=80))
def test_a_tag_has_one_spelling(text):
    tag = run_library.clean_tag(text)
    assert run_library.clean_tag(tag) == tag
    assert len(tag) <= run_library.MAX_TAG
    assert "," not in tag
    assert "#" not in tag


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_config_that_is_no_file_is_named(tmp_path):
    run = make_run(tmp_path / "piped")
    (run / "config.json").unlink()
    os.mkfifo(run / "config.json")
    with pytest.raises(RunError, match=r"damaged config.json .*no regular file.*restore it"):
        runs.read_config(run)


def test_tags_are_kept_and_damaged_ones_are_none(tmp_path):
    run = make_run(tmp_path / "a")
    assert run_library.write_tags(run, [" night ", "night", "", "#best,"]) == ("night", "best")
    assert run_library.read_tags(run) == ("night", "best")
    for text in ("{", "{}", '"x"', "[1, null, [2]]", "[" * 9999):
        (run / "tags.json").write_text(text)
        assert run_library.read_tags(run) == ()
    with pytest.raises(RunError, match="tags"):
        run_library.write_tags(run, [f"t{n}" for n in range(30)])


def test_renaming_keeps_the_rest(tmp_path):
    run = make_run(tmp_path / "a", title="Old")
    before = runs.read_config(run)
    assert run_library.rename(run, "  New\nname  ") == "New name"
    after = runs.read_config(run)
    assert after.title == "New name"
    assert (after.model, after.training, after.data) == (before.model, before.training, before.data)


@pytest.fixture
def entries(tmp_path) -> tuple[run_library.Entry, ...]:
    make_run(tmp_path / "00000-vae-x", title="Night faces", family="vae", step=30)
    make_run(tmp_path / "00001-gan-x", title="Day faces", family="gan", step=90, state="done")
    run_library.write_tags(make_run(tmp_path / "00002-flow-x", family="flow", step=60), ["Nightly"])
    return run_library.read_listing(tmp_path).entries


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "012"),
        ("night", "02"),
        ("#night", "2"),
        ("NIGHT vae", "0"),
        ("gan", "1"),
        ("done", "1"),
        ("faces.zip", "012"),
        ("night nobody", ""),
    ],
)
def test_search(entries, query, found):
    assert {entry.info.name[4] for entry in run_library.chosen(entries, query=query)} == set(found)


def test_order_and_tag(entries):
    def order(key: str) -> str:
        return "".join(entry.info.name[4] for entry in run_library.chosen(entries, order=key))

    assert order("title") == "210"
    assert order("steps") == "120"
    assert order("family") == "210"
    assert {run_library.chosen(entries, tag="Nightly")[0].info.name} == {"00002-flow-x"}
    assert run_library.all_tags(entries) == ("Nightly",)


def plant_checkpoint(run: Path, step: int) -> Path:
    folder = run / "checkpoints" / f"step_{step:06d}"
    folder.mkdir()
    for name in ("model.safetensors", "state.safetensors", "manifest.json"):
        (folder / name).write_text(name)
    return folder


def test_a_copy_takes_the_past_of_its_weights(tmp_path):
    source = make_run(tmp_path / "source")
    for step in (10, 20, 30):
        plant_checkpoint(source, step)
        runs.append_metrics(source, step, {"loss": step})
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(source / "previews" / f"{step:06d}.webp")
    (source / "checkpoints" / ".step_000040.tmp").mkdir()
    (source / "checkpoints" / "step_x").mkdir()
    assert [one.step for one in run_library.list_checkpoints(source)] == [30, 20, 10]
    assert run_library.find_checkpoint(source).step == 30
    middle = run_library.find_checkpoint(source / "checkpoints" / "step_000020")
    target = make_run(tmp_path / "target")
    run_library.copy_checkpoint(middle, target)
    assert [one.step for one in run_library.list_checkpoints(target)] == [20]
    assert [row.step for row in runs.read_metrics(target)[0]] == [10, 20]
    assert [step for step, _ in runs.previews(target)] == [20]
    assert run_library.origin_of(middle) == {"run": "source", "path": str(source), "step": 20}
    with pytest.raises(RunError, match="no checkpoint"):
        run_library.find_checkpoint(make_run(tmp_path / "bare"))


def test_the_trash_of_last_resort_keeps_all(tmp_path):
    first = run_library.set_aside(make_run(tmp_path / "a"))
    second = run_library.set_aside(make_run(tmp_path / "a"))
    assert first != second
    assert (first / "config.json").is_file()
    assert run_library.read_listing(tmp_path).entries == ()


def elsewhere(run: Path, *, heartbeat: float, written: float | None = None, state: str = "running") -> None:
    """As if a machine with another clock had written the status."""
    values = {
        "state": state,
        "step": 5,
        "steps": 9,
        "message": "",
        "pid": 1,
        "host": "elsewhere",
        "heartbeat": heartbeat,
    }
    (run / "status.json").write_text(json.dumps(values))
    if written is not None:
        os.utime(run / "status.json", (written, written))


@pytest.mark.parametrize("skew", [-3600.0, 0.0, 3600.0])
def test_a_wrong_clock_elsewhere_does_not_make_a_run_dead(skew, tmp_path):
    """Neither the heartbeat nor the file's time agrees with our clock, but they move."""
    run, heartbeats = make_run(tmp_path / "a"), Heartbeats()
    for beat in range(3):
        at = time.time() + skew + beat
        elsewhere(run, heartbeat=at, written=at)
        status = runs.read_status(run, heartbeats)
        assert status.alive == (skew == 0 or beat > 0)
        assert not status.here


def test_a_clock_ahead_does_not_keep_a_dead_run_alive(tmp_path, monkeypatch):
    run, heartbeats = make_run(tmp_path / "a"), Heartbeats()
    now = [1000.0]
    monkeypatch.setattr("engine.runs.heartbeat.time.monotonic", lambda: now[0])
    ahead = time.time() + 3600
    elsewhere(run, heartbeat=ahead, written=ahead)
    assert not runs.read_status(run, heartbeats).alive
    elsewhere(run, heartbeat=ahead + 1, written=ahead + 1)
    assert runs.read_status(run, heartbeats).alive
    now[0] += 29
    assert runs.read_status(run, heartbeats).alive
    now[0] += 2
    dead = runs.read_status(run, heartbeats)
    assert (dead.alive, dead.lost, dead.state) == (False, True, "stopped")


def test_a_torn_status_does_not_end_a_living_run_at_once(tmp_path):
    run, heartbeats = make_run(tmp_path / "a"), Heartbeats()
    elsewhere(run, heartbeat=time.time())
    listing = run_library.read_listing(tmp_path, heartbeats=heartbeats)
    alive = []
    for text in ('{"state": "runn', '{"state": "runn', None):
        if text is None:
            elsewhere(run, heartbeat=time.time())
        else:
            (run / "status.json").write_text(text)
            os.utime(run / "status.json", (5, 5))
        listing = run_library.read_listing(
            tmp_path, before={entry.info.path: entry for entry in listing.entries}, heartbeats=heartbeats
        )
        alive.append(listing.entries[0].info.status.alive)
    assert alive == [True, False, True]


def test_one_look_without_memory_trusts_either_clock(tmp_path):
    run = make_run(tmp_path / "a")
    elsewhere(run, heartbeat=time.time() - 7200)
    assert runs.read_status(run).alive, "the file was written just now"
    elsewhere(run, heartbeat=time.time() - 7200, written=time.time() - 7200)
    assert not runs.read_status(run).alive


def test_another_process_with_the_same_number_is_not_the_writer(tmp_path, monkeypatch):
    run = make_run(tmp_path / "a", state="running")
    values = json.loads((run / "status.json").read_text())
    parent = os.getppid()
    silent = {**values, "pid": parent, "heartbeat": values["heartbeat"] - 100}
    (run / "status.json").write_text(json.dumps({**silent, "started": values["started"] - 10**6}))
    assert not runs.read_status(run).alive
    import psutil

    (run / "status.json").write_text(json.dumps({**silent, "started": psutil.Process(parent).create_time()}))
    assert runs.read_status(run).alive, "the same process may take long over a step"
