"""`latent-loom lab`: an experiment in one line, and what it refuses."""

from __future__ import annotations

import math

import pytest

from engine.lab.presets import PRESETS
from engine.lab.setup import Setup
from engine.lab.stage import Stage
from tests.commands.answers import one_object, one_sentence


def test_an_experiment_in_one_line_gives_each_figure_with_its_floor(call):
    found = one_object(call("lab", "ring8", "--preset", "gan-hinge", "--steps", 6, "--seeds", 2, "--json"))
    assert (found["truth"], found["family"], found["steps"]) == ("ring8", "gan", 6)
    assert found["knobs"]["objective"] == "hinge"
    assert [row["seed"] for row in found["seeds"]] == [0, 1]
    for row in found["seeds"]:
        assert row["figures"]["modes"]["floor"] == 8
        assert 0.98 < row["figures"]["near"]["floor"] < 0.99
        assert row["figures"]["sliced_w1"]["value"] > row["figures"]["sliced_w1"]["floor"] > 0
    assert found["seeds"][0]["figures"] != found["seeds"][1]["figures"]


def test_a_file_of_ones_own_is_learned_and_held_against_an_estimate(call, tmp_path):
    path = tmp_path / "heights.csv"
    path.write_text("cm\n" + "".join(f"{170 + 10 * math.sin(1.7 * index):.2f}\n" for index in range(200)))
    line = ("lab", path, "--family", "stack", "--set", "recipe=diagonal", "--steps", 20)
    found = one_object(call(*line, "--json"))
    assert found["truth"] == f"csv:{path}"
    assert found["columns"] == ["cm"]
    assert found["shift"][0] == pytest.approx(170, abs=1)
    assert "density is an estimate" in found["note"]
    _, out, _ = call(*line)
    assert "stack on heights" in out
    assert "the estimate" in out
    assert "a perfect model" not in out
    path.write_text("cm\ntall\n")
    assert "'tall' in line 2 of heights.csv" in one_sentence(call(*line), 2)
    assert "cannot be read" in one_sentence(call("lab", tmp_path / "gone.csv"), 2)


def test_a_drawing_is_learned(call):
    found = one_object(call("lab", "drawn:-1,0,1,.3;1,0,2,.3", "--family", "gan", "--steps", 2, "--json"))
    assert found["seeds"][0]["figures"]["sliced_w1"]["floor"] > 0
    assert "note" not in found
    assert "width of stamp 1" in one_sentence(call("lab", "drawn:0,0,1,0"), 2)


def test_people_are_told_in_a_table(call):
    _, out, err = call("lab", "narrow", "--family", "stack", "--set", "recipe=diagonal", "--steps", 30)
    assert not err
    assert "a perfect model" in out
    assert "Above the floor" in out


def test_a_setting_overrides_the_preset(call):
    line = (
        "lab",
        "bumps",
        "--preset",
        "flow-maf",
        "--set",
        "recipe=actnorm",
        "--set",
        "batch=16",
        "--steps",
        3,
        "--json",
    )
    assert one_object(call(*line))["knobs"]["recipe"] == "actnorm"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("donut",), "donut"),
        (("moons", "--set", "recipe=mov"), "at character 1"),
        (("bumps", "--preset", "flow-realnvp"), "at least 2 coordinates"),
        (("moons", "--set", "depth=3"), "unknown knob 'depth'"),
        (("moons", "--set", "learning_rate=1e9"), "learning_rate must be between"),
        (("moons", "--steps", "0"), "steps must be between"),
        (("moons", "--seeds", "0"), "seeds must be between"),
        ((), "Name a truth"),
        (("--lesson", "nothing"), "averaging"),
        (("moons", "--lesson", "cycling"), "leave truth, preset"),
        (("--lesson", "cycling", "--set", "width=8"), "leave truth, preset"),
        (("moons", "--quick"), "--quick is for a lesson"),
        (("moons", "--set", "optimiser=lion"), "optimiser must be one of adam, rmsprop, sgd"),
        (("checkerboard", "--set", "fit=density"), "no slope"),
        (("moons", "--preset", "gan-hinge", "--set", "fit=density"), "Only a flow"),
        (("moons", "--preset", "gan-hinge", "--family", "stack"), "leave --family out"),
        (("moons", "--preset", "gan-hinge", "--set", "augment=on"), "switch augment off"),
    ],
)
def test_what_it_cannot_do_is_refused_with_status_2(call, line, said):
    assert said in one_sentence(call("lab", *line), 2)


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_makes_a_stage(name):
    row = PRESETS[name]
    stage = Stage(Setup("moons", row.family, row.knobs))
    assert stage.samples(3).shape == (3, 2)


def test_a_lesson_proves_its_numbers(call):
    found = one_object(call("lab", "--lesson", "cycling", "--json"))
    assert (found["number"], found["holds"]) == ("L4", True)
    assert found["numbers"]["growth"]["value"] == pytest.approx(144.77, abs=0.01)
    assert "sqrt(1 + eta^2)" in found["erratum"]
    _, out, err = call("lab", "--lesson", "cycling")
    assert not err
    assert "On the slide" in out
    assert "DOES NOT HOLD" not in out


def test_long_numbers_can_be_left_out(call):
    found = one_object(call("lab", "--lesson", "banana", "--quick", "--json"))
    assert set(found["numbers"]) == {"floor"}
    assert found["stages"][0]["truth"] == "banana"


@pytest.mark.parametrize("optimiser", ["rmsprop", "sgd"])
def test_other_optimisers_learn_on_a_stage(call, optimiser):
    rate = {"rmsprop": 0.05, "sgd": 0.05}[optimiser]
    line = ("lab", "narrow", "--set", "recipe=diagonal", "--family", "stack", "--set", f"optimiser={optimiser}")
    more = ("--set", f"learning_rate={rate}", "--set", "momentum=0.5", "--set", "ema=0.9", "--steps", 300, "--json")
    figures = one_object(call(*line, *more))["seeds"][0]["figures"]
    assert figures["gap"]["value"] < 0.5


def test_the_labs_speed_is_measured_for_a_preset_of_each_family(call, monkeypatch):
    few = {name: PRESETS[name] for name in ("flow-nice", "gan-hinge", "vae-line")}
    monkeypatch.setattr("engine.lab.timing.PRESETS", few)
    found = one_object(call("bench", "--lab", "--quick", "--json"))
    assert set(found["presets"]) == {"flow-nice", "gan-hinge", "vae-line"}
    for row in found["presets"].values():
        assert 0 < row["of_five_seeds"] < row["steps_per_second"]
        assert row["density_ms"]["p50_ms"] > 0
