"""The levels of a code: held, taken, scaled, alone; grids of codes; and the double-precision round trip."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import library
from engine.api import Coded, DrawRequest, LevelRule, Sampled, Wander
from engine.errors import UsageError, UserError
from engine.exploring.open_model import OpenModel
from engine.latent import levels
from engine.latent.around import manifold_code, neighbour, neighbour_angle, offsets
from engine.latent.direction_files import DirectionSet, save_directions
from engine.latent.directions import Direction
from engine.models.base import Group
from engine.session import Session
from tests.contract.tiny import save

GROUPS = (Group("fine", 0, 12, (4, 4)), Group("middle", 12, 18, (2, 2)), Group("coarse", 18, 21, (1, 1)))
SIZE = 21


def code(seed: int, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(size).astype(np.float32)


def part(group: Group) -> slice:
    return slice(group.start, group.stop)


@pytest.fixture(scope="module")
def glow(tmp_path_factory: pytest.TempPathFactory) -> OpenModel:
    home = tmp_path_factory.mktemp("home")
    (home / "models").mkdir()
    path = home / "models" / "tiny.safetensors"
    digest = save(path, "flow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "shipped_models", list)
        session = Session(device="cpu", home=home)
        size = session.open(str(path)).info.code_size
        vector = code(9, size) / np.linalg.norm(code(9, size))
        found = DirectionSet(digest, (Direction("Smiling", vector, 2.0, method="logistic"),))
        save_directions(path.with_name("tiny.directions.safetensors"), found)
        return session.open(str(path))


def bounds(model: OpenModel) -> list[slice]:
    stops = np.cumsum([group.size for group in model.info.groups])
    return [slice(stop - group.size, stop) for stop, group in zip(stops, model.info.groups, strict=True)]


def test_the_empty_recipe_changes_nothing():
    z = code(1)
    rules = levels.checked((), GROUPS)
    np.testing.assert_array_equal(levels.before(z, rules, GROUPS, resolve=lambda source: z), z)
    np.testing.assert_array_equal(levels.after(z, rules, GROUPS), z)


@given(
    held=st.lists(st.booleans(), min_size=3, max_size=3), strength=st.floats(0, 2, width=32), seed=st.integers(0, 50)
)
@settings(max_examples=40, deadline=None)
def test_held_levels_are_exactly_those_numbers_and_no_others(held, strength, seed):
    z, kept = code(seed), code(seed + 100)
    rules = [LevelRule(strength=strength, held=Coded(kept) if hold else None) for hold in held]
    changed = levels.after(levels.before(z, rules, GROUPS, resolve=lambda source: z), rules, GROUPS)
    for hold, group in zip(held, GROUPS, strict=True):
        expected = kept if hold else z * np.float32(strength)
        np.testing.assert_array_equal(changed[part(group)], expected[part(group)])
    np.testing.assert_array_equal(z, code(seed), err_msg="the code that was given stays as it was")
    free = levels.free_numbers(rules, GROUPS)
    assert [bool(free[g.start]) for g in GROUPS] == [not hold for hold in held]


def test_all_levels_taken_is_the_other_code_exactly():
    other = Coded(code(2))
    rules = [LevelRule(taken=other)] * 3
    mixed = levels.before(code(1), rules, GROUPS, resolve=lambda source: source.code)
    np.testing.assert_array_equal(mixed, other.code)


def test_alone_means_that_the_others_are_zero():
    z = code(3)
    for index, group in enumerate(GROUPS):
        alone = levels.after(z, (), GROUPS, solo=index)
        np.testing.assert_array_equal(alone[part(group)], z[part(group)])
        assert np.count_nonzero(alone) == np.count_nonzero(z[part(group)])


def test_recipes_that_do_not_fit_are_refused_in_a_sentence():
    with pytest.raises(UsageError, match="2 levels does not fit"):
        levels.checked((LevelRule(), LevelRule()), GROUPS)
    with pytest.raises(UsageError, match="There is no level 8"):
        levels.after(code(1), (), GROUPS, solo=7)
    with pytest.raises(UserError, match="take it again"):
        levels.after(code(1), [LevelRule(held=Coded(code(1, 5)))] * 3, GROUPS)
    rules = [LevelRule(taken=Coded(code(1, 5)))] * 3
    with pytest.raises(UserError, match="take it again"):
        levels.before(code(1), rules, GROUPS, resolve=lambda source: source.code)


def test_resampling_changes_one_level_and_nothing_else():
    z = code(4)
    drawn = levels.resampled(z, GROUPS[1], temperature=0.7, count=400)
    rest = np.delete(drawn, np.arange(SIZE)[part(GROUPS[1])], axis=1)
    assert (rest == np.delete(z, np.arange(SIZE)[part(GROUPS[1])])).all()
    assert drawn[:, part(GROUPS[1])].std() == pytest.approx(0.7, rel=0.05)


def test_a_level_map_is_bright_where_the_pictures_differ():
    pictures = np.full((8, 6, 6, 3), 100, np.uint8)
    pictures[::2, 2, 3] = 140
    found = levels.level_map(pictures)
    spot = found.picture.astype(int).sum(axis=2)
    assert np.unravel_index(spot.argmax(), spot.shape) == (2, 3)
    assert found.largest == pytest.approx(20, abs=1e-3)
    assert found.mean == pytest.approx(20 / 36, abs=1e-3)
    still = levels.level_map(np.full((8, 6, 6, 3), 7, np.uint8))
    assert (still.mean, still.largest) == (0, 0)


def test_freezing_holds_the_level_through_seeds_temperature_edits_and_wander(glow):
    start = DrawRequest(Sampled(1, (0.7,) * len(glow.info.groups)))
    before = glow.code_of(start)
    coarse = len(glow.info.groups) - 1
    rules = tuple(LevelRule(held=Coded(before) if i == coarse else None) for i in range(coarse + 1))
    moved = DrawRequest(
        Sampled(2, (1.1,) * (coarse + 1)), (("Smiling", 2.0),), wander=Wander(3, 0.5, 0.2), levels=rules
    )
    drawn = glow.draw(moved)
    for index, place in enumerate(bounds(glow)):
        same = np.array_equal(drawn.code[place], before[place])
        assert same == (index == coarse)


def test_swapping_every_level_is_the_other_picture_and_one_level_is_neither(glow):
    count = len(glow.info.groups)
    a, b = (DrawRequest(Sampled(seed, (0.8,) * count)) for seed in (1, 2))
    picture_a, picture_b = glow.draw(a).picture, glow.draw(b).picture
    whole = DrawRequest(a.source, levels=(LevelRule(taken=b.source),) * count)
    np.testing.assert_array_equal(glow.draw(whole).picture, picture_b)
    one = DrawRequest(a.source, levels=(*[LevelRule()] * (count - 1), LevelRule(taken=b.source)))
    mixed = glow.draw(one).picture
    assert not np.array_equal(mixed, picture_a)
    assert not np.array_equal(mixed, picture_b)


def test_strength_zero_takes_a_level_away_and_norms_say_so(glow):
    count = len(glow.info.groups)
    rules = (LevelRule(strength=0.0), *[LevelRule()] * (count - 1))
    request = DrawRequest(Coded(code(5, glow.info.code_size)), levels=rules)
    norms = glow.draw(request).level_norms
    assert norms[0] == 0.0
    assert all(norm == pytest.approx(1.0, abs=0.1) for norm in norms[1:])


def test_the_maps_of_a_model_are_one_a_level(glow):
    maps = glow.level_maps(DrawRequest(Sampled(1, (0.7,) * len(glow.info.groups))))
    assert len(maps) == len(glow.info.groups)
    for found in maps:
        assert found.picture.shape == (glow.info.image_size, glow.info.image_size, 3)
        assert found.largest >= found.mean >= 0
    assert max(found.mean for found in maps) > 0.1


def test_float64_goes_round_to_rounding_alone(glow):
    request = DrawRequest(Sampled(1, (0.7,) * len(glow.info.groups)), precision="float64")
    readout = glow.measure(request)
    assert readout.round_trip_double < 1e-9
    assert readout.round_trip_double < readout.round_trip / 1000
    single = glow.draw(DrawRequest(request.source))
    assert np.abs(glow.draw(request).picture.astype(int) - single.picture).max() <= 1
    assert glow.measure(DrawRequest(request.source)).round_trip_double is None


@given(seed=st.integers(0, 200), index=st.integers(0, 24), radius=st.floats(0.05, 1.5))
@settings(max_examples=40, deadline=None)
def test_neighbours_stand_at_their_angle_on_the_same_shell(seed, index, radius):
    z = code(seed, 64)
    near = neighbour(z, index, side=5, radius=radius, seed=seed)
    angle = neighbour_angle(index, 5, radius)
    lengths = np.linalg.norm(z), np.linalg.norm(near)
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-5)
    cosine = float(z.astype(float) @ near) / (lengths[0] * lengths[1])
    assert math.acos(min(1.0, cosine)) == pytest.approx(angle, abs=2e-3)
    np.testing.assert_array_equal(neighbour(z, 12, side=5, radius=radius, seed=seed), z)


def test_neighbours_leave_held_numbers_alone():
    z, free = code(1), np.ones(SIZE, bool)
    free[18:] = False
    near = neighbour(z, 0, side=5, radius=1.0, seed=3, free=free)
    np.testing.assert_array_equal(near[18:], z[18:])
    assert not np.array_equal(near[:18], z[:18])


def test_neighbours_of_zero_are_zero():
    zero = np.zeros(8, np.float32)
    np.testing.assert_array_equal(neighbour(zero, 0, side=3, radius=1.0, seed=1), zero)


def test_the_manifold_has_equal_mass_and_its_middle_in_the_middle():
    side = 9
    codes = np.stack([manifold_code(i, side) for i in range(side * side)])
    np.testing.assert_allclose(codes[side * side // 2], 0, atol=1e-7)
    first = codes[:side, 0]
    assert (np.diff(first) > 0).all(), "to the right it grows"
    assert (codes[:side, 1] > 0).all(), "the upper row is above the middle"
    shares = [0.5 * (1 + math.erf(x / math.sqrt(2))) for x in first]
    np.testing.assert_allclose(np.diff(shares), 1 / side, atol=1e-6)
    outside = manifold_code(0, side, centre=(-3.0, 9.0))
    assert np.isfinite(outside).all()


def test_offsets_reach_the_corners():
    assert offsets(0, 5) == (-1.0, 1.0)
    assert offsets(12, 5) == (0.0, 0.0)
    assert offsets(24, 5) == (1.0, -1.0)
