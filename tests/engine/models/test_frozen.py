"""The second object of every model: the same pictures and codes, never old weights, and the module where it fails."""

from __future__ import annotations

import copy
import logging
import threading

import pytest
import torch

import engine.nn.packed as packed_layers
from engine import frozen as frozen_module
from engine.errors import Unsupported
from engine.families import FAMILIES, build, row_of
from engine.frozen import TOLERANCE, FrozenCache, _Seen, freeze_model
from engine.models.base import Frozen, LatentModel, Plain
from engine.nn.coupling import Coupling
from tests.contract.tiny import grown_to, images, make, stir, tiny_config, variants

HERE = torch.device("cpu")
OFFERED = packed_layers.offered(HERE)


def odd() -> list[tuple[str, str, dict]]:
    """Settings that the single switches of `variants` do not reach."""
    tiny = {family: tiny_config(family) for family in FAMILIES}
    return [
        ("gan-fine", "gan", {**tiny["gan"], "fine": 5}),
        ("gan-fine-transposed", "gan", {**tiny["gan"], "fine": 20, "upsampling": "transposed"}),
        ("flow-one-level", "flow", {**tiny["flow"], "levels": 1}),
        ("flow-additive-deep", "flow", {**tiny["flow"], "coupling": "additive", "depth": 3}),
        ("flow-8-bits", "flow", {**tiny["flow"], "bits": 8}),
        ("vae-blocks", "vae", {**tiny["vae"], "blocks": 3}),
        ("vae-dense-and-prior", "vae", {**tiny["vae"], "dense": 24, "dense_blocks": 2, "prior": 3}),
    ]


TRAINING_ONLY = ("objective", "regulariser", "augment")
"""Knobs of which what is drawn knows nothing."""
FAST = [row for row in variants() if FAMILIES[row[1]].frozen is not None]
DRAWN = [row for row in FAST if not any(f"-{name}-" in row[0] for name in TRAINING_ONLY)]
CASES = [pytest.param(family, config, id=name) for name, family, config in [*DRAWN, *odd()]]
EVERY = pytest.mark.parametrize(("family", "config"), CASES)
OF_ITS_OWN = pytest.mark.parametrize("family", ["vae", "gan", "flow"])


def used(family: str, config: dict | None = None, *, shape=(3, 16, 16), seed: int = 1) -> LatentModel:
    """A model whose every weight and running statistic has moved from where it starts."""
    # A deep flow of random couplings is no longer invertible in float32, however it is computed.
    amount = 0.01 if family == "flow" else 0.05
    model = stir(make(family, config=config, shape=shape), amount=amount, seed=seed).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            if name.endswith(("running_mean", "centre")):
                buffer.add_(0.3 * torch.randn(buffer.shape, generator=generator))
            elif name.endswith("running_var"):
                buffer.mul_(0.5 + torch.rand(buffer.shape, generator=generator))
            elif name.endswith("centred"):
                buffer.fill_(1.0)
    return model


def codes(model: LatentModel, n: int, seed: int = 7) -> torch.Tensor:
    return model.sample_codes(n, temperature=0.8, generator=torch.Generator().manual_seed(seed))


def off(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest difference as a share of the range."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    return float((found - expected).abs().max() / max(1.0, float(expected.max() - expected.min())))


def forms(model: LatentModel) -> list[Frozen]:
    form = row_of(model).frozen
    return [form(model, packed=packed) for packed in ((True, False) if OFFERED else (False,))]


@EVERY
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16)], ids=str)
def test_every_form_is_the_module(family, config, shape):
    shape = grown_to(shape, config)
    model = used(family, config, shape=shape)
    plain = Plain(model)
    for form in forms(model):
        # The number of pictures decides which operations are used.
        for n in (1, 33):
            z = codes(model, n)
            before = z.clone()
            x = plain.decode(z)
            assert off(form.decode(z), x) <= TOLERANCE
            assert torch.equal(z, before), "the codes were written into"
            if model.abilities.encode == "search":
                with pytest.raises(Unsupported):
                    form.encode(x)
                continue
            pictures = images(n, shape, seed=n)
            before = pictures.clone()
            assert off(form.encode(pictures), plain.encode(pictures)) <= TOLERANCE
            expected = plain.log_prob(pictures)
            torch.testing.assert_close(form.log_prob(pictures), expected, rtol=1e-5, atol=1e-2)
            noise = (torch.Generator().manual_seed(3) for _ in range(2))
            torch.testing.assert_close(
                form.bits_per_dim(pictures, generator=next(noise)),
                model.bits_per_dim(pictures, generator=next(noise)),
                rtol=1e-5,
                atol=1e-5,
            )
            assert torch.equal(pictures, before), "the pictures were written into"


@EVERY
def test_the_test_finds_them_good(family, config):
    frozen = freeze_model(used(family, config))
    if family in ("vae", "gan", "flow"):
        assert not isinstance(frozen, Plain)


def test_a_flow_that_magnifies_rounding_is_held_against_float64():
    model = stir(make("flow"), amount=0.03).eval().requires_grad_(False)
    model = next(m for m in (scaled(model, by) for by in (1.0, 1.2, 1.5, 2.0, 3.0)) if worst(m) > TOLERANCE)
    assert not isinstance(freeze_model(model), Plain)


def scaled(model: LatentModel, by: float) -> LatentModel:
    """The last layers of all couplings as many times stronger: the flow gets steeper."""
    with torch.no_grad():
        for step in (m for m in model.modules() if isinstance(m, Coupling)):
            step.last.conv.weight.mul_(by)
    return model


def worst(model: LatentModel) -> float:
    seen = _Seen(Plain(model), HERE)
    with torch.inference_mode():
        return max(seen.difference(form) for form in forms(model))


def test_a_flow_is_undone_as_exactly_as_by_the_module():
    model = used("flow", {**tiny_config("flow"), "depth": 4})
    pictures = images(8, (3, 16, 16))
    lost = []
    for form in (Plain(model), *forms(model)):
        lost.append(float((form.decode(form.encode(pictures)) - pictures).abs().max()))
    assert max(lost[1:]) <= max(2.0 * lost[0], 1e-6)


def test_a_mapping_to_a_mean_is_kept_for_short_and_long_codes():
    model = used("gan")
    z = codes(model, 3)
    for form in forms(model):
        for length in (0.0, 0.3, 2.5):
            assert off(form.decode(z * length), Plain(model).decode(z * length)) <= TOLERANCE


def changes(model: LatentModel) -> dict[str, object]:
    first = next(p for p in model.parameters() if p.dim() > 1)
    other = used("gan", seed=5)

    def moved() -> None:
        with torch.no_grad():
            first.add_(0.1)

    def replaced() -> None:
        for parameter in model.parameters():
            parameter.data = parameter.data * 0.5

    def statistics() -> None:
        next(b for name, b in model.named_buffers() if name.endswith("running_mean")).add_(0.5)

    return {
        "moved": moved,
        "replaced": replaced,
        "statistics": statistics,
        "loaded": lambda: model.load_state_dict(other.state_dict()),
    }


@pytest.mark.parametrize("what", ["moved", "replaced", "statistics", "loaded"])
def test_nothing_is_drawn_with_old_weights(what):
    model = used("gan")
    fresh = FrozenCache(model)
    z = codes(model, 2)
    before, first = fresh().decode(z), fresh()
    assert fresh() is first, "nothing has changed, so nothing is made anew"
    changes(model)[what]()
    after = fresh().decode(z)
    assert off(after, Plain(model).decode(z)) <= TOLERANCE
    assert (after - before).abs().max() > 1e-3
    assert not isinstance(fresh(), Plain)


def test_the_first_picture_need_not_wait_for_the_making():
    fresh = FrozenCache(used("gan", tiny_config("gan")), lazy=True)
    assert isinstance(fresh.at_once(), Plain)
    assert not isinstance(fresh.at_once(), Plain)
    made = FrozenCache(used("gan", tiny_config("gan")), lazy=True)
    assert not isinstance(made(), Plain)
    assert not isinstance(made.at_once(), Plain)


@OF_ITS_OWN
def test_what_was_handed_out_keeps_its_own_weights(family):
    model = used(family)
    frozen = freeze_model(model)
    z = codes(model, 2)
    before = frozen.decode(z).clone()
    stir(model, amount=0.5, seed=9)
    assert torch.equal(frozen.decode(z), before)


@OF_ITS_OWN
@pytest.mark.skipif(not OFFERED, reason="this build of torch has no packed operations")
def test_an_operation_that_raises_leads_to_plain_operations(family, monkeypatch, caplog):
    model = used(family)
    names = ("_convolution_pointwise", "_convolution_transpose_pointwise")

    def broken(*args, **kwargs):
        raise RuntimeError("could not create a primitive")

    for name in names:
        monkeypatch.setattr(torch.ops.mkldnn, name, broken)
    with caplog.at_level(logging.INFO, logger=frozen_module.__name__):
        frozen = freeze_model(model)
    assert not isinstance(frozen, Plain)
    assert "could not create a primitive" in caplog.text
    z = codes(model, 3)
    assert off(frozen.decode(z), Plain(model).decode(z)) <= TOLERANCE


@OF_ITS_OWN
@pytest.mark.parametrize("error", [1e-3, float("nan")])
def test_a_wrong_result_is_not_used(family, error, monkeypatch, caplog):
    model = used(family)
    right = packed_layers.PackedConv.__call__
    monkeypatch.setattr(packed_layers.PackedConv, "__call__", lambda self, x: right(self, x) + error)
    with caplog.at_level(logging.INFO, logger=frozen_module.__name__):
        frozen = freeze_model(model)
    assert isinstance(frozen, Plain)
    assert "not used" in caplog.text
    z = codes(model, 2)
    with torch.inference_mode():
        assert torch.equal(frozen.decode(z), model.decode(z))


@OF_ITS_OWN
def test_a_build_without_the_operations_folds_all_the_same(family, monkeypatch):
    monkeypatch.setattr(packed_layers, "_OPERATIONS", ("_not_in_this_build",))
    assert not packed_layers.offered(HERE)
    model = used(family)
    frozen = freeze_model(model)
    assert not isinstance(frozen, Plain)
    assert off(frozen.decode(codes(model, 2)), Plain(model).decode(codes(model, 2))) <= TOLERANCE


@OF_ITS_OWN
def test_other_precisions_training_and_size_leave_the_module(family, monkeypatch):
    model = used(family)
    assert isinstance(freeze_model(copy.deepcopy(model).double()), Plain)
    assert isinstance(freeze_model(copy.deepcopy(model).train()), Plain)
    monkeypatch.setattr(frozen_module, "LARGEST", 100)
    assert isinstance(freeze_model(model), Plain)


@OF_ITS_OWN
def test_weights_that_are_not_finite_leave_the_module(family):
    model = used(family)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
    assert isinstance(freeze_model(model), Plain)


@OF_ITS_OWN
def test_no_gradient_comes_out_and_the_module_still_has_its_own(family):
    model = stir(make(family)).eval()
    fresh = FrozenCache(model)
    z = codes(model, 2).requires_grad_()
    assert not fresh().decode(z).requires_grad
    model.decode(z).square().sum().backward()
    assert z.grad is not None
    assert bool(z.grad.any())
    assert not any(p.grad is not None and p.grad.is_inference() for p in model.parameters())


@OF_ITS_OWN
def test_each_of_two_threads_draws_with_its_own(family):
    model = used(family)
    z = [codes(model, 1, seed=i) for i in range(6)]
    expected = [Plain(model).decode(one) for one in z]
    problems: list[object] = []

    def draw() -> None:
        try:
            fresh = FrozenCache(copy.deepcopy(model))
            found = [off(fresh().decode(one), x) for one, x in zip(z, expected, strict=True)]
            problems.extend(share for share in found if share > TOLERANCE)
        except (RuntimeError, AssertionError) as error:
            problems.append(error)

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


@OF_ITS_OWN
def test_a_loaded_twin_draws_the_same(family):
    model = used(family)
    twin = build(family, tiny_config(family), (3, 16, 16)).eval()
    twin.load_state_dict(model.state_dict())
    z = codes(model, 2)
    assert off(freeze_model(twin).decode(z), Plain(model).decode(z)) <= TOLERANCE
