"""Our optimisers are torch's, number by number, and do not wait for its compiler."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from engine.models.vae.inference import ascend
from engine.nn.descent import OPTIMISERS, TINY

THEIRS = {
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01, betas=(0.5, 0.9), fused=True),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.01, alpha=0.9, eps=TINY, momentum=0.5),
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.5),
}


def trained(make, name: str) -> list[torch.Tensor]:
    """Weights and moments after some steps, half of them by an optimiser that took over the state of the first."""
    generator = torch.Generator().manual_seed(4)
    net = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    parameters = list(net.parameters())
    descent = make(parameters)
    for step in range(40):
        if step == 20:
            state, descent = descent.state_dict(), make(parameters)
            descent.load_state_dict(state)
        descent.zero_grad(set_to_none=True)
        net(torch.randn(8, 3, generator=generator)).square().mean().backward()
        descent.step()
    names = OPTIMISERS[name].kept(0.5)
    return [*parameters, *(torch.as_tensor(descent.state[one][kept]) for one in parameters for kept in names)]


@pytest.fixture
def no_compiler(monkeypatch):
    """Torch's own optimisers with nothing in the compiler's place, which would take seconds to import."""
    if "torch._dynamo" not in sys.modules:
        nothing = SimpleNamespace(graph_break=lambda: None, disable=lambda function, *args, **options: function)
        monkeypatch.setitem(sys.modules, "torch._dynamo", nothing)
        monkeypatch.setattr(torch, "_dynamo", nothing, raising=False)


@pytest.mark.parametrize("name", list(OPTIMISERS))
def test_every_number_is_that_of_torch(name, no_compiler):
    ours = trained(lambda parameters: OPTIMISERS[name].make(parameters, 0.01, 0.5, 0.9), name)
    theirs = trained(THEIRS[name], name)
    assert len(ours) == len(theirs)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_a_step_imports_no_compiler(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    for name, row in OPTIMISERS.items():
        weight = torch.nn.Parameter(torch.zeros(3))
        descent = row.make([weight], 0.1, 0.5, 0.9)
        weight.grad = torch.ones(3)
        descent.step()
        descent.zero_grad()
        descent.load_state_dict(descent.state_dict())
        # Torch's own cannot do without it.
        weight.grad = torch.ones(3)
        with pytest.raises(ImportError):
            THEIRS[name]([weight]).step()


def test_inference_for_each_point_imports_no_compiler(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    (found,) = ascend([torch.zeros(3)], lambda parts: -(parts[0] - 1.0).square(), steps=60)
    assert torch.allclose(found, torch.ones(3), atol=0.1)
