"""Quarters of a code, and the one scale of the arrows on two stages."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from app.lab.stage.marks import quarter_ends, quarter_of, unit_px
from engine.lab import Arrows


@pytest.mark.parametrize("dimension", [1, 2])
def test_each_quarter_of_a_code_holds_the_same_mass(dimension: int):
    codes = np.random.default_rng(1).standard_normal((40_000, dimension)).astype(np.float32)
    counts = np.bincount(quarter_of(codes), minlength=4) / len(codes)
    assert counts == pytest.approx([0.25] * 4, abs=0.01)


def test_a_map_that_keeps_the_order_sends_the_ends_of_quarters_and_another_has_none():
    codes = np.random.default_rng(2).standard_normal((4000, 1)).astype(np.float32)
    assert quarter_ends(codes, 3 * codes + 1) == pytest.approx([1 - 3 * 0.6745, 1, 1 + 3 * 0.6745], abs=0.02)
    assert quarter_ends(codes, 1 - 3 * codes) == pytest.approx([1 - 3 * 0.6745, 1, 1 + 3 * 0.6745], abs=0.02)
    assert quarter_ends(codes, codes**2) is None


def test_arrows_of_two_stages_are_on_one_scale():
    def stage(length: float) -> SimpleNamespace:
        along = np.full((10, 2), length / np.sqrt(2), np.float32)
        return SimpleNamespace(arrows={"gradient": Arrows(np.zeros((10, 2), np.float32), along)})

    weak, strong = stage(0.1), stage(4.0)
    assert unit_px((weak, strong), "gradient", 40.0) == pytest.approx(10.0)
    assert unit_px((weak,), "gradient", 40.0) == pytest.approx(400.0)
    assert unit_px((stage(0.0),), "gradient", 40.0) == 0.0
    assert unit_px((weak,), "field", 40.0) == 0.0
