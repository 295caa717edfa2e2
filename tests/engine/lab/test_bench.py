"""Stages on one clock: the same batches, moments that can be gone back to, and what happens when numbers run away."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.errors import Cancelled, UsageError
from engine.knobs import from_json
from engine.lab.bench import MOMENTS, Bench
from engine.lab.response import FixedLoss, best_response
from engine.lab.seen import BenchSeen, MapRequest, Span
from engine.lab.setup import LabTraining, Pace, Setup, with_seeds
from engine.lab.viewer import Viewer, truth_info
from engine.progress import SILENT, Progress

FLOW = {"recipe": "actnorm, 2 x (coupling(affine, 16, 16), swap)"}
GAN = {"code": 2, "width": 16, "discriminator_width": 16, "regulariser": "none"}
VIEW = Span(-3.0, 3.0, -3.0, 3.0)


def setup(family: str = "stack", truth: str = "ring8", **training) -> Setup:
    knobs = FLOW if family == "stack" else GAN
    return Setup(truth, family, knobs, from_json(LabTraining, {"steps": 400, "batch": 64, **training}))


def steps(bench: Bench, count: int) -> BenchSeen:
    for _ in range(count):
        bench.step()
    return bench.seen()


def test_two_stages_learn_from_the_same_batches():
    bench = Bench([setup(), setup("gan", learning_rate=1e-3)])
    steps(bench, 5)
    one, other = (stage.batch() for stage in bench.stages)
    assert torch.equal(one, other)
    twins = steps(Bench([setup(), setup()]), 5).stages
    assert np.array_equal(twins[0].trace, twins[1].trace)


def test_a_way_keeps_its_beginning_its_end_and_no_more_moments_than_fit():
    light = from_json(LabTraining, {"steps": 10_000, "batch": 8, "learning_rate": 0.01})
    bench = Bench([Setup("ring8", "stack", {"recipe": "diagonal"}, light)])
    first = bench.seen().stages[0].trace
    for _ in range(2 * MOMENTS):
        bench.step()
        last = bench.seen()
    assert (last.kept[0], last.kept[-1]) == (0, 2 * MOMENTS)
    assert MOMENTS / 3 < len(last.kept) <= MOMENTS + 1
    back = Viewer(bench).draw(MapRequest(0, 0, ("trace",), VIEW, 8)).trace
    assert np.array_equal(back, first)
    assert not np.allclose(back[-1], last.stages[0].trace[-1], atol=0.05)


def test_numbers_that_run_away_end_one_stage_with_a_sentence_and_its_last_good_points():
    wild = {"recipe": "5 x (coupling(affine, 32, 32), swap)"}
    bench = Bench([Setup("ring8", "stack", wild, LabTraining(learning_rate=1.0)), setup()])
    for _ in range(30):
        bench.step()
        seen = bench.seen()
    lost, fine = seen.stages
    assert "lower the learning rate" in lost.problem
    assert np.isfinite(lost.trace).all()
    assert lost.step < fine.step == 30
    assert not fine.problem


def test_one_network_learns_by_itself():
    bench = Bench([setup("gan")])
    model = bench.stages[0].model
    generator = [one.clone() for one in model.generator.parameters()]
    judge = [one.clone() for one in model.discriminator.parameters()]
    bench.step(only="discriminator")
    assert all(map(torch.equal, generator, model.generator.parameters()))
    assert not all(map(torch.equal, judge, model.discriminator.parameters()))
    judge = [one.clone() for one in model.discriminator.parameters()]
    bench.step(only="generator")
    assert all(map(torch.equal, judge, model.discriminator.parameters()))
    assert not all(map(torch.equal, generator, model.generator.parameters()))


def test_it_plays_until_it_is_asked_to_stop_and_shows_what_it_reached():
    bench, shown = Bench([setup(steps=100_000)]), []

    def check() -> None:
        if bench.clock >= 7:
            raise Cancelled

    with pytest.raises(Cancelled):
        bench.play(Pace(), Progress(check), shown.append)
    assert shown[-1].clock == bench.clock == 7
    done = Bench([setup(steps=3)])
    assert done.play(Pace(), SILENT, shown.append).done
    assert done.clock == 3


@pytest.mark.parametrize("family", ["stack", "gan"])
def test_a_density_holds_all_of_its_mass(family: str):
    bench = Bench([setup(family, "normal2")])
    steps(bench, 3)
    wide = Span(-9.0, 9.0, -6.0, 6.0)
    found = Viewer(bench).draw(MapRequest(0, 3, ("density", "truth"), wide, 96))
    drawn = bench.stages[0].samples(8192, seed=5)
    within = ((drawn[:, 0].abs() < 9) & (drawn[:, 1].abs() < 6)).float().mean()
    for name, mass in (("density", float(within)), ("truth", 1.0)):
        values = found.maps[name].values
        assert values.shape[1] == 1.5 * values.shape[0]
        assert float(values.mean()) * 18 * 12 == pytest.approx(mass, abs=0.03)
    assert (found.maps["density"].sigma > 0) == (family == "gan")


def test_the_grid_of_the_code_is_straight_and_a_point_is_known_as_the_map_knows_it():
    bench = Bench([setup(steps=100)])
    steps(bench, 20)
    viewer = Viewer(bench)
    found = viewer.draw(MapRequest(0, 20, ("grid", "density"), VIEW, 48))
    code = found.grid[0]
    assert np.ptp(code[0, :, 0]) == 0
    assert np.ptp(found.grid[-1][0, :, 0]) > 0.01
    row, column = 30, 11
    middle = (-3 + 6 / 48 * (column + 0.5), -3 + 6 / 48 * (row + 0.5))
    probe = viewer.probe(0, 20, middle)
    assert probe.q == pytest.approx(float(found.maps["density"].values[row, column]), rel=1e-4)
    assert len(probe.code) == 2


def test_a_critic_is_drawn_about_what_it_says_where_it_cannot_tell():
    bench = Bench([setup("gan"), Setup("ring8", "gan", {**GAN, "objective": "wgan"}, LabTraining())])
    viewer = Viewer(bench)
    said = [viewer.draw(MapRequest(index, 0, ("critic",), VIEW, 24)).maps["critic"] for index in (0, 1)]
    assert (said[0].low, said[0].even, said[0].high) == (0.0, 0.5, 1.0)
    assert said[1].even == pytest.approx((said[1].low + said[1].high) / 2)


def test_a_truth_is_listed_with_its_peak_and_its_modes():
    info = truth_info("ring8")
    # One bump of eight, of sigma 0.1.
    assert info.peak == pytest.approx(1 / (8 * 2 * np.pi * 0.01), rel=0.02)
    assert info.centres.shape == (8, 2)
    assert np.allclose(np.hypot(*info.centres.T), 2.0)


def test_five_seeds_are_five_of_luck_and_the_first_is_the_one_alone():
    one = setup("gan", seed=3)
    five, alone = Bench(with_seeds(one, 5)), Bench([one])
    seen = steps(five, 4)
    assert [stage.setup.training.seed for stage in five.stages] == [3, 4, 5, 6, 7]
    last = [stage.trace[-1] for stage in seen.stages]
    assert len({trace.tobytes() for trace in last}) == 5
    assert sum(map(len, last)) <= 2 * len(alone.seen().stages[0].trace[-1]), "showing five costs what showing two does"
    assert np.array_equal(last[0], steps(alone, 4).stages[0].trace[-1][: five.samples])
    back = Viewer(five).draw(MapRequest(4, 4, ("trace",), VIEW, 8)).trace
    assert np.array_equal(back[-1], last[4])


@pytest.mark.parametrize(
    ("seed", "count", "said"), [(0, 0, "between 1 and 100"), (0, 101, "got 101"), (2**31 - 2, 3, "smaller one")]
)
def test_seeds_that_no_bench_holds_are_said(seed, count, said):
    with pytest.raises(UsageError, match=said):
        with_seeds(setup(seed=seed), count)


def test_a_difference_is_the_model_less_the_truth_both_spread_alike():
    bench = Bench([setup(truth="normal2"), setup("gan", "normal2")])
    viewer = Viewer(bench)
    wide = Span(-6.0, 6.0, -6.0, 6.0)
    exact = viewer.draw(MapRequest(0, 0, ("density", "difference", "truth"), wide, 48)).maps
    row, column = 20, 27
    here = tuple(-6 + 12 / 48 * (at + 0.5) for at in (column, row))
    found = viewer.probe(0, 0, here)
    assert exact["difference"].values[row, column] == pytest.approx(found.q - found.p, abs=1e-6)
    assert exact["difference"].sigma == 0
    spread = viewer.draw(MapRequest(1, 0, ("density", "difference"), wide, 48)).maps
    sigma = spread["difference"].sigma
    assert sigma > 0
    # A normal that is spread by a normal is one of the summed variances.
    own = 1 + sigma**2
    truth = math.exp(-0.5 * (here[0] ** 2 + here[1] ** 2) / own) / (2 * math.pi * own)
    apart = spread["density"].values[row, column] - truth
    assert spread["difference"].values[row, column] == pytest.approx(apart, abs=1e-5)


def test_arrows_are_those_of_the_samples_on_show_and_of_a_field():
    bench = Bench([setup("gan"), Setup("ring8", "stack", {"recipe": "ode(matching, 8)"}, LabTraining())])
    one, other = bench.info()
    assert {"critic", "gradient"} <= one.shows
    assert "field" not in one.shows
    assert "field" in other.shows
    assert not {"critic", "gradient"} & other.shows
    steps(bench, 20)
    viewer = Viewer(bench)
    pulled = viewer.draw(MapRequest(0, 20, ("gradient",), VIEW, 48)).arrows["gradient"]
    assert np.array_equal(pulled.at, bench.seen().stages[0].trace[-1][: len(pulled.at)])
    assert (np.abs(pulled.along).sum(1) > 0).all()
    field = [viewer.draw(MapRequest(1, 20, ("field",), VIEW, 48, depth)).arrows["field"] for depth in (0.0, 1.0)]
    assert np.array_equal(field[0].at, field[1].at)
    assert not np.array_equal(field[0].along, field[1].along)
    assert viewer.draw(MapRequest(0, 20, ("field",), VIEW, 48)).arrows == {}


def test_looking_at_a_bench_changes_nothing_of_what_it_learns():
    knobs = {**GAN, "regulariser": "spectral"}
    stages = [Setup("ring8", "gan", knobs, LabTraining(steps=50, batch=32))]
    plain, looked = Bench(stages), Bench(stages)
    steps(plain, 8)
    for _ in range(4):
        looked.info()
        steps(looked, 2)
        Viewer(looked).draw(MapRequest(0, looked.clock, ("critic", "gradient", "difference"), VIEW, 24))
    assert np.array_equal(plain.seen().stages[0].trace, looked.seen().stages[0].trace)


def test_a_probe_knows_by_how_much_the_code_is_stretched():
    bench = Bench([Setup("normal2", "stack", {"recipe": "diagonal"}, LabTraining())])
    with torch.no_grad():
        for weight in bench.stages[0].shown.parameters():
            weight.fill_(0.25)
    bench.seen()
    viewer = Viewer(bench)
    probe = viewer.probe(0, 0, (0.3, -0.2))
    codes = [viewer.probe(0, 0, (x, -0.2)).code[0] for x in (0.3, 1.3)]
    # A layer of scales: both coordinates are stretched alike.
    assert probe.log_det == pytest.approx(2 * math.log(abs(codes[1] - codes[0])), abs=1e-4)
    assert abs(probe.log_det) > 0.1


def test_slow_motion_is_the_same_step_told_part_by_part(monkeypatch):
    monkeypatch.setattr("engine.lab.bench.PART_SECONDS", 0.0)
    monkeypatch.setattr("engine.lab.bench.Bench._wait", lambda *_: None)
    gan = Setup(
        "ring8", "gan", {"code": 2, "width": 8, "discriminator_width": 8}, LabTraining(steps=2, batch=16, ema=0.0)
    )
    flow = Setup("ring8", "stack", {"recipe": "actnorm"}, LabTraining(steps=2, batch=16))
    slow, quick, told = Bench([gan, flow]), Bench([gan, flow]), []
    slow.play(Pace(1.0), SILENT, lambda seen: told.append((seen, slow.moment(seen.clock))))
    quick.play(Pace(), SILENT, lambda seen: None)
    assert all(
        np.array_equal(one.trace, other.trace)
        for one, other in zip(slow.seen().stages, quick.seen().stages, strict=True)
    )
    parts = [[(stage.part.partition(":")[0]) for stage in seen.stages] for seen, _ in told]
    first = [a or b for a, b in parts[: parts.index(["", ""])]]
    assert first == [
        *("draws codes", "judges", "discriminator step", "judges", "generator step"),
        *("draws points", "judges", "model step"),
    ]
    # Each part has its own weights: after the discriminator's step those of the discriminator are others.
    before, after = (moment.stages[0][0] for _, moment in told[1:3])
    assert not torch.equal(before, after)
    # Nothing amid a step is kept to go back to.
    assert slow.kept() == (0, 1, 2)


def test_a_best_response_holds_the_other_network_until_the_loss_is_still(monkeypatch):
    gan = Setup("ring8", "gan", {"code": 2, "width": 8, "discriminator_width": 8}, LabTraining(batch=16, seed=1))
    bench, shown = Bench([gan, Setup("ring8", "stack", {"recipe": "actnorm"})]), []
    held = {name: value.clone() for name, value in bench.stages[0].model.generator.state_dict().items()}
    monkeypatch.setattr("engine.lab.response.STILL", 0.05)
    found = best_response(bench, "discriminator", SILENT, shown.append)
    assert found.settled
    assert found.moved < 0.05
    assert (found.steps, found.steps % 10) == (bench.clock, 0)
    assert found.steps >= 190
    assert shown
    assert all(torch.equal(held[name], value) for name, value in bench.stages[0].model.generator.state_dict().items())
    # The flow has no such network, and waited.
    assert bench.stages[1].step == 0
    # Looking at the loss changes nothing, and repeats.
    looks = []
    for _ in range(2):
        fixed = FixedLoss("generator")
        bench.stages[0].model.training_step(bench.stages[0].batch()[:4] * 0, fixed)
        looks.append(fixed.value)
    assert looks[0] == looks[1]
    # Where it is never still there is an end, and where nobody has such a network a sentence.
    monkeypatch.setattr("engine.lab.response.STILL", -1.0)
    monkeypatch.setattr("engine.lab.response.MOST_STEPS", 30)
    found = best_response(bench, "generator", SILENT, shown.append)
    assert (found.steps, found.settled) == (30, False)
    with pytest.raises(UsageError, match="No stage here has a critic"):
        best_response(bench, "critic", SILENT, shown.append)


def test_a_best_response_waits_for_no_stage_that_ran_away(monkeypatch):
    gan = Setup("ring8", "gan", {"code": 2, "width": 8, "discriminator_width": 8}, LabTraining(batch=16))
    bench = Bench([gan, gan])
    with torch.no_grad():
        next(bench.stages[0].model.discriminator.parameters()).fill_(float("nan"))
    bench.seen()
    assert bench.ended(0)
    monkeypatch.setattr("engine.lab.response.STILL", 0.05)
    found = best_response(bench, "discriminator", SILENT, lambda seen: None)
    assert found.settled
    assert 0.0 <= found.moved < 0.05
