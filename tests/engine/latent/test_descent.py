"""L-BFGS on functions whose lowest point is known, on bent ones, and on hostile ones."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.latent.descent import Slope, descend


class Enough(Exception):
    pass


def recorded(function, limit: int = 400) -> tuple[Slope, list[tuple[float, Tensor]]]:
    seen: list[tuple[float, Tensor]] = []

    def slope(code: Tensor) -> tuple[float, Tensor]:
        if len(seen) >= limit:
            raise Enough
        with torch.enable_grad():
            at = code.clone().requires_grad_(True)
            loss = function(at)
            (gradient,) = torch.autograd.grad(loss, at)
        seen.append((float(loss), code.clone()))
        return float(loss), gradient

    return slope, seen


def lowest(function, start: Tensor, limit: int = 400) -> tuple[float, Tensor, int]:
    slope, seen = recorded(function, limit)
    try:
        descend(slope, start)
    except Enough:
        pass
    found = [(loss, code) for loss, code in seen if math.isfinite(loss)]
    loss, code = min(found, key=lambda pair: pair[0])
    return loss, code, len(seen)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31 - 1), st.floats(1.0, 1e4))
@pytest.mark.slow
def test_a_bowl_of_any_shape_is_descended_to_its_bottom(seed, condition):
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0]
    bowl = turn @ torch.diag(torch.logspace(0, -math.log10(condition), 6, dtype=torch.float64)) @ turn.T
    bottom = torch.randn(1, 6, generator=generator, dtype=torch.float64)
    start = torch.zeros(1, 6, dtype=torch.float64)
    loss, _, calls = lowest(lambda z: ((z - bottom) @ bowl * (z - bottom)).sum(), start)
    first = float(((start - bottom) @ bowl * (start - bottom)).sum())
    assert loss < 1e-5 * first + 1e-8
    assert calls < 400


def test_the_curved_valley_of_rosenbrock():
    def valley(z: Tensor) -> Tensor:
        x, y = z[0]
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2

    _, code, calls = lowest(valley, torch.tensor([[-1.2, 1.0]], dtype=torch.float64), 150)
    torch.testing.assert_close(code, torch.ones_like(code), atol=1e-3, rtol=0)
    assert calls <= 150


def test_a_sharp_bend_is_followed():
    loss, _, _ = lowest(lambda z: z.abs().sum() + 0.1 * z.square().sum(), torch.tensor([[3.0, -2.0, 0.5, 7.0]]))
    assert loss < 0.05


@pytest.mark.parametrize(
    "function",
    [
        lambda z: (z * 0).sum(),
        lambda z: (z * torch.nan).sum(),
        lambda z: -z.square().sum() if float(z.detach().norm()) < 9 else (z * torch.nan).sum(),
        lambda z: z.square().sum().sqrt().log(),
    ],
)
def test_flat_broken_and_bottomless_ones_come_to_an_end(function):
    slope, seen = recorded(function, 2000)
    try:
        descend(slope, torch.ones(1, 3))
    except Enough:
        pass
    assert len(seen) <= 2000
    if math.isfinite(seen[0][0]):
        assert min(loss for loss, _ in seen if loss == loss) <= seen[0][0]
