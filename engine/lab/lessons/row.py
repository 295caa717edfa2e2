"""What a lesson is: words, the stages that it sets up, and the numbers that prove what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from engine.knobs import Value, from_json
from engine.lab.presets import PRESETS
from engine.lab.setup import LabTraining, Setup

DECKS: Final[Mapping[str, str]] = {
    "S0": "CMU 10-417/617, lecture 16: GANs and normalising flows",
    "S1": "CS 5788, lecture 6: normalising flows",
    "S2": "ECE 57000: invertible normalising flows",
    "S3": "ENSAE: from MCMC to generative modelling",
    "S4": "Deep learning: generative models",
}
LAYERS: Final = (
    "data",
    "samples",
    "density",
    "truth",
    "difference",
    "critic",
    "gradient",
    "field",
    "grid",
    "trajectories",
    "mass",
)
"""What a stage can show."""

Sense = Literal["about", "at most", "at least"]


@dataclass(frozen=True)
class Check:
    """A number, what it ought to be, and how near is near enough. `slow`: it takes more than a few seconds.

    With `sense` "at most" or "at least" the target is a limit, and `tolerance` what may be beyond it.
    """

    name: str
    title: str
    target: float
    tolerance: float
    measure: Callable[[], float]
    unit: str = ""
    sense: Sense = "about"
    slow: bool = False

    def holds(self, value: float) -> bool:
        """Whether a measured value is what the lesson says."""
        if self.sense == "at most":
            return value <= self.target + self.tolerance
        if self.sense == "at least":
            return value >= self.target - self.tolerance
        return abs(value - self.target) <= self.tolerance


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One row. `deck` is a key of `DECKS`, `slide` its place there. `stages` are none, one or two; `game` names rules
    of `engine.lab.games` where the lesson is a game of two numbers, `sweep` a row of `engine.lab.sweeps` where two
    Gaussians part. `erratum` is what the slide has wrong, or nothing.
    """

    number: str
    name: str
    title: str
    deck: str
    slide: str
    stages: tuple[Setup, ...] = ()
    game: tuple[str, ...] = ()
    sweep: str = ""
    layers: tuple[str, ...] = ("data", "samples", "density")
    sentences: tuple[str, str, str]
    question: str
    answer: str
    erratum: str = ""
    checks: tuple[Check, ...]


def flow(truth: str, recipe: str, **training: Value) -> Setup:
    """A stage with a flow from a recipe."""
    return Setup(truth, "stack", {"recipe": recipe}, from_json(LabTraining, training))


def preset(truth: str, name: str, **training: Value) -> Setup:
    """A stage with a preset, trained as that says but for what is named here."""
    row = PRESETS[name]
    return Setup(truth, row.family, dict(row.knobs), from_json(LabTraining, {**row.training, **training}))
