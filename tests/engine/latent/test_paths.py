"""Paths go through their codes, at the right angles and lengths, and stay finite where geometry does not
help."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.latent import paths
from engine.measures import norm_ratios
from engine.models.base import Group


def codes(count: int, size: int = 48, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def angle(a: torch.Tensor, b: torch.Tensor) -> float:
    return math.acos(float(torch.cosine_similarity(a.double(), b.double(), dim=-1).clamp(-1, 1)))


def test_slerp_of_right_angle_has_the_textbook_value():
    a, b = np.array([[2.0, 0.0]]), np.array([[0.0, 2.0]])
    found = paths.slerp(a, b, 1 / 3)
    np.testing.assert_allclose(found, [[2 * math.cos(math.pi / 6), 2 * math.sin(math.pi / 6)]], atol=1e-12)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_slerp_turns_at_constant_speed_and_keeps_the_norm_on_its_line(t: float):
    a, b = codes(2, seed=3).double()
    found = paths.slerp(a, 3 * b, t)
    assert angle(a, found) == pytest.approx(t * angle(a, b), rel=1e-6)
    assert float(found.norm()) == pytest.approx((1 - t) * float(a.norm()) + t * 3 * float(b.norm()), rel=1e-9)


def test_slerp_agrees_with_the_sine_formula():
    a, b = torch.nn.functional.normalize(codes(2, seed=4).double(), dim=1)
    omega = angle(a, b)
    expected = (math.sin(0.7 * omega) * a + math.sin(0.3 * omega) * b) / math.sin(omega)
    torch.testing.assert_close(paths.slerp(a, b, 0.3), expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize("name", list(paths.PATHS))
def test_every_path_is_exact_at_its_codes_for_arrays_and_tensors(name: str):
    stops = codes(4)
    fractions = [0.0, 1 / 3, 2 / 3, 1.0]
    walked = paths.path(stops, fractions, method=name)
    assert walked.dtype == torch.float32
    torch.testing.assert_close(walked, stops, atol=1e-6, rtol=0)
    assert torch.equal(walked[0], stops[0])
    assert torch.equal(walked[3], stops[3])
    as_arrays = paths.path(stops.numpy(), np.array(fractions), method=name)
    assert as_arrays.dtype == np.float32
    np.testing.assert_array_equal(as_arrays, walked.numpy())


@pytest.mark.parametrize("name", list(paths.PATHS))
@pytest.mark.parametrize("factor", [1.0, 2.0, 0.0, -1.0, 1 + 1e-7])
def test_parallel_antipodal_and_zero_codes_stay_finite(name: str, factor: float):
    a = codes(1)
    walked = paths.path(torch.cat([a, factor * a]), torch.linspace(0, 1, 11), method=name)
    assert bool(torch.isfinite(walked).all())
    if factor >= 0:
        straight = a * (1 - torch.linspace(0, 1, 11)[:, None] * (1 - factor))
        torch.testing.assert_close(walked, straight, atol=1e-5, rtol=1e-5)
    both_zero = paths.path(torch.zeros(2, 5), [0.3], method=name)
    assert torch.equal(both_zero, torch.zeros(1, 5))


def test_slerp_between_antipodes_keeps_the_norm_all_the_way():
    a = codes(1).double()
    walked = paths.path(torch.cat([a, -a]), np.linspace(0, 1, 21), method="slerp")
    torch.testing.assert_close(walked.norm(dim=1), a.norm().expand(21), atol=1e-9, rtol=0)
    steps = (walked[1:] - walked[:-1]).norm(dim=1)
    torch.testing.assert_close(steps, steps[:1].expand(20), atol=1e-9, rtol=0)


def test_norm_path_stays_on_the_shell_where_the_line_sinks():
    a, b = torch.nn.functional.normalize(codes(2, seed=5).double(), dim=1)
    assert float(paths.lerp(a, b, 0.5).norm()) < 0.9
    assert float(paths.path(torch.stack([a, b]), [0.5], method="norm").norm()) == pytest.approx(1, abs=1e-12)


def test_groups_are_walked_each_for_itself():
    a, b = codes(2, 10)
    groups = (Group("level 1", 0, 4), Group("level 2", 4, 10))
    found = paths.slerp(a, b, 0.4, groups=groups)
    expected = torch.cat([paths.slerp(a[:4], b[:4], 0.4), paths.slerp(a[4:], b[4:], 0.4)])
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, paths.slerp(a, b, 0.4))


def test_loop_comes_home_and_fractions_outside_are_held():
    stops = codes(3)
    looped = paths.path(stops, [0.0, 1 / 3, 2 / 3, 1.0, 4 / 3], loop=True)
    torch.testing.assert_close(looped, stops[[0, 1, 2, 0, 1]], atol=1e-6, rtol=0)
    held = paths.path(stops, [-1.0, 2.0])
    assert torch.equal(held, stops[[0, 2]])


def test_pad_meets_its_corners_and_is_bilinear_for_lerp():
    corners = codes(4)
    for i, (x, y) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        assert torch.equal(paths.pad(corners, x, y), corners[i])
    middle = paths.pad(corners, 0.5, 0.5, method="lerp")
    torch.testing.assert_close(middle, corners.mean(0))


@pytest.mark.parametrize("name", list(paths.PATHS))
def test_pad_is_exact_at_its_corners_in_every_geometry(name: str):
    corners, groups = codes(4), (Group("coarse", 0, 16), Group("fine", 16, 48))
    for i, (x, y) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        assert torch.equal(paths.pad(corners, x, y, method=name, groups=groups), corners[i])
    edge = paths.pad(corners, 0.3, 0.0, method=name, groups=groups)
    torch.testing.assert_close(edge, paths.path(corners[:2], 0.3, method=name, groups=groups)[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", list(paths.PATHS))
def test_the_middle_of_the_pad_favours_no_corner(name: str):
    corners = codes(4)
    middle = paths.pad(corners, 0.5, 0.5, method=name)
    for order in ([1, 0, 3, 2], [2, 3, 0, 1], [0, 2, 1, 3], [3, 1, 2, 0]):
        torch.testing.assert_close(paths.pad(corners[order], 0.5, 0.5, method=name), middle, atol=1e-5, rtol=1e-4)
    left, right = paths.pad(corners, 0.2, 0.6, method=name), paths.pad(corners[[1, 0, 3, 2]], 0.8, 0.6, method=name)
    torch.testing.assert_close(left, right, atol=1e-5, rtol=1e-4)


def test_levels_turn_each_for_itself_and_the_arc_as_a_whole():
    stops = codes(2, 10, seed=6)
    stops[1, 4:] *= 3
    groups = (Group("coarse", 0, 4), Group("fine", 4, 10))
    levels = paths.path(stops, [0.4], method="levels", groups=groups)
    torch.testing.assert_close(levels, paths.slerp(stops[:1], stops[1:], 0.4, groups=groups))
    arc = paths.path(stops, [0.4], method="slerp", groups=groups)
    torch.testing.assert_close(arc, paths.slerp(stops[:1], stops[1:], 0.4))
    assert float((levels - arc).norm()) > 0.05


def test_norm_ratios_are_of_the_whole_and_of_each_group():
    ones = np.ones((3, 10), np.float32) * np.array([[1], [2], [0]], np.float32)
    ones[0, :4] = 0
    found = norm_ratios(ones, [4, 6])
    np.testing.assert_allclose(found, [[math.sqrt(0.6), 2, 0], [0, 2, 0], [1, 2, 0]])


def test_the_line_sinks_where_arc_and_stretched_line_stay():
    stops = codes(2, 4096, seed=7)
    middle = {name: norm_ratios(paths.path(stops, [0.5], method=name).numpy())[0, 0] for name in paths.PATHS}
    assert middle["lerp"] == pytest.approx(math.sqrt(0.5), abs=0.03)
    assert middle["slerp"] == pytest.approx(1, abs=0.03)
    assert middle["norm"] == pytest.approx(1, abs=0.03)


def test_pad_with_fewer_corners():
    three = codes(3)
    assert torch.equal(paths.pad(three, 0.37, 1.0), three[2])
    two = three[:2].numpy()
    np.testing.assert_array_equal(paths.pad(two, 0.3, 0.1), paths.pad(two, 0.3, 0.9))


@pytest.mark.parametrize("count", [1, 5])
def test_wrong_number_of_codes_is_one_sentence(count: int):
    with pytest.raises(UsageError, match="two to four"):
        paths.path(codes(count), [0.5])


def test_unknown_method_names_the_known_ones():
    with pytest.raises(UsageError, match="lerp, slerp, norm"):
        paths.path(codes(2), [0.5], method="teleport")
