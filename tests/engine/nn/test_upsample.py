"""The one transposed convolution is the enlargement and the convolution that it stands for."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv2d, interpolate

from engine.nn.upsample import UpsampleConv


def plainly(layer: UpsampleConv, x: torch.Tensor) -> torch.Tensor:
    return conv2d(interpolate(x, scale_factor=2.0, mode="nearest"), layer.weight, layer.bias, padding=1)


@pytest.mark.parametrize("side", [1, 4, 5, 8])
@pytest.mark.parametrize("bias", [False, True])
def test_it_draws_what_the_plain_form_draws_and_learns_the_same(side: int, bias: bool):
    torch.manual_seed(0)
    layer = UpsampleConv(3, 5, bias=bias).double()
    x = torch.randn(2, 3, side, side, dtype=torch.float64, requires_grad=True)
    found, wanted = layer(x), plainly(layer, x)
    torch.testing.assert_close(found, wanted)
    aim = torch.randn_like(wanted)
    inputs = (x, *layer.parameters())
    for ours, theirs in zip(
        torch.autograd.grad((found * aim).sum(), inputs), torch.autograd.grad((wanted * aim).sum(), inputs), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_its_weights_are_those_of_a_convolution():
    assert {name: tuple(value.shape) for name, value in UpsampleConv(3, 5, bias=True).state_dict().items()} == {
        "weight": (5, 3, 3, 3),
        "bias": (5,),
    }
