"""f-divergences: the variational value reaches the divergence at the best T, and never beyond."""

from __future__ import annotations

import pytest
import torch

from engine.objectives.f_divergences import F_DIVERGENCES, FDivergence

EVERY = pytest.mark.parametrize("row", F_DIVERGENCES, ids=lambda row: row.name)
P = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
Q = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
KNOWN = {"f-kl": 0.274887, "f-reverse-kl": 0.274887, "f-pearson": 0.63, "f-hellinger": 0.135089, "f-js": 0.132829}


def value(row: FDivergence, t: torch.Tensor) -> float:
    return float((P * t).sum() - (Q * row.conjugate(t)).sum())


@EVERY
def test_the_divergence_is_the_closed_form_and_the_best_t_reaches_it(row):
    ratio = P / Q
    divergence = float((Q * row.f(ratio)).sum())
    assert divergence == pytest.approx(KNOWN[row.name], abs=1e-6)
    assert value(row, row.slope(ratio)) == pytest.approx(divergence, abs=1e-9)


@EVERY
def test_no_other_t_goes_beyond(row):
    best = row.slope(P / Q)
    generator = torch.Generator().manual_seed(0)
    for size in (1e-3, 0.03, 0.1):
        for _ in range(20):
            other = best + size * torch.randn(3, generator=generator, dtype=torch.float64)
            found = value(row, other)
            assert not found > value(row, best) + 1e-12, other


@EVERY
def test_the_slope_is_autograds_and_equal_sets_are_at_zero(row):
    u = torch.linspace(0.1, 4.0, 9, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(row.f(u).sum(), u)
    torch.testing.assert_close(row.slope(u.detach()), slope)
    one = torch.ones((), dtype=torch.float64)
    assert float(row.f(one)) == pytest.approx(0.0, abs=1e-12)


@EVERY
def test_an_activation_brings_any_number_to_where_the_conjugate_is_finite(row):
    v = torch.linspace(-6.0, 6.0, 49, dtype=torch.float64)
    t = row.activation(v)
    torch.testing.assert_close(row.conjugate_of(v), row.conjugate(t), rtol=1e-6, atol=1e-8)
    assert torch.isfinite(row.conjugate_of(v)).all()
    # Each rises, so that whatever the best T is, some v gives it.
    assert (t.diff() > 0).all()


@EVERY
def test_training_v_on_samples_finds_the_divergence(row):
    """Outputs of a table in place of a network: gradient descent on the game's loss ends at the divergence."""
    real = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)
    fake = torch.tensor([0] * 2 + [1] * 3 + [2] * 5)
    v = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([v], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-10)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = row.discriminator(v[real], v[fake])
        loss.backward()
        return loss

    optimiser.step(closure)
    assert -closure().item() == pytest.approx(KNOWN[row.name], abs=1e-6)
    torch.testing.assert_close(row.activation(v.detach()), row.slope(P / Q), rtol=1e-3, atol=1e-3)
