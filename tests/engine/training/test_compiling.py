"""The knob `compile`: it changes no number that matters, and whatever a compiler raises, the run goes on."""

from __future__ import annotations

import os

import pytest
import torch
from torch import nn

from engine.events import TrainingNotice
from engine.families import FAMILIES, build
from engine.training.compiling import CACHE, compilable
from tests.contract.tiny import tiny_config
from tests.engine.training.runner import digests, new_run, of, train

WGAN = {"objective": "wgan"}


def told(events: list) -> list[tuple[str, str]]:
    return [(notice.level, notice.text) for notice in of(TrainingNotice, events) if notice.kind == "compile"]


def test_what_is_called_as_a_module_can_be_compiled():
    found = {
        name: {type(part).__name__ for part in compilable(build(name, tiny_config(name), (3, 32, 32)))}
        for name in FAMILIES
    }
    assert {"Generator", "Discriminator"} <= found["gan"]
    assert found["vae"]
    assert not found["flow"]


@pytest.mark.parametrize(("family", "model"), [("vae", {}), ("gan", {}), ("gan", WGAN)], ids=["vae", "gan", "wgan"])
@pytest.mark.slow
def test_a_rehearsal_leaves_no_trace_and_what_goes_backward_twice_is_left_out(family, model, tmp_path, monkeypatch):
    calls = []

    def pretend(self: nn.Module, **options: object) -> None:
        def impl(*inputs: torch.Tensor) -> object:
            calls.append(os.environ[CACHE])
            assert not (inputs[0].is_leaf and inputs[0].requires_grad), "a penalty on gradients of the input"
            return self._call_impl(*inputs)

        self._compiled_call_impl = impl

    session, plain = new_run(tmp_path, family, name="plain", model=model)
    train(session, plain)
    before = os.environ.get(CACHE)
    monkeypatch.setattr(nn.Module, "compile", pretend)
    _, run = new_run(tmp_path, family, name="run", model=model, compile="compile")
    state, events = train(session, run)
    assert state.state == "done"
    assert [level for level, _ in told(events)] == ["info", "info"]
    assert len(calls) > 12
    assert digests(run, 12) == digests(plain, 12)
    assert os.environ.get(CACHE) == before
    assert len(set(calls)) == 1
    assert not os.path.exists(calls[0]), "compiled code was left behind"


@pytest.mark.parametrize(
    "error", [RuntimeError("no working C++ compiler found"), OSError("file too short"), AssertionError()]
)
@pytest.mark.slow
def test_a_compiler_that_fails_is_told_once_and_training_goes_on_without(error, tmp_path, monkeypatch):
    def broken(self: nn.Module, **options: object) -> None:
        def impl(*inputs: torch.Tensor) -> object:
            raise error

        self._compiled_call_impl = impl

    session, plain = new_run(tmp_path, "gan", name="plain")
    train(session, plain)
    monkeypatch.setattr(nn.Module, "compile", broken)
    _, run = new_run(tmp_path, "gan", name="run", compile="compile")
    state, events = train(session, run)
    assert state.state == "done"
    ((first, _), (second, text)) = told(events)
    assert (first, second) == ("info", "warning")
    assert type(error).__name__ in text
    assert str(error) in text
    assert digests(run, 12) == digests(plain, 12)


@pytest.mark.parametrize(
    ("family", "knobs", "why"),
    [
        ("flow", {"compile": "compile"}, "written out"),
        ("vae", {"compile": "compile", "checkpointing": True}, "computed again"),
        ("vae", {"compile": "cuda graphs"}, "CUDA GPU"),
    ],
)
@pytest.mark.slow
def test_what_is_not_offered_is_said_and_nothing_is_compiled(family, knobs, why, tmp_path, monkeypatch):
    monkeypatch.setattr(nn.Module, "compile", lambda self, **options: pytest.fail("compiled"))
    session, run = new_run(tmp_path, family, steps=2, **knobs)
    state, events = train(session, run)
    assert state.state == "done"
    ((level, text),) = told(events)
    assert level == "warning"
    assert why in text


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", ["vae", "gan"])
def test_compiled_networks_train_as_the_plain_ones(family, tmp_path):
    from engine.checkpoints.model_file import load_model

    session, plain = new_run(tmp_path, family, name="plain", steps=4)
    train(session, plain)
    _, run = new_run(tmp_path, family, name="run", steps=4, compile="compile")
    state, events = train(session, run)
    assert state.state == "done"
    assert [level for level, _ in told(events)] == ["info", "info"], told(events)
    one, other = (load_model(r / "checkpoints/step_000004/model.safetensors")[0] for r in (run, plain))
    for name, value in one.state_dict().items():
        # A model's file leaves out what only training needs.
        if value.is_floating_point() and not name.startswith(one.training_only or ("\0",)):
            torch.testing.assert_close(value, other.state_dict()[name], rtol=0.05, atol=2e-3, msg=name)
