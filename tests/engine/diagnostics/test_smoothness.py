"""Smoothness judged on decoders that glide, that leap and that are noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.diagnostics.base import Request, Subject
from engine.diagnostics.smoothness import STEPS, between, measure, walk
from engine.errors import Cancelled
from engine.models.base import Abilities, Group, LatentModel, LatentSpec
from engine.pictures import to_pictures
from engine.progress import Progress
from tests.contract.tiny import images, make

SIDE = 16


class Fake(LatentModel):
    """A decoder given as a function of the code."""

    def __init__(self, draw) -> None:
        super().__init__()
        self.spec = LatentSpec(6, (Group("code", 0, 6),), (3, SIDE, SIDE))
        self.abilities = Abilities("search", "none")
        self.unused = torch.nn.Parameter(torch.zeros(1))
        self.draw = draw

    def decode(self, z: Tensor) -> Tensor:
        return self.draw(z)

    def training_step(self, batch, steps):
        raise NotImplementedError


BASIS = torch.randn(6, 3 * SIDE * SIDE, generator=torch.Generator().manual_seed(1)) * 0.25
STORED = torch.rand(8, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2)) * 2 - 1
ANCHORS = torch.randn(8, 6, generator=torch.Generator().manual_seed(3))


def glide(z: Tensor) -> Tensor:
    return (z @ BASIS).reshape(-1, 3, SIDE, SIDE).clamp(-1, 1)


def leap(z: Tensor) -> Tensor:
    """A memoriser: the stored picture whose anchor is nearest."""
    return STORED[torch.cdist(z, ANCHORS).argmin(dim=1)]


def noise(z: Tensor) -> Tensor:
    return torch.sin((z @ BASIS).reshape(-1, 3, SIDE, SIDE) * 1e5)


def constant(z: Tensor) -> Tensor:
    return STORED[:1].expand(len(z), -1, -1, -1)


def judged(draw):
    pictures = to_pictures(images(120, (3, SIDE, SIDE)))
    return measure(Request(Subject(Fake(draw), pictures[:80], pictures[80:])))


@pytest.mark.slow
def test_gliding_leaping_and_noise_are_told_apart() -> None:
    even, jumps, wild = judged(glide), judged(leap), judged(noise)
    assert even.level == "good"
    assert even.value("leap") < 1.5
    assert even.value("bend") < 1.6
    assert jumps.level in ("bad", "watch")
    assert jumps.value("leap_share") > 5 * even.value("leap_share")
    # Noise has even steps, and its way is as long as if nothing were near anything.
    assert wild.value("bend") == pytest.approx(wild.value("noise_leap"), rel=0.3)
    assert wild.value("path_length") > 10 * even.value("path_length")
    assert even.value("pca_leap") == pytest.approx(1, abs=0.2)


def test_one_picture_for_all_codes_is_not_called_smooth() -> None:
    assert judged(constant).level == "unknown"


def test_a_path_starts_and_ends_at_its_codes() -> None:
    codes = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    path = between(codes[:3], codes[3:]).reshape(3, STEPS + 1, 4)
    assert np.array_equal(path[:, 0], codes[:3])
    assert np.array_equal(path[:, -1], codes[3:])


def test_a_single_leap_counts_as_all_of_the_way() -> None:
    pictures = np.zeros((STEPS + 1, 2, 2, 3), np.uint8)
    pictures[5:] = 200
    found = walk(pictures, 1)
    assert found.leap == pytest.approx(STEPS)
    assert found.share == pytest.approx(1)
    assert found.bend == pytest.approx(1)


def test_a_model_that_encodes_is_also_walked_between_images_and_stops_when_asked() -> None:
    pictures = to_pictures(images(40, (3, SIDE, SIDE)))
    subject = Subject(make("vae").eval(), pictures[:24], pictures[24:])
    finding = measure(Request(subject, quick=True))
    assert finding.value("real_leap") >= 1
    low, high = next((f.low, f.high) for f in finding.figures if f.name == "leap_share")
    assert low <= finding.value("leap_share") <= high

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        measure(Request(subject, progress=Progress(stop)))
