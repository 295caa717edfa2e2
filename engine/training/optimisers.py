"""The `Steps` that a family's `training_step` receives: optimisers, precision, randomness and parts of one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from engine.device import autocast
from engine.errors import RunError
from engine.models.base import LatentModel
from engine.nn.descent import OPTIMISERS, moments
from engine.training.config import TrainConfig
from engine.training.distributed import Backward, Dist


class Optimisers:
    """One optimiser for each of the model's training networks.

    `accumulate` parts of a process's share of the batch are gone through one after another for one update, so that
    only one part's activations are in memory. The gradient is that of the whole batch whatever it is cut into; what
    looks across a batch (batch norm, a critic's spread over the batch, free bits) sees one part.
    """

    def __init__(self, model: LatentModel, config: TrainConfig, device: torch.device, dist: Dist | None = None) -> None:
        self.index = 0
        self.generator = torch.Generator()
        self.accumulate = config.accumulate
        self.stepped = False
        """Whether an update of this step has begun to change weights."""
        self._device, self._config, self._dist = device, config, dist or Dist()
        self._networks = model.training_networks()
        self._parameters = {name: list(net.parameters()) for name, net in self._networks.items()}
        self._row = OPTIMISERS[config.optimiser]
        self._descents = {
            name: self._row.make(parameters, config.learning_rate, config.momentum, config.beta2)
            for name, parameters in self._parameters.items()
        }
        self._backward: dict[str, Backward] = {}
        self._batch = self._count = 0
        self._part, self._parts, self._wanted = 0, 1, frozenset(self._networks)
        self._exchanging = self._told = False

    def begin(self, step: int, seed: int, rate: float) -> None:
        """Sets the step's randomness and learning rate."""
        self.index = step
        self.generator.manual_seed(seed)
        self.stepped = self._exchanging = self._told = False
        for descent in self._descents.values():
            for group in descent.param_groups:
                group["lr"] = rate
        if self._config.compile == "cuda graphs" and self._device.type == "cuda":
            # The last step's results may be overwritten now.
            torch.compiler.cudagraph_mark_step_begin()

    def advance(self, model: LatentModel, images: Tensor, whole: int) -> dict[str, Tensor]:
        """One update of every network from this process's `images` (B, C, H, W) of a batch of `whole` images.

        Raises:
            torch.OutOfMemoryError: here or in another process of the job (call `fell_short`); if `stepped` is False,
                no weight has changed.
        """
        self._batch, self._parts = whole, min(self.accumulate, len(images))
        if not self._backward:
            # Not earlier: optimisers are made again once a new model has been prepared.
            self._backward = {name: self._dist.wrap(net) for name, net in self._networks.items()}
        if self._parts == 1:
            self._part, self._count, self._wanted = 0, len(images), frozenset(self._networks)
            return model.training_step(images, self)
        return _means(list(self._passes(model, images)))

    def fell_short(self) -> None:
        """Memory ran out in this step: lets the other processes know, who wait to hear whether all have got so far.

        Raises:
            RunError: they wait for this process's gradients and cannot be told.
        """
        told, self._told = self._told, False
        if self._exchanging and self._dist.size > 1:
            raise RunError(
                "One process of the job ran out of memory amid an exchange: resume with more parts a batch "
                f"(--set accumulate={2 * self.accumulate}); the newest checkpoint is kept."
            )
        if not told:
            self._dist.short_of_memory(True)

    def _passes(self, model: LatentModel, images: Tensor) -> Iterator[tuple[float, dict[str, Tensor]]]:
        """(weight, metrics) of every part, once for each network: the next one learns from the finished update."""
        before = self.generator.get_state()
        for name in self._networks:
            self._wanted = frozenset((name,))
            for i in range(self._parts):
                # Every part cuts its rows out of the same numbers.
                self.generator.set_state(before)
                self._part, part = i, images[i :: self._parts]
                self._count = len(part)
                yield len(part) / len(images), model.training_step(part, self)

    def rand(self, *shape: int, like: Tensor) -> Tensor:
        return self._rows(torch.rand(self._batch, *shape[1:], generator=self.generator), shape[0], like)

    def randn(self, *shape: int, like: Tensor) -> Tensor:
        return self._rows(torch.randn(self._batch, *shape[1:], generator=self.generator), shape[0], like)

    def _rows(self, numbers: Tensor, count: int, like: Tensor) -> Tensor:
        share = self._dist.share(numbers)[self._part :: self._parts]
        assert len(share) == count, f"asked for noise for {count} images, this part has {len(share)}"
        return share.to(like)

    def wants(self, name: str) -> bool:
        return name in self._wanted

    def update(self, name: str, loss: Tensor) -> Tensor:
        if name not in self._wanted:
            return torch.full_like(loss.detach(), torch.nan)
        descent, last = self._descents[name], self._part == self._parts - 1
        if self._part == 0:
            descent.zero_grad(set_to_none=True)
        if last and self._dist.short_of_memory(False):
            self._told = True
            raise torch.OutOfMemoryError("out of memory in another process of the job")
        # The sum over parts, averaged over processes, is then the mean over the whole batch.
        weight = self._count * self._dist.size / self._batch
        if weight != 1.0:
            loss = loss * weight
        self._exchanging = last
        self._backward[name](loss, last)
        self._exchanging = False
        if not last:
            return torch.full_like(loss.detach(), torch.nan)
        norm = torch.nn.utils.get_total_norm([p.grad for p in self._parameters[name] if p.grad is not None])
        if self._config.clip:
            torch.nn.utils.clip_grads_with_norm_(self._parameters[name], self._config.clip, norm)
        self.stepped = True
        descent.step()
        return norm.detach()

    def autocast(self) -> torch.autocast:
        return autocast(self._device, self._config.precision)

    @property
    def rate(self) -> float:
        """The learning rate of this step."""
        return float(next(iter(self._descents.values())).param_groups[0]["lr"])

    @torch.no_grad()
    def step_sizes(self) -> dict[str, float]:
        """`<network>/update_ratio`, the norm of its last step over that of its weights, and `<network>/weight_norm`.

        The step is computed anew from the moments, so that no copy of the weights is kept; reading it waits for the
        device. A network that has made no step yet is left out.
        """
        found: dict[str, Tensor] = {}
        for name, descent in self._descents.items():
            group = descent.param_groups[0]
            made = (self._row.moved(group, descent.state.get(p, {}), p.grad) for p in self._parameters[name])
            moves = [move.norm() for move in made if move is not None]
            if moves:
                weight = torch.stack([p.norm() for p in self._parameters[name]]).norm()
                found[f"{name}/update_ratio"] = torch.stack(moves).norm() / weight.clamp_min(1e-30)
                found[f"{name}/weight_norm"] = weight
        numbers = torch.stack(list(found.values())).tolist() if found else []
        return dict(zip(found, numbers, strict=True))

    def state(self) -> dict[str, Tensor]:
        """All moments as named tensors, for safetensors."""
        return moments(self._descents)

    def load(self, state: dict[str, Tensor]) -> None:
        """Restores what `state` gave.

        Raises:
            KeyError: a moment is missing: a resume that starts with fresh ones would go on, but not exactly.
        """
        names = self._row.kept(self._config.momentum)
        for name, descent in self._descents.items():
            own = descent.state_dict()
            moments: dict[int, dict[str, Tensor]] = {}
            for i, parameter in enumerate(self._parameters[name]):
                if not any(key.startswith(f"{name}/{i}/") for key in state):
                    if any(key.startswith(f"{name}/") for key in state):
                        raise KeyError(f"{name}/{i}")
                    continue
                kept = {key: state[f"{name}/{i}/{key}"] for key in names}
                # In the weights' own order in memory: a fused update goes through both as plain rows of numbers.
                for key, value in kept.items():
                    if key == "step":
                        continue
                    if value.shape != parameter.shape:
                        raise KeyError(f"{name}/{i}/{key}")
                    kept[key] = torch.empty_like(parameter).copy_(value)
                moments[i] = kept
            descent.load_state_dict({"state": moments, "param_groups": own["param_groups"]})


def _means(parts: Sequence[tuple[float, Mapping[str, Tensor]]]) -> dict[str, Tensor]:
    """Weighted means of the metrics of parts; NaN stands for "no value in this part" and is passed over."""
    found: dict[str, Tensor] = {}
    for name in dict.fromkeys(name for _, metrics in parts for name in metrics):
        values = torch.stack([m[name].float() for _, m in parts if name in m])
        weights = torch.tensor([w for w, m in parts if name in m], device=values.device)
        known = ~values.isnan()
        found[name] = torch.where(known, values * weights, 0.0).sum() / (known * weights).sum()
    return found
