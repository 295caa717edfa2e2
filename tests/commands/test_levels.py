"""The flags of `edit` and `sample` that speak of levels and neighbours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.contract.tiny import picture, save

SIDE = 32
GAP = 4


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "own-home" / "models" / "tiny.safetensors"
    path.parent.mkdir(parents=True)
    save(path, "flow", title="Tiny Glow")
    return path


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "a.png", tmp_path / "b.png"
    for i, path in enumerate(paths):
        Image.fromarray(picture(i)).save(path)
    return paths


def columns(path: Path) -> list[np.ndarray]:
    """Photo, reconstruction and edit."""
    whole = np.asarray(Image.open(path))
    return [whole[:, i * (SIDE + GAP) : i * (SIDE + GAP) + SIDE] for i in range(3)]


def levels_of(model: Path) -> int:
    from engine.session import Session

    return len(Session(device="cpu").open(str(model)).info.groups)


@pytest.mark.slow
def test_all_levels_of_another_photo_are_that_photo(call, model, photos, tmp_path):
    out = tmp_path / "out.png"
    swaps = [part for i in range(levels_of(model)) for part in ("--swap", f"{i + 1}={photos[1]}")]
    status, _, err = call("edit", model, photos[0], "--align", "none", *swaps, "-o", out)
    assert (status, err) == (0, "")
    assert np.abs(columns(out)[2].astype(int) - picture(1)).max() <= 1
    call("edit", model, photos[0], "--align", "none", *swaps[:2], "-o", out)
    mixed = columns(out)[2]
    assert not np.array_equal(mixed, picture(1))
    assert not np.array_equal(mixed, columns(out)[1])


@pytest.mark.slow
def test_a_frozen_level_stays_though_it_is_scaled(call, model, photos, tmp_path):
    out = tmp_path / "out.png"
    every = range(1, levels_of(model) + 1)
    zero = [part for i in every for part in ("--level", f"{i}=0")]
    held = [part for i in every for part in ("--freeze", str(i))]
    status, text, _ = call("edit", model, photos[0], "--align", "none", *zero, "-o", out, "--json")
    assert status == 0
    assert json.loads(text)["level_norms"] == [0.0] * levels_of(model)
    assert not np.array_equal(columns(out)[2], columns(out)[1])
    call("edit", model, photos[0], "--align", "none", *zero, *held, "-o", out)
    np.testing.assert_array_equal(columns(out)[2], columns(out)[1])


@pytest.mark.slow
def test_one_level_alone_by_number_or_name(call, model, photos, tmp_path):
    norms = []
    for name in ("1", "Level 1 (fine)"):
        status, text, _ = call(
            "edit", model, photos[0], "--align", "none", "--solo", name, "-o", tmp_path / "o.png", "--json"
        )
        assert status == 0
        norms.append(json.loads(text)["level_norms"])
    assert norms[0] == norms[1]
    assert norms[0][0] > 0
    assert set(norms[0][1:]) == {0.0}


@pytest.mark.parametrize("flags", [("--level", "9=1"), ("--level", "1=much"), ("--freeze", "top"), ("--solo", "0")])
def test_wrong_levels_are_refused_in_a_sentence(flags, call, model, photos, tmp_path):
    status, out, err = call("edit", model, photos[0], "--align", "none", *flags, "-o", tmp_path / "o.png")
    assert status == 2
    assert out == ""
    assert "level" in err
    assert "Traceback" not in err
    assert not (tmp_path / "o.png").exists()


@pytest.mark.slow
def test_a_temperature_a_level(call, model, tmp_path):
    out, count = tmp_path / "s.png", levels_of(model)
    cold = ",".join(["0"] * count)
    assert call("sample", model, "-n", "4", "-t", cold, "-o", out)[0] == 0
    whole = np.asarray(Image.open(out))
    np.testing.assert_array_equal(whole[:SIDE, :SIDE], whole[-SIDE:, -SIDE:])
    mixed = ",".join(["0"] * (count - 1) + ["1"])
    assert call("sample", model, "-n", "4", "-t", mixed, "-o", out)[0] == 0
    whole = np.asarray(Image.open(out))
    assert not np.array_equal(whole[:SIDE, :SIDE], whole[-SIDE:, -SIDE:])
    assert call("sample", model, "-t", "1,2,x", "-o", out)[0] == 2


def test_neighbours_have_the_photo_in_the_middle(call, model, photos, tmp_path):
    out = tmp_path / "n.png"
    status, text, _ = call(
        "sample", model, "-n", "9", "--neighbours", photos[0], "--radius", "0.3", "--align", "none", "-o", out, "--json"
    )
    assert status == 0
    assert json.loads(text)["samples"] == 9
    whole = np.asarray(Image.open(out))
    middle = whole[SIDE + 2 : 2 * SIDE + 2, SIDE + 2 : 2 * SIDE + 2]
    assert np.abs(middle.astype(int) - picture(0)).max() <= 1
    assert np.abs(whole[:SIDE, :SIDE].astype(int) - picture(0)).max() > 1
