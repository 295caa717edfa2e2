"""`latent-loom diagnose` as a person or a script calls it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.diagnostics.report_files import list_reports, read_report
from tests.contract.tiny import save, settings


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    coarse = rng.integers(30, 220, (120, 4, 4, 3)).repeat(8, 1).repeat(8, 2)
    path = tmp_path / "boxes.npz"
    np.savez(path, images=(coarse + rng.integers(0, 9, coarse.shape)).astype(np.uint8))
    return path


@pytest.fixture
def run(call, data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    status, _, err = call(
        "train",
        "--family",
        "vae",
        "--data",
        data,
        "--run",
        folder,
        "--size",
        32,
        "--steps",
        3,
        "--set",
        "batch=8",
        *settings("vae"),
    )
    assert status == 0, err
    return folder


def test_a_run_is_diagnosed_with_its_own_data_and_the_report_has_its_pictures(call, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    status, text, err = call("diagnose", run, "--quick", "--only", "spread,likelihood", "--out", out)
    assert status == 0, err
    assert "VERDICT" in text
    assert "Variety" in text
    assert "bits/dim" in text
    assert "Not measured: memorisation" in " ".join(text.split())
    report = read_report(out)
    assert (report.step, report.data) == (3, "boxes")
    assert [finding.diagnostic for finding in report.findings] == ["spread", "likelihood"]
    assert report.findings[0].evidence[0].rows[0].shape[1:] == (32, 32, 3)


@pytest.mark.slow  # Three whole diagnoses.
def test_the_report_of_a_run_lies_in_the_run_and_parts_do_not_take_its_place(call, run: Path) -> None:
    call("diagnose", run, "--quick", "--only", "spread")
    assert list_reports(run) == ()
    status, text, err = call("diagnose", run, "--quick")
    assert status == 0, err
    (entry,) = list_reports(run)
    assert (entry.step, str(entry.folder) in text) == (3, True)
    whole = read_report(entry.folder)
    assert len(whole.findings) > 3
    call("diagnose", run, "--quick", "--only", "spread", "--seed", "7")
    call("diagnose", run, "--quick", "--seed", "7")
    assert [f.figures for f in read_report(entry.folder).findings] == [f.figures for f in whole.findings]


@pytest.mark.slow
def test_json_is_one_object_with_figures_intervals_and_verdict(call, run: Path) -> None:
    status, text, err = call("diagnose", run, "--quick", "--only", "spread", "--json")
    assert status == 0, err
    values = json.loads(text)
    assert text.count("\n") == 1
    assert values["verdict"]["paragraph"]
    figures = {figure["name"]: figure for figure in values["findings"][0]["figures"]}
    assert figures["diversity"]["low"] <= figures["diversity"]["value"] <= figures["diversity"]["high"]
    assert values["model_sha256"]


@pytest.mark.slow
def test_a_model_file_needs_data_and_says_that_its_own_are_not_known(call, data: Path, tmp_path: Path) -> None:
    model = tmp_path / "own.safetensors"
    save(model, "flow")
    status, text, err = call("diagnose", model)
    assert (status, text) == (2, "")
    assert "--data" in err
    status, text, err = call("diagnose", model, "--data", data, "--quick", "--only", "likelihood")
    assert status == 0, err
    assert "is not known" in " ".join(text.split())


@pytest.mark.slow
def test_photos_are_ranked_with_the_caveat(call, run: Path, tmp_path: Path) -> None:
    photos = []
    for name, picture in (
        ("plain", np.full((40, 40, 3), 120)),
        ("loud", np.random.default_rng(0).integers(0, 255, (40, 40, 3))),
    ):
        Image.fromarray(picture.astype(np.uint8)).save(tmp_path / f"{name}.png")
        photos.append(tmp_path / f"{name}.png")
    status, text, err = call(
        "diagnose", run, "--quick", "--only", "likelihood", "--align", "none", "--rank", *photos, "--json"
    )
    assert status == 0, err
    ranking = json.loads(text)["findings"][-1]
    assert ranking["diagnostic"] == "ranking"
    assert [figure["title"] for figure in ranking["figures"]] == ["loud.png", "plain.png"]
    assert "never tells real from fake" in ranking["sentence"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("nothing",), 2, "no model"),
        (("RUN", "--only", "wrong"), 2, "no diagnostic 'wrong'"),
        (("RUN", "--only", ","), 2, "--only"),
        (("RUN", "--data", "nowhere"), 1, "no data set"),
        (("EMPTY",), 1, "no run"),
        (("RUN", "--quick", "--only", "spread", "--out", "FULL"), 1, "holds no report"),
        (("RUN", "--rank", "nowhere.png"), 1, "nowhere.png"),
    ],
)
@pytest.mark.slow
def test_wrong_calls_are_one_sentence(call, run: Path, tmp_path: Path, arguments, status: int, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    places = {"RUN": run, "EMPTY": tmp_path / "empty", "FULL": tmp_path / "full"}
    code, out, err = call("diagnose", *(places.get(a, a) for a in arguments))
    last = err.strip().splitlines()[-1]
    assert (code, out) == (status, ""), err
    assert words in last
    assert last.endswith(".")


def test_a_gan_cannot_rank_photos(call, data: Path, tmp_path: Path) -> None:
    model = tmp_path / "gan.safetensors"
    save(model, "gan")
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "a.png")
    status, _, err = call("diagnose", model, "--data", data, "--rank", tmp_path / "a.png")
    assert status == 2
    assert "no density" in err
