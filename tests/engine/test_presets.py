"""Presets fit their family, end in a sensible time and go easy on small data sets."""

from __future__ import annotations

import pytest

from engine.families import FAMILIES, model_knobs
from engine.knobs import FEW_IMAGES, MINUTES, MOST_EPOCHS, Preset, from_json, knobs_of
from engine.training.config import TrainConfig


@pytest.mark.parametrize(("family", "side"), [(name, side) for name, row in FAMILIES.items() for side in row.sizes])
@pytest.mark.parametrize("images", [None, 40, 500, 50_000])
def test_every_preset_gives_knobs_that_exist(family: str, side: int, images: int | None) -> None:
    row = FAMILIES[family]
    model, training = {k.name for k in model_knobs(family)}, {k.name for k in knobs_of(TrainConfig)}
    assert MINUTES in row.presets
    for name, preset in row.presets.items():
        found = preset.values(row.few_images, side=side, images=images, batch=32)
        from_json(row.config, {k: v for k, v in found.items() if k in model})
        from_json(TrainConfig, {k: v for k, v in found.items() if k in training})
        assert set(found) <= model | training
        assert set(Preset.PACED) <= set(found) or name != MINUTES
        assert preset.knobs.items() <= found.items()


@pytest.mark.parametrize("family", [name for name, row in FAMILIES.items() if row.sizes])
def test_larger_pictures_get_fewer_steps_and_few_pictures_are_not_seen_too_often(family: str) -> None:
    row = FAMILIES[family]

    def steps(side: int, images: int | None) -> int:
        return int(row.presets[MINUTES].values({}, side=side, images=images, batch=32)["steps"])

    assert steps(32, None) > steps(64, None) > steps(128, None)
    assert steps(64, FEW_IMAGES) == steps(64, None)
    assert steps(64, 100) <= MOST_EPOCHS * 100 // 32 + 20
    assert steps(64, 1) >= 1


def test_a_small_set_turns_on_what_keeps_a_gan_from_learning_it_by_heart() -> None:
    row = FAMILIES["gan"]
    for preset in row.presets.values():
        assert preset.values(row.few_images, side=64, images=300, batch=32)["augment"] is True
        assert "augment" not in preset.values(row.few_images, side=64, images=30_000, batch=32)
