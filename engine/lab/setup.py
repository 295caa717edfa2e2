"""What makes a stage, and what is read of it: values without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from engine.errors import UsageError
from engine.knobs import Value, knob

MOST_SEEDS: Final = 100
LAST_SEED: Final = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class LabTraining:
    """How a stage's model is trained."""

    steps: int = knob(2000, "Steps", "How many batches.", low=1, high=1_000_000)
    batch: int = knob(256, "Batch", "Points a step.", low=2, high=4096)
    learning_rate: float = knob(2e-3, "Learning rate", "Of the first half.", low=1e-6, high=1.0, log=True)
    optimiser: str = knob("adam", "Optimiser", "What makes a step of a gradient.", choices=("adam", "rmsprop", "sgd"))
    momentum: float = knob(0.9, "Momentum", "Adam's first beta; the others' momentum.", low=0.0, high=0.999)
    beta2: float = knob(0.99, "Second moment", "Adam's second beta, RMSprop's alpha.", low=0.0, high=0.9999)
    decay: float = knob(0.5, "Decay", "The last part of the steps, in which the rate falls to 0.", low=0.0, high=1.0)
    ema: float = knob(0.998, "Average", "How much of the averaged weights stays each step.", low=0.0, high=0.9999)
    seed: int = knob(0, "Seed", "Of the weights, the data and the noise.", low=0, high=LAST_SEED)
    generator_steps: int = knob(
        1, "Generator steps", "Of a GAN, for one of the discriminator; 20 come near a best response.", low=1, high=1000
    )
    fit: str = knob(
        "data",
        "Fit",
        "To points of the truth, which is KL(truth to model), or of the model to the truth's density, which is "
        "KL(model to truth).",
        choices=("data", "density"),
    )
    start: float = knob(
        0.0,
        "Start",
        "Where a fit to a density starts: a flow with an actnorm first begins as a Gaussian around this number.",
        low=-100.0,
        high=100.0,
    )


@dataclass(frozen=True)
class Setup:
    """All that makes a stage: it can be made again from this alone.

    `truth` is a name of the catalogue, `csv:` with the path of a file, or `drawn:` with stamps (`engine.lab.names`).
    """

    truth: str
    family: str = "stack"
    knobs: Mapping[str, Value] = field(default_factory=dict)
    training: LabTraining = field(default_factory=LabTraining)


def with_seeds(setup: Setup, count: int) -> tuple[Setup, ...]:
    """The same set-up so many times, each with the next seed, the first with its own: what is luck differs among them.

    Raises:
        UsageError: a count that no bench holds, or a seed beyond the largest.
    """
    if not 1 <= count <= MOST_SEEDS:
        raise UsageError(f"seeds must be between 1 and {MOST_SEEDS}, got {count}.")
    first = setup.training.seed
    if first + count - 1 > LAST_SEED:
        raise UsageError(f"{count} seeds from {first} on go beyond {LAST_SEED}: start from a smaller one.")
    return tuple(replace(setup, training=replace(setup.training, seed=first + index)) for index in range(count))


@dataclass(frozen=True)
class Reading:
    """A number with the reading of a perfect model beside it; `name` is its key in JSON."""

    name: str
    title: str
    value: float
    floor: float
    unit: str = ""


class Pace:
    """How fast a bench plays, in steps a second; 0 is as fast as it can. Any thread may change it."""

    def __init__(self, steps_per_second: float = 0.0) -> None:
        self.steps_per_second = steps_per_second
