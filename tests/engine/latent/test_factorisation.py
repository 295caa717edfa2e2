"""Directions without labels find what a decoder with known axes amplifies, and say so in the right sigmas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.control import Control
from engine.errors import Cancelled, Unsupported, UsageError, UserError
from engine.families import FAMILIES
from engine.latent.directions import Direction
from engine.latent.factorisation import UNSUPERVISED, Search, available, find_directions, spread_along
from engine.models.base import Abilities, Group, LatentModel, LatentSpec
from engine.progress import Progress
from tests.contract.tiny import make

SIZE, SIDE = 12, 8
STRENGTHS = (9.0, 6.0, 4.0, 2.5)


class Linear(LatentModel):
    """A decoder whose picture is A z, with known right singular vectors; its encoder is the pseudo-inverse."""

    abilities = Abilities(encode="amortised", density="none")

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        rows = 3 * SIDE * SIDE
        left = torch.linalg.qr(torch.randn(rows, SIZE, generator=generator, dtype=torch.float64))[0]
        self.right = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=generator, dtype=torch.float64))[0].T
        lengths = torch.tensor([*STRENGTHS, *[0.5] * (SIZE - len(STRENGTHS))], dtype=torch.float64)
        matrix = left @ torch.diag(lengths) @ self.right
        self.matrix = torch.nn.Parameter(matrix.float())
        self.spec = LatentSpec(SIZE, (Group("code", 0, SIZE),), (3, SIDE, SIDE))

    def decode(self, z: Tensor) -> Tensor:
        return (z @ self.matrix.T).unflatten(1, (3, SIDE, SIDE))

    def encode(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ torch.linalg.pinv(self.matrix).T

    def first_layer(self) -> Tensor:
        return self.matrix

    def training_step(self, batch: Tensor, steps: object) -> dict[str, Tensor]:
        raise NotImplementedError


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    """The angle between two axes, whose senses mean nothing."""
    return math.degrees(math.acos(min(1.0, abs(float(a @ b)) / float(np.linalg.norm(a) * np.linalg.norm(b)))))


@pytest.mark.parametrize(("method", "samples"), [("features", 2000), ("weights", 0), ("jacobian", 0)])
def test_the_axes_of_a_linear_decoder_are_found_within_five_degrees(method: str, samples: int):
    model = Linear().eval()
    found = find_directions(model, method, count=4, search=Search(samples=samples))
    assert len(found) == 4
    for direction, truth in zip(found, model.right.numpy(), strict=False):
        assert degrees(direction.vector, truth) < 5
        assert direction.vector[np.abs(direction.vector).argmax()] > 0
        assert direction.sigma == 1.0
    shares = [direction.share for direction in found]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] / shares[1] == pytest.approx((STRENGTHS[0] / STRENGTHS[1]) ** 2, rel=0.2)
    assert [direction.name for direction in found] == [f"{UNSUPERVISED[method].label} {i}" for i in (1, 2, 3, 4)]
    assert {direction.method for direction in found} == {method}


def test_the_axes_of_real_codes_and_every_sigma_are_measured_on_them():
    model, rng = Linear().eval(), np.random.default_rng(0)
    codes = rng.standard_normal((4000, SIZE)) * np.array([5.0, 3.0, *[1.0] * (SIZE - 2)])
    given = torch.from_numpy(codes).float()
    first, second = find_directions(model, "pca", count=2, search=Search(codes=given))
    assert degrees(first.vector, np.eye(SIZE)[0]) < 5
    assert degrees(second.vector, np.eye(SIZE)[1]) < 5
    assert first.sigma == pytest.approx(5.0, rel=0.05)
    for direction in find_directions(model, "weights", count=4, search=Search(codes=given)):
        assert direction.sigma == pytest.approx(float((codes @ direction.vector).std()), rel=1e-3)


def test_without_real_codes_sigma_comes_from_the_known_main_axes():
    """Codes whose spread is that of PPCA: two long axes, the rest alike."""
    size, long = 20, (4.0, 3.0)
    whole = sum(s * s for s in long) + (size - 2) * 0.25
    known = [
        Direction(f"PC {i + 1}", np.eye(size, dtype=np.float32)[i], s, method="pca", share=s * s / whole)
        for i, s in enumerate(long)
    ]
    spread = spread_along(known)
    assert spread(np.eye(size, dtype=np.float32)[0]) == pytest.approx(4.0)
    assert spread(np.eye(size, dtype=np.float32)[5]) == pytest.approx(0.5)
    mixed = (np.eye(size)[0] + np.eye(size)[5]).astype(np.float32) / np.float32(math.sqrt(2))
    assert spread(mixed) == pytest.approx(math.sqrt((16 + 0.25) / 2), rel=1e-5)
    assert spread_along([])(mixed) == 1.0


@pytest.mark.parametrize("method", list(UNSUPERVISED))
@pytest.mark.parametrize("family", [name for name in FAMILIES if name in ("vae", "gan", "flow")])
def test_every_family_gives_unit_directions_or_says_why_not(family: str, method: str):
    model = make(family).eval().requires_grad_(False)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    white = method == "pca" and model.abilities.encode != "amortised"
    if white or (method == "weights" and model.first_layer() is None):
        with pytest.raises(Unsupported, match=r"white noise|no first layer"):
            find_directions(model, method, search=Search(samples=32))
        return
    found = find_directions(model, method, count=3, search=Search(samples=32))
    again = find_directions(model, method, count=3, search=Search(samples=32))
    for direction, same in zip(found, again, strict=True):
        assert np.linalg.norm(direction.vector) == pytest.approx(1, abs=1e-5)
        np.testing.assert_array_equal(direction.vector, same.vector)
    assert len(found) >= min(3, model.spec.size)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_step_along_the_first_slope_changes_the_picture_most():
    model = make("flow").eval().requires_grad_(False)
    found = find_directions(model, "jacobian", count=3)

    @torch.no_grad()
    def change(vector: np.ndarray) -> float:
        step = 1e-2 * torch.from_numpy(vector)[None]
        return float((model.decode(step) - model.decode(-step)).norm())

    rng = np.random.default_rng(0)
    others = rng.standard_normal((20, model.spec.size)).astype(np.float32)
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    assert change(found[0].vector) >= change(found[2].vector) * 0.999
    assert change(found[2].vector) > max(change(other) for other in others)


def test_the_third_kind_suits_the_family():
    assert available(make("vae"))[2] == available(make("gan"))[2] == "weights"
    assert available(make("flow"))[2] == "jacobian"


def test_nonsense_is_refused_and_a_stop_is_honoured():
    model = Linear().eval()
    with pytest.raises(UsageError, match="no method called 'magic'"):
        find_directions(model, "magic")
    with pytest.raises(UsageError, match="At least one"):
        find_directions(model, "weights", count=0)
    with pytest.raises(UserError, match="two codes that differ"):
        find_directions(model, "pca", search=Search(codes=torch.ones(5, SIZE)))
    flat = Linear().eval()
    with torch.no_grad():
        flat.matrix.zero_()
    for method in ("features", "jacobian"):
        with pytest.raises(UserError, match="train the model longer"):
            find_directions(flat, method, search=Search(samples=20))
    control = Control()
    control.stop()
    for method in UNSUPERVISED:
        with pytest.raises(Cancelled):
            find_directions(model, method, search=Search(progress=Progress(control.check)))
