"""The search finds codes that were planted, repeats itself, stops when told, and leaves the model alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from engine.errors import Cancelled
from engine.latent.features import energies
from engine.latent.inversion import invert, off_shell, refine, regression_guess
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps
from engine.progress import Progress, Step


class Painter(LatentModel):
    """A fixed smooth decoder of eight numbers with a known inverse, and buffers that would betray a
    change."""

    def __init__(self, encode: str = "search", side: int = 32) -> None:
        super().__init__()
        self.spec = LatentSpec(8, (Group("all", 0, 8),), (3, side, side))
        self.abilities = Abilities(encode, "none")
        basis = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
        basis = nn.functional.interpolate(basis, (side, side), mode="bilinear").flatten(1)
        self.basis = nn.Parameter(torch.linalg.qr(basis.T)[0].T * 8)
        self.norm = nn.BatchNorm2d(3)
        self.decoded = 0

    def decode(self, z: Tensor) -> Tensor:
        self.decoded += z.shape[0]
        return torch.tanh(self.norm((z @ self.basis).reshape(-1, *self.spec.image_shape)))

    def encode(self, x: Tensor) -> Tensor:
        flat = torch.atanh(x.clamp(-0.999999, 0.999999)).flatten(1) * (1 + self.norm.eps) ** 0.5
        found = flat @ self.basis.T / 64
        return found if self.abilities.encode == "exact" else found * 0.8

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        raise AssertionError("never trained here")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photo(model: Painter, seed: int = 7) -> tuple[Tensor, Tensor]:
    code = torch.randn(1, 8, generator=seeded(seed))
    with torch.no_grad():
        return code, model.decode(code)


def test_search_recovers_a_planted_code():
    model = Painter().eval()
    code, image = photo(model)
    found = invert(model, image, steps=150, starts=16, generator=seeded())
    assert found.code.shape == (1, 8)
    assert float((found.code - code).norm() / code.norm()) < 0.05
    assert 10 < len(found.errors) <= 151
    assert list(found.errors) == sorted(found.errors, reverse=True)
    assert found.errors[-1] < 0.1 * found.errors[0]
    with torch.no_grad():
        assert float((model.decode(found.code) - image).square().mean().sqrt()) == pytest.approx(
            found.errors[-1], rel=1e-4
        )


def test_an_amortised_answer_is_refined():
    model = Painter("amortised").eval()
    _, image = photo(model)
    rough = invert(model, image, steps=0, starts=0)
    fine = invert(model, image, steps=60, starts=0)
    assert len(rough.errors) == 1
    assert fine.errors[0] == pytest.approx(rough.errors[0])
    assert fine.errors[-1] < 0.3 * rough.errors[-1]


def test_an_exact_encoder_is_believed_without_a_step():
    model = Painter("exact").eval()
    code, image = photo(model)
    model.decoded = 0
    found = invert(model, image, steps=100)
    torch.testing.assert_close(found.code, code, atol=1e-3, rtol=0)
    assert model.decoded == 1


def test_same_seed_same_code_also_inside_inference_mode():
    model = Painter().eval()
    _, image = photo(model)
    first = invert(model, image, steps=20, generator=seeded(3))
    with torch.inference_mode():
        second = invert(model, image.clone(), steps=20, generator=seeded(3))
    assert torch.equal(first.code, second.code)
    assert first.errors == second.errors
    assert not second.code.is_inference()


@pytest.mark.parametrize("frozen", [True, False])
def test_the_model_is_left_exactly_as_it_was(frozen: bool):
    model = Painter().eval().requires_grad_(not frozen)
    _, image = photo(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = invert(model, image, steps=5, generator=seeded())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad is not frozen for p in model.parameters())
    assert not model.training
    assert not found.code.requires_grad


def test_progress_is_told_and_cancel_stops_within_a_step():
    model = Painter().eval()
    _, image = photo(model)
    told: list[Step] = []
    invert(model, image, steps=6, generator=seeded(), progress=Progress(tell=told.append))
    assert [(step.done, step.total) for step in told] == [(i, 6) for i in range(1, 7)]

    def stop() -> None:
        if len(told) >= 9:
            raise Cancelled

    with pytest.raises(Cancelled):
        invert(model, image, steps=50, generator=seeded(), progress=Progress(stop, told.append))
    assert len(told) == 9


def test_a_regression_guess_beats_random_starts():
    model = Painter().eval()
    code, image = photo(model)
    guess = regression_guess(model, samples=256, generator=seeded(1))
    with torch.no_grad():
        random_best = invert(model, image, steps=0, starts=16, generator=seeded())
    guessed = invert(model, image, steps=0, starts=0, guess=guess)
    only_guess = guess(image)
    assert float(torch.cosine_similarity(only_guess, code)) > 0.9
    assert invert(model, image, steps=0, starts=16, guess=guess, generator=seeded()).errors[0] < random_best.errors[0]
    assert len(guessed.errors) == 1


def test_train_mode_and_wrong_shapes_are_caught():
    model = Painter()
    with pytest.raises(ValueError, match="eval mode"):
        invert(model, torch.zeros(1, 3, 32, 32))
    with pytest.raises(ValueError, match="the image must be"):
        invert(model.eval(), torch.zeros(1, 3, 16, 16))


@pytest.mark.parametrize("features", [None, energies])
@pytest.mark.parametrize("far", [0.1, 30.0])
def test_refining_is_never_worse_and_its_curve_never_rises(features, far):
    model = Painter().eval()
    _, image = photo(model)
    start = far * torch.randn(1, 8, generator=seeded(5))
    found = refine(model, image, start, steps=25, features=features)
    with torch.no_grad():
        before, after = ((model.decode(z) - image).square().mean().sqrt() for z in (start, found.code))
    assert float(before) == pytest.approx(found.errors[0], rel=1e-5)
    assert float(after) == pytest.approx(found.errors[-1], rel=1e-4, abs=1e-6)
    assert list(found.errors) == sorted(found.errors, reverse=True)
    assert len(found.errors) <= 26


def test_refining_with_no_steps_gives_the_start_back():
    model = Painter().eval()
    _, image = photo(model)
    start = torch.ones(1, 8)
    found = refine(model, image, start, steps=0)
    assert torch.equal(found.code, start)
    assert len(found.errors) == 1


def test_a_decoder_that_breaks_far_out_keeps_the_last_good_code():
    class Brittle(Painter):
        def decode(self, z: Tensor) -> Tensor:
            x = super().decode(z)
            return x if float(z.detach().norm()) < 1 else x * torch.nan

    model = Brittle().eval()
    image = torch.ones(1, 3, 32, 32)
    found = refine(model, image, 0.1 * torch.ones(1, 8), steps=30, pull=0.0)
    assert bool(torch.isfinite(found.code).all())
    assert float(found.code.norm()) < 1
    assert list(found.errors) == sorted(found.errors, reverse=True)


def test_a_strong_pull_brings_a_searched_code_to_the_shell_and_keeps_an_encoders_length():
    for encode in ("search", "amortised"):
        model = Painter(encode).eval()
        _, image = photo(model)
        start = 0.3 * torch.randn(1, 8, generator=seeded(2))
        found = refine(model, image, start, steps=60, pull=1000.0)
        length = float(found.code.square().mean().sqrt())
        wanted = 1.0 if encode == "search" else float(start.square().mean().sqrt())
        assert length == pytest.approx(wanted, abs=0.03)


def test_the_shell_counts_each_group_for_itself():
    groups = (Group("a", 0, 2), Group("b", 2, 6))
    on_it = torch.tensor([[1.0, -1.0, 1.0, 1.0, -1.0, 1.0]])
    assert float(off_shell(on_it, groups)) == pytest.approx(0.0, abs=1e-9)
    assert float(off_shell(2 * on_it, groups)) == pytest.approx(1.0, abs=1e-5)
    assert float(off_shell(2 * on_it, groups, torch.tensor([[2.0, 1.0]]))) == pytest.approx(0.5, abs=1e-5)
