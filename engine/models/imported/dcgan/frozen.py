"""The frozen form of an imported DCGAN generator: its layers packed, with what comes after each fused."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.models.base import Frozen
from engine.models.imported.dcgan.model import ImportedDcgan, Layer
from engine.nn.packed import Activation, PackedConv, PackedLinear, PackedTranspose

Part = Callable[[Tensor], Tensor]


class FrozenImportedDcgan(Frozen):
    """Draws what the generator draws, float32."""

    def __init__(self, model: ImportedDcgan, *, packed: bool) -> None:
        super().__init__(model)
        self._output = model.config.output
        between: Activation = "relu" if model.config.activation == "relu" else "leaky"
        self._parts: list[Part] = []
        final: Activation = "tanh" if self._output == "tanh" else "none"
        layers = [cast("Layer", layer) for layer in model.stack]
        side = 1
        for layer in layers:
            self._parts.append(_part(layer, side, final if layer is layers[-1] else between, packed))
            side = layer.layer_spec.side(side)

    @torch.inference_mode()
    def decode(self, z: Tensor) -> Tensor:
        h = z[:, :, None, None]
        for part in self._parts:
            h = part(h)
        if self._output == "sigmoid":
            h = 2.0 * torch.sigmoid(h) - 1.0
        elif self._output == "none":
            h = h.clamp(-1.0, 1.0)
        return h.contiguous()


def _part(layer: Layer, side: int, activation: Activation, packed: bool) -> Part:
    spec = layer.layer_spec
    size = (side, side)
    if spec.kind == "L":
        matrix = PackedLinear(layer.weight, layer.bias, packed=packed, activation=activation)
        return lambda x: matrix(x.flatten(1)).view(-1, spec.channels, spec.kernel, spec.kernel)
    if spec.kind == "U":
        size = (2 * side, 2 * side)
    make = PackedTranspose if spec.kind == "T" else PackedConv
    conv = make(
        layer.weight,
        layer.bias,
        size=size,
        packed=packed,
        stride=spec.stride,
        padding=spec.padding,
        activation=activation,
    )
    if spec.kind != "U":
        return conv
    smooth = layer.upsampling == "bilinear"
    mode, corners = layer.upsampling, False if smooth else None
    return lambda x: conv(interpolate(x, scale_factor=2.0, mode=mode, align_corners=corners))
