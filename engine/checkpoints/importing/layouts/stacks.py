"""A generator as a row of layers in its file's order: convolutions read off their shapes, batch norms folded in."""

import re
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from engine.checkpoints.importing.layouts.common import Candidate, scaled
from engine.checkpoints.importing.reading import as_float
from engine.models.imported.dcgan.model import LayerSpec, side_of

LEAVES: Final = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
BATCH_NORM_EPSILON: Final = 1e-5


@dataclass
class Entry:
    """One module of the file: its name, tensors in float64, and its place in a Sequential where the name has one."""

    name: str
    tensors: dict[str, Tensor] = field(default_factory=dict)

    @property
    def place(self) -> int | None:
        tail = re.search(r"(\d+)$", self.name)
        return int(tail[1]) if tail else None

    @property
    def is_norm(self) -> bool:
        return "running_mean" in self.tensors


@dataclass(frozen=True, eq=False)
class Stack:
    """The layers, the weights under our names, and what their places in the file betray."""

    code: int
    layers: tuple[LayerSpec, ...]
    state: dict[str, Tensor]
    normed: tuple[bool, ...]
    biased: tuple[bool, ...]
    names: tuple[str, ...]
    places: tuple[int | None, ...]

    @property
    def channels(self) -> int:
        return self.layers[-1].channels

    @property
    def side(self) -> int:
        return side_of(self.layers)


def entries(candidate: Candidate) -> list[Entry] | None:
    """The modules in the file's order, or None where a tensor is no part of a plain stack."""
    found: dict[str, Entry] = {}
    for key, value in candidate.state.items():
        name, _, leaf = key.rpartition(".")
        if leaf not in LEAVES:
            return None
        entry = found.setdefault(name, Entry(name))
        if leaf != "num_batches_tracked":
            entry.tensors[leaf] = as_float(value, key, candidate.source.path) if value.ndim else value
    return [entry for entry in found.values() if entry.tensors]


def read_stack(candidate: Candidate, modules: list[Entry]) -> Stack:
    """The stack that these modules make.

    Raises:
        CheckpointError: the channels do not follow from one layer to the next, or a layer is of no known shape.
    """
    layers: list[LayerSpec] = []
    folded: list[tuple[Tensor, Tensor]] = []
    normed: list[bool] = []
    biased: list[bool] = []
    names: list[str] = []
    places: list[int | None] = []
    weights = [m for m in modules if not m.is_norm]
    before = 0
    for module in modules:
        if module.is_norm:
            if not layers:
                raise candidate.refused(f"{module.name} normalises the code itself, which no known generator does")
            folded[-1] = _with_norm(candidate, module, layers[-1], *folded[-1])
            normed[-1] = True
            continue
        weight = module.tensors.get("weight")
        if weight is None or weight.ndim not in (2, 4) or not weight.numel():
            raise candidate.refused(f"{module.name} is neither a convolution nor a batch norm")
        following = weights.index(module) + 1
        next_weight = weights[following].tensors.get("weight") if following < len(weights) else None
        spec, before = _layer(candidate, module.name, weight, before, next_weight, first=not layers)
        outputs = weight.shape[0] if spec.kind == "L" else spec.channels
        bias = module.tensors.get("bias")
        if bias is not None and bias.shape != (outputs,):
            raise candidate.refused(f"{module.name}.bias is {tuple(bias.shape)} where ({outputs},) belongs")
        layers.append(spec)
        folded.append((weight, torch.zeros(outputs, dtype=torch.float64) if bias is None else bias))
        normed.append(False)
        biased.append(bias is not None)
        names.append(module.name)
        places.append(module.place)
    if len(layers) < 2:
        raise candidate.refused("it has fewer than two layers, so it is no generator")
    state = {
        f"stack.{i}.{leaf}": value
        for i, pair in enumerate(folded)
        for leaf, value in zip(("weight", "bias"), pair, strict=True)
    }
    code = folded[0][0].shape[1] if layers[0].kind == "L" else folded[0][0].shape[0]
    return Stack(code, tuple(layers), state, tuple(normed), tuple(biased), tuple(names), tuple(places))


def _layer(
    candidate: Candidate, name: str, weight: Tensor, before: int, following: Tensor | None, *, first: bool
) -> tuple[LayerSpec, int]:
    """(the layer of this weight, its output channels); `before` channels come in."""
    shape = tuple(weight.shape)
    if weight.ndim == 2:
        # A linear layer spreads the code over a square; the next layer tells how many channels it has.
        channels = following.shape[0] if following is not None and following.ndim == 4 else 0
        side = round((shape[0] / channels) ** 0.5) if channels else 0
        if not first or not side or channels * side * side != shape[0]:
            raise candidate.refused(f"{name} is a linear layer whose output is no square of pictures")
        return LayerSpec("L", side, 1, 0, channels), channels
    a, b, kernel, other = shape
    if kernel != other:
        raise candidate.refused(f"{name} has a kernel that is not square, {shape}")
    if first:
        before = a
    if kernel == 3 and b == before and not first:
        return LayerSpec("C", 3, 1, 1, a), a
    if a == before and first:
        return LayerSpec("T", kernel, 1, 0, b), b
    if a == before and kernel in (2, 4):
        return LayerSpec("T", kernel, 2, kernel // 2 - 1, b), b
    if a == before and kernel == 3:
        raise candidate.refused(f"{name} is a transposed convolution of kernel 3, whose padding its file does not say")
    if a != before and b != before:
        raise candidate.refused(
            f"{name} takes {a} or {b} channels where {before} come in: it is no plain stack of layers"
        )
    raise candidate.refused(f"{name} has kernel {kernel}, whose stride and padding its file does not say")


def _with_norm(
    candidate: Candidate, module: Entry, layer: LayerSpec, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    mean, variance = module.tensors["running_mean"], module.tensors.get("running_var")
    outputs = len(bias)
    if variance is None or mean.shape != variance.shape or len(mean) not in (outputs, layer.channels):
        raise candidate.refused(f"{module.name} is a batch norm of {len(mean)} channels where {layer.channels} belong")
    ones = torch.ones_like(mean)
    gamma, beta = module.tensors.get("weight", ones), module.tensors.get("bias", 0 * ones)
    if gamma.shape != mean.shape or beta.shape != mean.shape:
        raise candidate.refused(f"{module.name} is a batch norm whose parts are of different sizes")
    scale = gamma / (variance.clamp_min(0) + BATCH_NORM_EPSILON).sqrt()
    shift = beta - mean * scale
    if len(mean) != outputs:
        # A linear layer's output is folded to pictures before a two-dimensional norm sees it.
        scale, shift = (v.repeat_interleave(outputs // len(mean)) for v in (scale, shift))
    return scaled(weight, bias, scale, shift, axis=1 if layer.kind == "T" else 0)
