"""A stage learns, is judged beside its floors, and is made again from its set-up."""

from __future__ import annotations

import pytest
import torch

from engine.errors import UsageError
from engine.knobs import from_json
from engine.lab.presets import PRESETS
from engine.lab.setup import LabTraining, Setup
from engine.lab.stage import Stage, as_images
from engine.models.stack import FAMILY


def setup(name: str, recipe: str, **training) -> Setup:
    return Setup(name, "stack", {"recipe": recipe}, from_json(LabTraining, {"steps": 200, **training}))


def figures(stage: Stage) -> dict[str, tuple[float, float]]:
    return {figure.name: (figure.value, figure.floor) for figure in stage.figures()}


def test_a_coupling_flow_comes_near_the_banana():
    stage = Stage(setup("banana", "actnorm, 3 x (coupling(affine, 32, 32), swap)", steps=120))
    before = figures(stage)["gap"][0]
    stage.advance(120)
    after = figures(stage)
    assert before > 1.0
    assert 0 < after["gap"][0] < 0.2
    # The exact divergence and the cost of fresh points are two ways to one number.
    assert after["kl"][0] == pytest.approx(after["gap"][0], abs=0.03)
    assert after["nll"][1] == pytest.approx(stage.truth.entropy, abs=0.06)


@pytest.mark.slow
def test_no_linear_flow_of_any_depth_beats_a_gaussian_on_the_ring():
    """Whatever its depth: 1 + log 2 pi + half the log of the covariance's determinant."""
    stage = Stage(setup("ring8", "3 x linear", steps=400, learning_rate=0.02))
    stage.advance(400)
    assert figures(stage)["nll"][0] == pytest.approx(3.536, abs=0.03)


@pytest.mark.slow
def test_a_volume_preserving_flow_keeps_its_distance_from_the_square():
    stage = Stage(setup("square", "3 x (coupling(additive, 16), swap)", steps=300, learning_rate=0.01))
    stage.advance(300)
    nll, floor = figures(stage)["nll"]
    assert floor == pytest.approx(1.386, abs=1e-3)
    assert nll > 2.156187, "no map that keeps volumes costs less"


@pytest.mark.slow
def test_flow_matching_learns_without_a_likelihood():
    stage = Stage(setup("bumps", "ode(matching, 32, 32)", steps=300, learning_rate=0.01))
    stage.advance(300)
    assert "nats" not in stage.metrics
    found = figures(stage)
    assert found["gap"][0] < 0.2
    assert found["sliced_w1"][0] < 0.3
    assert (found["modes"], found["near"][1]) == ((2, 2), pytest.approx(0.9973, abs=1e-4))


def test_the_same_set_up_gives_the_same_stage_and_leaves_the_random_state_alone():
    state = torch.get_rng_state()
    stages = [Stage(setup("moons", "actnorm, 2 x (maf(8), swap)")) for _ in range(2)]
    for stage in stages:
        stage.advance(5)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(stages[0].samples(20), stages[1].samples(20))
    other = Stage(setup("moons", "actnorm, 2 x (maf(8), swap)", seed=1))
    other.advance(5)
    assert not torch.equal(stages[0].samples(20), other.samples(20))


def test_what_cannot_be_is_said():
    with pytest.raises(UsageError, match="truth must be one of"):
        Stage(Setup("donut"))
    with pytest.raises(UsageError, match="pictures and no points"):
        Stage(Setup("moons", "flow"))
    with pytest.raises(UsageError, match=r"The recipe, at character 1"):
        Stage(Setup("moons", "stack", {"recipe": "mov"}))


def test_numbers_that_run_away_end_the_step_and_keep_the_last_average():
    stage = Stage(setup("banana", "actnorm, coupling(affine, 8)"))
    stage.advance(3)
    kept = stage.samples(10)
    for parameter in stage.model.parameters():
        parameter.data.fill_(torch.nan)
    with pytest.raises(UsageError, match="at step 4"):
        stage.advance(1)
    assert torch.equal(stage.samples(10), kept)


def _stands(preset: str, name: str) -> bool:
    """On a line nothing can be swapped or split."""
    recipe = str(FAMILY.presets[preset].knobs["recipe"])
    return name == "banana" or not ("swap" in recipe or "coupling" in recipe)


PLACES = [(preset, name) for preset in FAMILY.presets for name in ("banana", "bumps") if _stands(preset, name)]


@pytest.mark.parametrize(("preset", "name"), PLACES)
def test_every_preset_trains_traces_and_inverts(preset, name):
    stage = Stage(Setup(name, "stack", FAMILY.presets[preset].knobs))
    stage.advance(2)
    z = stage.shown.sample_codes(6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        trace = stage.shown.trace(z)
        assert len(trace) == len(stage.shown.trace_words()) + 1
        assert torch.equal(trace[0], as_images(z))
        assert torch.equal(trace[-1], stage.shown.decode(z))
        assert (stage.shown.encode(trace[-1]) - z).abs().max() < 2e-3


def test_a_generator_that_steps_more_often_meets_the_same_discriminator():
    stage = Stage(
        Setup("ring8", "gan", {"width": 8, "discriminator_width": 8}, from_json(LabTraining, {"generator_steps": 5}))
    )
    judged = []
    for _ in range(11):
        stage.advance()
        judged.append("discriminator_loss" in stage.metrics)
        assert "generator_loss" in stage.metrics
    assert judged == [index % 5 == 0 for index in range(11)]


def test_a_fit_to_a_density_starts_where_it_is_told():
    begun = [Stage(setup("bumps", "actnorm", fit="density", start=start)).samples(4000).mean() for start in (-3.0, 2.0)]
    assert begun == [pytest.approx(-3.0, abs=0.3), pytest.approx(2.0, abs=0.3)]


@pytest.mark.parametrize("name", ["mmd", "sinkhorn"])
def test_objectives_without_a_discriminator_bring_samples_nearer(name):
    row = PRESETS[f"gan-{name}"]
    stage = Stage(Setup("normal2", "gan", {**row.knobs, "width": 16}, LabTraining(steps=80, batch=64, ema=0.9)))
    assert stage.model.critic(as_images(stage.fresh())) is None
    before = figures(stage)["sliced_w1"][0]
    stage.advance(80)
    assert figures(stage)["sliced_w1"][0] < 0.7 * before
    assert set(stage.model.training_networks()) == {"generator"}


def test_samples_of_a_vae_have_the_noise_of_its_density():
    stage = Stage(Setup("bumps", "vae", {"code": 1, "width": 16, "likelihood": "gaussian-fixed", "sigma": 2.0}))
    drawn = stage.samples(4000)
    assert float(drawn.var()) > 3.0, "what is decoded alone hardly varies yet"
    assert abs(figures(stage)["nll"][0] + float(stage.log_density(stage.fresh()).mean())) < 1e-3
