"""A new run from another run's checkpoint goes on exactly as that run did, and only with a model that fits."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.control import Control
from engine.errors import Cancelled, CheckpointError, DataError, RunError, UsageError
from engine.runs import directory as runs
from engine.runs import library as run_library
from tests.contract.tiny import folder_of_pictures
from tests.engine.training.runner import WITH_PICTURES, digests, new_run, train
from tests.quick import quick


def heldout(run, after):
    """The held-out figures of a run's steps beyond `after`: they follow from the weights alone."""
    rows, _ = runs.read_metrics(run)
    return {
        (row.step, name): value
        for row in rows
        for name, value in row.values.items()
        if row.step > after and name.startswith("heldout/")
    }


@pytest.mark.parametrize("family", quick(WITH_PICTURES, "gan"))
@pytest.mark.slow
def test_the_same_knobs_give_the_same_numbers(family, tmp_path):
    session, run = new_run(tmp_path, family, preview_every=4, keep=10)
    train(session, run)
    request = run_library.request_of(runs.read_config(run))
    checkpoint = run / "checkpoints" / "step_000004"
    copy = session.new_run(replace(request, checkpoint=checkpoint, folder=tmp_path / "copy", title="Copy"))
    assert runs.read_config(copy).origin == {"run": run.name, "path": str(run), "step": 4}
    assert [row.step for row in runs.read_metrics(copy)[0]][-1] == 4
    state, _ = train(session, copy)
    assert (state.state, state.step) == ("done", 12)
    for step in (8, 12):
        assert digests(copy, step)["state.safetensors"] == digests(run, step)["state.safetensors"]
    assert heldout(copy, 4) == heldout(run, 4)
    assert family == "gan" or heldout(copy, 4)


@pytest.mark.slow
def test_only_a_model_that_fits(tmp_path):
    session, run = new_run(tmp_path)
    train(session, run)
    request = replace(run_library.request_of(runs.read_config(run)), checkpoint=run, folder=tmp_path / "copy")
    wrong = [
        replace(request, family="gan", model={}, training={}),
        replace(request, size=64),
        replace(request, model={**request.model, "width": 16}),
        replace(request, training={**request.training, "steps": 12}),
    ]
    for one in wrong:
        with pytest.raises(UsageError, match=r"\.$"):
            session.new_run(one)
    with pytest.raises(RunError, match="no checkpoint"):
        session.new_run(replace(request, checkpoint=tmp_path / "nothing"))
    (run / "checkpoints/step_000012/state.safetensors").write_bytes(b"rot")
    more = replace(request, training={**request.training, "steps": 20})
    with pytest.raises(CheckpointError, match="damaged"):
        session.new_run(more)
    assert not (tmp_path / "copy").exists(), "nothing half made is left"
    longer = replace(more, checkpoint=run / "checkpoints/step_000008")
    assert run_library.list_checkpoints(session.new_run(longer))[0].step == 8


@pytest.mark.slow
def test_a_planned_run_reads_its_images_when_it_is_trained(tmp_path, monkeypatch):
    folder_of_pictures(tmp_path / "data", n=140)
    session, first = new_run(tmp_path)
    request = replace(run_library.request_of(runs.read_config(first)), folder=tmp_path / "planned")
    monkeypatch.setenv("LATENT_LOOM_CACHE", str(tmp_path / "fresh-cache"))
    monkeypatch.setattr("engine.runs.preparing.TELL_SECONDS", 0.0)
    told = []
    write = runs.write_status
    monkeypatch.setattr(
        runs, "write_status", lambda *a, **k: (told.append((a[1], k.get("fraction"))), write(*a, **k))[1]
    )
    run = session.new_run(request, read_data=False)
    assert runs.read_config(run).fingerprint == ""
    train(session, run)
    fractions = [fraction for state, fraction in told if state == "preparing" and fraction is not None]
    assert fractions == [0.0, 64 / 140, 128 / 140]
    assert runs.read_config(run).fingerprint == runs.read_config(first).fingerprint


def test_a_stop_is_heard_while_images_are_read(tmp_path, monkeypatch):
    folder_of_pictures(tmp_path / "data", n=140)
    session, first = new_run(tmp_path)
    request = replace(run_library.request_of(runs.read_config(first)), folder=tmp_path / "planned")
    run = session.new_run(request, read_data=False)
    monkeypatch.setenv("LATENT_LOOM_CACHE", str(tmp_path / "fresh-cache"))
    monkeypatch.setattr("engine.runs.preparing.TELL_SECONDS", 0.0)
    write = runs.write_status
    monkeypatch.setattr(runs, "write_status", lambda *a, **k: ((run / "STOP").touch(), write(*a, **k))[1])
    with pytest.raises(Cancelled):
        session.train(run, control=Control(), emit=lambda event: None)
    assert runs.read_status(run).state == "stopped"


def test_data_gone_wrong_is_told_in_the_run(tmp_path):
    session, first = new_run(tmp_path)
    request = replace(run_library.request_of(runs.read_config(first)), folder=tmp_path / "planned")
    run = session.new_run(request, read_data=False)
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, "data": str(tmp_path / "gone")}))
    with pytest.raises(DataError):
        session.train(run, control=Control(), emit=lambda event: None)
    status = runs.read_status(run)
    assert status.state == "failed"
    assert "gone" in status.message
