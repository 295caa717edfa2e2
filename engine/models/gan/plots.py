"""The live plots of a GAN: those of its objective first, then those of every game."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from engine.objectives.adversarial import OBJECTIVES
from engine.plots import GRADIENTS, Plot, update_ratio

OF_EVERY_GAME: Final = (
    Plot(
        "D(x) and D(G(z))",
        ("d_real", "d_fake"),
        ("real", "generated"),
        note="What the discriminator says of real and of generated images: probabilities for the non-saturating loss "
        "(both near 0.5: it cannot tell), targets 1 and 0 for least squares, scores without a scale for the others.",
    ),
    Plot(
        "Overfitting of the discriminator",
        ("heldout/overfitting",),
        ("held-out",),
        note="Where it places held-out images between training images (0) and samples (1): near 1 it knows its "
        "training images by heart (Karras et al. 2020).",
        guides=((0.6, "too much"),),
    ),
    Plot(
        "D on held-out images and samples",
        ("discriminator/on_heldout", "discriminator/on_samples"),
        ("held-out", "samples"),
        kind="histogram",
        note="How often the discriminator gives which answer; the more the two overlap, the less it can tell.",
    ),
    Plot(
        "Gradient norm",
        ("generator_gradient_norm", "discriminator_gradient_norm"),
        ("generator", "discriminator"),
        log=True,
        note=GRADIENTS,
    ),
    update_ratio("generator", "discriminator"),
)


def plots() -> tuple[Plot, ...]:
    """In the order in which they are shown; those of an objective belong to its runs alone."""
    games = tuple(row.name for row in OBJECTIVES.values() if row.compare is None)
    judged = (replace(plot, knob="objective", choices=games, or_missing=True) for plot in OF_EVERY_GAME)
    return (*_of_objectives(), *judged)


def _of_objectives() -> list[Plot]:
    """Each plot of an objective once, with the names of all that draw it; runs without the knob are of the first."""
    first = next(iter(OBJECTIVES.values()))
    different = dict.fromkeys(plot for row in OBJECTIVES.values() for plot in row.plots)
    return [
        replace(
            plot,
            knob="objective",
            choices=tuple(row.name for row in OBJECTIVES.values() if plot in row.plots),
            or_missing=plot in first.plots,
        )
        for plot in different
    ]
