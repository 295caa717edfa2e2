"""The command directions: made from photos or labels, found without, renamed, deleted, given away and taken in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.latent.user_directions import user_file
from engine.library import card_of
from tests.commands.answers import one_object, one_sentence
from tests.contract.tiny import picture


@pytest.fixture
def groups(tmp_path: Path) -> tuple[Path, Path]:
    """Bright photos and dark ones, six each, and one that is none."""
    for name, shift in (("bright", 90), ("dark", -90)):
        (tmp_path / name).mkdir()
        for i in range(6):
            pixels = np.clip(picture(i, 40).astype(int) + shift, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    (tmp_path / "bright" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "bright", tmp_path / "dark"


def make(call, model: str, groups: tuple[Path, Path], *more: object):
    bright, dark = groups
    return call("directions", model, "make", "Bright", "--positive", bright, "--negative", dark, *more)


@pytest.mark.parametrize("method", ["mean", "logistic", "lda"])
def test_an_attribute_is_made_listed_used_and_deleted(call, home, groups, tmp_path, method):
    values = one_object(make(call, "tiny-vae", groups, "--method", method, "--json"))
    (made,) = values["directions"]
    assert (made["name"], made["kind"], made["method"], made["yours"]) == ("Bright", "attribute", method, True)
    assert (made["positives"], made["negatives"]) == (6, 6)
    assert values["note"] == "1 photo could not be read: broken.png"
    assert made["auc_interval"][0] <= made["auc"] <= made["auc_interval"][1]
    listed = one_object(call("directions", "tiny-vae", "--json"))
    yours = {d["name"]: d["yours"] for d in listed["directions"]}
    assert yours == {"Smiling": False, "PCA 1": False, "Bright": True}
    assert "yours, from 6 + 6 photos" in call("directions", "tiny-vae")[1]
    out = tmp_path / "edit.png"
    assert call("edit", "tiny-vae", groups[1] / "0.png", "--set", "bright=+2", "-o", out)[0] == 0
    assert out.exists()
    assert one_object(call("directions", "tiny-vae", "delete", "bright", "--json"))["deleted"] == "bright"
    assert "Bright" not in call("directions", "tiny-vae")[1]
    assert not user_file(home, values["model_sha256"]).exists()


@pytest.mark.slow
def test_an_attribute_from_a_csv_of_labels(call, home, groups, tmp_path):
    rows = "".join(f"{g.name}/{i}.png,{1 if g.name == 'bright' else -1}\n" for g in groups for i in range(6))
    (tmp_path / "own.csv").write_text(f"file,Light\n{rows}", "utf-8")
    arguments = ("--labels", tmp_path / "own.csv", "--column", "Light", "--data", tmp_path)
    (made,) = one_object(call("directions", "tiny-vae", "make", "Light", *arguments, "--json"))["directions"]
    assert (made["positives"], made["negatives"]) == (6, 6)


@pytest.mark.parametrize(
    ("family", "method"),
    [("vae", "pca"), ("gan", "features"), ("gan", "weights"), ("flow", "features"), ("flow", "jacobian")],
)
@pytest.mark.slow
def test_main_axes_are_found_and_kept(call, home, family, method):
    if (family, method) == ("vae", "pca"):
        (home / "models" / "tiny-vae.directions.safetensors").unlink()
    found = one_object(call("directions", f"tiny-{family}", "find", "--method", method, "-n", 2, "--json"))[
        "directions"
    ]
    assert [(d["kind"], d["method"], d["yours"]) for d in found] == [("component", method, False)] * len(found)
    assert 1 <= len(found) <= 2
    listed = one_object(call("directions", f"tiny-{family}", "--json"))["directions"]
    assert [d for d in listed if d["method"] == method] == found


def test_main_axes_of_a_folder_of_photos(call, home, groups):
    found = one_object(call("directions", "tiny-flow", "find", "--data", groups[1], "-n", 3, "--json"))["directions"]
    assert [d["name"] for d in found] == ["PC 1", "PC 2", "PC 3"]
    assert found[0]["share"] >= found[1]["share"] > 0


@pytest.mark.slow
def test_given_away_and_taken_in_by_the_same_model_alone(call, home, groups, tmp_path):
    make(call, "tiny-vae", groups)
    file = tmp_path / "bright.directions.safetensors"
    assert call("directions", "tiny-vae", "export", "Bright", "-o", file)[0] == 0
    assert call("directions", "tiny-vae", "rename", "Bright", "Light")[0] == 0
    assert "Light" in call("directions", "tiny-vae")[1]
    assert "has already" in one_sentence(call("directions", "tiny-vae", "add", file), 1)
    assert call("directions", "tiny-vae", "delete", "Light")[0] == 0
    assert one_object(call("directions", "tiny-vae", "add", file, "--json"))["added"] == ["Bright"]
    said = one_sentence(call("directions", "tiny-flow", "add", file), 1)
    assert "another model" in said
    assert card_of(home / "models" / "tiny-flow.safetensors").sha256[:12] in said
    file.write_bytes(file.read_bytes()[:100])
    assert "make it again" in one_sentence(call("directions", "tiny-vae", "add", file), 1)


@pytest.mark.slow
def test_a_damaged_file_of_ones_own_is_told_once_and_kept(call, home, groups):
    sha = one_object(make(call, "tiny-vae", groups, "--json"))["model_sha256"]
    path = user_file(home, sha)
    path.write_bytes(path.read_bytes()[:50])
    said = one_object(call("directions", "tiny-vae", "--json"))
    assert "set aside" in said["problem"]
    assert {d["name"] for d in said["directions"]} == {"Smiling", "PCA 1"}
    assert one_object(call("directions", "tiny-vae", "--json"))["problem"] == ""
    assert any("damaged" in p.name for p in path.parent.iterdir())


@pytest.mark.slow
def test_what_is_wrong_is_one_sentence(call, home, groups, tmp_path):
    bright, dark = groups
    two = ("--positive", bright, "--negative", dark)
    for arguments, status, why in (
        (("make", "Smiling", *two), 1, "already"),
        (("make", "x=1", *two), 1, "needs a name"),
        (("make", *two), 2, "one name"),
        (("make", "A", "--positive", bright), 2, "--positive and --negative"),
        (("make", "A", "--positive", bright / "0.png", "--negative", dark), 1, "at least 5"),
        (("make", "A", "--positive", bright, "--negative", tmp_path / "nowhere"), 2, "check the path"),
        (("make", "A", *two, "--method", "magic"), 2, "no method called 'magic'"),
        (("make", "A", "--labels", "x.csv"), 2, "--column and --data"),
        (("make", "A", "--labels", tmp_path / "x.csv", "--column", "c", "--data", dark), 1, "cannot be read"),
        (("find", "--method", "magic"), 2, "no method called 'magic'"),
        (("delete", "Smiling"), 2, "came with the model"),
        (("delete", "Hat"), 2, "none yet"),
        (("rename", "Hat"), 2, "the old name and the new one"),
        (("--positive", bright), 2, "leave it out"),
        (("export", "Smiling"), 2, "-o FILE"),
        (("add", tmp_path / "nothing.safetensors"), 1, "cannot be read"),
    ):
        assert why in one_sentence(call("directions", "tiny-vae", *arguments), status), arguments
    assert "white noise" in one_sentence(call("directions", "tiny-gan", "find"), 1)
    assert "no first layer" in one_sentence(call("directions", "tiny-flow", "find", "--method", "weights"), 1)
