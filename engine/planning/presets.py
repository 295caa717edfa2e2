"""How long to train: what a preset sets beside the model's knobs, by image size and by how many images there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.knobs import Value

MINUTES: Final = "Small, minutes on a CPU"
"""The preset of every family that ends while one waits."""

STEPS: Final[Mapping[str, Mapping[int, int]]] = {
    "vae": {32: 4000, 64: 2000, 128: 600},
    "gan": {32: 6000, 64: 3000, 128: 800},
    "flow": {32: 4000, 64: 2000, 128: 600},
}
"""Steps of the small presets by the images' side in pixels: some minutes on two cores each."""

FEW_IMAGES: Final = 2000
"""With fewer training images a model learns them by heart before it has learnt what they have in common."""
MOST_EPOCHS: Final = 60
"""So often a small set is seen at most in a small preset; more only deepens the memory of it."""
FEW: Final[Mapping[str, Mapping[str, Value]]] = {"gan": {"augment": True}}
"""Knobs that a small set asks for: the discriminator must not see every image as it is (arXiv:2006.10738)."""
PREVIEWS: Final = 20
PACED: Final = ("steps", "preview_every", "save_every")
"""The knobs of training that a preset sets."""


def preset_values(
    family: str, preset: str, model: Mapping[str, Value], *, side: int, images: int | None, batch: int
) -> dict[str, Value]:
    """Knobs of model and training for preset `preset` of `family`, whose model knobs are `model`.

    `side` is that of the images in pixels, `images` how many there are to train on, None where it is not known yet;
    `batch` how many a step sees.
    """
    values: dict[str, Value] = dict(model)
    few = images is not None and images < FEW_IMAGES
    if few:
        values |= FEW.get(family, {})
    by_side = STEPS.get(family)
    if preset != MINUTES or by_side is None:
        return values
    steps = by_side[min(by_side, key=lambda known: abs(known - side))]
    if few and images is not None:
        steps = max(PREVIEWS, min(steps, MOST_EPOCHS * images // batch))
    every = max(1, steps // PREVIEWS)
    return values | {"steps": steps, "preview_every": every, "save_every": 2 * every}
