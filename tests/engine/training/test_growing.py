"""A run that begins with a trained model of half its size keeps what that has learned and goes on like any other."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch

from engine.checkpoints.model_file import load_model
from engine.errors import CheckpointError, RunError, UsageError
from engine.families import FAMILIES
from engine.files import tensors
from engine.runs import directory as runs
from engine.runs import library as run_library
from tests.contract.tiny import folder_of_pictures, save
from tests.engine.training.runner import QUIET, digests, new_run, train

GROWING = [name for name, row in FAMILIES.items() if row.grow is not None]
MORE = {**QUIET, "steps": 8}


def grown(session, run, tmp_path, **changes):
    """The request for twice the size of a run's pictures, on larger ones."""
    data = tmp_path / "larger"
    if not data.exists():
        folder_of_pictures(data, size=64)
    asked = run_library.request_of(runs.read_config(run))
    request = replace(
        asked, data=str(data), size=64, model={}, training=MORE, title="", folder=tmp_path / "grown", checkpoint=run
    )
    return replace(request, **changes)


@pytest.fixture(params=GROWING)
def small(request, tmp_path):
    """A session and a trained run of 32 pixels."""
    session, run = new_run(tmp_path, request.param, steps=4)
    train(session, run)
    return session, run


def model_of(run, step):
    return load_model(run / "checkpoints" / f"step_{step:06d}" / "model.safetensors")[0].state_dict()


def state_of(run, step):
    state = tensors.load((run / "checkpoints" / f"step_{step:06d}" / "state.safetensors").read_bytes())
    return {name.removeprefix("model/"): value for name, value in state.items() if name.startswith("model/")}


def test_all_that_was_learned_is_taken_over(small, tmp_path):
    session, run = small
    large = session.new_run(grown(session, run, tmp_path))
    config = runs.read_config(large)
    assert config.image_shape == (3, 64, 64)
    assert config.origin == {"run": run.name, "path": str(run), "step": 4}
    shown, kept = model_of(run, 4), state_of(run, 4)
    training_only = FAMILIES[config.family].model.training_only
    begun = state_of(large, 0)
    for name in kept:
        expected = kept[name] if name.startswith(training_only) else shown[name]
        assert torch.equal(begun[name], expected), name
    assert set(kept) < set(begun), "a stage is new"
    averaged = model_of(large, 0)
    assert all(torch.equal(averaged[name], begun[name]) for name in averaged if not name.startswith(training_only))


def test_it_trains_and_resumes_bit_for_bit(small, tmp_path):
    session, run = small
    large = session.new_run(grown(session, run, tmp_path))
    assert train(session, large)[0].state == "done"
    begun, ended = state_of(large, 0), state_of(large, 8)
    assert all(not torch.equal(begun[name], ended[name]) for name in begun if name.endswith("weight"))
    for start in (0, 4):
        again = tmp_path / f"again-{start}"
        shutil.copytree(large, again)
        for later in (4, 8)[start // 4 :]:
            shutil.rmtree(again / f"checkpoints/step_{later:06d}")
        train(session, again)
        assert digests(again, 8)["state.safetensors"] == digests(large, 8)["state.safetensors"]


def test_a_model_file_grows_whose_discriminator_is_left_out(tmp_path):
    session, run = new_run(tmp_path, "gan")
    save(tmp_path / "small.safetensors", "gan", whole=False)
    save(tmp_path / "whole.safetensors", "gan")
    training = {**MORE, "steps": 24}
    ask = {"checkpoint": tmp_path / "small.safetensors", "training": training}
    large = session.new_run(grown(session, run, tmp_path, **ask))
    config = runs.read_config(large)
    assert (config.model["grown"], config.model["critic_first"], config.model["fade"]) == (1, 2, 2)
    assert config.origin["run"] == "Tiny"
    old = load_model(tmp_path / "small.safetensors")[0].state_dict()
    begun = state_of(large, 0)
    names = [name for name in old if name.startswith("generator.")]
    assert names
    assert all(torch.equal(begun[name], old[name]) for name in names)
    state, _ = train(session, large)
    assert (state.state, state.step) == ("done", 24)
    again = session.new_run(grown(session, run, tmp_path, **{**ask, "folder": tmp_path / "same"}))
    assert digests(again, 0)["state.safetensors"] == digests(large, 0)["state.safetensors"], "one seed, one beginning"
    given = grown(session, run, tmp_path, **{**ask, "folder": tmp_path / "given", "model": {"critic_first": "5"}})
    assert runs.read_config(session.new_run(given)).model["critic_first"] == 5
    complete = grown(session, run, tmp_path, folder=tmp_path / "complete", checkpoint=tmp_path / "whole.safetensors")
    assert runs.read_config(session.new_run(complete)).model["critic_first"] == 0


def test_what_cannot_grow_is_a_sentence(tmp_path):
    session, run = new_run(tmp_path, "gan", steps=4)
    train(session, run)
    save(tmp_path / "flow.safetensors", "flow")
    save(tmp_path / "large.safetensors", "gan", size=128)
    save(tmp_path / "same.safetensors", "gan", size=64)
    (tmp_path / "noise.safetensors").write_bytes(b"\xff" * 64)
    request = grown(session, run, tmp_path)
    wrong = {
        "no other family": replace(request, checkpoint=tmp_path / "flow.safetensors"),
        "cannot grow": replace(request, family="flow", checkpoint=tmp_path / "flow.safetensors"),
        "cannot become one of 64: no GAN": replace(request, checkpoint=tmp_path / "large.safetensors"),
        "draws 64 pixels already": replace(request, checkpoint=tmp_path / "same.safetensors"),
        "grow to 64 pixels first": replace(request, size=128),
        "of 3 channels": replace(request, channels=1),
        "width cannot change": replace(request, model={"width": 16}),
        "regulariser cannot change": replace(request, model={"regulariser": "spectral"}),
    }
    for words, one in wrong.items():
        with pytest.raises(UsageError, match=rf"{words}.*\.$"):
            session.new_run(one)
    with pytest.raises(CheckpointError, match=r"not a Latent Loom model.*\.$"):
        session.new_run(replace(request, checkpoint=tmp_path / "noise.safetensors"))
    with pytest.raises(RunError, match="no checkpoint"):
        session.new_run(replace(request, checkpoint=tmp_path / "nothing"))
    there = session.models()[0].path.stem
    assert session.trained(there).step >= 0
    with pytest.raises(RunError, match="no checkpoint"):
        session.trained(tmp_path / "gone" / there)
    (run / "checkpoints/step_000004/state.safetensors").write_bytes(b"rot")
    with pytest.raises(CheckpointError, match="damaged"):
        session.new_run(request)
    assert not request.folder.exists(), "nothing half made is left"
