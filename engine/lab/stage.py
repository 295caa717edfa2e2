"""A stage: one model that learns one truth, with the figures that say how near it has come."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from engine.errors import UsageError
from engine.families import build, family
from engine.lab.measure import Divergences, ModeCount, against, count_modes, sliced_wasserstein
from engine.lab.own import named
from engine.lab.setup import LabTraining, Reading, Setup
from engine.lab.truths import Truth
from engine.models.base import LatentModel
from engine.models.ema import Ema
from engine.nn.descent import OPTIMISERS, moments
from engine.nn.seeded import Seeded

FRESH: Final = 4096
"""Points of the truth that training never sees, and samples that are judged."""
GAP_POINTS: Final = 24
"""Points that inference is made for one by one: half a second or so."""
GAPS: Final = {"bound_gap": "Bound below the evidence", "amortisation_gap": "Of that by the encoder"}
CLIP: Final = 50.0


class LabSteps:
    """`engine.models.base.Steps` in one process: an optimiser for each network, one generator for the step's noise.

    `only` is the one network that is to be updated, empty for all. `told` hears of each part of a step before it.
    """

    def __init__(self, model: LatentModel, training: LabTraining) -> None:
        self.index = 0
        self.only = ""
        self.told: Callable[[str], None] | None = None
        self.generator = torch.Generator().manual_seed(training.seed + 1)
        self._networks = {name: list(net.parameters()) for name, net in model.training_networks().items()}
        self._bursts = training.generator_steps
        row = OPTIMISERS[training.optimiser]
        self._descents = {
            name: row.make(parameters, training.learning_rate, training.momentum, training.beta2)
            for name, parameters in self._networks.items()
        }

    def set_rate(self, rate: float) -> None:
        """The learning rate of all networks from here on."""
        for descent in self._descents.values():
            for group in descent.param_groups:
                group["lr"] = rate

    def state(self) -> dict[str, Tensor]:
        """All moments as named tensors, as `engine.training.optimisers` has them."""
        return moments(self._descents)

    def rand(self, *shape: int, like: Tensor) -> Tensor:
        return torch.rand(shape, generator=self.generator).to(like)

    def randn(self, *shape: int, like: Tensor) -> Tensor:
        self.tell("draws codes" if "generator" in self._networks else "draws noise")
        return torch.randn(shape, generator=self.generator).to(like)

    def wants(self, name: str) -> bool:
        turn = name != "discriminator" or self.index % self._bursts == 0
        return name in self._descents and turn and (not self.only or name == self.only)

    def update(self, name: str, loss: Tensor) -> Tensor:
        descent = self._descents[name]
        self.tell(f"judges: loss {float(loss.detach()):.3f}" if self.told else "")
        descent.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._networks[name], CLIP)
        descent.step()
        self.tell(f"{name} step: gradient {float(norm):.3g}" if self.told else "")
        return norm.detach()

    def tell(self, part: str) -> None:
        """Says what the step does now, where somebody listens."""
        if self.told is not None:
            self.told(part)

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", enabled=False)


class Stage:
    """Trains step by step; `shown` has the averaged weights, which are what is looked at and judged.

    The random state of the caller's thread is left alone, and the same set-up gives the same stage.

    `truth` is that of the set-up where it is at hand already: a file may have gone meanwhile.

    Raises:
        UsageError: an unknown truth, family or knob, or a family that makes no points.
    """

    def __init__(self, setup: Setup, truth: Truth | None = None) -> None:
        truth = truth or named(setup.truth)
        if not family(setup.family).points:
            raise UsageError(f"{family(setup.family).title} draws pictures and no points: choose a family of points.")
        self.setup, self.truth, self.step = setup, truth, 0
        reverse = setup.training.fit == "density"
        if reverse and self.truth.kinks:
            raise UsageError(f"{self.truth.title} has no slope to follow: fit it to data, or choose a smooth truth.")
        self.data = torch.Generator().manual_seed(setup.training.seed)
        with Seeded(setup.training.seed):
            self.model = build(setup.family, setup.knobs, (self.truth.dimension, 1, 1))
        if reverse and not (self.model.abilities.encode == self.model.abilities.density == "exact"):
            raise UsageError("Only a flow can be fitted to a density: choose the family stack, or fit to data.")
        first = self.batch()
        if reverse:
            first = torch.randn(first.shape, generator=self.data) + setup.training.start
        self.model.prepare(first)
        self._average = Ema(self.model, setup.training.ema)
        self.steps = LabSteps(self.model, setup.training)
        self.metrics: dict[str, Tensor] = {}

    def batch(self) -> Tensor:
        """The next batch of the truth, (B, d, 1, 1)."""
        return as_images(self.truth.draw(self.setup.training.batch, self.data))

    def networks(self) -> tuple[str, ...]:
        """Names of the networks that a step updates one after another."""
        return tuple(self.model.training_networks())

    def advance(self, count: int = 1, *, only: str = "") -> None:
        """Trains for `count` steps; a step whose loss is not finite ends it with the last good average. `only` names
        the one network that learns, empty for all.

        Raises:
            UsageError: the numbers ran away; the sentence says at which step.
        """
        self.model.train()
        for _ in range(count):
            # A network that is asked for by itself learns at once, also where others learn more often.
            self.steps.index = 0 if only else self.step
            self.steps.only = only
            self.steps.set_rate(self._rate())
            self.metrics = self._step()
            if not all(math.isfinite(float(value)) for name, value in self.metrics.items() if name.endswith("loss")):
                raise UsageError(f"The loss is no number any more at step {self.step + 1}: lower the learning rate.")
            self._average.update(self.step)
            self.step += 1

    def _step(self) -> dict[str, Tensor]:
        if "generator" not in self.networks():
            self.steps.tell("draws points")
        batch = self.batch()
        if self.setup.training.fit == "data":
            return self.model.training_step(batch, self.steps)
        x = self.model.decode(self.steps.randn(len(batch), self.model.spec.size, like=batch))
        loss = (self.model.log_prob(x) - self.truth.log_density(x.flatten(1))).mean()
        return {"loss": loss.detach(), "gradient_norm": self.steps.update("model", loss)}

    def _rate(self) -> float:
        training = self.setup.training
        left = max(0.0, (training.steps - self.step) / training.steps)
        return training.learning_rate * (min(1.0, left / training.decay) if training.decay else 1.0)

    @property
    def shown(self) -> LatentModel:
        """The model with averaged weights."""
        return self._average.model

    def show(self, model: LatentModel) -> None:
        """Looks at another model of such points from here on."""
        self._average.model = model

    def log_density(self, points: Tensor) -> Tensor:
        """Nats (B,) of points (B, d) under the averaged weights.

        Raises:
            Unsupported: the family has no density.
        """
        with torch.no_grad():
            return self.shown.log_prob(as_images(points))

    def samples(self, count: int, *, seed: int = 0) -> Tensor:
        """Points (count, d) of the averaged weights, with the decoder's noise where its density has any."""
        with torch.no_grad():
            generator = torch.Generator().manual_seed(seed)
            return self.shown.draw(self.shown.sample_codes(count, generator=generator), generator=generator).flatten(1)

    def fresh(self, *, seed: int = 0) -> Tensor:
        """Points (FRESH, d) of the truth that training does not see."""
        return (self.truth.fresh or self.truth.draw)(FRESH, torch.Generator().manual_seed(7_000_000 + seed))

    def figures(self) -> tuple[Reading, ...]:
        """How near the model is, each figure beside what a perfect model reads."""
        drawn, fresh = self.samples(FRESH), self.fresh()
        found: list[Reading] = []
        if self.shown.abilities.density == "exact":
            found += self._density(fresh)
            # Rows that were learned against those that were not, where the truth is data.
            found += self._gaps(fresh[:GAP_POINTS])
        floor = sliced_wasserstein(self.truth.draw(FRESH, torch.Generator().manual_seed(7_000_001)), fresh)
        found.append(Reading("sliced_w1", "Sliced W1", sliced_wasserstein(drawn, fresh), floor))
        if self.truth.modes is not None:
            found += _modes(count_modes(drawn, self.truth.modes))
        return tuple(found)

    def _gaps(self, fresh: Tensor) -> list[Reading]:
        gaps = {name: float(value.double().mean()) for name, value in self.shown.gaps(as_images(fresh)).items()}
        return [Reading(name, GAPS[name], value, 0.0, "nats") for name, value in gaps.items()]

    def _density(self, fresh: Tensor) -> list[Reading]:
        cost = -float(self.log_density(fresh).double().mean())
        own = -float(self.truth.log_density(fresh.double()).mean())
        exact: Divergences = against(self.truth, self.log_density)
        # Of data the floor is not known: what an estimate costs is no limit, and a good model goes below it.
        floor, name = ("the estimate", "estimate") if self.truth.estimate else ("the floor", "truth")
        return [
            Reading("nll", "Cost of fresh points", cost, own, "nats"),
            Reading("gap", f"Above {floor}", cost - own, 0.0, "nats"),
            Reading("kl", f"KL({name} to model)", exact.kl, 0.0, "nats"),
            Reading("reverse_kl", f"KL(model to {name})", exact.reverse_kl, 0.0, "nats"),
            Reading("js", "JS", exact.js, 0.0, "nats"),
            Reading("tv", "TV", exact.tv, 0.0),
        ]


def _modes(count: ModeCount) -> list[Reading]:
    return [
        Reading("modes", "Modes", count.found, count.of),
        Reading("near", "Within three sigma", count.near, count.perfect),
    ]


def as_images(points: Tensor) -> Tensor:
    """Points (B, d) as images of the contract, (B, d, 1, 1)."""
    return points[:, :, None, None]
