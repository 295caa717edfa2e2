"""What the contract promises of a model that is explored, for every imported architecture; none of them is trained."""

from __future__ import annotations

import math

import pytest
import torch

from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.errors import CheckpointError, Unsupported, UsageError
from engine.families import FAMILIES, IMPORTED, build, family
from engine.frozen import TOLERANCE, freeze_model
from engine.knobs import from_json, to_json
from engine.models.base import Plain
from tests.contract.tiny import PlainSteps, images, stir

SHAPE = (3, 16, 16)
CONFIGS = {
    "imported_dcgan": {"code": 5, "layers": "T4s1p0x8 T4s2p1x6 T4s2p1x3"},
    "imported_glow": {"levels": 2, "depth": 2, "hidden": 6},
    "imported_autoencoder": {"widths": "4 8", "blocks": 1, "latent": 2, "groups": 2, "scaling": 0.5},
}
VARIANTS = [
    *CONFIGS.items(),
    ("imported_dcgan", {**CONFIGS["imported_dcgan"], "activation": "leaky_relu", "output": "sigmoid"}),
    ("imported_dcgan", {"code": 5, "layers": "L4s1p0x8 U3s1p1x6 U3s1p1x3", "upsampling": "bilinear", "output": "none"}),
    ("imported_glow", {**CONFIGS["imported_glow"], "coupling": "additive", "pixels": "unit", "bits": 5}),
    ("imported_glow", {**CONFIGS["imported_glow"], "edge": "ones", "levels": 1}),
    ("imported_autoencoder", {**CONFIGS["imported_autoencoder"], "attention": False, "quant": False, "shift": 0.2}),
]
EVERY = pytest.mark.parametrize(("name", "config"), VARIANTS)
FLOWS = pytest.mark.parametrize(("name", "config"), [v for v in VARIANTS if v[0] == "imported_glow"])


def made(name, config, shape=SHAPE):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return stir(build(name, config, shape), amount=0.1).eval()


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_tables_are_complete_and_do_not_overlap():
    assert set(FAMILIES) == {"vae", "gan", "flow", "stack"}
    assert set(IMPORTED) == set(CONFIGS)
    assert all(row.name == name and not row.presets for name, row in IMPORTED.items())
    with pytest.raises(UsageError, match="vae, gan, flow, stack, got 'diffusion'"):
        family("diffusion")


@EVERY
def test_pictures_are_of_the_right_shape_repeatable_and_use_the_whole_code(name, config):
    model = made(name, config)
    assert model.spec.groups[0].start == 0
    assert model.spec.groups[-1].stop == model.spec.size
    assert all(a.stop == b.start for a, b in zip(model.spec.groups, model.spec.groups[1:], strict=False))
    z = model.sample_codes(3, generator=seeded())
    with torch.inference_mode():
        x = model.decode(z)
        assert x.shape == (3, *SHAPE)
        assert torch.equal(model.decode(z), x)
        assert bool(torch.isfinite(x).all())
        if model.abilities.encode != "exact":
            assert x.abs().max() <= 1
        torch.testing.assert_close(model.decode(z[1:2]), x[1:2], rtol=1e-3, atol=1e-4)
        for group in model.spec.groups:
            moved = z.clone()
            moved[:, group.start : group.stop] += 0.5
            assert (model.decode(moved) - x).abs().max() > 1e-5


@EVERY
def test_what_is_offered_works_and_what_is_not_is_refused(name, config):
    model, x = made(name, config), images(2, SHAPE)
    with torch.inference_mode():
        if model.abilities.encode == "search":
            with pytest.raises(Unsupported):
                model.encode(x)
        else:
            assert model.encode(x).shape == (2, model.spec.size)
        if model.abilities.density == "none":
            with pytest.raises(Unsupported):
                model.log_prob(x)
        else:
            assert model.log_prob(x).shape == model.bits_per_dim(x, generator=seeded()).shape == (2,)
    with pytest.raises(Unsupported, match="explored, not trained"):
        PlainSteps(model).run(x, 1)


@EVERY
def test_features_are_differentiable_and_the_first_layer_fits_the_code(name, config):
    model = made(name, config)
    z = model.sample_codes(2, generator=seeded()).requires_grad_()
    features = model.decoder_features(z)
    assert len(features) == 2
    features.square().sum().backward()
    assert z.grad is not None
    assert z.grad.abs().max() > 0
    first = model.first_layer()
    assert first is None or first.shape[1] == model.spec.size


def test_the_first_layer_is_what_the_code_is_multiplied_by():
    model = made("imported_dcgan", CONFIGS["imported_dcgan"])
    z = model.sample_codes(2, generator=seeded())
    matrix = model.first_layer()
    out = model.stack[0](z[:, :, None, None]) - model.stack[0].bias[:, None, None]
    torch.testing.assert_close(z @ matrix.T, out.flatten(1))


@EVERY
def test_the_second_object_draws_and_encodes_as_the_module_does(name, config):
    model = made(name, config).requires_grad_(False)
    forms = [freeze_model(model)]
    if name != "imported_autoencoder":
        assert not isinstance(forms[0], Plain)
        forms.append(family(name).frozen(model, packed=False))
    for form in forms:
        for n in (1, 3):
            z, x = model.sample_codes(n, generator=seeded()), images(n, SHAPE)
            found = [(form.decode(z), model.decode(z))]
            if model.abilities.encode != "search":
                found.append((form.encode(x), model.encode(x)))
            if model.abilities.density == "exact":
                found.append((form.log_prob(x), model.log_prob(x)))
            for got, expected in found:
                assert (got - expected).abs().max() <= TOLERANCE * max(1.0, float(expected.abs().max()))


@FLOWS
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
def test_flows_invert_both_ways(name, config, dtype, bound):
    model = made(name, config).to(dtype)
    x = images(3, SHAPE, seed=5).to(dtype)
    z = 0.7 * torch.randn(3, model.spec.size, generator=seeded(), dtype=dtype)
    forms = [model] if dtype == torch.float64 else [model, freeze_model(model)]
    for form in forms:
        with torch.inference_mode():
            assert (form.decode(form.encode(x)) - x).abs().max() <= bound
            assert (form.encode(form.decode(z)) - z).abs().max() <= 20 * bound


@FLOWS
def test_density_is_that_of_autograds_jacobian(name, config):
    shape = (1, 8, 8)
    model = made(name, config, shape).double()
    x = images(1, shape, seed=3).double() + 0.003
    jacobian = torch.autograd.functional.jacobian(
        lambda v: model.encode(v.view(1, *shape)).flatten(), x.flatten(), vectorize=True
    )
    sign, log_det = torch.linalg.slogdet(jacobian)
    assert sign != 0
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(model.encode(x)).sum()
    torch.testing.assert_close(model.log_prob(x)[0], prior + log_det, rtol=1e-9, atol=1e-6)


@EVERY
def test_saving_and_opening_gives_the_same_pictures(name, config, tmp_path):
    model = made(name, config)
    path = tmp_path / "m.safetensors"
    settings = to_json(from_json(family(name).config, config))
    save_model(path, model, ModelHeader(name, settings, SHAPE, title="Theirs"))
    again = load_model(path)[0]
    z = model.sample_codes(2, generator=seeded())
    with torch.inference_mode():
        assert torch.equal(again.decode(z), model.decode(z))


@pytest.mark.parametrize(
    ("name", "config", "words"),
    [
        ("imported_dcgan", {"layers": "T4s1p0x8 T4s2p1x3"}, "the picture is 3 x 16 x 16"),
        ("imported_dcgan", {"layers": "import os"}, "words such as"),
        ("imported_dcgan", {"layers": "T4s1p0x8 L4s1p0x3"}, "only begin with"),
        ("imported_dcgan", {"layers": "T4s1p0x99999 T4s2p1x99999 T4s2p1x3"}, "over 1,000,000,000"),
        ("imported_dcgan", {"layers": " ".join(["C3s1p1x8"] * 65)}, "1 to 64 layers"),
        ("imported_glow", {"levels": 5}, "halved each time"),
        ("imported_glow", {"levels": 4, "depth": 128, "hidden": 4096}, "over 1,000,000,000"),
        ("imported_autoencoder", {"widths": "32 x"}, "widths must be"),
        ("imported_autoencoder", {"widths": "20"}, "multiples of the 32 groups"),
        ("imported_autoencoder", {"widths": "4096 4096 4096", "blocks": 8}, "import a smaller one"),
    ],
)
def test_a_header_that_describes_nonsense_is_refused_before_memory_is_taken(name, config, words):
    with pytest.raises(UsageError, match=words):
        build(name, config, SHAPE)


def test_a_file_with_such_a_header_is_a_checkpoint_error(tmp_path):
    model = made("imported_glow", CONFIGS["imported_glow"])
    path = tmp_path / "m.safetensors"
    save_model(path, model, ModelHeader("imported_glow", {"levels": 7}, SHAPE))
    with pytest.raises(CheckpointError, match="cannot be built"):
        load_model(path)


def test_a_flows_code_is_as_large_as_its_picture():
    model = made("imported_glow", CONFIGS["imported_glow"])
    assert model.spec.size == math.prod(SHAPE)
    assert [g.grid for g in model.spec.groups] == [(8, 8), (4, 4)]
