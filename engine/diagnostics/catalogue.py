"""All diagnostics, one row each; the window, `latent-loom diagnose`, tests and docs follow from this table."""

from typing import Final

from engine.diagnostics import likelihood, spread
from engine.diagnostics.base import Diagnostic
from engine.diagnostics.birthday import BIRTHDAY
from engine.diagnostics.classes import CLASSES
from engine.diagnostics.fidelity import COVERAGE, FIDELITY
from engine.diagnostics.inception import INCEPTION
from engine.diagnostics.memorisation import MEMORISATION
from engine.diagnostics.probe import PROBE
from engine.diagnostics.smoothness import SMOOTHNESS

DIAGNOSTICS: Final[tuple[Diagnostic, ...]] = (
    Diagnostic(
        name=spread.NAME,
        title="Variety",
        help="Spread, nearest pairs and axes of samples beside real images, without learned features.",
        run=spread.run,
        knobs=spread.KNOBS,
    ),
    Diagnostic(
        name=likelihood.NAME,
        title="Likelihood",
        help="Bits/dim of training and held-out images, their gap, and for a VAE the importance-weighted bound.",
        run=likelihood.run,
        why_not=likelihood.why_not,
        knobs=likelihood.KNOBS,
    ),
    BIRTHDAY,
    MEMORISATION,
    FIDELITY,
    COVERAGE,
    CLASSES,
    INCEPTION,
    PROBE,
    SMOOTHNESS,
)
