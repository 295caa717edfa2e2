"""The VAE's frozen form: packed convolutions with SiLU and residual sums fused, the code's layers as one matrix."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, layer_norm, pixel_unshuffle, silu

from engine.models.base import Frozen
from engine.models.vae.vae import Vae
from engine.nn.dense import DenseBlock, DensePath
from engine.nn.packed import Activation, PackedConv, PackedLinear, packed_doubling
from engine.nn.residual import Down, ResidualBlock, Up

Layer = Callable[[Tensor], Tensor]


class FrozenVae(Frozen):
    """Draws and encodes as the module does, float32; the bound of the density stays the module's."""

    def __init__(self, model: Vae, *, packed: bool) -> None:
        super().__init__(model)
        size = model.spec.image_shape[-1]
        self._size = size
        self._thumb = model.thumb
        encoder, decoder = model.encoder, model.decoder
        self._encode, _ = _convolutions(encoder.body, size // 2, packed)
        # Of mean and deviation only the mean is the code.
        half, bias = model.spec.size, encoder.head.bias
        self._head = PackedLinear(encoder.head.weight[:half], bias[:half], packed=packed)
        self._stem = _linear(decoder.stem, packed)
        self._decode, _ = _convolutions(decoder.body, 4, packed)
        self._linear_encode = _linear(model.linear_encode, packed) if model.thumb else None
        self._linear_decode = _linear(model.linear_decode, packed) if model.thumb else None
        self._dense_encode = _dense(model.dense_encode, packed) if model.config.dense else None
        self._dense_decode = _dense(model.dense_decode, packed) if model.config.dense else None
        # A few small matrices: as they are, but a copy.
        self._prior = copy.deepcopy(model.prior)
        self._shown = model.shown

    @torch.inference_mode()
    def decode(self, z: Tensor) -> Tensor:
        return self._shown(self._mean_image(self._prior.inverse(z)))

    @torch.inference_mode()
    def encode(self, x: Tensor) -> Tensor:
        code: Tensor = self._prior(self._mean(x))[0]
        return code

    def _mean(self, x: Tensor) -> Tensor:
        """The posterior's mean (B, D)."""
        h = silu(_through(self._encode, pixel_unshuffle(x, 2)))
        mean = self._head(h.contiguous().flatten(1))
        pixels = avg_pool2d(x, self._size // self._thumb).flatten(1) if self._thumb else x
        if self._dense_encode is not None:
            mean = mean + self._dense_encode(pixels)[:, : self.model.spec.size]
        if self._linear_encode is not None:
            mean = mean + self._linear_encode(pixels)
        return mean

    def _mean_image(self, z: Tensor) -> Tensor:
        x = _through(self._decode, self._stem(z).unflatten(1, (-1, 4, 4))).contiguous()
        if self._linear_decode is None:
            return x
        pixels = self._linear_decode(z)
        if self._dense_decode is not None:
            pixels = pixels + self._dense_decode(z)
        thumbnail = pixels.unflatten(1, (-1, self._thumb, self._thumb))
        return x + interpolate(thumbnail, size=(self._size, self._size), mode="bilinear", align_corners=False)


def _through(layers: Iterable[Layer], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _linear(layer: nn.Linear, packed: bool) -> PackedLinear:
    return PackedLinear(layer.weight, layer.bias, packed=packed)


def _convolutions(modules: nn.Sequential, side: int, packed: bool) -> tuple[list[Layer], int]:
    """A stack of layers for inputs of `side` pixels, and the side of what comes out; SiLUs go into what is before."""
    found: list[Layer] = []
    waiting = list(modules)
    while waiting:
        module = waiting.pop(0)
        if isinstance(module, ResidualBlock):
            found.append(_residual(module, side, packed))
        elif isinstance(module, nn.SiLU):
            found.append(silu)
        else:
            activation: Activation = "none"
            if waiting and isinstance(waiting[0], nn.SiLU):
                activation = "silu"
                waiting.pop(0)
            layer, side = _layer(module, side, activation, packed)
            found.append(layer)
    return found, side


def _layer(module: nn.Module, side: int, activation: Activation, packed: bool) -> tuple[Layer, int]:
    size = (side, side)
    if isinstance(module, Up):
        conv = module.conv
        return packed_doubling(conv.weight, conv.bias, size=size, packed=packed, activation=activation), 2 * side
    if isinstance(module, Down):
        down = module.conv
        layer = PackedConv(down.weight, down.bias, size=size, packed=packed, stride=2, padding=1, activation=activation)
        return layer, side // 2
    if isinstance(module, nn.Conv2d):
        return PackedConv(module.weight, module.bias, size=size, packed=packed, padding=1, activation=activation), side
    raise NotImplementedError(f"no packed form of {type(module).__name__}")


def _residual(block: ResidualBlock, side: int, packed: bool) -> Layer:
    size = (side, side)
    first = PackedConv(block.first.weight, block.first.bias, size=size, packed=packed, padding=1, activation="silu")
    second = PackedConv(block.second.weight, block.second.bias, size=size, packed=packed, padding=1)
    # Sums fused into the convolution were no faster.
    return lambda x: second(first(silu(x))).add_(x)


def _dense(path: DensePath, packed: bool) -> Layer:
    stem, head = _linear(path.stem, packed), _linear(path.head, packed)
    blocks: list[Layer] = []
    for block in path.blocks:
        if not isinstance(block, DenseBlock):
            raise NotImplementedError(f"no packed form of {type(block).__name__}")
        blocks.append(_dense_block(block, packed))
    return lambda x: head(_through(blocks, stem(x)))


def _dense_block(block: DenseBlock, packed: bool) -> Layer:
    norm = block.norm
    # What the norm multiplies and adds is the next layer's matter.
    weight = block.first.weight * norm.weight
    bias = block.first.bias + block.first.weight @ norm.bias
    first = PackedLinear(weight, bias, packed=packed, activation="silu")
    second = _linear(block.second, packed)
    return lambda x: x + second(first(layer_norm(x, norm.normalized_shape, eps=norm.eps)))
