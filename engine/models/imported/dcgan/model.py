"""An imported DCGAN generator as a plain stack of convolutions (Radford et al. 2016, arXiv:1511.06434).

Batch normalisation is an affine map once training is over, so the importer has folded it into weights and biases.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate, leaky_relu, linear, relu

from engine.errors import Unsupported, UsageError
from engine.knobs import knob
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps

LAYER: Final = re.compile(r"(?P<kind>[LTCU])(?P<kernel>\d{1,2})s(?P<stride>[12])p(?P<padding>\d)x(?P<channels>\d{1,5})")
MAX_LAYERS: Final = 64
MAX_PARAMETERS: Final = 1_000_000_000
LEAK: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class ImportedDcganConfig:
    """What the generator's file does not say by its shapes alone."""

    code: int = knob(100, "Code size", "Numbers in a code.", low=1, high=8192)
    layers: str = knob(
        "T4s1p0x512 T4s2p1x256 T4s2p1x128 T4s2p1x64 T4s2p1x3",
        "Layers",
        "Kind (L linear, T transposed, C convolution, U doubled then convolution), kernel, stride, padding, channels.",
    )
    activation: str = knob("relu", "Activation", "Between the layers.", choices=("relu", "leaky_relu"))
    output: str = knob("tanh", "Output", "What bounds the pixels.", choices=("tanh", "sigmoid", "none"))
    upsampling: str = knob("nearest", "Upsampling", "How U layers double.", choices=("nearest", "bilinear"))


@dataclass(frozen=True)
class LayerSpec:
    """One layer. `kernel` of a linear layer is the side of the square that its output is folded to."""

    kind: str
    kernel: int
    stride: int
    padding: int
    channels: int

    def __str__(self) -> str:
        return f"{self.kind}{self.kernel}s{self.stride}p{self.padding}x{self.channels}"

    def weight_shape(self, before: int) -> tuple[int, ...]:
        """The shape of its weight when `before` channels come in."""
        if self.kind == "L":
            return (self.channels * self.kernel**2, before)
        ends = (before, self.channels) if self.kind == "T" else (self.channels, before)
        return (*ends, self.kernel, self.kernel)

    def side(self, before_px: int) -> int:
        """The side of what comes out, in pixels, when a square of `before_px` goes in."""
        if self.kind == "L":
            return self.kernel
        if self.kind == "T":
            return (before_px - 1) * self.stride - 2 * self.padding + self.kernel
        doubled = 2 * before_px if self.kind == "U" else before_px
        return (doubled + 2 * self.padding - self.kernel) // self.stride + 1


def parse_layers(text: str) -> tuple[LayerSpec, ...]:
    """The layers of a config's text.

    Raises:
        UsageError: it does not describe a stack of layers.
    """
    found = []
    for word in text.split()[: MAX_LAYERS + 1]:
        match = LAYER.fullmatch(word)
        if match is None:
            raise UsageError(f"layers must be words such as T4s2p1x64, got {word[:20]!r}: import the file again.")
        found.append(LayerSpec(match["kind"], *(int(match[k]) for k in ("kernel", "stride", "padding", "channels"))))
    if not 1 <= len(found) <= MAX_LAYERS or any(not (s.kernel and s.channels) for s in found):
        raise UsageError(f"layers must be 1 to {MAX_LAYERS} layers, got {len(found)}: import the file again.")
    if any(s.kind == "L" for s in found[1:]):
        raise UsageError("layers may only begin with a linear one: import the file again.")
    return tuple(found)


def side_of(layers: tuple[LayerSpec, ...]) -> int:
    """The side in pixels of what the layers draw."""
    side = 1
    for spec in layers:
        side = spec.side(side)
    return side


class Layer(nn.Module):
    """One layer with its bias; weights start at zero, since they are always loaded."""

    def __init__(self, spec: LayerSpec, before: int, upsampling: str) -> None:
        super().__init__()
        self.layer_spec = spec
        self.upsampling = upsampling
        self.weight = nn.Parameter(torch.zeros(spec.weight_shape(before)))
        self.bias = nn.Parameter(torch.zeros(spec.weight_shape(before)[0] if spec.kind == "L" else spec.channels))

    def forward(self, x: Tensor) -> Tensor:
        spec = self.layer_spec
        if spec.kind == "L":
            flat = linear(x.flatten(1), self.weight, self.bias)
            return flat.view(-1, spec.channels, spec.kernel, spec.kernel)
        if spec.kind == "T":
            return conv_transpose2d(x, self.weight, self.bias, stride=spec.stride, padding=spec.padding)
        if spec.kind == "U":
            smooth = self.upsampling == "bilinear"
            x = interpolate(x, scale_factor=2.0, mode=self.upsampling, align_corners=False if smooth else None)
        return conv2d(x, self.weight, self.bias, stride=spec.stride, padding=spec.padding)


class ImportedDcgan(LatentModel):
    """(B, D) -> (B, C, S, S) in [-1, 1]; the code of a photo is found by search."""

    abilities = Abilities(encode="search", density="none")

    def __init__(self, config: ImportedDcganConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        layers = parse_layers(config.layers)
        if (layers[-1].channels, side_of(layers), side_of(layers)) != image_shape:
            raise UsageError(
                f"layers draw {layers[-1].channels} x {side_of(layers)} x {side_of(layers)}, and the picture is "
                f"{' x '.join(map(str, image_shape))}: import the file again."
            )
        before = [config.code, *(spec.channels for spec in layers[:-1])]
        count = sum(math.prod(spec.weight_shape(c)) for spec, c in zip(layers, before, strict=True))
        if count > MAX_PARAMETERS:
            raise UsageError(f"layers hold {count:,} numbers, over {MAX_PARAMETERS:,}: import a smaller model.")
        self.config = config
        self.spec = LatentSpec(size=config.code, groups=(Group("code", 0, config.code),), image_shape=image_shape)
        self.stack = nn.ModuleList(Layer(spec, c, config.upsampling) for spec, c in zip(layers, before, strict=True))

    def _through(self, z: Tensor, count: int) -> Tensor:
        """What the first `count` layers make of codes (B, D), activated but for the last layer of all."""
        h = z[:, :, None, None]
        for index, layer in enumerate(self.stack[:count]):
            h = layer(h)
            if index < len(self.stack) - 1:
                h = relu(h) if self.config.activation == "relu" else leaky_relu(h, LEAK)
        return h

    def first_layer(self) -> Tensor:
        """The first layer's matrix (F, D)."""
        first = self.stack[0]
        assert isinstance(first, Layer)
        weight: Tensor = first.weight
        return weight.flatten(1).T if first.layer_spec.kind == "T" else weight.flatten(1)

    def decoder_features(self, z: Tensor) -> Tensor:
        """(B, F, S, S): after the first enlargement."""
        return self._through(z, min(2, len(self.stack) - 1))

    def decode(self, z: Tensor) -> Tensor:
        h = self._through(z, len(self.stack))
        if self.config.output == "tanh":
            return torch.tanh(h)
        return 2.0 * torch.sigmoid(h) - 1.0 if self.config.output == "sigmoid" else h.clamp(-1.0, 1.0)

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        raise Unsupported("An imported model is explored, not trained: train one of the families here instead.")
