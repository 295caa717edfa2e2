"""`latent-loom lab`: an experiment in one line, and what it refuses."""

from __future__ import annotations

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
        (("moons", "--seeds", "0"), "--seeds must be between"),
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
