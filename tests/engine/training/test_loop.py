"""The loop: what a run leaves behind, how it stops, pauses, resumes, and what it does about numbers gone wrong."""

from __future__ import annotations

import json
import shutil
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from engine.checkpoints.model_file import load_model
from engine.control import Control
from engine.errors import RunError, UsageError
from engine.events import TrainingMetrics, TrainingNotice, TrainingPreview, TrainingSaved, TrainingState
from engine.families import FAMILIES
from engine.models.vae import Vae
from engine.pictures import to_pictures
from engine.runs import directory as runs
from engine.runs.checkpoints import newest_snapshot
from engine.runs.library import read_listing
from tests.contract.tiny import folder_of_pictures
from tests.engine.training.runner import WITH_PICTURES, digests, new_run, of, steps_saved, train
from tests.quick import quick

EVERY = pytest.mark.parametrize("family", WITH_PICTURES)


@EVERY
@pytest.mark.slow
def test_a_run_leaves_all_that_the_readers_read(family, tmp_path):
    session, run = new_run(tmp_path, family, preview_every=5)
    state, events = train(session, run)
    assert (state.state, state.step, state.steps) == ("done", 12, 12)
    assert steps_saved(run) == [0, 4, 8, 12]
    assert [e.step for e in of(TrainingSaved, events)] == [0, 4, 8, 12]
    assert [step for step, _ in runs.previews(run)] == [5, 10, 12]
    assert [e.step for e in of(TrainingPreview, events)] == [5, 10, 12]
    assert of(TrainingState, events)[0].state == "preparing"
    assert runs.read_status(run) == runs.RunStatus("done", 12, 12, False)
    rows, _ = runs.read_metrics(run)
    names = {name for row in rows for name in row.values}
    config = runs.read_config(run).model
    lines = [plot for plot in FAMILIES[family].curves if plot.kind == "line" and plot.shown(config)]
    shown = {name for plot in lines for name in plot.metrics}
    assert shown <= names, f"curves never drawn: {shown - names}"
    assert {row.step for row in rows} >= {4, 8, 12}
    assert not (run / "lock").exists()
    assert list(run.glob("events.out.tfevents.*"))
    model, header, _ = load_model(run / "checkpoints/step_000012/model.safetensors")
    assert (header.step, header.family) == (12, family)
    codes = model.sample_codes(
        25, temperature=0.7 if family == "flow" else 1.0, generator=torch.Generator().manual_seed(0)
    )
    preview = runs.read_preview(runs.previews(run)[-1][1], 32)
    assert (preview.shape, preview.dtype) == ((25, 32, 32, 3), np.uint8)
    with torch.inference_mode():
        np.testing.assert_array_equal(preview, to_pictures(model.decode(codes)))
    assert session.open_run(run).info.step == 12
    assert [entry.info.path for entry in read_listing(run.parent).entries] == [run]
    assert model.spec.image_shape == (3, 32, 32)


@pytest.mark.slow
def test_what_is_emitted_is_what_stands_in_the_file_and_where(tmp_path):
    session, run = new_run(tmp_path, preview_every=4)
    _, events = train(session, run)
    written = (run / "metrics.jsonl").read_bytes()
    metrics = of(TrainingMetrics, events)
    assert [e.begin for e in metrics] == [0, *(e.end for e in metrics[:-1])]
    assert metrics[-1].end == len(written)
    for event in metrics:
        line = json.loads(written[event.begin : event.end])
        assert line == {"step": event.step, "time": event.time, **dict(event.values)}


@pytest.mark.slow
def test_only_the_newest_checkpoints_stay_and_by_number(tmp_path):
    session, run = new_run(tmp_path, steps=6, save_every=1, keep=2)
    train(session, run)
    assert steps_saved(run) == [5, 6]


@pytest.mark.slow
def test_a_millionth_step_is_newer_than_the_one_before(tmp_path):
    session, run = new_run(tmp_path, steps=4)
    train(session, run)
    for step in (999_500, 1_000_000):
        folder = run / "checkpoints" / f"step_{step:06d}"
        shutil.copytree(run / "checkpoints/step_000004", folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**manifest, "step": step}))
    assert newest_snapshot(run) == (folder, [])


@pytest.mark.parametrize("family", quick(WITH_PICTURES, "gan"))
def test_a_stopped_run_goes_on_as_if_it_had_never_stopped(family, tmp_path):
    session, whole = new_run(tmp_path, family, name="whole")
    train(session, whole)
    _, parts = new_run(tmp_path, family, name="parts")
    for stop_at in (4, 8):
        control = Control()
        state, _ = train(
            session,
            parts,
            control=control,
            hear=lambda e, c=control, s=stop_at: c.stop() if isinstance(e, TrainingSaved) and e.step == s else None,
        )
        assert (state.state, state.step) == ("stopped", stop_at)
    train(session, parts)
    assert digests(parts, 12) == digests(whole, 12)


@pytest.mark.slow
def test_training_depends_on_the_seed_and_leaves_global_randomness_alone(tmp_path):
    session, one = new_run(tmp_path, name="one")
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train(session, one)
    assert torch.equal(torch.rand(1), expected)
    _, other = new_run(tmp_path, name="other", seed=1)
    train(session, other)
    assert digests(one, 12)["state.safetensors"] != digests(other, 12)["state.safetensors"]


def slow_steps(monkeypatch, hook=None):
    """Counts training steps, and calls `hook(index)` in each."""
    steps = []
    original = Vae.training_step

    def counted(self, batch, given):
        steps.append(given.index)
        if hook is not None:
            hook(given.index)
        return original(self, batch, given)

    monkeypatch.setattr(Vae, "training_step", counted)
    return steps


def test_stop_ends_within_the_step_and_saves_it(tmp_path, monkeypatch):
    control = Control()
    steps = slow_steps(monkeypatch, lambda index: control.stop() if index == 5 else None)
    session, run = new_run(tmp_path, steps=1000, save_every=500)
    state, _ = train(session, run, control=control)
    assert (state.state, state.step, steps[-1]) == ("stopped", 6, 5)
    assert steps_saved(run) == [0, 6]
    assert runs.read_status(run).state == "stopped"


@pytest.mark.slow
def test_a_stop_file_stops_and_is_forgotten_at_the_next_start(tmp_path, monkeypatch):
    session, run = new_run(tmp_path, steps=10, save_every=500)
    steps = slow_steps(monkeypatch, lambda index: (run / "STOP").touch() if index == 2 else None)
    state, _ = train(session, run)
    assert (state.state, state.step) == ("stopped", 3)
    steps.clear()
    monkeypatch.undo()
    state, _ = train(session, run)
    assert (state.state, state.step) == ("done", 10)
    assert not (run / "STOP").exists()


@pytest.mark.parametrize("by", ["control", "file"])
@pytest.mark.slow
def test_a_paused_run_stands_still_and_goes_on(by, tmp_path, monkeypatch):
    session, run = new_run(tmp_path, steps=8)
    control = Control()
    ask = {"control": control.pause, "file": (run / "PAUSE").touch}[by]
    let_go = {"control": control.resume, "file": (run / "PAUSE").unlink}[by]
    steps = slow_steps(monkeypatch, lambda index: ask() if index == 3 else None)
    seen = []

    def hear(event):
        if isinstance(event, TrainingState):
            seen.append(event.state)
            if event.state == "paused":
                threading.Timer(0.25, lambda: (seen.append(("steps", len(steps))), let_go())).start()

    state, _ = train(session, run, control=control, hear=hear)
    assert state.state == "done"
    # While paused no step was made, and it was told both ways.
    assert ("steps", 4) in seen
    assert seen[seen.index(("steps", 4)) - 1] == "paused"
    assert "running" in seen[seen.index(("steps", 4)) :]


def test_a_paused_run_can_be_stopped(tmp_path):
    session, run = new_run(tmp_path)
    control = Control()
    control.pause()
    state, _ = train(
        session,
        run,
        control=control,
        hear=lambda e: control.stop() if isinstance(e, TrainingState) and e.state == "paused" else None,
    )
    assert (state.state, state.step) == ("stopped", 0)


@pytest.mark.slow
def test_every_step_on_a_cpu_waits_for_its_turn(tmp_path):
    class Turns(Control):
        count = 0

        def wait_turn(self, *, at_most: float = 2.0) -> None:
            self.count += 1

    session, run = new_run(tmp_path)
    turns = Turns()
    train(session, run, control=turns)
    assert turns.count == 12


def test_a_paused_run_keeps_saying_that_it_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "STALE_SECONDS", 0.6)
    session, run = new_run(tmp_path)
    control = Control()
    control.pause()
    alive = []

    def watch():
        for _ in range(8):
            time.sleep(0.15)
            alive.append(runs.read_status(run).alive)
        control.stop()

    watcher = threading.Thread(target=watch)
    train(
        session,
        run,
        control=control,
        hear=lambda e: watcher.start() if isinstance(e, TrainingState) and e.state == "paused" else None,
    )
    watcher.join()
    assert alive == [True] * 8


def poison(monkeypatch, when):
    """Makes the weights not finite after the steps for which `when(index, call)` holds."""
    original, calls = Vae.training_step, []

    def poisoned(self, batch, steps):
        calls.append(steps.index)
        metrics = original(self, batch, steps)
        if when(steps.index, len(calls)):
            with torch.no_grad():
                self.log_std.fill_(float("nan"))
        return metrics

    monkeypatch.setattr(Vae, "training_step", poisoned)
    return calls


def assert_finite_checkpoints(run):
    for file in (run / "checkpoints").rglob("*.safetensors"):
        for name, value in load_file(file).items():
            assert bool(torch.isfinite(value.float()).all()), (file, name)


@pytest.mark.parametrize("bad_step", quick([0, 5, 7, 10], 7))
def test_numbers_gone_wrong_are_rolled_back_and_told(bad_step, tmp_path, monkeypatch):
    done = []
    poison(monkeypatch, lambda index, _: index == bad_step and not done and not done.append(1))
    session, run = new_run(tmp_path)
    state, events = train(session, run)
    assert state.state == "done"
    (notice,) = of(TrainingNotice, events)
    assert "not finite" in notice.text
    assert f"step {bad_step - bad_step % 4}" in notice.text
    assert notice.text in (run / "log.txt").read_text()
    assert_finite_checkpoints(run)
    manifest = json.loads((run / "checkpoints/step_000012/manifest.json").read_text())
    assert manifest["strikes"] == 1
    rows, _ = runs.read_metrics(run)
    assert all(np.isfinite(v) for row in rows for v in row.values.values())


@pytest.mark.slow
def test_a_roll_back_halves_the_rate_and_draws_other_numbers(tmp_path, monkeypatch):
    seen = []
    original = Vae.training_step

    def watched(self, batch, steps):
        if steps.index == 5:
            rate = steps._descents["model"].param_groups[0]["lr"]
            seen.append((rate, torch.rand(1, generator=steps.generator).item()))
        return original(self, batch, steps)

    monkeypatch.setattr(Vae, "training_step", watched)
    poison(monkeypatch, lambda index, call: call == 6)
    session, run = new_run(tmp_path)
    train(session, run)
    (before, after) = seen
    assert after[0] == pytest.approx(before[0] / 2)
    assert after[1] != before[1]


@pytest.mark.slow
def test_the_fourth_divergence_ends_the_run_with_a_sentence_and_its_last_good_checkpoint(tmp_path, monkeypatch):
    poison(monkeypatch, lambda index, _: index == 9)
    session, run = new_run(tmp_path)
    with pytest.raises(RunError, match="diverged 4 times"):
        train(session, run)
    assert steps_saved(run) == [0, 4, 8]
    assert_finite_checkpoints(run)
    status = runs.read_status(run)
    assert (status.state, status.alive) == ("failed", False)
    assert "lower learning rate" in status.message
    assert not (run / "lock").exists()


def test_a_stop_amid_bad_numbers_saves_none_of_them(tmp_path, monkeypatch):
    control = Control()
    poison(monkeypatch, lambda index, _: index == 5 and not control.stop())
    session, run = new_run(tmp_path)
    state, _ = train(session, run, control=control)
    assert state.state == "stopped"
    assert steps_saved(run) == [0, 4]
    assert_finite_checkpoints(run)


@pytest.mark.slow
def test_constant_pictures_do_not_break_any_family(tmp_path):
    for i, family in enumerate(FAMILIES):
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        for k in range(24):
            Image.new("RGB", (32, 32), (120, 130, 140)).save(data / f"{k}.png")
        session, run = new_run(tmp_path, family, name=f"constant{i}")
        state, events = train(session, run)
        assert state.state == "done"
        assert not of(TrainingNotice, events), of(TrainingNotice, events)
        assert_finite_checkpoints(run)


@pytest.mark.slow
def test_a_second_trainer_is_refused_while_the_first_lives(tmp_path):
    session, run = new_run(tmp_path)
    refused = []

    def again(event):
        if isinstance(event, TrainingSaved) and event.step == 4:
            with pytest.raises(RunError, match="another process") as caught:
                session.train(run, control=Control(), emit=lambda e: None)
            refused.append(str(caught.value))

    state, _ = train(session, run, hear=again)
    assert state.state == "done"
    assert len(refused) == 1
    assert runs.read_status(run).state == "done"


@pytest.mark.slow
def test_a_changed_data_set_is_refused(tmp_path):
    session, run = new_run(tmp_path)
    train(session, run)
    session.extend_run(run, {"steps": 20})
    Image.new("RGB", (32, 32)).save(tmp_path / "data" / "one-more.png")
    with pytest.raises(RunError, match="has changed"):
        train(session, run)
    assert steps_saved(run)[-1] == 12


@pytest.mark.slow
def test_a_run_can_be_given_more_steps(tmp_path):
    session, run = new_run(tmp_path, decay=0.0)
    train(session, run)
    session.extend_run(run, {"steps": 16})
    state, _ = train(session, run)
    assert (state.state, state.step) == ("done", 16)
    _, straight = new_run(tmp_path, name="straight", steps=16, decay=0.0)
    train(session, straight)
    assert digests(run, 16) == digests(straight, 16)
    with pytest.raises(UsageError, match="steps"):
        session.extend_run(run, {"steps": 0})


def test_fewer_pictures_than_a_batch_are_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UsageError, match="batch must be at most the"):
        new_run(tmp_path, batch=100)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("rank", "size"), [("0", "2"), ("2", "2"), ("-1", "1"), ("x", "1"), ("0", "")])
def test_several_processes_without_torchrun_are_refused_in_words(rank, size, tmp_path, monkeypatch):
    session, run = new_run(tmp_path)
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", size)
    with pytest.raises(UsageError, match="torchrun"):
        train(session, run)


@pytest.mark.slow
def test_metrics_are_means_since_the_last_tick(tmp_path, monkeypatch):
    original, losses = Vae.training_step, []

    def noted(self, batch, steps):
        metrics = original(self, batch, steps)
        losses.append(float(metrics["loss"]))
        return metrics

    monkeypatch.setattr(Vae, "training_step", noted)
    monkeypatch.setattr("engine.training.tick.TICK_SECONDS", 1000.0)
    session, run = new_run(tmp_path)
    _, events = train(session, run)
    told = {e.step: dict(e.values)["loss"] for e in of(TrainingMetrics, events) if "loss" in dict(e.values)}
    assert told == pytest.approx({k: float(np.mean(losses[k - 4 : k])) for k in (4, 8, 12)}, rel=1e-5)


@pytest.mark.slow
def test_a_model_made_of_a_run_is_the_averaged_one(tmp_path):
    session, run = new_run(tmp_path)
    train(session, run)
    path = session.publish(run, "My faces")
    assert session.find("my-faces").path == path
    assert session.open("My faces").info.title == "My faces"
    published = load_file(path)
    for name, value in load_file(run / "checkpoints/step_000012/model.safetensors").items():
        assert torch.equal(value, published[name]), name


def test_runs_are_named_by_the_next_free_number(tmp_path):
    assert runs.new_run_path(tmp_path, "vae", "My Faces!").name == "00000-vae-My-Faces"
    (tmp_path / "00041-gan-x").mkdir()
    (tmp_path / "notes").mkdir()
    assert runs.new_run_path(tmp_path, "flow", "脸").name == "00042-flow-data"


def test_a_folder_in_use_is_never_taken_for_a_new_run(tmp_path):
    _, run = new_run(tmp_path)
    with pytest.raises(RunError, match="already holds a run"):
        new_run(tmp_path)
    (tmp_path / "mine" / "tiny").mkdir(parents=True)
    (tmp_path / "mine" / "tiny" / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="is no run"):
        new_run(tmp_path, name="mine")
    assert (tmp_path / "mine" / "tiny" / "thesis.txt").read_text() == "years of work"
    assert runs.read_config(run).family == "vae"


@pytest.mark.slow
def test_pictures_that_were_left_out_are_told_once_and_listed(tmp_path):
    data = tmp_path / "data"
    folder_of_pictures(data)
    for name in ("broken-1.png", "broken-2.png"):
        (data / name).write_bytes(b"no picture")
    session, run = new_run(tmp_path, steps=2)
    _, events = train(session, run)
    told = [notice.text for notice in of(TrainingNotice, events)]
    assert len(told) == 1
    assert "2 of " in told[0]
    listed = (run / "log.txt").read_text("utf-8")
    assert "left out: broken-1.png\n" in listed
    assert "left out: broken-2.png\n" in listed

    session.extend_run(run, {"steps": 4})
    _, again = train(session, run)
    assert not of(TrainingNotice, again)
