"""How long to train: what a preset sets beside the model's knobs, by image size and by how many images there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.knobs import Preset, Value

FEW_IMAGES: Final = 2000
"""With fewer training images a model learns them by heart before it has learnt what they have in common."""
MOST_EPOCHS: Final = 60
"""So often a small set is seen at most where a preset says how long; more only deepens the memory of it."""
PREVIEWS: Final = 20
PACED: Final = ("steps", "preview_every", "save_every")
"""The knobs of training that a preset sets."""


def preset_values(
    preset: Preset, few_images: Mapping[str, Value], *, side: int, images: int | None, batch: int
) -> dict[str, Value]:
    """Knobs of model and training for a preset; `few_images` are those that its family sets on a small data set.

    `side` is that of the images in pixels, `images` how many there are to train on, None where it is not known yet;
    `batch` how many a step sees.
    """
    few = images is not None and images < FEW_IMAGES
    values: dict[str, Value] = {**preset.knobs, **(few_images if few else {})}
    if not preset.steps:
        return values
    steps = preset.steps[min(preset.steps, key=lambda known: abs(known - side))]
    if few and images is not None:
        steps = max(PREVIEWS, min(steps, MOST_EPOCHS * images // batch))
    every = max(1, steps // PREVIEWS)
    return values | {"steps": steps, "preview_every": every, "save_every": 2 * every}
