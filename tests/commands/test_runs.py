"""The library of runs on a terminal, and a run that starts from another one's checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.library import home_folder
from engine.runs import directory as runs
from engine.runs import library as run_library
from tests.contract.tiny import folder_of_pictures, save, settings


@pytest.fixture
def shelf(_own_folders: None) -> Path:
    folder = home_folder() / "runs"
    for index, title in enumerate(("Night", "Day")):
        run = folder / f"0000{index}-vae-x"
        config = runs.RunConfig("vae", {"beta": 1.0 + index}, {"steps": 9}, "d.zip", None, "f", (3, 32, 32), title)
        runs.create(run, config)
        runs.write_status(run, "done", 9, 9)
        runs.append_metrics(run, 9, {"heldout/psnr_db": 20.0 + index})
    return folder


def test_list_search_tag_and_compare(shelf, call, tmp_path):
    assert call("runs", "--tag", "00001-vae-x", "best", "of all", "--json")[0] == 0
    assert run_library.read_tags(shelf / "00001-vae-x") == ("best", "of all")
    status, out, err = call("runs", "day", "#best", "--json")
    assert (status, err) == (0, "")
    (found,) = json.loads(out)["runs"]
    assert (found["name"], found["tags"], found["live"]) == ("00001-vae-x", ["best", "of all"], False)
    status, out, _ = call("runs", "--folder", tmp_path / "gone")
    assert status == 0
    assert "cannot be reached" in out
    assert "#best" in out
    status, out, _ = call("runs", "--compare", "00000-vae-x", shelf / "00001-vae-x", "--json")
    table = json.loads(out)
    assert status == 0
    assert table["differing"] == ["beta"]
    assert table["best"] == {"heldout/psnr_db": ["00001-vae-x"]}


@pytest.mark.parametrize("args", [("--compare", "00000-vae-x"), ("--compare", "nobody", "nobody"), ("--tag", "nobody")])
def test_wrong_calls_are_sentences(args, shelf, call):
    status, out, err = call("runs", *args)
    assert (status, out) == (2, "")
    assert err.endswith(".\n")


@pytest.mark.slow
def test_a_run_from_a_checkpoint(tmp_path, call):
    data = folder_of_pictures(tmp_path / "data")
    first, second = tmp_path / "first", tmp_path / "second"
    small = ["--set", "batch=4", "--set", "save_every=2", *settings("vae"), "--device", "cpu"]
    assert call("train", "--family", "vae", "--data", data, "--size", 32, "--steps", 4, "--run", first, *small)[0] == 0
    more = ["--run", second, "--device", "cpu"]
    status, _, err = call("train", "--from", first, *more)
    assert status == 2
    assert "steps must be more" in err
    status, out, _ = call("train", "--from", first / "checkpoints/step_000002", *more, "--steps", 5, "--json")
    assert (status, json.loads(out)["step"]) == (0, 5)
    config = runs.read_config(second)
    assert config.origin["step"] == 2
    assert config.model == runs.read_config(first).model


def test_a_model_grows_on_the_command_line(tmp_path, call):
    data = folder_of_pictures(tmp_path / "data", size=64)
    save(tmp_path / "small.safetensors", "gan", whole=False)
    args = ["train", "--from", tmp_path / "small.safetensors", "--run", tmp_path / "run", "--device", "cpu"]
    status, _, err = call(*args, "--size", 64)
    assert (status, "--data" in err) == (2, True)
    args += ["--data", data, "--steps", 2, "--set", "batch=4"]
    for wrong, words in (((), "32 pixels already"), (("--size", 128), "first"), (("--family", "gan"), "--family")):
        status, _, err = call(*args, *wrong)
        assert (status, words in err, err.endswith(".\n")) == (2, True, True)
        assert not (tmp_path / "run").exists()
    status, out, _ = call(*args, "--size", 64, "--json")
    assert (status, json.loads(out)["step"]) == (0, 2)
    assert runs.read_config(tmp_path / "run").image_shape == (3, 64, 64)
