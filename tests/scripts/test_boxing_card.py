"""The command of a card makes the run it stands beside, and the table says what was measured."""

from __future__ import annotations

import json
import shlex

import pytest
from boxing.card import headline, shown, table_of_samples, table_of_test
from boxing.kinds import KINDS, kind_of
from boxing.reproduce import box_command, hours, train_command, training_seconds

from engine.cli import main
from engine.runs import directory as runs
from tests.contract.tiny import folder_of_pictures, settings


@pytest.mark.slow
def test_the_command_makes_a_run_of_the_same_config(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_LOOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LATENT_LOOM_CACHE", str(tmp_path / "cache"))
    folder_of_pictures(tmp_path / "faces", 24)
    monkeypatch.chdir(tmp_path)
    first = ["--data", "./faces", "--run", "first", "--size", "32", "--steps", "2", "--set", "batch=4"]
    assert main(["train", "--family", "vae", *first, *settings("vae"), "--set", "flip=off", "--device", "cpu"]) == 0
    config = runs.read_config(tmp_path / "first")
    command = train_command(config, ".", "second")
    assert str(tmp_path) not in command
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:2] == ["latent-loom", "train"]
    assert main([*words[1:], "--device", "cpu"]) == 0
    again = runs.read_config(tmp_path / "second")
    assert (again.family, again.model, again.image_shape) == (config.family, config.model, config.image_shape)
    assert dict(again.training) == dict(config.training)
    assert again.fingerprint == config.fingerprint


def test_names_with_spaces_stay_one_word():
    command = box_command("box_model.py", {"title": "Faces Glow 64", "quick": ""}, "runs/a b")
    assert shlex.split(command) == ["python", "scripts/box_model.py", "runs/a b", "--title", "Faces Glow 64", "--quick"]


def test_the_time_of_a_run_is_that_of_its_steps(tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps(
            {
                "schema": 1,
                "family": "vae",
                "model": {},
                "training": {"batch": 10},
                "data": "d",
                "labels": None,
                "fingerprint": "f",
                "image_shape": [3, 32, 32],
                "title": "",
            }
        )
    )
    rows = [
        {"step": 100, "images_per_second": 50.0},
        {"step": 100, "loss": 1.0},
        {"step": 300, "images_per_second": 25.0},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert training_seconds(tmp_path) == pytest.approx(100 * 10 / 50 + 200 * 10 / 25)
    assert [hours(s) for s in (12, 400, 6000)] == ["12 s", "7 min", "1 h 40 min"]


def test_every_data_set_in_the_box_has_terms_and_unknown_ones_are_refused():
    assert kind_of("celeba64").licence == "research only"
    assert kind_of("cartoons64").licence == kind_of("train-images-idx3-ubyte").licence == "free"
    assert not kind_of("train-images-idx3-ubyte").attributes
    for kind in KINDS:
        titles = tuple(kind.attributes.values())
        assert set(kind.shown) <= set(titles)
        assert set(kind.aims) <= set(titles)
    with pytest.raises(SystemExit, match="terms"):
        kind_of("holiday")


FOUND = {
    "test": {"bits_per_dim": {"mean": 1.483, "low": 1.476, "high": 1.490, "n": 1527, "bits": 5, "density": "exact"}},
    "samples": {
        "1": {"swd_64": {"mean": 44.94, "low": 44.0, "high": 46.0, "n": 1024}, "not_finite": {"mean": 0, "n": 10_000}},
        "0.7": {"swd_64": {"mean": 37.8, "low": 37.0, "high": 38.0, "n": 1024}},
    },
    "diagnostics": {
        "1": {"recall": {"mean": 0.412, "low": 0.39, "high": 0.43}, "recall_real": {"mean": 0.7}},
        "0.7": {},
    },
}
FLAT = {
    "test": {"psnr_db": {"mean": 22.61}, "bits_per_dim": {"mean": 6.4, "bits": 8}},
    "samples": {"1": {"swd_64": {"mean": 101.5}}},
    "diagnostics": {"1": {"recall": {"mean": 0.17}}},
}


def test_the_table_of_samples_puts_each_figure_beside_pca_and_real_pictures():
    table = table_of_samples(FOUND, FLAT, {"swd_64": {"mean": 9.0}})
    lines = table.splitlines()
    assert lines[0] == "| samples | T = 1 | T = 0.7 | PCA-128, T = 1 | real pictures |"
    assert "| SWD x 1000 at 64 px (lower) | 44.9 (44.0 to 46.0) | 37.8 (37.0 to 38.0) | 101.5 | 9.0 |" in lines
    assert "| recall, own features (higher) | 0.41 (0.39 to 0.43) | - | 0.17 | 0.70 |" in lines
    assert "| samples with a number that is not finite | 0, n = 10,000 | - | - | - |" in lines
    assert len(lines) == 2 + 3
    alone = table_of_samples(FOUND, None, {})
    assert "PCA-128" not in alone
    assert "| SWD x 1000 at 64 px (lower) | 44.9 (44.0 to 46.0) | 37.8 (37.0 to 38.0) | - |" in alone


def test_bits_of_other_depths_are_not_put_side_by_side():
    table = table_of_test(FOUND, FLAT)
    assert "| bits/dim at 5 bits, exact (lower) | 1.483 (1.476 to 1.490), n = 1,527 | - |" in table


def test_a_list_shows_one_figure_of_each_kind_of_model():
    assert headline(FOUND) == "1.483 bits/dim at 5 bits"
    assert headline(FLAT) == "22.6 dB"
    assert (
        headline({"test": {}, "samples": {"1": {"swd_64": {"mean": 40.4}, "swd_32": {"mean": 35.0}}}}) == "SWD 40 / 35"
    )
    assert shown(None) == shown({"mean": None}) == "-"
