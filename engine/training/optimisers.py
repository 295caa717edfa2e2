"""The `Steps` that a family's `training_step` receives: optimisers, precision and randomness of one step."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.device import autocast
from engine.models.base import LatentModel
from engine.training.config import TrainConfig


class Optimisers:
    """One Adam for each of the model's training networks."""

    def __init__(self, model: LatentModel, config: TrainConfig, device: torch.device) -> None:
        self.index = 0
        self.generator = torch.Generator()
        self._device, self._config = device, config
        self._parameters = {name: list(net.parameters()) for name, net in model.training_networks().items()}
        self._adams = {
            name: torch.optim.Adam(parameters, lr=config.learning_rate, betas=(config.momentum, 0.99))
            for name, parameters in self._parameters.items()
        }

    def begin(self, step: int, seed: int, rate: float) -> None:
        """Sets the step's randomness and learning rate."""
        self.index = step
        self.generator.manual_seed(seed)
        for adam in self._adams.values():
            for group in adam.param_groups:
                group["lr"] = rate

    def update(self, name: str, loss: Tensor) -> Tensor:
        adam = self._adams[name]
        adam.zero_grad(set_to_none=True)
        loss.backward()
        limit = self._config.clip or float("inf")
        norm = torch.nn.utils.clip_grad_norm_(self._parameters[name], limit)
        adam.step()
        return norm.detach()

    def autocast(self) -> torch.autocast:
        return autocast(self._device, self._config.precision)

    def state(self) -> dict[str, Tensor]:
        """All moments as named tensors, for safetensors."""
        found = {}
        for name, adam in self._adams.items():
            for i, values in adam.state_dict()["state"].items():
                for key, value in values.items():
                    found[f"{name}/{i}/{key}"] = torch.as_tensor(value)
        return found

    def load(self, state: dict[str, Tensor]) -> None:
        """Takes back what `state` gave.

        Raises:
            KeyError: a moment is missing: a resume that starts with fresh ones would go on, but not exactly.
        """
        for name, adam in self._adams.items():
            own = adam.state_dict()
            moments: dict[int, dict[str, Tensor]] = {}
            for i, parameter in enumerate(self._parameters[name]):
                if not any(key.startswith(f"{name}/{i}/") for key in state):
                    if any(key.startswith(f"{name}/") for key in state):
                        raise KeyError(f"{name}/{i}")
                    continue
                kept = {key: state[f"{name}/{i}/{key}"] for key in ("step", "exp_avg", "exp_avg_sq")}
                if kept["exp_avg"].shape != parameter.shape:
                    raise KeyError(f"{name}/{i}/exp_avg")
                moments[i] = kept
            adam.load_state_dict({"state": moments, "param_groups": own["param_groups"]})
