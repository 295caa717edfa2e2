"""The recipe in a saved photo comes back as it was, and a hostile one is refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.api import Coded, Cut, DirectionInfo, DrawRequest, Encoded, GroupInfo, LevelRule, ModelInfo, Sampled, Wander
from engine.errors import UserError
from engine.photos import photo_bytes, read_recipe
from engine.photos.decode import read_photo
from engine.photos.recipe import (
    OWN,
    FaceRecipe,
    LevelRecipe,
    Original,
    Recipe,
    beside,
    check_face,
    face_recipe,
    find_original,
    original_of,
    recipe_from,
    recipe_text,
)

SHA, OTHER = "ab" * 32, "cd" * 32
names = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=20).filter(str.isprintable)
small = st.floats(-50, 50, allow_nan=False)
samples = st.builds(Sampled, st.integers(0, 99_999), st.tuples(st.floats(0, 2)))
levels = st.builds(LevelRecipe, small, st.one_of(st.none(), st.just(OWN), samples), st.booleans())
points = st.tuples(small, small)
cuts = st.builds(
    Cut,
    st.sampled_from(("auto", "none")),
    st.integers(0, 9),
    st.sampled_from([0, 2, 3]).flatmap(lambda count: st.tuples(*[points] * count)),
)
faces = st.builds(
    FaceRecipe,
    names,
    st.just(SHA),
    cuts,
    st.lists(st.tuples(names, small), max_size=3).map(tuple),
    st.lists(names, max_size=3).map(tuple),
    st.builds(Wander, st.integers(0, 99_999), small, small),
    st.lists(levels, max_size=3).map(tuple),
    st.integers(-1, 3),
    st.sampled_from(("float32", "float64")),
    st.floats(0, 1),
    st.booleans(),
)
bare = names.filter(lambda name: not set(name) & set("/\\") and name not in (".", ".."))
originals = st.builds(
    Original, bare, st.integers(1, 9_999), st.integers(1, 9_999), st.just(SHA), st.sampled_from(("", OTHER))
)
crowds = st.lists(faces, min_size=1, max_size=3, unique_by=lambda face: face.cut).map(tuple)
recipes = st.builds(Recipe, originals, crowds)


def example() -> Recipe:
    face = FaceRecipe(
        "Faces Glow 64",
        SHA,
        Cut(face=1, points=((3.0, 4.0), (9.5, 4.0))),
        (("Smiling", 2.0),),
        ("Young",),
        Wander(7, 0.5, -0.25),
        (LevelRecipe(0.5, Sampled(3, (1.0, 0.7)), True), LevelRecipe()),
        strength=0.6,
    )
    return Recipe(Original("holiday.jpg", 4000, 3000, SHA, OTHER), (face,))


def encoded(code: np.ndarray, *, improved: bool = False) -> Encoded:
    grey = np.zeros((4, 4, 3), np.uint8)
    return Encoded(grey, code, grey, grey, 30.0, 0.9, None, 1.0, improved=improved)


@settings(max_examples=60)
@given(recipes)
def test_a_recipe_comes_back_as_it_was(recipe: Recipe):
    assert recipe_from(recipe_text(recipe), "a.jpg") == recipe


def test_what_a_face_was_asked_comes_back_on_its_code():
    own = Coded(np.arange(4, dtype=np.float32), "Anna")
    rules = (LevelRule(0.5, Sampled(3, (1.0,)), own), LevelRule(1.0, Coded(own.code.copy()), None))
    request = DrawRequest(own, (("Smiling", 2.0),), ("Young",), Wander(7, 0.5, -1.0), rules, 1, "float64")
    face = face_recipe(request, encoded(own.code), title="Glow", sha256=SHA, cut=Cut(face=2), strength=0.4)
    assert face.complete
    found = recipe_from(recipe_text(Recipe(example().original, (face,))), "a.jpg").faces[0]
    assert found.request(own) == replace(request, levels=(rules[0], replace(rules[1], taken=own)))
    assert (found.cut, found.strength) == (Cut(face=2), 0.4)


def test_codes_that_no_photo_gives_again_are_left_out_and_told():
    own, other = (Coded(np.full(4, value, np.float32)) for value in (1, 2))
    plain = DrawRequest(own, (("Smiling", 1.0),))
    for request, improved in (
        (replace(plain, source=other), False),
        (replace(plain, levels=(LevelRule(taken=other),)), False),
        (replace(plain, levels=(LevelRule(held=other),)), False),
        (plain, True),
    ):
        face = face_recipe(request, encoded(own.code, improved=improved), title="", sha256=SHA, cut=Cut())
        assert not face.complete
        assert face.edits == plain.edits
        assert face.levels == ()
    assert face_recipe(plain, encoded(own.code), title="", sha256=SHA, cut=Cut()).complete


def test_no_path_gets_into_it(tmp_path: Path):
    path = tmp_path / "My photos" / "holiday.png"
    path.parent.mkdir()
    path.write_bytes(photo_bytes(np.zeros((5, 7, 3), np.uint8), ".png"))
    for name in (str(path), path.name, "C:\\Users\\anna\\holiday.png"):
        text = recipe_text(Recipe(original_of(path, read_photo(path).rgb, name), example().faces))
        assert recipe_from(text, "a").original.name == "holiday.png"
        assert "My photos" not in text
        assert "anna" not in text
    odd = original_of(path, read_photo(path).rgb, "line\nbreak \udcff.png")
    assert recipe_from(recipe_text(Recipe(odd, example().faces)), "a").original.name == "line?break ?.png"


def test_a_recipe_too_long_for_a_photo_is_none():
    edits = tuple((f"{'x' * 150} {index}", 1.0) for index in range(500))
    assert recipe_text(Recipe(example().original, (replace(example().faces[0], edits=edits),))) == ""


def changed(*way: str | int, to: Any) -> str:
    """The example's text with one value replaced."""
    document = json.loads(recipe_text(example()))
    at = document
    for step in way[:-1]:
        at = at[step]
    at[way[-1]] = to
    return json.dumps(document)


HOSTILE: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no recipe": lambda: "{}",
    "a list": lambda: "[1]",
    "deep": lambda: "[" * 50_000,
    "deep within": lambda: changed("faces", 0, "edits", to="@").replace('"@"', "[" * 20_000 + "]" * 20_000),
    "too long": lambda: recipe_text(example()) + " " * 60_000,
    "no version": lambda: changed("latent_loom_photo", to=None),
    "version true": lambda: changed("latent_loom_photo", to=True),
    "version zero": lambda: changed("latent_loom_photo", to=0),
    "no faces": lambda: changed("faces", to=[]),
    "a crowd": lambda: changed("faces", to=[{}] * 101),
    "one face twice": lambda: changed("faces", to=[json.loads(recipe_text(example()))["faces"][0]] * 2),
    "no face": lambda: changed("faces", to=["Anna"]),
    "giant edit": lambda: changed("faces", 0, "edits", 0, 1, to=1e30),
    "endless edit": lambda: changed("faces", 0, "edits", 0, 1, to="@").replace('"@"', "1e999"),
    "no number": lambda: changed("faces", 0, "edits", 0, 1, to="@").replace('"@"', "NaN"),
    "five thousand digits": lambda: changed("faces", 0, "edits", 0, 1, to="@").replace('"@"', "9" * 5_000),
    "edit in words": lambda: changed("faces", 0, "edits", 0, 1, to="two"),
    "edit true": lambda: changed("faces", 0, "edits", 0, 1, to=True),
    "edit of three": lambda: changed("faces", 0, "edits", 0, to=["Smiling", 1.0, 2.0]),
    "edit of one": lambda: changed("faces", 0, "edits", 0, to=["Smiling"]),
    "edits as text": lambda: changed("faces", 0, "edits", to="Smiling"),
    "long name": lambda: changed("faces", 0, "edits", 0, 0, to="x" * 201),
    "line break in a name": lambda: changed("faces", 0, "locked", to=["a\nb"]),
    "giant wander": lambda: changed("faces", 0, "wander", 1, to=1e9),
    "wander of one": lambda: changed("faces", 0, "wander", to=[1]),
    "giant plane": lambda: changed("faces", 0, "wander", 0, to=10**40),
    "giant temperature": lambda: changed("faces", 0, "levels", 0, "taken", "temperature", to=[1e8]),
    "unknown source": lambda: changed("faces", 0, "levels", 0, "taken", to="theirs"),
    "negative face": lambda: changed("faces", 0, "cut", "face", to=-1),
    "half a face": lambda: changed("faces", 0, "cut", "face", to=0.5),
    "one eye": lambda: changed("faces", 0, "cut", "points", to=[[1, 2]]),
    "far eyes": lambda: changed("faces", 0, "cut", "points", to=[[1, 2], [1e12, 3]]),
    "unknown align": lambda: changed("faces", 0, "cut", "align", to="sideways"),
    "strength beyond all": lambda: changed("faces", 0, "strength", to=1.5),
    "negative strength": lambda: changed("faces", 0, "strength", to=-0.1),
    "precision": lambda: changed("faces", 0, "precision", to="float16"),
    "solo": lambda: changed("faces", 0, "solo", to=10**9),
    "digest": lambda: changed("faces", 0, "model", "sha256", to="z" * 64),
    "digest of the photo": lambda: changed("original", "pixels", to="ab"),
    "a path": lambda: changed("original", "name", to="../../secret.jpg"),
    "a path of Windows": lambda: changed("original", "name", to="C:\\secret.jpg"),
    "the folder": lambda: changed("original", "name", to=".."),
    "giant photo": lambda: changed("original", "width", to=10**12),
    "no photo": lambda: changed("original", to=None),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_recipe_is_refused_in_a_sentence(text: Callable[[], str]):
    with pytest.raises(
        UserError, match=r"^The recipe in out\.jpg cannot be read \(.+\), so it is open as .+\.$"
    ) as caught:
        recipe_from(text(), "out.jpg")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_text_that_is_cut_anywhere_is_refused():
    text = recipe_text(example())
    for length in range(0, len(text), 7):
        with pytest.raises(UserError, match="cannot be read"):
            recipe_from(text[:length], "out.jpg")


def test_one_of_a_newer_version_asks_for_an_update():
    with pytest.raises(UserError, match="newer Latent Loom"):
        recipe_from(changed("latent_loom_photo", to=99), "out.jpg")


def test_names_that_this_version_does_not_know_are_left_out():
    assert recipe_from(changed("faces", 0, "hue", to=[1, 2]), "out.jpg") == example()


@settings(max_examples=80)
@given(st.data())
def test_whatever_is_put_in_is_read_or_refused(data: st.DataObject):
    """Any value of it replaced by any other: nothing but a recipe or a sentence comes out."""
    document = json.loads(recipe_text(example()))
    at: Any = document
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        deeper = isinstance(at[key], dict | list) and len(at[key]) > 0 and data.draw(st.booleans())
        if not deeper:
            break
        at = at[key]
    one = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
    at[key] = data.draw(st.one_of(one, st.lists(one, max_size=3), st.dictionaries(st.text(max_size=5), one)))
    with suppress(UserError):  # Anything else fails the test.
        assert isinstance(recipe_from(json.dumps(document), "out.jpg"), Recipe)


def info(**changes: Any) -> ModelInfo:
    names = ("Smiling", "Young")
    made = ModelInfo(
        "key",
        "Faces Glow 64",
        "flow",
        "exact",
        "exact",
        4,
        (GroupInfo("a", 2), GroupInfo("b", 2)),
        64,
        3,
        8,
        SHA,
        "cpu",
        0.7,
        tuple(DirectionInfo(name, "attribute") for name in names),
        (),
    )
    return replace(made, **changes)


def test_another_model_an_unknown_slider_and_other_levels_are_told():
    face = example().faces[0]
    check_face(face, info(), "out.jpg")
    with pytest.raises(UserError, match=r"out\.jpg was edited with Faces Glow 64, not with Other"):
        check_face(face, info(sha256=OTHER, title="Other"), "out.jpg")
    with pytest.raises(UserError, match="'Moustache', which Faces Glow 64 has no slider for"):
        check_face(replace(face, edits=(("Moustache", 1.0),)), info(), "out.jpg")
    with pytest.raises(UserError, match="'Hat'"):
        check_face(replace(face, locked=("Hat",)), info(), "out.jpg")
    for wrong in (
        replace(face, levels=face.levels[:1]),
        replace(face, solo=2),
        replace(face, levels=(LevelRecipe(1.0, Sampled(1, (1.0,))), LevelRecipe())),
    ):
        with pytest.raises(UserError, match="other levels than the 2 of"):
            check_face(wrong, info(), "out.jpg")


def whole(source: Any) -> np.ndarray:
    return source if isinstance(source, np.ndarray) else read_photo(source).rgb


def test_the_original_is_known_by_its_file_or_by_its_pixels(tmp_path: Path):
    rgb = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    path, again, other = tmp_path / "a.png", tmp_path / "again.png", tmp_path / "other.png"
    path.write_bytes(photo_bytes(rgb, ".png"))
    again.write_bytes(photo_bytes(rgb, ".png", recipe="another file of the same pixels"))
    other.write_bytes(photo_bytes(rgb[::-1], ".png"))
    original = original_of(path, rgb, path.name)
    assert original.file
    assert original_of(rgb, rgb, "").file == ""
    for good in (path, str(path), again, path.read_bytes(), rgb):
        assert find_original(original, [tmp_path / "gone.png", other, good], whole) is good
    rounded = replace(original, pixels=OTHER)
    assert find_original(rounded, [path], whole) is path, "another decoder may round otherwise"
    assert find_original(rounded, [again], whole) is None
    assert find_original(original, [other, tmp_path, rgb[:10], rgb[:, ::-1]], whole) is None


def test_it_is_looked_for_under_its_name_and_is_not_the_saved_photo_itself(tmp_path: Path):
    saved, far = tmp_path / "out.jpg", tmp_path / "far"
    far.mkdir()
    for path in (saved, tmp_path / "holiday.jpg", far / "holiday.jpg", far / "else.jpg"):
        path.write_bytes(b"x")
    original = example().original
    recent = [far / "else.jpg", far / "holiday.jpg", far / "gone" / "holiday.jpg"]
    assert beside(saved, original, recent) == [tmp_path / "holiday.jpg", far / "holiday.jpg"]
    assert beside(tmp_path / "holiday.jpg", original, recent) == [far / "holiday.jpg"]
    assert beside(saved, replace(original, name=""), recent) == []


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_it_goes_through_a_photo(suffix: str):
    data = photo_bytes(np.zeros((8, 8, 3), np.uint8), suffix, recipe=recipe_text(example()))
    assert recipe_from(read_recipe(data) or "", "out") == example()
