"""The generator's frozen form: batch norms folded into the layers before them, the last one's tanh fused."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from engine.models.base import Frozen
from engine.models.gan.dcgan import Dcgan, Generator
from engine.models.gan.growth import enlarged
from engine.nn.packed import Activation, PackedConv, PackedLinear, packed_doubling
from engine.nn.upsample import UpsampleConv, summed_kernel

SIDE = 4
"""Pixels of the first features' side."""


class FrozenDcgan(Frozen):
    """Draws what the generator draws, float32."""

    def __init__(self, model: Dcgan, *, packed: bool) -> None:
        super().__init__(model)
        generator = model.generator
        assert isinstance(generator, Generator), "points have no frozen form"
        scale, shift = _folded(generator.stem_norm)
        places = SIDE * SIDE
        weight = generator.stem.weight * scale.repeat_interleave(places)[:, None]
        self._channels = len(scale)
        # Rows in the order of channels last, so that what the matrix gives is what the first convolution reads.
        rows = torch.arange(len(weight), device=weight.device).view(-1, places).T.flatten()
        self._stem = PackedLinear(weight[rows], shift.repeat_interleave(places)[rows], packed=packed, activation="relu")
        self._centre = generator.centre.detach().clone()
        self._centred = bool(generator.centred > 0)
        side = SIDE
        self._layers: list[Callable[[Tensor], Tensor]] = []
        for stage in generator.stages():
            norm = next(m for m in stage if isinstance(m, nn.BatchNorm2d))
            self._layers += [_layer(m, norm, side, "relu", packed) for m in stage if _drawing(m)]
            side *= 2
        fused: Activation = "none" if len(generator.grown) else "tanh"
        last = [_layer(m, None, side, fused, packed) for m in generator.last if _drawing(m)]
        self._grown: list[tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = []
        for grown in generator.grown_stages():
            norm = next(m for m in grown.up if isinstance(m, nn.BatchNorm2d))
            (up,) = [_layer(m, norm, side, "relu", packed) for m in grown.up if _drawing(m)]
            side *= 2
            (paint,) = [_layer(m, None, side, "none", packed) for m in grown.paint if _drawing(m)]
            self._grown.append((up, paint))
        (self._last,) = last

    @torch.inference_mode()
    def decode(self, z: Tensor) -> Tensor:
        h = self._first_features(z)
        for layer in self._layers:
            h = layer(h)
        picture = self._last(h)
        for up, paint in self._grown:
            h = up(h)
            picture = enlarged(picture).add_(paint(h))
        return (picture.tanh_() if self._grown else picture).contiguous()

    def _first_features(self, z: Tensor) -> Tensor:
        """As `Generator.first_features`: the code's direction, drawn towards the mean as far as it is short."""
        if not self._centred:
            return self._shaped(self._stem(z))
        length = z.square().mean(1, keepdim=True).add(1e-12).sqrt()
        return torch.lerp(self._centre, self._shaped(self._stem(z / length)), length[:, :, None, None])

    def _shaped(self, h: Tensor) -> Tensor:
        return h.view(-1, SIDE, SIDE, self._channels).permute(0, 3, 1, 2)


def _drawing(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d | nn.ConvTranspose2d)


def _folded(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """(scale, shift) a channel of a batch norm in use."""
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = norm.bias.double() - norm.running_mean.double() * scale
    return scale.float(), shift.float()


def _layer(
    module: nn.Module, norm: nn.BatchNorm2d | None, side: int, activation: Activation, packed: bool
) -> Callable[[Tensor], Tensor]:
    """One layer with what comes after it folded in, for inputs of `side` pixels."""
    if isinstance(module, UpsampleConv):
        weight, out = summed_kernel(module.weight), 1
    elif isinstance(module, nn.ConvTranspose2d):
        weight, out = module.weight, 1
    else:
        assert isinstance(module, nn.Conv2d)
        weight, out = module.weight, 0
    bias = module.bias
    if norm is not None:
        scale, shift = _folded(norm)
        weight = weight * scale.view(1, -1, 1, 1) if out else weight * scale.view(-1, 1, 1, 1)
        bias = shift if bias is None else shift + bias * scale
    if out:
        return packed_doubling(weight, bias, size=(side, side), packed=packed, activation=activation)
    return PackedConv(weight, bias, size=(side, side), packed=packed, padding=1, activation=activation)
