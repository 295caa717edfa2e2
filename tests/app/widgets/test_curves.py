"""Curves: bounded memory, honest means, and a redraw rate that the window can afford."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from app.widgets.curves import Curves
from app.widgets.series import Series, from_arrays, smoothed, value_at


@pytest.fixture
def curves(qtbot: QtBot) -> Curves:
    made = Curves("Losses", "nats")
    qtbot.addWidget(made)
    made.resize(400, 240)
    made.show()
    qtbot.waitExposed(made)
    return made


@given(st.integers(1, 600))
@settings(max_examples=40, deadline=None)
def test_series_is_bounded_rises_and_keeps_its_mean(count: int):
    series = Series(16)
    for index in range(count):
        series.append(index, 2.0 * index)
    xs, ys = series.arrays()
    assert len(xs) <= 16
    assert (np.diff(xs) > 0).all()
    assert np.allclose(ys, 2 * xs)
    assert series.last == (count - 1, 2.0 * (count - 1))


def test_newest_point_is_never_hidden():
    series = from_arrays(range(1000), range(1000), capacity=16)
    series.append(1000, 5.0)
    xs, ys = series.arrays()
    assert (xs[-1], ys[-1]) == (1000, 5.0)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50), st.floats(0, 0.99))
@settings(max_examples=60, deadline=None)
def test_smoothing_stays_between_the_extremes(ys: list[float], amount: float):
    out = smoothed(np.array(ys), amount)
    assert out.min() >= min(ys) - 1e-6
    assert out.max() <= max(ys) + 1e-6
    assert out[0] == pytest.approx(ys[0])


def test_smoothing_passes_over_gaps():
    out = smoothed(np.array([1.0, np.nan, 1.0]), 0.9)
    assert np.isnan(out[1])
    assert out[2] == pytest.approx(1.0)


def test_value_at_is_the_nearest_point():
    xs, ys = np.array([0.0, 10.0, 20.0]), np.array([1.0, 2.0, np.nan])
    assert value_at(xs, ys, 4) == 1
    assert value_at(xs, ys, 6) == 2
    assert value_at(xs, ys, -50) == 1
    assert value_at(xs, ys, 99) is None
    assert value_at(xs[:0], ys[:0], 1) is None


def test_a_flood_of_points_is_drawn_a_few_times(curves: Curves, qtbot: QtBot):
    before = curves.redraws
    for index in range(5000):
        curves.append("loss", index, 1.0 / (index + 1))
    qtbot.waitUntil(lambda: curves.redraws > before, timeout=3000)
    qtbot.wait(250)
    assert curves.redraws - before <= 3
    assert curves.series_data("loss")[0][-1] == 4999


def test_hidden_curves_do_not_draw_and_catch_up_when_shown(curves: Curves, qtbot: QtBot):
    curves.hide()
    before = curves.redraws
    curves.append("loss", 1, 2)
    qtbot.wait(180)
    assert curves.redraws == before
    curves.show()
    assert curves.redraws == before + 1


def test_empty_state_gives_way_to_the_plot(curves: Curves):
    assert curves._empty.isVisible()
    curves.append("loss", 1, float("nan"))
    curves.flush()
    assert curves._empty.isVisible()
    curves.append("loss", 2, 0.5)
    curves.flush()
    assert curves._plot.isVisible()
    assert not curves._empty.isVisible()
    assert curves.legend_rows()[0][::2] == ("loss", "0.5")
    curves.clear()
    curves.flush()
    assert curves._empty.isVisible()


def test_log_axis_leaves_out_what_has_no_logarithm(curves: Curves, qtbot: QtBot):
    curves.set_series("norm", [0, 1, 2, 3], [0.0, 10.0, -1.0, 100.0])
    with qtbot.waitSignal(curves.logToggled):
        curves._log_button.click()
    curves.flush()
    qtbot.waitUntil(lambda: curves._plot.getPlotItem().getViewBox().viewRange()[1][1] > 1.5)
    low, high = curves._plot.getPlotItem().getViewBox().viewRange()[1]
    assert 0.8 < low < 1.0
    assert 2.0 < high < 2.2


def test_lengths_must_agree(curves: Curves):
    with pytest.raises(ValueError, match="as many x as y"):
        curves.set_series("a", [1, 2], [1])
