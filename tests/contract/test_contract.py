"""The contract of `engine.models.base`, for every family of the table and for every choice that its knobs offer."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.errors import Unsupported, UsageError
from engine.families import FAMILIES, build, model_knobs
from engine.frozen import FrozenCache
from engine.knobs import from_json, knobs_of, to_json
from engine.training.config import TrainConfig
from tests.contract.gaps import family_gaps
from tests.contract.tiny import POINTS_ALONE, PlainSteps, grown_to, images, make, stir, tiny_config, variants

SHAPE = (3, 16, 16)
# The f-divergences share all but their formulas, which have tests of their own.
ALIKE = "gan-objective-f-"
VARIANTS = [
    pytest.param(family, config, id=name, marks=pytest.mark.slow if name.startswith(ALIKE) else ())
    for name, family, config in variants()
]
EVERY = pytest.mark.parametrize("family", list(FAMILIES))
EVERY_VARIANT = pytest.mark.parametrize(("family", "config"), VARIANTS)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@EVERY_VARIANT
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (3, 32, 32)], ids=str)
def test_shapes_and_ranges(family, config, shape):
    shape = grown_to(shape, config)
    model = make(family, config=config, shape=shape).eval()
    spec = model.spec
    assert spec.image_shape == shape
    assert spec.dimensions == math.prod(shape)
    with torch.inference_mode():
        z = model.sample_codes(3, generator=seeded())
        x = model.decode(z)
    assert z.shape == (3, spec.size)
    assert x.shape == (3, *shape)
    assert x.dtype == torch.float32
    assert bool(torch.isfinite(x).all())
    if model.abilities.encode != "exact":
        # An exact model may decode a code to a value outside; the pictures are cut, the arithmetic is not.
        assert x.abs().max() <= 1.0


@pytest.mark.parametrize(("family", "size"), [(name, size) for name, row in FAMILIES.items() for size in row.sizes])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_of_the_form_is_built_and_decodes(family, size, channels):
    model = build(family, tiny_config(family), (channels, size, size)).eval()
    with torch.inference_mode():
        assert model.decode(model.sample_codes(1)).shape == (1, channels, size, size)


@EVERY_VARIANT
def test_groups_tile_the_code(family, config):
    model = make(family, config=config, shape=(3, 32, 32))
    ends = [0]
    for group in model.spec.groups:
        assert group.start == ends[-1] < group.stop, group.name
        ends.append(group.stop)
    assert ends[-1] == model.spec.size
    assert len({group.name for group in model.spec.groups}) == len(model.spec.groups)


@EVERY_VARIANT
def test_no_part_of_the_code_is_dropped(family, config):
    model = stir(make(family, config=config, shape=(3, 32, 32))).eval()
    z = model.sample_codes(1, generator=seeded())
    with torch.inference_mode():
        before = model.decode(z)
        for group in model.spec.groups:
            moved = z.clone()
            moved[:, group.start : group.stop] += 0.5
            assert (model.decode(moved) - before).abs().max() > 1e-4, f"{group.name} does not reach the picture"
    if model.abilities.encode == "exact":
        assert model.spec.size == model.spec.dimensions


@EVERY_VARIANT
def test_every_trained_parameter_gets_a_gradient(family, config):
    model = make(family, config=config, shape=SHAPE).train()
    steps = PlainSteps(model)
    steps.run(images(8, SHAPE), 6)
    wanted = {f"{net}: {key}" for net, module in steps.networks.items() for key, _ in module.named_parameters()}
    if config.get("objective") == "hinge":
        # Its pulls cancel in the last bias until the first score passes a margin.
        wanted.discard("discriminator: head.bias")
    assert not wanted - steps.touched, f"never trained: {sorted(wanted - steps.touched)}"
    trained = {id(p) for net in steps.networks.values() for p in net.parameters()}
    left = [key for key, p in model.named_parameters() if id(p) not in trained]
    assert not left, f"in no network: {left}"


@EVERY_VARIANT
def test_metrics_stay_tensors_on_the_device(family, config):
    model = make(family, config=config, shape=SHAPE).train()
    (metrics,) = PlainSteps(model).run(images(8, SHAPE), 1)
    device = next(model.parameters()).device
    for name, value in metrics.items():
        assert isinstance(value, torch.Tensor), name
        assert (value.dim(), value.device, value.requires_grad) == (0, device, False), name
        assert bool(torch.isfinite(value)), name
    plots = [plot for plot in FAMILIES[family].curves if plot.kind == "line" and plot.shown(config)]
    drawn = {name for plot in plots for name in plot.metrics if "/" not in name}
    assert drawn <= set(metrics), f"curves without a metric: {drawn - set(metrics)}"


@EVERY_VARIANT
def test_the_parts_of_a_likelihood_add_up(family, config):
    model = stir(make(family, config=config, shape=SHAPE)).eval()
    x = images(3, SHAPE)
    parts = model.likelihood_parts(x, generator=seeded())
    if model.abilities.density == "none":
        assert parts == {}
        return
    torch.testing.assert_close(parts["bits_per_dim"], model.bits_per_dim(x, generator=seeded()))
    terms = [value for name, value in parts.items() if name.endswith("_bits_per_dim")]
    assert len(terms) == 2
    torch.testing.assert_close(sum(terms), parts["bits_per_dim"])


@EVERY_VARIANT
def test_an_examination_gives_finite_figures_and_leaves_no_trace(family, config):
    model, shown = (stir(make(family, config=config, shape=SHAPE)).eval() for _ in range(2))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    codes = model.sample_codes(40, generator=seeded())
    random = torch.get_rng_state()
    with torch.inference_mode():
        values, charts = model.examine(shown, training=images(9, SHAPE), heldout=images(7, SHAPE, seed=3), codes=codes)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(value.dim() == 0 and not bool(value.isinf()) for value in values.values())
    assert all(math.isfinite(value) for chart in charts for value in chart.values)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    drawn = {name for plot in FAMILIES[family].curves if plot.kind != "line" for name in plot.metrics}
    assert drawn <= {chart.name for chart in charts}


@EVERY
def test_what_is_not_offered_is_refused_and_what_is_offered_works(family):
    model = make(family).eval()
    x = images(2, SHAPE)
    if model.abilities.encode == "search":
        with pytest.raises(Unsupported):
            model.encode(x)
    else:
        assert model.encode(x).shape == (2, model.spec.size)
    if model.abilities.density == "none":
        for call in (model.log_prob, model.bits_per_dim):
            with pytest.raises(Unsupported):
                call(x)
    else:
        assert model.log_prob(x).shape == (2,)


EXACT = [p for p in VARIANTS if FAMILIES[p.values[0]].model.abilities.encode == "exact"]


@pytest.mark.parametrize(("family", "config"), EXACT)
@pytest.mark.parametrize("stirred", [False, True], ids=["fresh", "stirred"])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
def test_exact_models_invert_both_ways(family, config, stirred, dtype, bound):
    model = make(family, config=config, shape=(3, 32, 32))
    model = (stir(model, amount=0.02) if stirred else model).to(dtype).eval()
    x = images(4, (3, 32, 32), seed=5).to(dtype)
    with torch.inference_mode():
        assert (model.decode(model.encode(x)) - x).abs().max() <= bound
        z = 0.7 * torch.randn(4, model.spec.size, generator=seeded()).to(dtype)
        assert (model.encode(model.decode(z)) - z).abs().max() <= 20 * bound


@pytest.mark.parametrize(("family", "config"), EXACT)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 16, 16)], ids=str)
def test_density_is_that_of_autograds_jacobian(family, config, shape):
    model = stir(make(family, config=config, shape=shape)).double().eval()
    x = images(1, shape, seed=3).double() + 0.003
    jacobian = torch.autograd.functional.jacobian(
        lambda v: model.encode(v.view(1, *shape)).flatten(), x.flatten(), vectorize=True
    )
    sign, log_det = torch.linalg.slogdet(jacobian)
    assert sign != 0
    z = model.encode(x)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum()
    torch.testing.assert_close(model.log_prob(x)[0], prior + log_det, rtol=1e-9, atol=1e-6)


BOUND = [p for p in VARIANTS if FAMILIES[p.values[0]].model.abilities.density == "bound"]


@pytest.mark.parametrize(("family", "config"), BOUND)
def test_a_bound_is_that_of_the_importance_weights_and_below_the_likelihood(family, config):
    """log E[w] of the weights w = p(x, z) / q(z|x) tends to log p(x) from below, and E[log w] is the ELBO of one
    sample (Burda et al. 2016, arXiv:1509.00519). Each image's `log_prob` has noise of its own, which many average out.
    """
    model = stir(make(family, config=config), amount=0.02).eval()
    x = images(256, SHAPE, seed=5)
    noise = torch.randn(8, len(x), model.spec.size, generator=seeded(1))
    with torch.inference_mode():
        bound = model.log_prob(x).double()
        weights = model.log_weights(x, noise).double()
        assert torch.equal(model.log_prob(x).double(), bound), "the figure must repeat"
    elbo, marginal = weights.mean(0), torch.logsumexp(weights, 0) - math.log(len(weights))
    error = bound - elbo
    uncertainty = float(error.std() / len(x) ** 0.5)
    assert uncertainty < 1.0, "too few images to see a wrong term of a few nats"
    assert abs(float(error.mean())) < 4 * uncertainty + 0.05
    assert float((marginal - bound).mean()) > 0.0


@EVERY_VARIANT
def test_codes_follow_seed_and_temperature(family, config):
    model = make(family, config=config).eval()
    one = model.sample_codes(4, temperature=1.0, generator=seeded(1))
    assert torch.equal(one, model.sample_codes(4, temperature=1.0, generator=seeded(1)))
    assert not torch.equal(one, model.sample_codes(4, temperature=1.0, generator=seeded(2)))
    torch.testing.assert_close(model.sample_codes(4, temperature=0.25, generator=seeded(1)), 0.25 * one)
    assert not model.sample_codes(4, temperature=0.0, generator=seeded(3)).any()
    scales = [0.5 + i for i in range(len(model.spec.groups))]
    scaled = model.sample_codes(4, temperature=scales, generator=seeded(1))
    for group, scale in zip(model.spec.groups, scales, strict=True):
        torch.testing.assert_close(scaled[:, group.start : group.stop], scale * one[:, group.start : group.stop])
    with pytest.raises(ValueError, match="zip"):
        model.sample_codes(4, temperature=[1.0] * (len(scales) + 1))


@EVERY_VARIANT
def test_sampling_is_deterministic_and_leaves_the_model_as_it_was(family, config):
    model = make(family, config=config).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.inference_mode():
        first = model.decode(model.sample_codes(2, temperature=0.0))
        model.decode(model.sample_codes(5, temperature=1.3, generator=seeded()))
        again = model.decode(model.sample_codes(2, temperature=0.0))
    assert torch.equal(first, again)
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]), key


@EVERY_VARIANT
def test_freezing_changes_speed_and_not_pictures(family, config):
    model = stir(make(family, config=config)).eval()
    fresh = FrozenCache(model)
    z = model.sample_codes(3, generator=seeded())
    with torch.inference_mode():
        plain = model.decode(z)
        assert (fresh().decode(z) - plain).abs().max() <= 1e-5 * max(1.0, float(plain.abs().max()))
    stir(model, seed=2)
    with torch.inference_mode():
        changed = fresh().decode(z)
        expected = model.decode(z)
        assert (changed - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max())), "old weights"
    assert (changed - plain).abs().max() > 1e-4


def close(a: torch.Tensor, b: torch.Tensor, half: bool) -> bool:
    """Equal, or as near as 11 bits of a float16 can be (below 6e-5 it has fewer)."""
    return torch.allclose(a.float(), b.float(), rtol=5e-4, atol=1e-7) if half else torch.equal(a, b)


@EVERY_VARIANT
@pytest.mark.parametrize(("half", "whole"), [(False, True), (False, False), (True, False)])
def test_a_saved_model_is_the_same_model(family, config, half, whole, tmp_path):
    model = stir(make(family, config=config)).eval()
    header = ModelHeader(family, config, SHAPE, title="Fäces 脸", step=12, card={"data": "mine"})
    digest = save_model(tmp_path / "m.safetensors", model, header, half=half, whole=whole)
    loaded, read, found = load_model(tmp_path / "m.safetensors", sha256=digest)
    assert (read, found) == (header, digest)
    assert not loaded.training
    own = loaded.state_dict()
    for key, value in model.state_dict().items():
        if whole or not key.startswith(model.training_only or ("\0",)):
            assert close(own[key], value, half), key
    z = model.sample_codes(2, temperature=0.7, generator=seeded())
    with torch.inference_mode():
        torch.testing.assert_close(loaded.decode(z), model.decode(z), atol=0.02 if half else 0, rtol=0)


@EVERY
def test_thirty_steps_on_eight_pictures_teach_something(family):
    torch.manual_seed(0)
    model = make(family).train()
    found = PlainSteps(model, rate=2e-3).run(images(8, SHAPE), 30)
    for i, metrics in enumerate(found):
        for name, value in metrics.items():
            assert bool(torch.isfinite(value)), f"{name} at step {i}"
    if "loss" in found[0]:
        first, last = (sum(float(m["loss"]) for m in part) / 5 for part in (found[:5], found[-5:]))
        assert last < first - 0.01
    else:
        # A game has no loss that falls; its discriminator must come to tell the two apart.
        assert float(found[-1]["d_real"]) > float(found[-1]["d_fake"])


DENSE = [p for p in VARIANTS if FAMILIES[p.values[0]].model.abilities.density != "none"]


@pytest.mark.parametrize(("family", "config"), DENSE)
def test_bits_per_dim_is_sane_and_repeats(family, config):
    model = make(family, config=config).eval()
    x = images(6, SHAPE)
    with torch.inference_mode():
        bits = model.bits_per_dim(x, generator=seeded())
        assert torch.equal(bits, model.bits_per_dim(x, generator=seeded()))
        assert not torch.equal(bits, model.bits_per_dim(x, generator=seeded(1)))
        noise = model.bits_per_dim(torch.rand(6, *SHAPE) * 2 - 1, generator=seeded())
    assert bits.shape == (6,)
    # A code of log2(levels) bits is what no model at all costs; an untrained one may be a few times worse.
    assert bool((bits > 0).all())
    assert bool((bits < 3 * math.log2(model.bins)).all())
    # Of black and white alone, even noise costs hardly more than a bit.
    assert noise.mean() > bits.mean() + (0.5 if model.bins > 2 else 0.05), "noise must cost more than smooth pictures"


@EVERY
def test_configs_come_back_from_json(family):
    row = FAMILIES[family]
    for config in (row.config(), from_json(row.config, tiny_config(family))):
        assert from_json(row.config, to_json(config)) == config
        assert all(name in repr(config) for name in to_json(config))
    for name, preset in row.presets.items():
        assert to_json(from_json(row.config, preset.knobs)).items() >= preset.knobs.items(), name
    from_json(TrainConfig, row.training)


@EVERY
def test_no_piece_of_a_family_is_missing(family):
    assert not family_gaps(FAMILIES[family]), " ".join(family_gaps(FAMILIES[family]))


@EVERY
def test_bad_knobs_are_refused_by_name_and_range(family):
    row = FAMILIES[family]
    for knob in (*model_knobs(family), *knobs_of(TrainConfig)):
        config = row.config if knob in model_knobs(family) else TrainConfig
        bad: list[object] = [None, [], {}, "nonsense", float("nan")]
        bad += [knob.low - 1] if knob.low is not None else []
        bad += [knob.high * 10 + 1] if knob.high is not None else []
        bad += [1.5] if knob.kind is int else []
        bad += [7] if knob.choices else []
        for value in bad:
            with pytest.raises(UsageError, match=knob.name) as caught:
                from_json(config, {knob.name: value})
            text = str(caught.value)
            if knob.low is not None and knob.high is not None and isinstance(value, float | int) and knob.kind is int:
                in_words = "whole number" in text or (f"{knob.low:g}" in text and f"{knob.high:g}" in text)
                assert in_words, text
            for choice in knob.choices:
                assert str(choice) in text or "must be a" in text, text
    with pytest.raises(UsageError, match="widht"):
        build(family, {"widht": 3}, SHAPE)


def test_an_unknown_family_is_refused_by_naming_the_known():
    with pytest.raises(UsageError, match=", ".join(FAMILIES)):
        build("diffusion", {}, SHAPE)


def test_rows_are_named_as_their_keys_and_training_is_within_bounds():
    for name, row in FAMILIES.items():
        assert row.name == name
        assert replace(TrainConfig(), **row.training).batch >= 2


@pytest.mark.parametrize(("family", "knob", "value"), sorted(POINTS_ALONE))
def test_what_is_for_points_alone_is_refused_for_pictures(family, knob, value):
    config = {**tiny_config(family), knob: value}
    assert build(family, config, (2, 1, 1)).spec.range is None
    with pytest.raises(UsageError, match="points"):
        build(family, config, SHAPE)
