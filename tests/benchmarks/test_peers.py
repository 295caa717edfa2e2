"""The comparison with others: textbook codes do the same work as ours, and whoever is missing is told."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch

from engine.errors import UserError
from tests.benchmarks import command, dcgan_case, floor, glow_case, growth, ours, peers, plane_case, rounds, vae_case
from tests.benchmarks.contestant import ENCODE, SAMPLE, TRAIN, TRAIN_BFLOAT16, Case, Extent, Missing, reference
from tests.quick import quick

GLOW = Extent(side=16, batch=2, width=8, depth=2, levels=2)
GAN = Extent(side=16, batch=4, width=8, code=8)
VAE = Extent(side=16, batch=2, width=8, code=8)
CASES = {"glow": glow_case.case("glow", GLOW), "gan": dcgan_case.case("gan", GAN), "vae": vae_case.case("vae", VAE)}


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has none of the packages of others."""

    def absent(module: str, package: str, version: str) -> None:
        raise Missing(f"{package} {version} is not here.")

    for case in (glow_case, plane_case, vae_case):
        monkeypatch.setattr(case, "peer", absent)


def test_textbook_glow_with_our_weights_is_our_function():
    model = glow_case._built(GLOW)
    book = reference("glow").Glow(levels=2, depth=2, hidden=8, side=16, ours=True)
    book.load_state_dict(model.state_dict())
    images = ours.pictures(3, 16)
    with torch.no_grad():
        codes, log_det = book(images)
        flat = torch.cat([part.flatten(1) for part in codes], 1)
        assert torch.allclose(flat, model.encode(images), atol=1e-4)
        density = log_det - 0.5 * (flat**2 + math.log(2 * math.pi)).sum(1)
        assert torch.allclose(density, model.log_prob(images), rtol=1e-4)
        drawn = book.inverse(book.split(0.8 * flat))
        assert torch.allclose(drawn, model.decode(0.8 * flat), atol=1e-4)
        assert torch.allclose(drawn, ours.frozen(model.eval()).decode(0.8 * flat), atol=1e-4)
        assert drawn.std() > 0.05


@pytest.mark.slow
def test_textbook_glow_loses_nothing_on_its_way_back_and_learns():
    book = reference("glow")
    torch.manual_seed(0)
    model = book.Glow(levels=2, depth=2, hidden=8, side=16)
    adam = torch.optim.Adam(model.parameters(), lr=1e-2)
    images = ours.pictures(8, 16)
    losses = [book.step(model, adam, images).item() for _ in range(12)]
    assert losses[-1] < losses[0] - 0.1
    with torch.no_grad():
        assert float((model.inverse(model(images)[0]) - images).abs().max()) < 1e-4


def test_textbook_generator_is_ours_with_its_weights():
    case, missing = peers.gathered(CASES["gan"])
    assert missing == []
    assert peers.agreement(case)["ours and textbook"] < 1e-5
    assert case["textbook"].draw().std() > 1e-3
    # Three biases of the last layer are all that ours has more.
    assert case["ours"].parameters - case["textbook"].parameters == 3
    assert case["ours, our discriminator"].parameters - case["textbook, our discriminator"].parameters == 3


@pytest.mark.parametrize("name", quick(CASES, "gan"))
@pytest.mark.slow
def test_a_case_is_measured_without_the_packages_of_others(name: str):
    case = CASES[name]
    found = peers.run_case(case, rounds=2, shortest_seconds=0.0)
    expected = {"glow": "normflows 1.7.3", "vae": "pythae 0.1.2"}.get(name)
    assert all(expected in sentence and sentence.endswith("not here.") for sentence in found["missing"])
    assert bool(found["missing"]) == (expected is not None)
    assert found["contestants"]["ours"]["ours"]
    assert "textbook" in found["contestants"]
    steps = found["operations"][TRAIN]
    assert steps["ours"]["cpu_best_ms"] <= steps["ours"]["cpu_ms"]
    assert steps["ours"]["wall_best_ms"] > 0
    assert steps[peers.FLOOR]["gigaflop"] > 0
    if name != "vae":
        # Only those who do the same work are held against each other.
        assert steps["ours"]["times_faster_wall"] > 0
        assert found["operations"][TRAIN_BFLOAT16]["ours"]["times_faster_cpu"] > 0
        assert steps["textbook"]["times_floor_wall"] > 0
    else:
        assert "times_faster_wall" not in steps["ours"]
    assert (ENCODE in found["operations"]) == (name != "gan")
    assert "times_faster_wall" not in steps["textbook"]
    json.dumps(found)
    text = "\n".join(peers.lines({"threads": 1, "rounds": 2, "cases": {name: found}}))
    assert all(who in text for who in found["contestants"])
    assert all(sentence in text for sentence in found["missing"])


def test_contestants_that_draw_other_pictures_are_not_compared():
    case, _ = peers.gathered(CASES["gan"])
    wrong = replace(case["ours"], draw=lambda: case["textbook"].draw() + 0.01)
    with pytest.raises(UserError, match="draw different pictures"):
        peers.agreement({**case, "ours": wrong})


@pytest.mark.parametrize("benchmark", [growth, peers])
def test_a_case_that_is_not_there_is_refused_by_naming_those_that_are(benchmark, capsys):
    with pytest.raises(SystemExit) as left:
        command.run(benchmark, ["--only", "nothing"])
    assert left.value.code == 2
    assert next(iter(benchmark.CASES)) in capsys.readouterr().err


def test_the_command_prints_one_object(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(growth, "compare", lambda **asked: {"threads": asked["threads"], "rows": {}})
    monkeypatch.setattr(growth, "lines", lambda found: [f"{found['threads']} thread(s)"])
    assert command.run(growth, ["--threads", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["threads"] == 3
    assert command.run(growth, ["--threads", "3"]) == 0
    assert "3 thread(s)" in capsys.readouterr().out


def test_a_row_of_growth_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch):
    program = growth.ALONE.format(name="vae 32 px", threads=1, batch=2)
    assert program.startswith("from tests.benchmarks.growth import")
    monkeypatch.setattr(growth, "ALONE", 'print(\'{{"parameters": 5, "name": "{name}"}}\')')
    assert growth.compare(threads=1, quick=True, batch=2)["rows"]["vae 32 px"]["name"] == "vae 32 px"


def test_ratios_are_taken_within_a_round_against_the_best_other():
    # The machine is twice as slow in the second round; ours is always half of the best other.
    assert rounds.ratios([[4.0, 8.0, 4.0], [5.0, 9.0, 3.0]], [2.0, 4.0, 1.5]) == 2.0


def test_rounds_turn_and_count():
    order: list[str] = []
    works = {name: (lambda n=name: order.append(n)) for name in "abc"}
    found = rounds.interleaved(works, 3, shortest_seconds=0.0)
    assert [len(timing.wall_ms) for timing in found.values()] == [3, 3, 3]
    assert order[-9:] == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]


@pytest.mark.slow
def test_the_floor_counts_each_convolution_of_both_ways():
    conv = torch.nn.Conv2d(3, 8, 3, padding=1)
    images = torch.randn(2, 3, 16, 16)

    def forward() -> torch.Tensor:
        return conv(conv.bias.new_zeros(2, 3, 16, 16) + images)

    calls = floor.convolutions(forward)
    assert sum(calls.values()) == 1
    assert floor.gigaflops(forward) == pytest.approx(2 * 2 * 8 * 16 * 16 * 3 * 9 / 1e9)
    both = floor.convolutions(lambda: forward().sum().backward())
    assert sorted(call.operator for call in both) == sorted(floor.CONVOLUTIONS)
    assert floor.alone(both, repetitions=1)["wall_best_ms"] > 0


def test_sampling_draws_anew_each_time():
    contestant = Case("gan", GAN, CASES["gan"].contestants).contestants["ours"](GAN)
    draw = contestant.operations[SAMPLE]()
    assert not torch.equal(draw(), draw())


@pytest.mark.parametrize("kind", plane_case.RECIPES)
def test_flows_of_the_plane_are_measured_here_and_others_are_told_to_be_missing(kind: str):
    case = plane_case.case("plane", kind, width=8, depth=2, batch=16)
    contestants, missing = peers.gathered(case)
    assert set(contestants) == {"ours"}
    assert len(missing) == len(case.contestants) - 1
    for name, make in contestants["ours"].operations.items():
        assert name in case.extent.operations
        make()()
