"""The simulated device refuses what a GPU refuses, and a forgotten `device=` is found wherever it stands."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from engine.device import placed
from engine.families import FAMILIES
from engine.frozen import freeze_model
from engine.models.base import Plain
from tests.contract.tiny import PlainSteps, images, make, stir
from tests.rehearsed.simulated import Simulated

pytestmark = pytest.mark.rehearsed
EVERY = pytest.mark.parametrize("family", list(FAMILIES))


@pytest.mark.parametrize(
    "mixed",
    [
        lambda x: x + torch.zeros(4),
        lambda x: torch.zeros(3, 4) * x,
        lambda x: x @ torch.zeros(4, 2),
        lambda x: torch.cat([x, torch.zeros(1, 4)]),
        lambda x: torch.stack([x, torch.zeros(3, 4)]),
        lambda x: torch.where(x > 0, x, torch.zeros(3, 4)),
        lambda x: x.add_(torch.zeros(3, 4)),
        lambda x: x.masked_fill(torch.zeros(3, 4).bool(), 1.0),
        lambda x: x.gather(1, torch.zeros(3, 1, dtype=torch.int64)),
        lambda x: torch.zeros(3, 4)[x[:, 0].long()],
        lambda x: torch.equal(x, torch.zeros(3, 4)),
        lambda x: nn.functional.linear(x, torch.zeros(2, 4)),
        lambda x: nn.functional.conv2d(x[None, None], torch.zeros(1, 1, 3, 3)),
        lambda x: nn.functional.embedding(torch.zeros(2, dtype=torch.int64), x),
        lambda x: torch.lerp(x, torch.zeros(3, 4), 0.5),
        lambda x: torch._foreach_add([x], [torch.zeros(3, 4)]),
        lambda x: torch.linalg.solve(x.T @ x, torch.zeros(4, 1)),
        lambda x: torch.searchsorted(x[0], torch.zeros(2)),
        lambda x: torch.randn(3, generator=torch.Generator(), device=x.device),
        lambda x: x.bernoulli_(0.5, generator=torch.Generator()),
    ],
)
def test_tensors_of_two_devices_are_refused(cuda, mixed):
    with pytest.raises(RuntimeError, match=r"device|on cpu|\(cpu\)"):
        mixed(torch.ones(3, 4).to(cuda))


@pytest.mark.parametrize("read", [lambda x: x.numpy(), np.asarray, lambda x: np.array(x), lambda x: x.detach().numpy()])
def test_numpy_reads_only_what_was_fetched(cuda, read):
    with pytest.raises(TypeError, match="cuda:0"):
        read(torch.ones(3).to(cuda))
    assert read(torch.ones(3).to(cuda).cpu()).sum() == 3


def test_what_a_gpu_takes_is_taken_and_stays_there(cuda):
    x = torch.arange(12.0).view(3, 4).to(cuda)
    for found in (
        x + torch.tensor(2.0),
        x[torch.tensor([0, 2])],
        x[[0, 1]],
        x.new_zeros(2),
        torch.zeros_like(x),
        torch.tensor([1.0], device=cuda),
        torch.as_tensor(np.ones(3), device=x.device),
        torch.ones(3, dtype=torch.float64).to(x),
        nn.functional.one_hot(x[0].long()),
        x[x > 3],
        torch.linalg.svd(x)[1],
        torch.randn(3, device=cuda),
    ):
        assert isinstance(found, Simulated)
        assert found.device == cuda
        assert found.is_cuda
    assert x.cpu().tolist() == torch.arange(12.0).view(3, 4).tolist()
    assert float(x.sum()) == 66.0
    assert type(x.cpu()) is torch.Tensor
    assert type(torch.zeros(3)) is torch.Tensor
    target = torch.zeros(3, 4)
    assert type(target.copy_(x)) is torch.Tensor
    assert target.sum() == 66


def test_gradients_and_optimisers_stay_there(cuda):
    here = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.SiLU(), nn.Flatten(), nn.Linear(144, 2))
    there = copy.deepcopy(here).to(cuda)
    assert all(p.is_cuda and isinstance(p, nn.Parameter) for p in copy.deepcopy(there).parameters())
    x = torch.randn(2, 3, 8, 8)
    for model, batch in ((here, x), (there, x.to(cuda))):
        adam = torch.optim.Adam(model.parameters(), lr=0.1, fused=True)
        for _ in range(2):
            adam.zero_grad()
            y = model(batch)
            (slope,) = torch.autograd.grad(y.square().sum(), model[0].weight, create_graph=True)
            (slope[[0, 1]].square().sum() + y[:, :1].norm()).backward()
            adam.step()
    for a, b in zip(here.parameters(), there.parameters(), strict=True):
        assert b.grad is None or b.grad.is_cuda
        torch.testing.assert_close(b.detach().cpu(), a.detach())


FAULTS = {
    "decode": lambda model, x: model.decode(model.sample_codes(2)),
    "training_step": lambda model, x: PlainSteps(model.train()).run(x, 1),
    "sample_codes": lambda model, x: model.decode(model.sample_codes(2)),
}


@EVERY
@pytest.mark.parametrize("method", list(FAULTS))
def test_a_forgotten_device_in_a_family_is_found(cuda, family, method, monkeypatch):
    """The fault is switched on and off: with it the rehearsal fails, without it the same call passes."""
    model = placed(make(family), cuda).eval()
    x = images(4, (3, 16, 16)).to(cuda)
    FAULTS[method](model, x)
    cls, right = type(model), getattr(type(model), method)
    if method == "training_step":
        monkeypatch.setattr(cls, method, lambda self, batch, steps: right(self, batch + torch.zeros(4, 1, 1, 1), steps))
    else:
        monkeypatch.setattr(cls, method, lambda self, *a, **k: right(self, *a, **k) + torch.zeros(1))
    with pytest.raises(RuntimeError, match="device"):
        FAULTS[method](model.eval(), x)


@EVERY
def test_a_forgotten_device_in_a_frozen_form_is_found(cuda, family, monkeypatch):
    model = placed(stir(make(family)), cuda).eval()
    frozen = freeze_model(model)
    assert not isinstance(frozen, Plain)
    right = type(frozen).decode
    monkeypatch.setattr(type(frozen), "decode", lambda self, z: right(self, z) + torch.zeros(1))
    assert isinstance(freeze_model(model), Plain), "it would draw on a GPU, but slowly: this is how the fault shows"
