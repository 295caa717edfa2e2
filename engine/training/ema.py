"""Averaged weights: what is shown, judged and saved is calmer than what is trained (Polyak & Juditsky 1992)."""

from __future__ import annotations

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
            for (key, own), value in zip(
                self.model.state_dict().items(), model.state_dict().values(), strict=True
            )
            if not (skip and key.startswith(skip))
        ]
        # state_dict tensors share memory with the model's, so the lists stay true as training goes on.
        self._averaged: list[Tensor] = [own for own, _ in pairs if own.is_floating_point()]
        self._trained: list[Tensor] = [value.detach() for own, value in pairs if own.is_floating_point()]
        self._counts = [(own, value) for own, value in pairs if not own.is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Moves the average towards the weights; early steps forget faster, so that the first weights do not linger."""
        weight = 1.0 - min(self._decay, (step + 1) / (step + 10))
        for own, value in zip(self._averaged, self._trained, strict=True):
            own.lerp_(value, weight)
        for own, value in self._counts:
            own.copy_(value)
