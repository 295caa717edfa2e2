"""The ways to see pictures that a diagnostic may be asked to use: by pixel, or by the small network that ships."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.diagnostics.pairs import PIXELS, Feature
from engine.errors import UsageError
from engine.knobs import Knob, Value


def _learned(pictures: NDArray[np.uint8]) -> NDArray[Any]:
    # Reads weights: only when it is asked for.
    from engine.diagnostics.own_features import embed

    return np.asarray(embed(pictures))


LEARNED: Final = Feature("learned", "own features", _learned)
FEATURES: Final[Mapping[str, Feature]] = {feature.name: feature for feature in (PIXELS, LEARNED)}

FEATURE_KNOB: Final = Knob(
    name="distance",
    kind=str,
    default=PIXELS.name,
    title="Distance",
    help="By pixel suits aligned pictures such as faces; learned features suit pictures whose parts move.",
    choices=tuple(FEATURES),
)


def feature_of(values: Mapping[str, Value]) -> Feature:
    """The feature that the knob `distance` asks for.

    Raises:
        UsageError: no feature of this name.
    """
    name = str(values.get(FEATURE_KNOB.name, FEATURE_KNOB.default))
    if name not in FEATURES:
        raise UsageError(f"There is no distance called {name!r}: choose one of {', '.join(FEATURES)}.")
    return FEATURES[name]
