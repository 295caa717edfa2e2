"""Averaged weights: what is shown, judged and saved is smoother than what is trained (Polyak & Juditsky 1992)."""

import copy

import torch
from torch import Tensor

from engine.models.base import LatentModel


class Ema:
    """An exponential moving average of a model's weights and floating-point buffers, in a model of its own."""

    def __init__(self, model: LatentModel, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay
        skip = model.training_only
        pairs = [
            (own, value)
            for (key, own), value in zip(self.model.state_dict().items(), model.state_dict().values(), strict=True)
            if not (skip and key.startswith(skip))
        ]
        # state_dict tensors share memory with the model's, so the lists stay true as training goes on.
        self._averaged: list[Tensor] = [own for own, _ in pairs if own.is_floating_point()]
        self._trained: list[Tensor] = [value.detach() for own, value in pairs if own.is_floating_point()]
        counts = [pair for pair in pairs if not pair[0].is_floating_point()]
        self._counts: tuple[list[Tensor], list[Tensor]] = ([own for own, _ in counts], [value for _, value in counts])

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Moves the average towards the weights; early steps forget faster, so that the first weights do not linger."""
        weight = 1.0 - min(self._decay, (step + 1) / (step + 10))
        torch._foreach_lerp_(self._averaged, self._trained, weight)
        if self._counts[0]:
            torch._foreach_copy_(*self._counts)
