"""`data`: what a data set holds, on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import cli
from engine.runs.directory import read_config
from tests.contract.tiny import folder_of_pictures


def test_it_counts_and_names_copies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of_pictures(tmp_path / "data", 12)
    first = sorted(folder.glob("*.png"))[0]
    (folder / "zz.png").write_bytes(first.read_bytes())
    (folder / "bad.png").write_bytes(b"junk")
    assert cli.main(["data", str(folder), "--size", "32", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["images"] == 13
    assert values["unreadable"] == ["bad.png"]
    assert {"files": [first.name, "zz.png"], "exact": True} in values["duplicates"]
    assert sum(values["splits"].values()) == 13
    assert cli.main(["data", str(folder), "--size", "32"]) == 0
    assert "13 images, 1 not readable" in capsys.readouterr().out


def test_a_wrong_column_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of_pictures(tmp_path / "data", 3)
    assert cli.main(["data", str(folder), "--size", "32", "--group", "who"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "who" in err


@pytest.mark.slow
def test_a_preset_sets_model_and_length_and_what_is_given_wins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of_pictures(tmp_path / "data", 40)
    common = ["train", "--family", "vae", "--data", str(folder), "--size", "32", "--set", "batch=4", "--set", "width=8"]
    run = tmp_path / "run"
    assert cli.main([*common, "--run", str(run), "--preset", "small", "--steps", "2"]) == 0
    config = read_config(run)
    assert (config.model["width"], config.model["code"]) == (8, 64)
    assert (config.training["steps"], config.training["batch"]) == (2, 4)
    assert cli.main([*common, "--run", str(tmp_path / "other"), "--preset", "tiny"]) == 2
    assert "small" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
