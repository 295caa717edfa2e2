"""Packed layers give what the plain operations give, whatever their sizes."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu, linear, pad, silu

from engine.nn import packed as layers
from engine.nn.packed import NarrowDoubling, PackedConv, PackedLinear, PackedTranspose, packed_doubling

OFFERED = layers.offered(torch.device("cpu"))
PACKED = [False, pytest.param(True, marks=pytest.mark.skipif(not OFFERED, reason="no packed operations here"))]
EITHER = pytest.mark.parametrize("packed", PACKED)
ACTIVATIONS = {
    "none": lambda x: x,
    "relu": torch.relu,
    "silu": silu,
    "tanh": torch.tanh,
    "leaky": lambda x: leaky_relu(x, 0.2),
}


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def same(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


@EITHER
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("kernel", "stride", "padding", "edge"), [(3, 1, 1, 0.0), (3, 1, 1, 1.0), (4, 2, 1, 0.0)])
def test_a_convolution(packed, activation, kernel, stride, padding, edge):
    weight, bias = numbers(5, 3, kernel, kernel, seed=1), numbers(5, seed=2)
    conv = PackedConv(
        weight, bias, size=(8, 6), packed=packed, stride=stride, padding=padding, edge=edge, activation=activation
    )
    # Other sizes than the one it was packed for are slower and no less right.
    for n, side in ((1, (8, 6)), (7, (8, 6)), (2, (16, 10))):
        x = numbers(n, 3, *side, seed=3)
        before = x.clone()
        expected = conv2d(pad(x, 4 * [padding], value=edge), weight, bias, stride=stride)
        same(conv(x), ACTIVATIONS[activation](expected))
        assert torch.equal(x, before)


@EITHER
@pytest.mark.parametrize("products", [0, 10**9], ids=["convolution", "matrix"])
def test_a_pointwise_convolution_either_way(packed, products, monkeypatch):
    monkeypatch.setattr(layers, "_SMALL_PRODUCT", products)
    weight, bias = numbers(6, 4, 1, 1), numbers(6, seed=1)
    conv = PackedConv(weight, bias, size=(5, 3), packed=packed, activation="relu")
    for n, channels_last in product((1, 4), (False, True)):
        x = numbers(n, 4, 5, 3, seed=n)
        if channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        same(conv(x), torch.relu(conv2d(x, weight, bias)))


@EITHER
@pytest.mark.parametrize("channels", [1, 3, 4, 5, 20])
@pytest.mark.parametrize("activation", ["none", "relu", "tanh"])
def test_a_doubling_to_few_and_to_many_channels(packed, channels, activation):
    weight, bias = numbers(3, channels, 4, 4), numbers(channels, seed=1)
    for given in (bias, None):
        layer = packed_doubling(weight, given, size=(4, 6), packed=packed, activation=activation)
        assert isinstance(layer, NarrowDoubling if channels <= 4 else PackedTranspose)
        for n in (1, 3):
            x = numbers(n, 3, 4, 6, seed=n)
            same(layer(x), ACTIVATIONS[activation](conv_transpose2d(x, weight, given, stride=2, padding=1)))


@EITHER
def test_a_matrix(packed):
    weight, bias = numbers(7, 5), numbers(7, seed=1)
    for n, given in product((1, 9), (bias, None)):
        x = numbers(n, 5, seed=n)
        same(PackedLinear(weight, given, packed=packed, activation="silu")(x), silu(linear(x, weight, given)))


@EITHER
def test_they_hold_copies(packed):
    weight, bias = numbers(4, 3, 3, 3), numbers(4)
    conv = PackedConv(weight, bias, size=(4, 4), packed=packed, padding=1)
    x = numbers(1, 3, 4, 4)
    before = conv(x).clone()
    weight.zero_()
    bias.zero_()
    assert torch.equal(conv(x), before)


def test_they_are_not_offered_elsewhere(monkeypatch):
    assert not layers.offered(torch.device("cuda"))
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not layers.offered(torch.device("cpu"))
