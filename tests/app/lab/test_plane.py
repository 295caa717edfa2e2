"""Where a stage's points are on screen, and the lines of equal mass."""

from __future__ import annotations

import numpy as np
import pytest

from app.lab.stage.contours import level_lines, mass_level
from app.lab.stage.plane import CODE_VIEW, Plane, at_depth, span_of, view_at
from engine.lab import Map, Span


def test_a_unit_has_as_many_pixels_both_ways_and_the_view_is_all_there():
    for size in ((900, 400), (300, 700)):
        span = span_of((-3.0, 3.0), *size, dimension=2)
        assert size[0] / (span.right - span.left) == pytest.approx(size[1] / (span.top - span.bottom))
        assert span.left <= -3 < 3 <= span.right
        assert span.bottom <= -3 < 3 <= span.top
    assert span_of((0.0, 2.0), 900, 400, dimension=1) == Span(0.0, 2.0, 0.0, 1.0)


def test_a_pixel_leads_back_to_its_point():
    plane = Plane(Span(-4.0, 2.0, -1.0, 3.0), 640, 320)
    points = np.array([[-4.0, 3.0], [0.5, -0.25]])
    assert plane.to_px(points)[0].tolist() == [0.0, 0.0]
    for point, at in zip(points, plane.to_px(points), strict=True):
        assert plane.to_point(*at) == pytest.approx(tuple(point))


def test_between_two_layers_points_move_in_straight_lines():
    trace = np.array([[[0.0, 0.0]], [[2.0, 0.0]], [[2.0, 4.0]]], np.float32)
    places = {depth: at_depth(trace, depth) for depth in (0.0, 0.25, 0.5, 0.75, 1.0)}
    assert [places[depth][0][0].tolist() for depth in places] == [[0, 0], [1, 0], [2, 0], [2, 2], [2, 4]]
    assert [places[depth][1] for depth in places] == [0, 0.5, 1, 1.5, 2]


def test_the_view_goes_from_that_of_the_code_to_that_of_the_data_and_holds_the_points_between():
    trace = np.stack([np.full((50, 2), value, np.float32) for value in (0.0, 9.0, 0.1)])
    assert view_at((-0.5, 0.5), trace, 0.0) == CODE_VIEW
    assert view_at((-0.5, 0.5), trace, 1.0) == (-0.5, 0.5)
    assert view_at((-0.5, 0.5), trace, 0.5)[1] >= 9.0


def gaussian(rows: int = 120, columns: int = 160) -> Map:
    span = Span(-4.0, 4.0, -3.0, 3.0)
    x = -4 + 8 / columns * (np.arange(columns) + 0.5)
    y = -3 + 6 / rows * (np.arange(rows) + 0.5)
    values = np.exp(-0.5 * (x[None] ** 2 + y[:, None] ** 2) / 0.36) / (2 * np.pi * 0.36)
    return Map(span, values.astype(np.float32), 0.0, float(values.max()))


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_the_line_that_holds_a_share_of_a_gaussian_is_the_circle_of_that_share(share: float):
    drawn = gaussian()
    segments = level_lines(drawn, mass_level(drawn, share))
    radius = np.hypot(segments[..., 0], segments[..., 1])
    assert len(segments) > 50
    assert radius == pytest.approx(0.6 * np.sqrt(-2 * np.log(1 - share)), abs=0.06)
    # A closed line: every end is also a beginning.
    ends = np.round(segments.reshape(-1, 2), 9)
    _, counts = np.unique(ends, axis=0, return_counts=True)
    assert (counts % 2 == 0).all()


def test_an_empty_map_has_no_lines():
    empty = Map(Span(0, 1, 0, 1), np.zeros((8, 8), np.float32), 0.0, 0.0)
    assert level_lines(empty, mass_level(empty, 0.5)).shape == (0, 2, 2)
