"""Memory that runs out, batches in parts, blocks computed again: the same mathematics in less memory."""

from __future__ import annotations

import pytest
import torch

from engine.errors import RunError
from engine.events import TrainingMetrics, TrainingNotice, TrainingSaved
from engine.families import FAMILIES
from engine.nn.descent import Adam
from engine.nn.recompute import recompute_in_backward
from engine.runs import directory as runs
from engine.training.memory import out_of_memory
from tests.contract.tiny import PlainSteps, images, make, stir
from tests.engine.training.runner import digests, new_run, of, train
from tests.quick import quick

EVERY = pytest.mark.parametrize("family", list(FAMILIES))
CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
CPU = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.")


def short(monkeypatch, where: str, error: Exception, when=lambda calls: calls == 3):
    """Lets memory run out in a step's forward pass, backward pass or optimiser, at the calls for which `when` holds."""
    cls, name = {
        "forward": (torch.nn.Conv2d, "forward"),
        "backward": (torch.Tensor, "backward"),
        "step": (torch.optim.Adam, "step"),
    }[where]
    original, calls = getattr(cls, name), []

    def failing(self, *args, **words):
        # The models that only look are not the ones whose memory is short.
        if where != "forward" or self.training:
            calls.append(1)
            if when(len(calls)):
                raise error
        return original(self, *args, **words)

    monkeypatch.setattr(cls, name, failing)
    return calls


@pytest.mark.parametrize("error", quick([CUDA, CPU], CPU), ids=["cuda", "cpu"])
@pytest.mark.parametrize("where", quick(["forward", "backward", "step"], "backward"))
def test_memory_that_runs_out_makes_the_parts_smaller_and_training_goes_on(where, error, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.training.tick.TICK_SECONDS", 1000.0)
    session, run = new_run(tmp_path, "vae", steps=4, save_every=1)
    short(monkeypatch, where, error, lambda calls: calls == (3 if where != "forward" else 60))
    state, events = train(session, run)
    assert (state.state, state.step) == ("done", 4)
    (notice,) = of(TrainingNotice, events)
    assert "2 parts of at most 2 images" in notice.text
    assert notice.kind == "memory"
    # An optimiser that was interrupted may have changed half of the weights.
    assert ("went back to step 2" in notice.text) == (where == "step")
    assert runs.read_config(run).training["accumulate"] == 2
    rows, _ = runs.read_metrics(run)
    losses = {row.step: row.values["loss"] for row in rows if "loss" in row.values}
    monkeypatch.undo()
    monkeypatch.setattr("engine.training.tick.TICK_SECONDS", 1000.0)
    _, whole = new_run(tmp_path, "vae", name="whole", steps=4, save_every=1)
    _, events = train(session, whole)
    wanted = {e.step: dict(e.values)["loss"] for e in of(TrainingMetrics, events) if "loss" in dict(e.values)}
    assert losses == pytest.approx(wanted, abs=1e-5)


@pytest.mark.slow
def test_a_run_that_was_short_of_memory_resumes_bit_for_bit(tmp_path, monkeypatch):
    session, run = new_run(tmp_path, "vae", steps=8)
    short(monkeypatch, "backward", CUDA)
    train(session, run)
    monkeypatch.undo()
    wanted = digests(run, 8)
    for name in ("step_000008",):
        for file in (run / "checkpoints" / name).iterdir():
            file.unlink()
        (run / "checkpoints" / name).rmdir()
    train(session, run)
    assert digests(run, 8) == wanted


@pytest.mark.slow
def test_parts_of_one_image_cannot_be_made_smaller(tmp_path, monkeypatch):
    session, run = new_run(tmp_path, "vae")
    short(monkeypatch, "backward", CUDA, lambda calls: True)
    with pytest.raises(RunError, match="choose a smaller batch or model"):
        train(session, run)
    # From four images a part to two to one.
    assert runs.read_config(run).training["accumulate"] == 4


@pytest.mark.slow
def test_a_preview_without_memory_costs_a_notice(tmp_path, monkeypatch):
    def failing(*args, **words):
        raise CUDA

    monkeypatch.setattr("engine.training.preview.heldout_metrics", failing)
    session, run = new_run(tmp_path, "vae", preview_every=6)
    state, events = train(session, run)
    assert state.state == "done"
    assert [e.step for e in of(TrainingNotice, events) if "preview" in e.text] == [6, 12]


def test_other_errors_are_no_shortage_of_memory():
    assert out_of_memory(CUDA)
    assert out_of_memory(CPU)
    assert out_of_memory(MemoryError())
    assert not out_of_memory(RuntimeError("shapes (2, 3) and (4, 5) do not fit"))
    assert not out_of_memory(ValueError("out of memory"))


@pytest.mark.parametrize("family", quick(["vae", "flow"], "vae"))
@pytest.mark.parametrize("parts", quick([2, 3, 6], 3))
def test_a_batch_in_parts_gives_the_losses_of_the_whole(family, parts, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.training.tick.TICK_SECONDS", 1000.0)
    found = {}
    for accumulate in (1, parts):
        session, run = new_run(
            tmp_path, family, name=f"in {accumulate}", batch=6, steps=4, save_every=1, accumulate=accumulate
        )
        _, events = train(session, run)
        told = [(e.step, dict(e.values)) for e in of(TrainingMetrics, events) if "loss" in dict(e.values)]
        found[accumulate] = {step: (v["loss"], v["gradient_norm"]) for step, v in told}
    assert sorted(found[1]) == [1, 2, 3, 4]
    for step, values in found[1].items():
        assert found[parts][step] == pytest.approx(values, rel=1e-4, abs=1e-5)


def test_a_gan_in_parts_teaches_the_generator_with_the_finished_discriminator(tmp_path, monkeypatch):
    """Each network's optimiser steps once, the discriminator's before the generator's first backward pass."""
    acts = []
    backward, step = torch.Tensor.backward, Adam.step
    monkeypatch.setattr(
        torch.Tensor, "backward", lambda self, *a, **k: (acts.append("back"), backward(self, *a, **k))[1]
    )
    monkeypatch.setattr(Adam, "step", lambda self, *a, **k: (acts.append("step"), step(self, *a, **k))[1])
    session, run = new_run(tmp_path, "gan", steps=1, accumulate=2)
    state, events = train(session, run)
    assert state.state == "done"
    assert acts == ["back", "back", "step"] * 2
    metrics = {name for e in of(TrainingMetrics, events) for name, _ in e.values}
    assert {"generator_loss", "discriminator_loss", "generator_gradient_norm"} <= metrics


@pytest.mark.parametrize("family", quick(FAMILIES, "gan"))
@pytest.mark.slow
def test_a_run_in_parts_resumes_bit_for_bit(family, tmp_path):
    session, whole = new_run(tmp_path, family, name="whole", steps=8, accumulate=2)
    train(session, whole)
    _, parts = new_run(tmp_path, family, name="parts", steps=8, accumulate=2)
    from engine.control import Control

    control = Control()
    train(
        session,
        parts,
        control=control,
        hear=lambda e: control.stop() if isinstance(e, TrainingSaved) and e.step == 4 else None,
    )
    train(session, parts)
    assert digests(parts, 8) == digests(whole, 8)


@pytest.mark.parametrize("family", quick(FAMILIES, "flow"))
@pytest.mark.slow
def test_blocks_computed_again_change_no_digit_of_a_run(family, tmp_path):
    for checkpointing in (False, True):
        session, run = new_run(tmp_path, family, name=f"again {checkpointing}", steps=9, checkpointing=checkpointing)
        train(session, run)
    one, other = (digests(tmp_path / f"again {c}" / "tiny", 9) for c in (False, True))
    assert one == other


def kept_bytes(family: str, on: bool, monkeypatch) -> int:
    """Bytes that one training step keeps for its backward passes, weights left out."""
    model = stir(make(family, shape=(3, 32, 32))).train()
    recompute_in_backward(model, on)
    weights = {p.data_ptr() for p in model.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in weights:
            seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    steps, most = PlainSteps(model), []

    def update(name: str, loss: torch.Tensor) -> torch.Tensor:
        most.append(sum(seen.values()))
        seen.clear()
        return loss.detach()

    monkeypatch.setattr(steps, "update", update)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.training_step(images(8, (3, 32, 32)), steps)
    return max(most)


@pytest.mark.parametrize("family", [name for name, row in FAMILIES.items() if row.sizes])
def test_blocks_computed_again_keep_less(family, monkeypatch):
    usual, less = (kept_bytes(family, on, monkeypatch) for on in (False, True))
    assert less < 0.8 * usual, (usual, less)
