"""What training costs, estimated before a weight exists, against real small models; and what is chosen by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor

from engine.api import TrainRequest
from engine.errors import UsageError
from engine.families import FAMILIES, build
from engine.planning import cost, rehearsal
from engine.progress import Progress
from engine.runs import directory as runs
from engine.runs.line_files import read_notices
from engine.session import Session
from engine.training.config import TrainConfig
from tests.contract.tiny import folder_of_pictures, images, tiny_config, variants
from tests.quick import quick

SHAPE = (3, 16, 16)
SMALL = {
    "vae": {"width": 24, "code": 32},
    "gan": {"width": 16, "discriminator_width": 16},
    "flow": {"depth": 2, "extra_depth": 0, "hidden": 24},
}


def of(family: str, *, batch: int = 8, config=None, images: int = 0, **training) -> cost.CostQuery:
    return cost.asked(family, config or SMALL[family], {"batch": batch, **training}, SHAPE, images=images)


SOME = (*FAMILIES, "gan-augment-True", "gan-upsampling-transposed", "flow-coupling-additive")


@pytest.mark.parametrize(("name", "family", "config"), [row for row in variants() if row[0] in SOME])
@pytest.mark.slow
def test_parameters_are_exact(name: str, family: str, config):
    found = rehearsal.rehearse(family, config, SHAPE, 2)
    assert found.parameters == sum(p.numel() for p in build(family, config, SHAPE).parameters())
    assert found.flop > 0


def really(family: str, batch: int, *, checkpointing: bool = False) -> int:
    """The most bytes of tensors that a true step holds, counted while it calculates."""
    counter = rehearsal._Counter()
    with counter:
        model = build(family, SMALL[family], SHAPE).train()
        rehearsal.recompute_in_backward(model, checkpointing)
        steps = rehearsal._Steps(model, "float32")
        for steps.index in range(min(2, len(model.training_networks()))):
            model.training_step(images(batch, SHAPE), steps)
    return counter.peak


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.slow
def test_memory_is_that_of_a_true_step(family: str):
    true = really(family, 8)
    found = rehearsal.rehearse(family, SMALL[family], SHAPE, 8)
    # The rehearsal adds the last step's gradients where there is one network.
    assert 0.8 * true <= found.peak_bytes <= 1.3 * true + 4 * found.parameters


@pytest.mark.parametrize("family", ["vae", "gan"])
@pytest.mark.slow
def test_a_larger_batch_costs_more_and_recomputing_costs_less_memory(family: str):
    plain = cost.estimate(of(family, batch=32))
    assert cost.estimate(of(family, batch=64)).memory_bytes > 1.2 * plain.memory_bytes
    lean = cost.estimate(of(family, batch=32, checkpointing=True))
    assert lean.memory_bytes < plain.memory_bytes
    assert lean.gigaflop > plain.gigaflop
    parts = cost.estimate(of(family, batch=32, accumulate=4))
    assert parts.memory_bytes < plain.memory_bytes
    assert parts.parameters == plain.parameters


@pytest.mark.slow
def test_preparing_on_many_large_pictures_is_counted():
    asked = replace(of("vae", batch=2), image_shape=(3, 64, 64))
    assert cost.estimate(replace(asked, images=6144)).memory_bytes > 300e6 > cost.estimate(asked).memory_bytes


@pytest.mark.slow
def test_nothing_of_the_size_of_the_model_is_made():
    huge = {"depth": 2, "extra_depth": 0, "hidden": 1024, "levels": 2}
    made: list[torch.Tensor] = []
    before = torch.Tensor.untyped_storage

    def seen(self: torch.Tensor):
        if not isinstance(self, FakeTensor):
            made.append(self)
        return before(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "untyped_storage", seen)
        found = rehearsal.rehearse("flow", huge, (3, 64, 64), 64)
    assert found.peak_bytes > 500e6
    assert sum(tensor.numel() for tensor in made) < 1e6


@pytest.mark.parametrize("call", quick([1, 5, 25, 60], 25))
@pytest.mark.parametrize("family", ["vae", "gan", "flow"])
@pytest.mark.slow
def test_a_rehearsal_can_be_stopped_wherever_it_is(family: str, call: int):
    """Raised inside an operation, the exception would not come out of its C++ and would end the whole program."""
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyError("stopped")

    with pytest.raises(KeyError, match="stopped"):
        rehearsal.rehearse(family, SMALL[family], SHAPE, 4, progress=Progress(stop))


def test_what_fits_is_left_alone():
    assert cost.choose(of("vae"), 1e12) == cost.Choice({}, "")


@pytest.mark.parametrize("family", ["vae", "flow"])
@pytest.mark.slow
def test_where_images_do_not_meet_the_batch_is_cut_into_parts(family: str):
    asked = of(family, batch=64)
    whole, half = cost.estimate(asked).memory_bytes, cost.estimate(replace(asked, accumulate=2)).memory_bytes
    choice = cost.choose(asked, (whole + half) / 2 / cost.SHARE)
    assert choice.training == {"accumulate": 2}
    assert "2 parts" in choice.text
    assert "same result" in choice.text
    assert choice.text.count(".") - choice.text.count("0.") >= 1


@pytest.mark.slow
def test_a_gan_is_recomputed_and_never_cut():
    asked = of("gan", batch=64)
    whole, lean = cost.estimate(asked).memory_bytes, cost.estimate(replace(asked, checkpointing=True)).memory_bytes
    choice = cost.choose(asked, (whole + lean) / 2 / cost.SHARE)
    assert choice.training == {"checkpointing": True}


@pytest.mark.slow
def test_a_free_allowance_of_bits_looks_across_the_batch_so_it_is_not_cut():
    asked = of("vae", batch=64, config={**SMALL["vae"], "free_bits": 0.5})
    cut = cost.estimate(replace(asked, accumulate=2)).memory_bytes
    try:
        choice = cost.choose(asked, cut / cost.SHARE)
    except UsageError:
        return
    assert "accumulate" not in choice.training


@pytest.mark.parametrize("family", ["vae", "gan"])
@pytest.mark.slow
def test_what_fits_nowhere_is_refused_with_what_would(family: str):
    asked = of(family, batch=64)
    smallest = cost.estimate(of(family, batch=2, checkpointing=True)).memory_bytes
    least = replace(asked, accumulate=64 if family != "gan" else 1, checkpointing=True)
    free = min(smallest * 1.05, cost.estimate(least).memory_bytes * 0.97) / cost.SHARE
    with pytest.raises(UsageError, match=r"would fit|choose a smaller model") as refused:
        cost.choose(asked, free)
    assert "--force" in str(refused.value)
    assert str(refused.value).endswith(".")


def test_small_trainings_are_not_rehearsed():
    assert cost.plainly_fits(of("flow", config=tiny_config("flow")), 4e9)
    assert not cost.plainly_fits(of("flow", config=tiny_config("flow")), 1e9)
    assert not cost.plainly_fits(of("flow", config={"hidden": 256}), 1e12)
    assert not cost.plainly_fits(of("vae", batch=4096), 1e12)


def test_a_training_that_cannot_be_rehearsed_is_not_held_up(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise NotImplementedError("an operation without shapes")

    monkeypatch.setattr(cost, "rehearse", broken)
    monkeypatch.setattr(cost, "free_memory", lambda kind: 1000)
    monkeypatch.setattr(cost, "_KEPT", {})
    training = TrainConfig(batch=8)
    asked = TrainRequest("vae", "", size=32, model=tiny_config("vae"))
    assert cost.fitted(asked, training, "cpu") == (training, "")


def test_words():
    said = cost.Cost(5_392_876, 218e6, 32.0, 0.412).words()
    assert said == "5.4 M parameters · ~220 MB · ~410 ms a step"
    assert cost.Cost(900, 12.3e9, 1.0).words() == "900 parameters · ~12.3 GB"


def request(data: Path, **more) -> TrainRequest:
    model = tiny_config("vae")
    return TrainRequest(
        "vae", str(data), size=32, model=model, training={"batch": 8, "steps": 2}, **{"title": "Lean", **more}
    )


@pytest.mark.slow
def test_a_run_that_would_not_fit_takes_parts_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = folder_of_pictures(tmp_path / "pictures")
    asked = cost.asked("vae", tiny_config("vae"), {"batch": 8}, (3, 32, 32))
    monkeypatch.setattr(cost, "PREPARED", 0)
    asked = replace(asked, images=0)
    between = (cost.estimate(asked).memory_bytes + cost.estimate(replace(asked, accumulate=2)).memory_bytes) / 2
    monkeypatch.setattr(cost, "free_memory", lambda kind: between / cost.SHARE)
    session = Session(device="cpu")
    run = session.new_run(request(data))
    assert runs.read_config(run).training["accumulate"] == 2
    assert ["2 parts" in row.text for row in read_notices(run)[0]] == [True]

    monkeypatch.setattr(cost, "free_memory", lambda kind: 1000)
    with pytest.raises(UsageError, match="are free"):
        session.new_run(request(data, title="No"))
    forced = session.new_run(request(data, title="All the same", force=True))
    assert runs.read_config(forced).training["accumulate"] == 1
    assert read_notices(forced)[0] == []


@pytest.mark.slow
def test_the_cost_of_a_request_is_told_in_words():
    said = Session(device="cpu").cost_words(TrainRequest("gan", "", size=32, model=tiny_config("gan")))
    assert "parameters · ~" in said
    assert said.endswith("a step")
