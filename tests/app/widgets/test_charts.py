"""Bars and histograms: what is counted, what is drawn, and how it came about."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.widgets.charts import ChartCard, Shown
from app.widgets.plot.bars import common_edges, gathered, onto, shares, through_time

KL = np.array([0.001, 3.0, 0.5, 0.002, 1.0])


@pytest.fixture
def card(qtbot: QtBot) -> ChartCard:
    made = ChartCard("KL of each code dimension", bars=True)
    qtbot.addWidget(made)
    made.resize(360, 200)
    made.show()
    qtbot.waitExposed(made)
    return made


def show(card: ChartCard, *values: np.ndarray, guide: tuple[float, str] | None = (0.01, "in use")) -> None:
    history = tuple(Shown("held-out", one) for one in values)
    card.show_charts((history[-1],), (history,), step=10 * len(values), steps=(10, 10 * len(values)), guide=guide)


def test_active_units_are_counted_and_told(card: ChartCard):
    show(card, KL)
    assert card.readout() == "3 of 5 in use · step 10"
    assert not card.time.isEnabled(), "one step has no history"


def test_bars_are_the_largest_first_or_by_index(card: ChartCard):
    show(card, KL)
    assert card.drawing.bars().tolist() == sorted(KL, reverse=True)
    card.sort.click()
    assert card.drawing.bars().tolist() == KL.tolist()
    left = card.drawing.room().left() + 1
    assert card.drawing.words_at(left) == "number 1: 0.001"


def test_each_way_of_drawing_draws_another_picture(card: ChartCard, qapp: QApplication):
    show(card, KL / 2, KL, KL[::-1])
    pictures = []
    for push in (None, card.sort, card.log, card.time):
        if push is not None:
            push.click()
        qapp.processEvents()
        pictures.append(card.drawing.grab().toImage())
    assert all(a != b for index, a in enumerate(pictures) for b in pictures[:index])


def test_histograms_lie_over_each_other(qtbot: QtBot, qapp: QApplication):
    card = ChartCard("D", bars=False)
    qtbot.addWidget(card)
    card.resize(360, 200)
    card.show()
    edges = np.linspace(-1, 1, 5)
    first, second = (
        Shown("held-out", np.array([0.0, 0, 0, 8]), edges),
        Shown("samples", np.array([4.0, 0, 0, 0]), edges),
    )
    card.show_charts((first, second), ((first,), (second,)), step=3)
    qapp.processEvents()
    room = card.drawing.room()
    assert card.drawing.words_at(room.right() - 2).endswith("held-out 100.0%, samples 0.0%")
    assert card.drawing.words_at(room.left() + 2).endswith("held-out 0.0%, samples 100.0%")
    picture = card.drawing.grab().toImage()
    ground = picture.pixelColor(round(room.center().x()), 8)
    assert picture.pixelColor(round(room.left()) + 30, round(room.center().y())) != ground
    assert picture.pixelColor(round(room.right()) - 30, round(room.center().y())) != ground


def test_without_charts_it_says_when_they_come(card: ChartCard):
    assert card._empty.isVisible()
    show(card, KL)
    assert not card._empty.isVisible()


@given(st.lists(st.floats(0, 9), min_size=1, max_size=500), st.integers(1, 60))
def test_gathering_loses_no_large_bar(values: list[float], most: int):
    out = gathered(np.array(values), most)
    assert len(out) <= min(most, len(values))
    assert out.max() == max(values)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=30).filter(any), st.floats(-5, 5), st.floats(0.1, 9))
def test_histograms_keep_their_area(counts: list[int], start: float, width: float):
    edges = np.linspace(start, start + width, len(counts) + 1)
    chart = Shown("x", np.array(counts, np.float64), edges)
    assert (shares(chart) * np.diff(edges)).sum() == pytest.approx(1)
    other = Shown("y", np.ones(4), np.linspace(start - 1, start + width + 1, 5))
    assert onto(chart, common_edges((chart, other))).sum() == pytest.approx(1)


def test_the_map_has_a_column_a_step_and_the_largest_at_the_top():
    history = [Shown("x", KL * scale) for scale in (0.25, 1.0)]
    shades = through_time(history, by_size=True)
    assert shades.shape == (5, 2)
    assert shades[0, 1] == 255
    assert shades[0, 0] == pytest.approx(127, abs=1), "the square root of a quarter"
    assert (np.diff(shades[:, 1].astype(int)) <= 0).all()
    assert through_time([Shown("x", KL)] * 3000, by_size=False).shape == (5, 240)


def test_maps_of_histograms_and_of_codes_that_grew():
    low = Shown("x", np.array([1.0, 0.0]), np.array([0.0, 1.0, 2.0]))
    high = Shown("x", np.array([0.0, 1.0]), np.array([4.0, 5.0, 6.0]))
    shades = through_time([low, high], by_size=False)
    assert shades[:, 0].argmax() > shades[:, 1].argmax(), "high values at the top"
    assert through_time([Shown("x", np.ones(2)), Shown("x", np.ones(4))], by_size=False).shape == (4, 2)
