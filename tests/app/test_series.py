"""Columns that grow without copying, smoothing that goes on, thinning that keeps the extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.series import Smoother, empty_trace, thinned, trace_of, value_at

VALUES = st.floats(-1e3, 1e3)


def by_definition(ys: np.ndarray, amount: float) -> np.ndarray:
    """The smoothing as it is written down, one value after the other."""
    out, state, weight = np.full(len(ys), np.nan), 0.0, 0.0
    for index, y in enumerate(ys.tolist()):
        if np.isfinite(y):
            state = amount * state + (1 - amount) * y
            weight = amount * weight + (1 - amount)
            out[index] = state / weight
    return out


def smoothed(ys: np.ndarray, amount: float) -> np.ndarray:
    return Smoother(amount)(trace_of(np.zeros(len(ys)), ys).values).copy()


@given(st.lists(VALUES, min_size=1, max_size=300), st.floats(0, 0.99))
@settings(max_examples=60, deadline=None)
def test_smoothing_is_the_recursion_and_stays_between_the_extremes(ys: list[float], amount: float):
    out = smoothed(np.array(ys), amount)
    assert np.allclose(out, by_definition(np.array(ys), amount), atol=1e-8)
    assert min(ys) - 1e-6 <= out.min() <= out.max() <= max(ys) + 1e-6


def test_smoothing_passes_over_gaps():
    ys = np.array([1.0, np.nan, 3.0, np.inf, 2.0])
    out = smoothed(ys, 0.9)
    assert np.allclose(out, by_definition(ys, 0.9), equal_nan=True)
    assert np.isnan(out[[1, 3]]).all()


@given(st.lists(st.lists(VALUES, max_size=40), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_smoothing_goes_on_where_it_was(parts: list[list[float]]):
    smoother, trace = Smoother(0.9), empty_trace()
    for part in parts:
        start = len(trace.steps)
        trace = trace.extended(np.arange(start, start + len(part)), np.array(part))
        smoother(trace.values)
    whole = trace.values.array
    assert np.allclose(smoother(trace.values), by_definition(whole, 0.9), atol=1e-8)


def test_smoothing_starts_anew_for_another_past():
    smoother = Smoother(0.5)
    first = empty_trace().extended(np.arange(5), np.ones(5))
    smoother(first.values)
    again = first.extended(np.array([2]), np.array([7.0]))
    assert np.allclose(smoother(again.values), by_definition(np.array([1.0, 1.0, 7.0]), 0.5))


def test_a_longer_trace_shares_its_memory_and_leaves_the_shorter_one_alone():
    first = empty_trace().extended(np.arange(3), np.array([1.0, 2.0, 3.0]))
    longer = first.extended(np.array([3]), np.array([4.0]))
    assert longer.values.continues(first.values)
    assert np.shares_memory(longer.values.array, first.values.array)
    other = first.extended(np.array([3]), np.array([9.0]))
    assert (longer.values[-1], other.values[-1]) == (4.0, 9.0), "two futures of one past do not mix"
    assert list(first.values) == [1.0, 2.0, 3.0]


@given(st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=8), max_size=8))
def test_steps_rise_whatever_is_resumed(batches: list[list[int]]):
    trace = empty_trace()
    for batch in batches:
        rising = np.array(sorted(set(batch)))
        before = trace
        trace = trace.extended(rising, np.zeros(len(rising)))
        kept = [step for step in before.steps if step < rising[0]]
        assert list(trace.steps) == [*kept, *rising.tolist()]


def test_columns_cannot_be_written():
    trace = trace_of([1, 2], [3, 4])
    with pytest.raises(ValueError, match="read-only"):
        trace.values.array[0] = 5
    with pytest.raises(ValueError, match="as many x as y"):
        trace_of([1, 2], [1])


@given(st.integers(0, 3000), st.integers(2, 60), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_thinning_keeps_order_ends_and_extremes(count: int, pixels: int, seed: int):
    rng = np.random.default_rng(seed)
    xs, ys = np.cumsum(rng.integers(1, 9, count)), rng.standard_normal(count)
    edges = np.linspace(xs[0], xs[-1], pixels + 1) if count else np.linspace(0, 1, pixels + 1)
    thin_xs, thin_ys = thinned(xs, ys, edges)
    assert len(thin_xs) == len(thin_ys) <= 2 * pixels + 2
    assert (np.diff(thin_xs) >= 0).all()
    if count:
        assert (thin_ys.min(), thin_ys.max()) == (ys.min(), ys.max())
        assert (thin_xs[0], thin_xs[-1]) == (xs[0], xs[-1])


def test_thinning_shows_a_single_spike_of_a_million():
    ys = np.zeros(1_000_000)
    ys[654_321] = 5.0
    _, thin = thinned(np.arange(1_000_000), ys, np.linspace(0, 1_000_000, 401))
    assert thin.max() == 5.0
    assert len(thin) <= 802


def test_thinning_a_part_takes_one_neighbour_beyond_either_end():
    xs, ys = np.arange(100.0), np.arange(100.0)
    thin_xs, _ = thinned(xs, ys, np.linspace(40, 50, 11))
    assert (thin_xs[0], thin_xs[-1]) == (39, 51)


def test_thinning_passes_over_gaps_but_not_over_their_neighbours():
    ys = np.ones(1000)
    ys[400:600] = np.nan
    xs, thin = thinned(np.arange(1000), ys, np.linspace(0, 1000, 11))
    assert np.isnan(thin[(xs > 420) & (xs < 580)]).all()
    assert np.isfinite(thin[xs < 390]).all()


def test_value_at_is_the_nearest_point():
    xs, ys = np.array([0.0, 10.0, 20.0]), np.array([1.0, 2.0, np.nan])
    assert value_at(xs, ys, 4) == 1
    assert value_at(xs, ys, 6) == 2
    assert value_at(xs, ys, -50) == 1
    assert value_at(xs, ys, 99) is None
    assert value_at(xs[:0], ys[:0], 1) is None
