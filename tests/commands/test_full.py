"""edit --full: an edit blended into photos at their own size, as a person asks for it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import resources
from engine.photos import Recipe, original_of, read_recipe, recipe_from
from engine.photos.decode import read_photo
from tests.commands.answers import one_object


def recipe_of(path: Path) -> Recipe:
    return recipe_from(read_recipe(path) or "", path.name)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "somebody.jpg"
    Image.open(resources.path("samples/portrait-03.webp")).convert("RGB").resize((900, 900)).save(path)
    return path


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    left, right = (Image.open(resources.path(f"samples/portrait-{n:02}.webp")).convert("RGB") for n in (3, 9))
    scene = Image.new("RGB", (1024, 512), (128, 140, 150))
    scene.paste(left, (0, 0))
    scene.paste(right, (512, 0))
    scene.save(tmp_path / "pair.png")
    return tmp_path / "pair.png"


def test_a_photo_is_edited_at_its_own_size(call, photo: Path, tmp_path: Path):
    out = tmp_path / "out.png"
    command = ("edit", "faces-vae-64", photo, "--set", "smiling=+2", "--full", "-o", out, "--json")
    values = one_object(call(*command))
    assert (values["width"], values["height"], values["edited"], values["faces"]) == (900, 900, 1, 1)
    before, after = read_photo(photo).rgb.astype(int), read_photo(out).rgb.astype(int)
    assert after.shape == before.shape
    changed = np.abs(after - before).max(-1) > 0
    assert 0.02 < changed.mean() < 0.6
    assert not changed[:5].any()
    assert not changed[-5:].any()
    recipe = recipe_of(out)
    assert [face.edits for face in recipe.faces] == [(("Smiling", 2.0),)]
    assert recipe.faces[0].title == "Faces VAE 64"
    assert recipe.original == original_of(photo, read_photo(photo).rgb, "somebody.jpg")
    assert str(tmp_path) not in (read_recipe(out) or "")


def test_without_an_edit_the_photo_comes_back(call, photo: Path, tmp_path: Path):
    status, out, _ = call("edit", "faces-vae-64", photo, "--full", "-o", tmp_path / "out.png")
    assert status == 0
    assert "900 x 900 pixels, 1 of 1 faces" in out
    assert np.array_equal(read_photo(tmp_path / "out.png").rgb, read_photo(photo).rgb)
    assert read_recipe(tmp_path / "out.png") is None


def test_a_part_of_the_change(call, photo: Path, tmp_path: Path):
    command = ("edit", "faces-vae-64", photo, "--set", "smiling=+2", "--full")
    before, apart = read_photo(photo).rgb.astype(int), {}
    for percent in (100, 40, 0):
        out = tmp_path / f"{percent}.png"
        assert call(*command, "-o", out, "--strength", percent)[0] == 0
        apart[percent] = np.abs(read_photo(out).rgb.astype(int) - before).mean()
        assert recipe_of(out).faces[0].strength == percent / 100
    assert apart[0] == 0
    assert 0.2 * apart[100] < apart[40] < 0.6 * apart[100]
    assert call(*command, "-o", tmp_path / "a.png", "--strength", "150")[0] == 2


def test_a_picture_without_a_face_is_edited_in_its_middle_and_that_is_said(call, tmp_path: Path):
    Image.new("RGB", (300, 200), (90, 120, 150)).save(tmp_path / "sky.png")
    status, out, _ = call("edit", "faces-vae-64", tmp_path / "sky.png", "--full", "-o", tmp_path / "out.png")
    assert status == 0
    assert "no face was found, so its middle was edited" in out
    assert "0 faces" not in out


def test_one_face_or_all(call, pair: Path, tmp_path: Path):
    command = ("edit", "faces-vae-64", pair, "--set", "smiling=2", "--full", "--json")
    before = read_photo(pair).rgb
    sides = {}
    for name, options in {"two": ("--face", "2"), "all": ("--every-face",)}.items():
        values = one_object(call(*command, "-o", tmp_path / f"{name}.png", *options))
        assert values["edited"] == (2 if name == "all" else 1)
        changed = np.abs(read_photo(tmp_path / f"{name}.png").rgb.astype(int) - before).max(-1) > 0
        sides[name] = (bool(changed[:, :512].any()), bool(changed[:, 512:].any()))
    cuts = {name: [face.cut.face for face in recipe_of(tmp_path / f"{name}.png").faces] for name in sides}
    assert cuts == {"two": [1], "all": [0, 1]}
    assert sorted(sides["two"]) == [False, True]
    assert sides["all"] == (True, True)


def test_a_folder_becomes_a_folder(call, photo: Path, pair: Path, tmp_path: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    photo.rename(photos / photo.name)
    pair.rename(photos / pair.name)
    (photos / "broken.png").write_bytes(b"no picture")
    (photos / "notes.txt").write_text("not looked at")
    command = ("edit", "faces-vae-64", photos, "--set", "male=-1", "--full", "--json")
    status, out, err = call(*command, "-o", tmp_path / "edited", "--format", "webp")
    assert status == 1
    assert err == "1 of 3 pictures in photos was left out (broken.png); why is said above.\n"
    values = json.loads(out)
    assert sorted(path.name for path in (tmp_path / "edited").iterdir()) == ["pair.webp", "somebody.webp"]
    assert [Path(row["photo"]).name for row in values["refused"]] == ["broken.png"]
    status, _, err = call(*command, "-o", tmp_path / "one.jpg")
    assert status == 2
    assert "-o must name a folder" in err


def test_what_cannot_be_done_is_said(call, photo: Path, tmp_path: Path):
    status, _, err = call("edit", "faces-vae-64", photo, "--every-face", "-o", tmp_path / "out.png")
    assert status == 2
    assert "add --full" in err
    for output in ("out.tiff", "out.bmp", "out"):
        for full in ((), ("--full",)):
            status, _, err = call("edit", "no-such-model", photo, *full, "-o", tmp_path / output)
            assert status == 2
            assert "must end in .png, .jpg or .webp" in err, "before the model is opened"
    (tmp_path / "empty").mkdir()
    status, _, err = call("edit", "faces-vae-64", tmp_path / "empty", "--full", "-o", tmp_path / "edited")
    assert status == 1
    assert "holds no pictures" in err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("edit PHOTO --strength 50 -o a.png", "--strength is for a photo at its own size"),
        ("edit PHOTO --format png -o a.png", "--format is for a photo at its own size"),
        ("edit PHOTO --full --format png -o a.png", "the end of -o says it"),
        ("edit FOLDER -o a.png", "only --full edits all photos of one"),
        ("edit FOLDER --full -o a.bmp", "-o must name a folder"),
        ("edit FOLDER --full --eyes 1,2,3,4 -o a", "--eyes is for one photo"),
        ("edit PHOTO --full --every-face --eyes 1,2,3,4 -o a.png", "leave one of them out"),
        ("morph PHOTO seed:1 --full --scale 2 -o a.gif", "leave it out, or give --side"),
        ("morph PHOTO seed:1 --full --resample nearest -o a.gif", "leave it out, or give --side"),
        ("morph PHOTO seed:1 --side 64 -o a.gif", "--side is for photos at full size"),
        ("morph PHOTO seed:1 --background last -o a.gif", "--background is for photos at full size"),
        ("morph PHOTO seed:1 -o a.bmp", "no animation format"),
        ("morph PHOTO seed:one -o a.gif", "seed:one is no sample"),
        ("morph PHOTO seed:1 --eyes 1,2,3,4 -o a.gif", "--eyes was given once for 2 corners"),
        ("sample -o a.bmp", "must end in .png, .jpg or .webp"),
    ],
)
def test_options_that_would_do_nothing_are_refused_before_the_work(
    call, photo: Path, tmp_path: Path, words: str, why: str
):
    (tmp_path / "folder").mkdir()
    there = {"PHOTO": photo, "FOLDER": tmp_path / "folder"}
    command, *rest = words.split()
    given = [there.get(word, word) if not word.startswith("a") else tmp_path / word for word in rest]
    status, out, err = call(command, "no-such-model", *given)
    assert (status, out) == (2, "")
    assert why in err
    assert not list(tmp_path.glob("a*"))


def test_a_folder_that_is_made_for_the_output_is_told(call, photo: Path, tmp_path: Path):
    command = ("edit", "faces-vae-64", photo, "--full", "-o", tmp_path / "new" / "out.png")
    assert call(*command)[1].rstrip().endswith(f"The folder {tmp_path / 'new'} is new.")
    assert "is new" not in call(*command)[1]


def test_a_morph_at_full_size(call, photo: Path, tmp_path: Path):
    other, out = resources.path("samples/portrait-09.webp"), tmp_path / "frames"
    command = ("morph", "faces-vae-64", photo, other, "--frames", "3", "--full", "--side", "200", "--json")
    assert one_object(call(*command, "-o", out))["frames"] == 3
    frames = [np.asarray(Image.open(path).convert("RGB")).astype(int) for path in sorted(out.iterdir())]
    assert [frame.shape for frame in frames] == [(200, 200, 3)] * 3
    first, last = np.abs(frames[1] - frames[0]).mean(), np.abs(frames[2] - frames[0]).mean()
    assert 0 < first < last
    status, _, _ = call(*command, "-o", out, "--background", "sea")
    assert status == 2


def test_a_morph_at_full_size_may_end_in_a_sample_and_says_so(call, photo: Path, tmp_path: Path):
    command = ("morph", "faces-vae-64", photo, "seed:1", "--full", "--side", "96", "--frames", "2")
    status, out, _ = call(*command, "-o", tmp_path / "frames")
    assert status == 0
    assert "seed:1 is no photo: that end is as soft as the model" in out
    assert one_object(call(*command, "-o", tmp_path / "again", "--json"))["soft"] == ["seed:1"]
    status, _, err = call("morph", "faces-vae-64", "seed:2", "seed:1", "--full", "-o", tmp_path / "a.gif")
    assert status == 2
    assert "no corner is one: name at least one" in err


def test_two_photos_of_one_name_stay_two_and_what_is_not_opened_is_told(call, photo: Path, tmp_path: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    photo.rename(photos / "a.jpg")
    Image.open(photos / "a.jpg").resize((300, 300)).save(photos / "A.png")
    (photos / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    command = ("edit", "faces-vae-64", photos, "--set", "male=-1", "--full", "--json")
    status, out, _ = call(*command, "-o", tmp_path / "edited")
    values = json.loads(out)
    assert status == 1
    assert sorted(path.name for path in (tmp_path / "edited").iterdir()) == ["A.png.jpg", "a.jpg.jpg"]
    assert [Path(row["photo"]).name for row in values["refused"]] == ["phone.HEIC"]


def test_no_edit_takes_the_place_of_its_photo(call, photo: Path, tmp_path: Path):
    before = photo.read_bytes()
    for source, output in ((photo, photo), (tmp_path, tmp_path)):
        status, _, err = call("edit", "faces-vae-64", source, "--set", "male=-1", "--full", "-o", output)
        assert status == 2
        assert "choose another name" in err
    assert photo.read_bytes() == before
