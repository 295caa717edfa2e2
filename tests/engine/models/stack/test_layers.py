"""Every layer of a stack: its inverse, its log-determinant against autograd, and what each kind promises besides."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from engine.models.stack.layers.autoregressive import Autoregressive, Made
from engine.models.stack.layers.base import Dense
from engine.models.stack.layers.coupling import Coupling
from engine.models.stack.layers.ode import Ode, runge_kutta
from engine.models.stack.layers.planar import Planar
from engine.models.stack.layers.residual import LIPSCHITZ, Contraction, power_series, roulette
from engine.models.stack.recipe import LAYERS, LayerSpec
from engine.models.stack.stack import Stack, StackConfig
from tests.contract.tiny import stir

KINDS = [
    (name, word, size)
    for name, row in LAYERS.items()
    for word in row.words or ("",)
    for size in (1, 2, 5)
    if size >= row.least
]


def layer_of(name: str, word: str, size: int) -> torch.nn.Module:
    torch.manual_seed(0)
    widths = (8, 8) if LAYERS[name].widths else ()
    return stir(LayerSpec(name, word, widths, 0).make(size), amount=0.3).double()


def points(name: str, size: int, n: int = 6) -> Tensor:
    drawn = torch.randn(n, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return torch.sigmoid(drawn) if LAYERS[name].first else drawn


@pytest.mark.parametrize(("name", "word", "size"), KINDS)
def test_the_inverse_is_the_inverse(name, word, size):
    layer, x = layer_of(name, word, size), points(name, size)
    with torch.no_grad():
        y, _ = layer(x)
        assert (layer.inverse(y) - x).abs().max() < (1e-4 if name == "ode" else 1e-9)
        if not LAYERS[name].first:
            assert (layer(layer.inverse(x))[0] - x).abs().max() < (1e-4 if name == "ode" else 1e-9)


@pytest.mark.parametrize(("name", "word", "size"), KINDS)
def test_the_log_determinant_is_autograds(name, word, size):
    layer, x = layer_of(name, word, size), points(name, size)
    log_det = layer(x)[1].detach()
    assert log_det.shape == (len(x),)
    for at, given in zip(x, log_det, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda v: layer(v[None])[0][0], at)
        assert torch.linalg.slogdet(jacobian)[1] == pytest.approx(float(given), abs=1e-4 if name == "ode" else 1e-9)


@pytest.mark.parametrize(("name", "word", "size"), KINDS)
def test_decoding_has_the_gradient_of_the_inverse(name, word, size):
    """Search and directions differentiate what a stack draws: each inverse must carry its gradient."""
    layer, y = layer_of(name, word, size), points("linear", size, n=1)[0]
    x = layer.inverse(y[None])[0].detach()
    there = torch.autograd.functional.jacobian(lambda v: layer(v[None])[0][0], x)
    back = torch.autograd.functional.jacobian(lambda v: layer.inverse(v[None])[0], y)
    assert (there @ back - torch.eye(size, dtype=torch.float64)).abs().max() < 1e-3


def test_a_dense_network_knows_its_jacobian():
    torch.manual_seed(0)
    net = stir(Dense(3, (7, 5), 4), amount=0.5).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    values, jacobian = net.jacobian(x, 2)
    assert torch.allclose(values, net(x))
    for at, given in zip(x, jacobian, strict=True):
        whole = torch.autograd.functional.jacobian(lambda v: net(v[None])[0], at)
        assert torch.allclose(given, whole[:, :2])


def test_a_coupling_has_the_sum_of_its_scales_for_a_determinant():
    """The lecture's case: five coordinates of which two are kept."""
    layer = layer_of("coupling", "affine", 5)
    assert isinstance(layer, Coupling)
    x = points("coupling", 5)
    scale, _ = layer._scale_and_shift(x[:, :2])
    assert scale.shape == (len(x), 3)
    assert torch.allclose(layer(x)[1], scale.sum(1))
    assert not layer_of("coupling", "additive", 5)(x)[1].any()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_masks_let_each_coordinate_see_those_before_it(size):
    net = stir(Made(size, (9, 4)), amount=0.5).double()
    x = torch.randn(size, dtype=torch.float64)
    seen = torch.autograd.functional.jacobian(lambda v: net(v[None])[0], x).view(2, size, size) != 0
    assert not seen.triu().any()
    if size in (2, 3):
        assert bool(seen[:, size - 1, 0].all())


def test_maf_and_iaf_are_each_others_inverse():
    torch.manual_seed(0)
    maf = stir(Autoregressive(4, (16,), fast_density=True), amount=0.3).double()
    iaf = Autoregressive(4, (16,), fast_density=False).double()
    iaf.load_state_dict(maf.state_dict())
    x = torch.randn(5, 4, dtype=torch.float64)
    y, log_det = maf(x)
    assert torch.allclose(iaf.inverse(x), y)
    back, minus = iaf(y)
    assert torch.allclose(back, x)
    assert torch.allclose(minus, -log_det)


def test_a_planar_layer_stays_invertible_whatever_it_has_learned():
    layer = Planar(2).double()
    for length in (0.05, 0.3, 4.0):
        with torch.no_grad():
            layer.w.copy_(torch.tensor([length, 0.0]))
            layer.u.copy_(torch.tensor([-50.0, 3.0]))
            assert float(layer.w @ layer._u()) > -1.0
            assert torch.isfinite(layer(torch.zeros(1, 2, dtype=torch.float64) - layer.b / length)[1]).all()


def test_a_contraction_shortens_every_distance():
    torch.manual_seed(0)
    net = stir(Contraction(2, (16, 16), 2), amount=3.0).double()
    a, b = torch.randn(2, 2000, 2, dtype=torch.float64) * 3
    assert ((net(a) - net(b)).norm(dim=1) <= LIPSCHITZ * (a - b).norm(dim=1) + 1e-12).all()
    assert ((net(a) - net(b)).norm(dim=1) / (a - b).norm(dim=1)).max() > 0.05


def traces(k: int) -> Tensor:
    return torch.diag(torch.tensor([0.5, 0.25], dtype=torch.float64)).matrix_power(k).trace()


def test_the_power_series_is_that_of_the_log_determinant():
    found = [float(power_series(traces, terms)) for terms in (1, 2, 3, 4)]
    assert found == pytest.approx([0.75, 0.59375, 0.640625, 0.6240234375])
    assert float(power_series(traces, 60)) == pytest.approx(math.log(1.5 * 1.25), abs=1e-12)
    assert math.log(1.5 * 1.25) == pytest.approx(0.628609, abs=1e-6)


def test_roulette_is_right_on_average():
    generator = torch.Generator().manual_seed(0)
    found = torch.stack([roulette(traces, generator=generator) for _ in range(4000)])
    error = float(found.std()) / len(found) ** 0.5
    assert 0 < error < 0.02
    assert abs(float(found.mean()) - math.log(1.5 * 1.25)) < 3 * error


def linear_field(matrix: Tensor, x: Tensor):
    rate = lambda t, x: (x @ matrix.T, matrix.trace().expand(len(x)))  # noqa: E731
    return runge_kutta(rate, x, start=0.0, end=1.0, steps=32)


def test_a_linear_field_gives_the_matrix_exponential_and_its_trace():
    matrix = torch.tensor([[0.3, -1.1], [0.7, -0.2]], dtype=torch.float64)
    x = torch.randn(4, 2, dtype=torch.float64)
    end, change = linear_field(matrix, x)
    assert torch.allclose(end, x @ torch.linalg.matrix_exp(matrix).T, atol=1e-6)
    assert torch.allclose(change, matrix.trace().expand(4))
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    assert not linear_field(turn, x)[1].any()


def test_the_rule_is_of_fourth_order():
    matrix = torch.tensor([[0.0, -3.0], [3.0, 0.0]], dtype=torch.float64)
    x = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    rate = lambda t, x: (x @ matrix.T, x.new_zeros(len(x)))  # noqa: E731
    exact = x @ torch.linalg.matrix_exp(matrix).T
    errors = [(runge_kutta(rate, x, start=0.0, end=1.0, steps=n)[0] - exact).norm().item() for n in (8, 16)]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.25)


class Best(torch.nn.Module):
    """The field that flow matching looks for between N(0, 1) and N(m, s^2)."""

    def __init__(self, m: float, s: float) -> None:
        super().__init__()
        self.m, self.s = m, s

    def forward(self, given: Tensor) -> Tensor:
        x, t = given[:, :1], given[:, 1:]
        return self.m + (t * self.s**2 - (1 - t)) / ((1 - t) ** 2 + t**2 * self.s**2) * (x - t * self.m)


def test_flow_matching_has_the_least_loss_of_the_closed_form_there():
    ode = Ode(1, (4,)).double()
    ode.net = Best(1.0, 2.0)  # type: ignore[assignment]
    at = torch.tensor([[0.7]], dtype=torch.float64)
    assert float(ode.field(at, torch.tensor([[0.3]], dtype=torch.float64))) == pytest.approx(1.235294, abs=1e-6)
    generator = torch.Generator().manual_seed(0)
    code, data = torch.randn(2, 400_000, 1, generator=generator, dtype=torch.float64)
    data = 1.0 + 2.0 * data
    t = torch.full_like(code, 0.3)
    loss = ode.matching_loss(data, code=code, t=t)
    assert float(loss.mean()) == pytest.approx(4.705882, abs=4 * float(loss.std()) / 400_000**0.5)
    # And it carries N(0, 1) to N(1, 4).
    end = ode.inverse(torch.tensor([[-1.0], [0.0], [1.5]], dtype=torch.float64))
    assert end.flatten().tolist() == pytest.approx([-1.0, 1.0, 4.0], abs=1e-4)


def test_the_way_through_a_field_ends_at_the_inverse_and_follows_the_velocity():
    torch.manual_seed(2)
    stack = Stack(StackConfig(recipe="swap, ode(16), actnorm"), (2, 1, 1)).double()
    with torch.no_grad():
        for weight in stack.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    codes = torch.randn(5, 2).double()
    way, words = stack.trace(codes), stack.trace_words()
    ode = next(layer for layer in stack.steps() if isinstance(layer, Ode))
    assert len(way) - 1 == len(words) == ode.stops + 2
    # From the code: actnorm, then the field, then swap.
    assert words[0].startswith("actnorm")
    assert words[-1].startswith("swap")
    torch.testing.assert_close(way[-2].flatten(1), ode.inverse(way[1].flatten(1)))
    depth = (1 + 7.5) / len(words)
    between = (way[8] + way[9]) / 2
    velocity = stack.velocity(between, depth)
    assert velocity.abs().max() > 0.05
    # Seven and a half of sixteen parts of a unit of time.
    torch.testing.assert_close(velocity, ode.stops * (way[9] - way[8]), atol=2e-3, rtol=0.01)
    for elsewhere in (0.5 / len(words), 1.0):
        assert stack.velocity(between, elsewhere) is None
