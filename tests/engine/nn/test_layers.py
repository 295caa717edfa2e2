"""Layers by their definitions: inverses, log-determinants, statistics."""

from __future__ import annotations

import pytest
import torch

from engine.nn.actnorm import ActNorm
from engine.nn.augment import differentiable_augment
from engine.nn.coupling import Coupling, ZeroConv, bounded, position_features
from engine.nn.coupling_pass import LOG_SCALE_BOUND
from engine.nn.invertible import InvertibleConv
from engine.nn.residual import Down, ResidualBlock, Up


def test_actnorm_makes_its_first_batch_standard_and_never_again():
    norm = ActNorm(3)
    x = torch.randn(64, 3, 8, 8) * torch.tensor([0.1, 2.0, 9.0])[:, None, None] + 4
    norm.initialise(x)
    y = norm.log_scale.exp()[:, None, None] * (x + norm.shift[:, None, None])
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(y.std((0, 2, 3), unbiased=False), torch.ones(3), atol=1e-3, rtol=0)
    before = norm.log_scale.clone()
    norm.initialise(100 * x)
    assert torch.equal(norm.log_scale, before)
    again = ActNorm(3)
    again.load_state_dict(norm.state_dict())
    again.initialise(x * 3)
    assert torch.equal(again.log_scale, before), "a loaded layer was initialised anew"


def test_actnorm_survives_a_constant_colour():
    norm = ActNorm(3)
    norm.initialise(torch.full((8, 3, 4, 4), 0.25))
    assert bool(torch.isfinite(norm.log_scale).all())
    assert norm.log_scale.max() < 8


@pytest.mark.parametrize("channels", [4, 12, 48])
def test_the_one_by_one_convolution_starts_as_a_rotation_and_knows_its_determinant(channels):
    conv = InvertibleConv(channels).double()
    matrix = conv.matrix()
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(channels).double(), atol=1e-5, rtol=0)
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    torch.testing.assert_close(torch.linalg.slogdet(conv.matrix()).logabsdet, conv.log_diagonal.sum())


@pytest.mark.parametrize("affine", [True, False])
def test_coupling_inverts_and_knows_its_determinant(affine):
    coupling = Coupling(4, 8, height=3, width=3, affine=affine).double()
    with torch.no_grad():
        for parameter in coupling.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(2, 4, 3, 3).double()
    y, log_det = coupling(x)
    torch.testing.assert_close(coupling.inverse(y), x, atol=1e-12, rtol=0)
    torch.testing.assert_close(y[:, :2], x[:, :2])
    for i in range(2):
        jacobian = torch.autograd.functional.jacobian(lambda v: coupling(v[None])[0][0], x[i]).reshape(36, 36)
        torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, log_det[i])


def test_coupling_starts_as_the_identity_and_its_scale_is_bounded():
    coupling = Coupling(6, 8, height=2, width=2, affine=True)
    x = torch.randn(2, 6, 2, 2)
    y, log_det = coupling(x)
    assert torch.equal(y, x)
    assert not log_det.any()
    raw = torch.linspace(-100, 100, 1001)
    assert bounded(raw, LOG_SCALE_BOUND).abs().max() <= LOG_SCALE_BOUND
    assert float(torch.func.grad(lambda v: bounded(v, 2.0))(torch.tensor(0.0))) == pytest.approx(1.0)


def test_coupling_sees_the_place():
    coupling = Coupling(4, 8, height=4, width=4, affine=True)
    with torch.no_grad():
        coupling.last.conv.weight.normal_()
    _, shift = coupling.scale_and_shift(torch.zeros(1, 2, 4, 4))
    assert shift[0, 0].std() > 0.01
    features = position_features(4, 5)
    assert features.shape == (1, 18, 4, 5)
    assert features.abs().max() <= 1
    assert len({tuple(v.tolist()) for v in features[0].flatten(1).T}) == 20


def test_a_zero_convolution_is_zero_and_scales_as_if_scaled_after():
    conv = ZeroConv(3, 5)
    x = torch.randn(2, 3, 6, 6)
    assert not conv(x).any()
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.normal_(std=0.3)
    expected = conv.conv(x) * torch.exp(3 * conv.log_scale)[:, None, None]
    torch.testing.assert_close(conv(x), expected)


def test_residual_blocks_start_as_the_identity_and_sizes_halve_and_double():
    x = torch.randn(2, 8, 6, 6)
    assert torch.equal(ResidualBlock(8)(x), x)
    assert Down(8, 4)(x).shape == (2, 4, 3, 3)
    assert Up(8, 4)(x).shape == (2, 4, 12, 12)


def test_a_constant_picture_is_enlarged_without_a_checkerboard():
    up = Up(1, 1)
    torch.nn.init.ones_(up.conv.weight)
    inner = up(torch.ones(1, 1, 6, 6))[:, :, 2:-2, 2:-2]
    assert inner.std() < 1e-5


def test_augmentation_keeps_the_shape_repeats_by_seed_and_passes_gradients():
    x = torch.rand(4, 3, 16, 16, requires_grad=True)

    def seeded(seed):
        generator = torch.Generator().manual_seed(seed)
        return lambda *shape, like: torch.rand(shape, generator=generator).to(like)

    one = differentiable_augment(x, seeded(1))
    two = differentiable_augment(x, seeded(1))
    assert one.shape == x.shape
    assert torch.equal(one, two)
    assert not torch.equal(one, differentiable_augment(x, seeded(2)))
    one.square().sum().backward()
    assert bool((x.grad.flatten(1).abs().sum(1) > 0).all())
