"""A flow that is written down: layers from a recipe, on points of R^d or on flattened pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.errors import UsageError
from engine.knobs import knob
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps, are_points
from engine.models.stack.layers.base import Layer
from engine.models.stack.layers.ode import Ode
from engine.models.stack.recipe import LAYERS, read_recipe, words
from engine.objectives.likelihood import bits_per_dim, dequantise, standard_normal_log_density


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """The layers of a flow."""

    recipe: str = knob(
        "actnorm, 4 x (coupling(affine, 32, 32), swap)",
        "Layers",
        f"From the data to the code, with commas between; 4 x (...) repeats. Layers: {', '.join(LAYERS)}. Fitted by "
        "likelihood; ode(matching, 64, 64), alone, by the cheaper flow matching.",
        read=read_recipe,
    )


class Stack(LatentModel):
    """`encode` goes through the layers in the order of the recipe, `decode` backwards through their inverses."""

    abilities = Abilities(encode="exact", density="exact")

    def __init__(self, config: StackConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        size = math.prod(image_shape)
        self.config = config
        self.recipe = read_recipe(config.recipe, size=size)
        layers = [row.make(size) for row in self.recipe]
        self.matched = any(isinstance(layer, Ode) and layer.matched for layer in layers)
        if self.matched and len(layers) > 1:
            raise UsageError(
                f"The recipe {config.recipe} asks for flow matching, which fits a single ode layer: use it alone, or "
                "fit by likelihood."
            )
        self.layers = nn.ModuleList(layers)
        # A stack of shifts or orders alone has nothing to learn, and no parameter to know a device by.
        if not any(True for _ in self.parameters()):
            raise UsageError(f"The recipe {config.recipe} has nothing to learn: add a layer such as diagonal.")
        points = are_points(image_shape)
        self.spec = LatentSpec(size, (Group("code", 0, size),), image_shape, range=None if points else (-1.0, 1.0))

    def steps(self) -> list[Layer]:
        """The layers, from the data to the code."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        flat, log_det = x.flatten(1), x.new_zeros(len(x))
        for layer in self.steps():
            flat, change = layer(flat)
            log_det = log_det + change
        return flat, log_det

    def encode(self, x: Tensor) -> Tensor:
        return self._forward(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        return self.trace(z)[-1]

    def trace(self, z: Tensor) -> tuple[Tensor, ...]:
        found, shape = [z], self.spec.image_shape
        for layer in reversed(self.steps()):
            found += layer.path(found[-1])
        return tuple(x.view(len(z), *shape) for x in found)

    def trace_words(self) -> tuple[str, ...]:
        pairs = zip(words(self.recipe), self.steps(), strict=True)
        return tuple(word for word, layer in reversed(list(pairs)) for _ in range(layer.stops))

    def velocity(self, x: Tensor, depth: float) -> Tensor | None:
        at = depth * sum(layer.stops for layer in self.steps())
        for layer in reversed(self.steps()):
            if at <= layer.stops:
                break
            at -= layer.stops
        if not isinstance(layer, Ode):
            return None
        return layer.field(x.flatten(1), x.new_full((len(x), 1), at / layer.stops)).view_as(x)

    def log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self._forward(x)
        return standard_normal_log_density(z) + log_det

    def likelihood_parts(self, x: Tensor, *, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        z, log_det = self._forward(x if self.spec.range is None else dequantise(x, self.bins, generator))
        return self._parts(standard_normal_log_density(z), log_det)

    def _parts(self, prior: Tensor, log_det: Tensor) -> dict[str, Tensor]:
        """What an image costs, and its two terms: the code's density, and how far the layers squeeze space."""
        if self.spec.range is None:
            return {"nats": -(prior + log_det), "prior_nats": -prior, "log_det_nats": -log_det}
        size = self.spec.dimensions
        return {
            "bits_per_dim": bits_per_dim(prior + log_det, size, self.bins),
            "prior_bits_per_dim": -prior / (size * math.log(2.0)),
            "log_det_bits_per_dim": bits_per_dim(log_det, size, self.bins),
        }

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        x = batch
        if self.spec.range is not None:
            x = dequantise(batch, self.bins, noise=steps.rand(*batch.shape, like=batch))
        if self.matched:
            return self._match(x.flatten(1), steps)
        z, log_det = self._forward(x)
        prior = standard_normal_log_density(z)
        parts = self._parts(prior.mean(), log_det.mean())
        loss = next(iter(parts.values()))
        norm = steps.update("model", loss)
        return {
            "loss": loss.detach(),
            **{name: value.detach() for name, value in parts.items()},
            "code_norm": (z.detach().norm(dim=1) / math.sqrt(self.spec.size)).mean(),
            "gradient_norm": norm,
        }

    def _match(self, x: Tensor, steps: Steps) -> dict[str, Tensor]:
        ode = self.layers[0]
        assert isinstance(ode, Ode)
        code, t = steps.randn(*x.shape, like=x), steps.rand(len(x), 1, like=x)
        loss = ode.matching_loss(x, code=code, t=t).mean()
        return {"loss": loss.detach(), "gradient_norm": steps.update("model", loss)}

    @torch.no_grad()
    def prepare(self, batch: Tensor) -> None:
        """Starts every actnorm from this batch."""
        x = batch if self.spec.range is None else dequantise(batch, self.bins, torch.Generator().manual_seed(0))
        x = x.flatten(1)
        for layer in self.steps():
            layer.initialise(x)
            x, _ = layer(x)
