"""What may be varied of a training picture: its place and its light, never its content."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.training.batches import Batches
from engine.training.config import World
from engine.training.variations import Variation, drawn_amounts, drawn_offsets, lit, shifted

CPU = torch.device("cpu")


def pictures(count=12, size=8):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(np.uint8)


def batch(variation, *, step=0, world=None, seed=3):
    made = Batches(pictures(), np.arange(12), batch=6, seed=0, variation=variation, world=world or World())
    return made.at(step, torch.Generator().manual_seed(seed), CPU)


@pytest.mark.parametrize("offset", [(0, 0), (2, 1), (-3, 2), (0, -7), (50, -50)])
def test_a_shift_moves_every_pixel_and_repeats_the_border(offset):
    before = pictures(1)[0]
    after = shifted(before[None], np.array([offset]))[0]
    for row in range(8):
        for column in range(8):
            source = np.clip([row - offset[0], column - offset[1]], 0, 7)
            np.testing.assert_array_equal(after[row, column], before[tuple(source)])


def test_offsets_reach_every_way_and_no_further():
    found = drawn_offsets(500, 2, torch.Generator().manual_seed(0))
    assert {tuple(pair) for pair in found} == {(a, b) for a in range(-2, 3) for b in range(-2, 3)}


def test_no_amount_of_light_leaves_a_picture_as_it_is():
    x = torch.rand(4, 3, 5, 5) * 2 - 1
    torch.testing.assert_close(lit(x, torch.zeros(4, 5)), x)


def test_brightness_contrast_and_tint_each_do_what_they_say():
    x = torch.rand(1, 3, 16, 16) * 0.8 - 0.4
    brighter, harder, redder = lit(x.expand(3, -1, -1, -1), 0.2 * torch.eye(5)[:3])
    torch.testing.assert_close(brighter, x[0] + 0.2)
    torch.testing.assert_close(harder.mean(), x.mean())
    torch.testing.assert_close(harder.std(), 1.2 * x.std())
    torch.testing.assert_close(redder[0], x[0, 0] + 0.1)
    torch.testing.assert_close(redder[1:], x[0, 1:])


def test_light_stays_in_range():
    x = torch.rand(64, 3, 4, 4) * 2 - 1
    found = lit(x, drawn_amounts(64, 3, 1.0, torch.Generator().manual_seed(1)))
    assert float(found.abs().max()) == 1.0
    assert bool(found.isfinite().all())


def test_a_grey_picture_of_one_channel_can_be_lit():
    found = lit(torch.zeros(2, 1, 4, 4), drawn_amounts(2, 1, 0.5, torch.Generator().manual_seed(0)))
    assert found.shape == (2, 1, 4, 4)


@pytest.mark.parametrize("variation", [Variation(shift=2), Variation(light=0.2), Variation(True, 3, 0.1)])
def test_a_varied_batch_is_a_function_of_its_seed(variation):
    assert torch.equal(batch(variation), batch(variation))
    assert not torch.equal(batch(variation), batch(variation, seed=4))
    assert not torch.equal(batch(variation), batch(Variation()))


@pytest.mark.parametrize("size", [2, 3])
def test_a_picture_varies_alike_whatever_the_number_of_ranks(size):
    vary = Variation(True, 2, 0.3)
    whole = batch(vary)
    for rank in range(size):
        torch.testing.assert_close(batch(vary, world=World(rank, size)), whole[rank::size])
