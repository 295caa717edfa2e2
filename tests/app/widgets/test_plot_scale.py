"""Scales: ticks are round and few, zooming keeps its point, words are short."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.widgets.plot.inks import DARK, LIGHT
from app.widgets.plot.scale import (
    IMAGES,
    STEPS,
    TIME,
    Span,
    count_words,
    duration_words,
    figure,
    log_ticks,
    second_ticks,
    tick_words,
    ticks,
    whole_span,
)

SPAN = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(SPAN, st.integers(2, 8))
def test_ticks_are_within_and_few(span: tuple[float, float], most: int):
    low, high = span
    found = ticks(low, high, most)
    slack = 1e-6 * (abs(low) + abs(high) + 1)
    assert all(low - slack <= value <= high + slack for value in found)
    assert len(found) <= most + 2
    assert found == sorted(found)


@given(st.floats(-12, 12), st.floats(0.05, 20), st.integers(2, 8))
def test_log_ticks_are_within_and_few(low: float, width: float, most: int):
    found = log_ticks(low, low + width, most)
    assert all(low - 1e-6 <= math.log10(value) <= low + width + 1e-6 for value in found)
    assert len(found) <= 2 * most + 3


@pytest.mark.parametrize("bad", [(0.0, 0.0), (1.0, math.nan), (0.0, math.inf), (5.0, 1.0)])
def test_no_ticks_where_there_is_no_axis(bad: tuple[float, float]):
    assert ticks(*bad, 5) == []
    assert log_ticks(*bad, 5) == []


def test_seconds_have_ticks_at_minutes():
    assert second_ticks(0, 300, 5) == [0, 60, 120, 180, 240, 300]
    assert [duration_words(second) for second in (2.5, 40, 60, 150, 3600, 3900, 200_000)] == [
        "2.5 s",
        "40 s",
        "1 min",
        "2:30 min",
        "1 h",
        "1:05 h",
        "2.31 d",
    ]


def test_words_are_short_and_of_one_unit():
    assert count_words([0, 500, 1000]) == ["0", "500", "1,000"]
    assert count_words([0, 5000, 10_000]) == ["0", "5k", "10k"]
    assert count_words([0, 2_500_000, 20_000_000]) == ["0", "2.5M", "20M"]
    assert [figure(v) for v in (0, 1.234, 123.4, 12_345, 1e-9)] == ["0", "1.23", "123", "1.2e+04", "1.0e-09"]
    assert STEPS.place(1240) == "step 1,240"
    assert TIME.place(150) == "time 2:30 min"
    assert IMAGES.place(64_000) == "64,000 images"


@given(st.floats(0.01, 0.99), st.floats(0.2, 5), st.booleans())
def test_zooming_keeps_what_is_under_the_hand(around: float, factor: float, log: bool):
    span = Span(1.0, 1000.0, log)
    x = span.at(around)
    assert span.zoomed(factor, around).share(x) == pytest.approx(around, abs=1e-6)
    assert span.share(span.at(around)) == pytest.approx(around, abs=1e-9)


@given(st.floats(-3, 3), st.floats(0.1, 3))
def test_what_is_chosen_stays_within_the_run(by: float, factor: float):
    whole = Span(0.0, 100.0)
    chosen = Span(40.0, 60.0).zoomed(factor, 0.5).moved(by).within(whole)
    if chosen is None:
        assume(factor > 1)
    else:
        assert -1e-6 <= chosen.low < chosen.high <= 100 + 1e-6


def test_the_whole_of_a_growing_run_does_not_creep():
    ends = {whole_span(step, 1, log=False, grows=True).high for step in range(1000, 2000)}
    assert len(ends) <= 21
    assert whole_span(1234, 1, log=False, grows=False).high == 1234
    logarithmic = whole_span(1234, 10, log=True, grows=False)
    assert (logarithmic.low, logarithmic.high) == (10, 1234)
    assert np.isfinite(whole_span(0, 0, log=True, grows=True).edges(10)).all()


SIGHTS = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB."""
OKLAB = (
    np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    ),
    np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    ),
)


def linear(inks: tuple[str, ...]) -> np.ndarray:
    rgb = np.array([[int(ink[at : at + 2], 16) / 255 for at in (1, 3, 5)] for ink in inks])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize(("inks", "ground"), [(DARK, "#1c1e23"), (LIGHT, "#fbfbfc")], ids=["dark", "light"])
def test_lines_are_told_apart_on_both_grounds_by_everyone(inks: tuple[str, ...], ground: str, sight: str):
    seen = np.clip(linear(inks) @ np.array(SIGHTS[sight]).T, 0, 1)
    lab = np.cbrt(seen @ OKLAB[0].T) @ OKLAB[1].T
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)[np.triu_indices(len(inks), 1)]
    assert apart.min() > 0.075
    weights = np.array([0.2126, 0.7152, 0.0722])
    lights, back = linear(inks) @ weights, float((linear((ground,)) @ weights)[0])
    contrast = (np.maximum(lights, back) + 0.05) / (np.minimum(lights, back) + 0.05)
    assert contrast.min() >= 3.0, "WCAG 2.2, 1.4.11: graphics need 3 to 1"


@pytest.mark.parametrize(("low", "high"), [(-4.0, 4.0), (999_996.0, 1_000_004.0), (-1.04e-6, -0.96e-6), (0.0, 3e5)])
def test_an_axis_has_no_number_twice(low: float, high: float):
    words = tick_words(ticks(low, high, 5))
    assert len(words) > 2
    assert len(set(words)) == len(words)
    assert [float(word.replace("\u2212", "-").replace(",", "")) for word in words] == pytest.approx(ticks(low, high, 5))
