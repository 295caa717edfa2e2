"""The parts that the public Glows share: what a step, a split and a file are in our module."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.checkpoints.importing.layouts.common import Built, Candidate, in_single
from engine.knobs import Value


@dataclass(frozen=True, eq=False)
class StepWeights:
    """One flow step: actnorm y = scale * (x + shift), mixing matrix (C, C), and the coupling network's (weight, bias)s.

    The last convolution's outputs are [raw scale, shift] in two halves, or the shift alone where coupling is additive.
    """

    scale: Tensor
    shift: Tensor
    matrix: Tensor
    first: tuple[Tensor, Tensor]
    second: tuple[Tensor, Tensor]
    last: tuple[Tensor, Tensor]

    def state(self, prefix: str) -> dict[str, Tensor]:
        """The tensors of our FlowStep; actnorm is folded into the matrix."""
        weight = self.matrix * self.scale
        found = {"weight": weight, "bias": weight @ self.shift}
        for name, (w, b) in (("first", self.first), ("second", self.second), ("last", self.last)):
            found |= {f"{name}.weight": w, f"{name}.bias": b}
        return {prefix + name: value for name, value in found.items()}


def zero_conv(weight: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    """A "zero convolution", (conv(x)) * exp(3 log_scale) a channel, as a plain one (Glow, section 3.3)."""
    scale = torch.exp(3.0 * log_scale.flatten())
    return weight * scale[:, None, None, None], bias * scale


@dataclass(frozen=True, eq=False)
class FlowWeights:
    """All of a flow: `steps[level][step]`, and the split priors' (weight, bias), outputs [mean, log std] in halves.

    `top` makes the last level's prior (2, C, h, w) from its code's shape and the answers.
    """

    steps: list[list[StepWeights]]
    priors: list[tuple[Tensor, Tensor]]
    top: Callable[[tuple[int, int, int], Mapping[str, Value]], Tensor]

    def built(self, image_shape: tuple[int, int, int], config: dict[str, Value], answers: Mapping[str, Value]) -> Built:
        """The config and weights of our module."""
        state: dict[str, Tensor] = {}
        for i, level in enumerate(self.steps):
            for k, step in enumerate(level):
                state |= step.state(f"stack.{i}.steps.{k}.")
        for i, (weight, bias) in enumerate(self.priors):
            state |= {f"stack.{i}.prior.weight": weight, f"stack.{i}.prior.bias": bias}
        last = len(self.steps) - 1
        side = image_shape[1] // 2 ** len(self.steps)
        channels = len(self.steps[-1][0].scale)
        state[f"stack.{last}.top"] = self.top((channels, side, side), answers)
        sizes: dict[str, Value] = {
            "levels": len(self.steps),
            "depth": len(self.steps[0]),
            "hidden": len(self.steps[0][0].first[1]),
        }
        return Built({**sizes, **config}, image_shape, in_single(state))


def even_depth(candidate: Candidate, depths: list[int]) -> int:
    """The steps of each level, which must be as many everywhere.

    Raises:
        CheckpointError: they differ, or there are none.
    """
    if not depths or len(set(depths)) != 1 or not depths[0]:
        raise candidate.refused(f"its levels have {depths} steps, and as many everywhere are needed")
    return depths[0]
