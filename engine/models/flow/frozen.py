"""Glow's frozen form: actnorm folded into the 1x1 convolutions and these inverted, places and scales folded."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from engine.models.base import Frozen
from engine.models.flow.glow import PRIOR_LOG_STD_BOUND, FlowStep, Glow, Level
from engine.nn.coupling import Coupling, ZeroConv
from engine.nn.coupling_pass import LOG_SCALE_BOUND
from engine.nn.packed_flow import Mix, Net, PackedFlow, PackedLevel, PackedStep, Weights, bounded_by, packed_net
from engine.objectives.likelihood import standard_normal_log_density


class FrozenGlow(Frozen):
    """Exact in both directions, as the module; float32."""

    def __init__(self, model: Glow, *, packed: bool) -> None:
        super().__init__(model)
        levels = [cast("Level", level) for level in model.stack.scales()]
        self._flow = PackedFlow([_level(level, packed) for level in levels])

    @torch.inference_mode()
    def decode(self, z: Tensor) -> Tensor:
        return self._flow.decode(z)

    @torch.inference_mode()
    def encode(self, x: Tensor) -> Tensor:
        return self._flow.encode(x)[0]

    @torch.inference_mode()
    def log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self._flow.encode(x)
        return standard_normal_log_density(z) + log_det


def _level(level: Level, packed: bool) -> PackedLevel:
    bound = PRIOR_LOG_STD_BOUND
    leaving, height, width = level.code_shape
    share = torch.ones(2 * leaving, device=level.prior_places.device)
    share[leaving:] /= bound
    places = level.prior_places.detach() * share[:, None, None]
    prior = _constant(places.contiguous())
    if level.prior is not None:
        folded = _folded(level.prior, share, places)
        prior = _of_kept(packed_net([folded], size=(height, width), packed=packed))
    return PackedLevel(
        steps=[_step(step, (height, width), packed) for step in level.flow_steps()],
        prior=prior,
        log_std=bounded_by(bound),
        code_shape=level.code_shape,
        last=level.last,
    )


def _constant(places: Tensor) -> Callable[[Tensor | None], Tensor]:
    return lambda kept: places


def _of_kept(net: Net) -> Callable[[Tensor | None], Tensor]:
    def prior(kept: Tensor | None) -> Tensor:
        assert kept is not None
        return net(kept)

    return prior


def _folded(layer: ZeroConv, share: Tensor, places: Tensor | None = None) -> Weights:
    """A convolution with its learned scale and `share` of each channel multiplied in."""
    scale = torch.exp(3.0 * layer.log_scale.detach()) * share
    assert layer.conv.bias is not None
    bias = layer.conv.bias.detach() * scale
    weight = layer.conv.weight.detach() * scale[:, None, None, None]
    return Weights(weight, bias, places=None if places is None else places + bias[:, None, None])


def _step(step: FlowStep, size: tuple[int, int], packed: bool) -> PackedStep:
    coupling = step.coupling
    net = packed_net(_layers(coupling), size=size, packed=packed)
    return PackedStep(_mix(step), net, bounded_by(LOG_SCALE_BOUND) if coupling.affine else None)


def _layers(coupling: Coupling) -> list[Weights]:
    first, second = coupling.first, coupling.second
    assert first.bias is not None
    assert second.bias is not None
    places = conv2d(coupling.places, coupling.places_weight.detach(), first.bias.detach())
    out = len(coupling.last.log_scale)
    # The shift is subtracted there, and the raw log scale is divided by its bound beforehand.
    share = -torch.ones(out, device=places.device)
    if coupling.affine:
        share[: out // 2] = 1.0 / LOG_SCALE_BOUND
    return [
        Weights(first.weight, first.bias, places=places),
        Weights(second.weight, second.bias),
        _folded(coupling.last, share),
    ]


def _mix(step: FlowStep) -> Mix:
    norm, mix = step.norm, step.mix
    log_scale = norm.log_scale.detach().double()
    weight = mix.matrix().detach().double() * log_scale.exp()
    log_det = log_scale.sum() + mix.log_diagonal.detach().double().sum()
    return Mix(weight, weight @ norm.shift.detach().double(), float(log_det))
