"""A flow over vectors: there and back, and a log-determinant that is the Jacobian's."""

from __future__ import annotations

import math

import pytest
import torch

from engine.nn.vector_flow import VectorFlow


def stirred(size: int, depth: int) -> VectorFlow:
    torch.manual_seed(0)
    flow = VectorFlow(size, hidden=8, depth=depth).double()
    with torch.no_grad():
        for value in flow.parameters():
            value.add_(0.3 * torch.randn_like(value))
    return flow


@pytest.mark.parametrize("size", [2, 5, 8])
@pytest.mark.parametrize("depth", [0, 1, 4])
def test_there_and_back(size: int, depth: int):
    flow = stirred(size, depth)
    x = torch.randn(7, size, dtype=torch.float64)
    torch.testing.assert_close(flow.inverse(flow(x)[0]), x)
    torch.testing.assert_close(flow(flow.inverse(x))[0], x)


def test_its_log_determinant_is_that_of_its_jacobian():
    flow = stirred(5, 3)
    x = torch.randn(5, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda row: flow(row[None])[0][0], x)
    assert isinstance(jacobian, torch.Tensor)
    torch.testing.assert_close(flow(x[None])[1][0], torch.linalg.slogdet(jacobian).logabsdet)


def test_it_begins_as_the_identity():
    torch.manual_seed(0)
    x = torch.randn(4, 6)
    y, log_det = VectorFlow(6, hidden=8, depth=3)(x)
    torch.testing.assert_close(y, x)
    assert not log_det.any()


@pytest.mark.slow
def test_it_learns_what_is_not_normal():
    torch.manual_seed(0)
    flow = VectorFlow(2, hidden=16, depth=4)
    x = torch.randn(512, 2)
    x = torch.stack([x[:, 0], x[:, 0].square() + 0.3 * x[:, 1]], 1)

    def nats() -> torch.Tensor:
        y, log_det = flow(x)
        return (0.5 * (y.square() + math.log(2 * math.pi)).sum(1) - log_det).mean()

    before = float(nats().detach())
    adam = torch.optim.Adam(flow.parameters(), lr=1e-2)
    for _ in range(60):
        adam.zero_grad()
        loss = nats()
        loss.backward()
        adam.step()
    assert float(nats().detach()) < before - 0.5
