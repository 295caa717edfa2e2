"""The frozen form of an imported Glow: its 1x1 convolutions inverted once, its coupling networks packed."""

import math
from typing import cast

import torch
from torch import Tensor

from engine.models.base import Frozen
from engine.models.imported.glow.model import EdgeConv, FlowStep, ImportedGlow, Level
from engine.nn.packed_flow import Mix, PackedFlow, PackedLevel, PackedStep, Weights, below_one, packed_net
from engine.objectives.likelihood import standard_normal_log_density


class FrozenImportedGlow(Frozen):
    """Exact in both directions, as the module; float32."""

    def __init__(self, model: ImportedGlow, *, packed: bool) -> None:
        super().__init__(model)
        self._offset = model.offset
        self._flow = PackedFlow([_level(cast("Level", level), packed) for level in model.stack.scales()])

    @torch.inference_mode()
    def decode(self, z: Tensor) -> Tensor:
        return 2.0 * (self._flow.decode(z) - self._offset)

    @torch.inference_mode()
    def encode(self, x: Tensor) -> Tensor:
        return self._forward(x)[0]

    @torch.inference_mode()
    def log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self._forward(x)
        return standard_normal_log_density(z) + log_det

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        codes, log_det = self._flow.encode(0.5 * x + self._offset)
        return codes, log_det - self.model.spec.dimensions * math.log(2.0)


def _level(level: Level, packed: bool) -> PackedLevel:
    size = (level.code_shape[1], level.code_shape[2])
    top = None if level.top is None else level.top.detach().clone().flatten(0, 1)[None]
    net = None if level.prior is None else packed_net([_weights(level.prior)], size=size, packed=packed)

    def prior(kept: Tensor | None) -> Tensor:
        if net is not None and kept is not None:
            return net(kept)
        assert top is not None
        return top

    return PackedLevel(
        steps=[_step(step, size, packed) for step in level.flow_steps()],
        prior=prior,
        log_std=lambda raw: raw,
        code_shape=level.code_shape,
        last=level.last,
    )


def _weights(conv: EdgeConv) -> Weights:
    return Weights(conv.weight.detach(), conv.bias.detach(), conv.edge)


def _step(step: FlowStep, size: tuple[int, int], packed: bool) -> PackedStep:
    first, second, last = step.first, step.second, _weights(step.last)
    assert first.bias is not None
    assert second.bias is not None
    # The shift is subtracted there; a log scale is that of sigmoid(raw + 2).
    sign = -torch.ones_like(last.bias)
    more = torch.zeros_like(last.bias)
    if step.affine:
        half = len(sign) // 2
        sign[:half], more[:half] = 1.0, 2.0
    folded = Weights(last.weight * sign[:, None, None, None], last.bias * sign + more, last.edge)
    net = packed_net(
        [Weights(first.weight, first.bias), Weights(second.weight, second.bias), folded], size=size, packed=packed
    )
    weight = step.weight.detach().double()
    log_det = float(torch.linalg.slogdet(weight.cpu())[1])
    return PackedStep(Mix(weight, step.bias.detach().double(), log_det), net, below_one if step.affine else None)
