"""Colour scales tell what they should, also to people who confuse red and green."""

from __future__ import annotations

import numpy as np
import pytest

from app.lab.stage.colours import CRITIC, DENSITY, coloured, picture, scale
from engine.lab import Map, Span

THEMES = ("dark", "light")
# Machado, Oliveira & Fernandes 2009, severity 1, for linear sRGB.
SIGHTS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def linear(colours: np.ndarray) -> np.ndarray:
    share = colours / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """OKLab of linear sRGB (Ottosson 2020)."""
    cones = [0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566]
    cones += [0.0883024619, 0.2817188376, 0.6299787005]
    axes = [0.2104542553, 0.7936177850, -0.0040720468, 1.9779984951, -2.4285922050, 0.4505937099]
    axes += [0.0259040371, 0.7827717662, -0.8086757660]
    return np.cbrt((rgb @ np.reshape(cones, (3, 3)).T).clip(0)) @ np.reshape(axes, (3, 3)).T


@pytest.mark.parametrize("theme", THEMES)
def test_a_density_is_told_by_lightness_alone(theme: str):
    lightness = oklab(linear(scale(DENSITY[theme]).astype(float)))[:, 0]
    change = np.diff(lightness) if theme == "dark" else -np.diff(lightness)
    assert change.min() > -1e-3
    assert abs(lightness[-1] - lightness[0]) > 0.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHTS)
def test_the_ends_of_a_critic_stay_apart_for_other_eyes(theme: str, sight: str):
    ends = linear(scale(CRITIC[theme])[[0, 127, 255]].astype(float)) @ np.array(SIGHTS[sight]).T
    low, middle, high = oklab(ends)
    assert np.linalg.norm(low - high) > 0.1
    assert min(np.linalg.norm(low - middle), np.linalg.norm(high - middle)) > 0.1


def test_values_beyond_the_scale_take_the_colours_of_its_ends():
    found = coloured(np.array([-5.0, 0.0, 1.0, 9.0, np.nan]), 0.0, 1.0, kind="density", theme="dark")
    assert found[0].tolist() == found[1].tolist() == found[4].tolist()
    assert found[2].tolist() == found[3].tolist() != found[0].tolist()


def test_the_first_row_of_a_map_is_at_the_foot_of_its_picture():
    values = np.zeros((4, 3), np.float32)
    values[0] = 2.0
    image = picture(Map(Span(0, 1, 0, 1), values, 0.0, 2.0), high=2.0, kind="density", theme="dark")
    assert (image.width(), image.height()) == (3, 4)
    assert image.pixelColor(1, 3).lightness() > image.pixelColor(1, 0).lightness()
