"""An edit made at 64 pixels is laid into the photo: what must stay stays, and what changes shows."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import resources
from engine.api import Cut, Framing, Pictures
from engine.blending import Canvas, blended, over, patch, prepare, rebased, scaled, shown
from engine.blending.values import Face
from engine.photos.align import align
from engine.photos.decode import read_photo
from engine.photos.similarity import Similarity, cut_out
from engine.photos.write import write_photo
from tests.once import heads_once
from tests.quick import quick


@pytest.fixture(autouse=True)
def _heads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the heads are is not tested here."""
    heads_once(monkeypatch)


SAMPLES = tuple(sorted(resources.path("samples").glob("*.webp")))


@cache
def portrait(index: int) -> Pictures:
    return read_photo(SAMPLES[index]).rgb


def edit(base: Pictures) -> Pictures:
    """The mouth wider and lighter, the hair darker: a change of every kind that an edit makes."""
    side = len(base)
    mouth = base[side * 3 // 4 : side * 7 // 8, side // 4 : side * 3 // 4]
    wider = cv2.resize(mouth, (mouth.shape[1] * 5 // 4, mouth.shape[0]))
    changed = base.copy()
    start = (side - wider.shape[1]) // 2
    changed[side * 3 // 4 : side * 7 // 8, start : start + wider.shape[1]] = np.clip(wider.astype(int) + 40, 0, 255)
    changed[: side // 3] = changed[: side // 3] // 2
    return changed


def made(rgb: Pictures, cut: Cut | None = None, *, size: int = 64) -> tuple[Canvas, Pictures]:
    """The canvas of a photo for a model that shows all it sees, and an edit of it."""
    found = align(rgb, cut, size=size)
    return prepare(rgb, found.framing, found.rgb), edit(found.rgb)


def touched(canvas: Canvas) -> np.ndarray:
    """Where the photo may change (H, W)."""
    face = canvas.face
    allowed = np.zeros(canvas.picture.shape[:2], bool)
    how = cv2.INTER_AREA if face.width < face.mask.shape[1] else cv2.INTER_LINEAR
    large = cv2.resize((face.mask > 0).astype(np.float32), (face.width, face.height), interpolation=how) > 0
    allowed[face.top : face.top + face.height, face.left : face.left + face.width] = large
    return allowed


@pytest.mark.parametrize("index", [0, 5, 11])
def test_an_edit_shows_and_nothing_outside_the_mask_does(index: int):
    rgb = portrait(index)
    canvas, edited = made(rgb)
    before = rgb.copy()
    result = blended(rgb, [(canvas, edited)])
    allowed = touched(canvas)
    assert np.array_equal(rgb, before)
    assert np.array_equal(result[~allowed], rgb[~allowed])
    assert 0.02 < allowed.mean() < 0.9
    assert np.abs(result[allowed].astype(int) - rgb[allowed]).mean() > 2


def test_without_a_change_the_photo_is_the_photo():
    rgb = portrait(1)
    canvas, edited = made(rgb)
    assert np.array_equal(blended(rgb, [(canvas, canvas.base.copy())]), rgb)
    assert patch(canvas, canvas.base).change.size == 0
    assert np.array_equal(blended(rgb, [(canvas, edited)], strength=0.0), rgb)
    # Taken back by a model of another code, for which that picture is the unedited one.
    assert np.array_equal(blended(rgb, [(rebased(canvas, edited), edited)]), rgb)
    assert np.array_equal(blended(rgb, []), rgb)


def test_the_model_sees_the_edit_again():
    """The blended photo, cut along the same framing, shows what was asked for at the mouth."""
    rgb = portrait(2)
    canvas, edited = made(rgb)
    before, after = (
        cut_out(one, canvas.face.frame, 64).astype(float) for one in (rgb, blended(rgb, [(canvas, edited)]))
    )
    asked = edited.astype(float) - canvas.base
    mouth = np.s_[46:58, 16:48]
    share = ((after - before)[mouth] * asked[mouth]).sum() / (asked[mouth] ** 2).sum()
    assert 0.7 < share < 1.2


def test_strength_takes_a_part_of_it():
    rgb = portrait(3)
    canvas, edited = made(rgb)
    half, whole = (np.abs(patch(canvas, edited, strength=s).change).mean() for s in (0.5, 1.0))
    assert 0.3 * whole < half < 0.7 * whole


def test_a_patch_is_the_region_of_the_whole():
    rgb = portrait(4)
    canvas, edited = made(rgb)
    whole = blended(rgb, [(canvas, edited)])
    one = patch(canvas, edited)
    high, wide = one.change.shape[:2]
    region = np.s_[one.top : one.top + high, one.left : one.left + wide]
    assert np.array_equal(over(rgb, [one])[region], whole[region])
    rest = whole.copy()
    rest[region] = rgb[region]
    assert np.array_equal(rest, rgb)


def test_what_a_screen_shows_is_what_is_saved():
    """A part of the photo, shrunk: composed at the screen's size it is the saved photo, shrunk."""
    rgb = np.asarray(Image.fromarray(portrait(6)).resize((1600, 1600)))
    canvas, edited = made(rgb)
    whole = blended(rgb, [(canvas, edited)])
    for window, size in (
        ((0, 0, 1600, 1600), (500, 500)),
        ((400, 300, 800, 800), (400, 400)),
        ((640, 200, 300, 500), (600, 1000)),
    ):
        picture = scaled(rgb, window, size)
        assert picture.shape == (size[1], size[0], 3)
        composed = over(picture, [patch(shown(canvas, picture, window), edited, fine=False)])
        wanted = scaled(whole, window, size)
        apart = np.abs(composed.astype(int) - wanted)
        changed = np.abs(picture.astype(int) - wanted).mean()
        assert changed > 1
        assert apart.mean() < 0.15 * changed


def test_a_screen_beside_the_face_shows_no_change():
    rgb = np.zeros((900, 900, 3), np.uint8)
    rgb[:512, :512] = portrait(7)
    canvas, edited = made(rgb)
    window = (600, 600, 300, 300)
    picture = scaled(rgb, window, (300, 300))
    assert patch(shown(canvas, picture, window), edited).change.size == 0


def test_faces_that_overlap_add_up_in_any_order():
    rgb = portrait(8)
    found = align(rgb, size=64)
    corners = np.array(found.framing.corners)
    moved = Framing("face", tuple((float(x) + 40, float(y)) for x, y in corners))
    one, two = prepare(rgb, found.framing, found.rgb), prepare(rgb, moved, found.rgb)
    edits = [(one, edit(found.rgb)), (two, edit(found.rgb))]
    both = blended(rgb, edits)
    assert np.array_equal(both, blended(rgb, edits[::-1]))
    outside = ~(touched(one) | touched(two))
    assert np.array_equal(both[outside], rgb[outside])
    for canvas, edited in edits:
        assert not np.array_equal(both, blended(rgb, [(canvas, edited)]))


def turned(rgb: Pictures, degrees: float) -> Pictures:
    return np.asarray(
        Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(90, 90, 90))
    )


@pytest.mark.parametrize("how", ["tilted", "tiny", "cut", "grey", "wide model", "small model"])
def test_photos_of_every_kind(how: str):
    rgb = portrait(9)
    size = {"wide model": 128, "small model": 32}.get(how, 64)
    if how == "tilted":
        rgb = turned(rgb, 25)
    elif how == "tiny":
        rgb = np.asarray(Image.fromarray(rgb).resize((80, 80), Image.Resampling.LANCZOS))
    elif how == "cut":
        corners = np.array(align(rgb).framing.corners)
        rgb = np.ascontiguousarray(rgb[:, int(corners[:, 0].mean()) - 30 :])
    elif how == "grey":
        rgb = np.repeat(np.asarray(Image.fromarray(rgb).convert("L"))[..., None], 3, 2)
    canvas, edited = made(rgb, size=size)
    if how == "grey":
        edited[: size // 2, :, 2] //= 2  # Models make grey hair blond.
    result = blended(rgb, [(canvas, edited)])
    assert np.array_equal(blended(rgb, [(canvas, canvas.base)]), rgb)
    assert np.array_equal(result[~touched(canvas)], rgb[~touched(canvas)])
    assert np.abs(result[touched(canvas)].astype(int) - rgb[touched(canvas)]).mean() > 1
    if how == "grey":
        assert (result.max(-1) - result.min(-1)).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2), (17, 200)])
def test_photos_of_a_few_pixels(shape: tuple[int, int]):
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = align(rgb, Cut("centre"), size=64)
    canvas = prepare(rgb, found.framing, found.rgb)
    dark = np.zeros_like(found.rgb)
    assert blended(rgb, [(canvas, dark)]).shape == rgb.shape
    assert np.array_equal(blended(rgb, [(canvas, found.rgb)]), rgb)


def test_a_frame_far_larger_than_the_photo():
    """As clicked eyes can ask for."""
    rgb = portrait(10)
    found = align(rgb, Cut(points=((5.0, 250.0), (500.0, 255.0))), size=64)
    canvas = prepare(rgb, found.framing, found.rgb)
    result = blended(rgb, [(canvas, np.full_like(found.rgb, 200))])
    assert result.shape == rgb.shape
    assert not np.array_equal(result, rgb)


def test_dark_skin_does_not_turn_red():
    """A model that adds red alone to a dark face is followed in part; one that adds light is followed in proportion."""
    rgb = np.full((300, 300, 3), (70, 45, 35), np.uint8)
    framing = Framing("centre", ((50.0, 50.0), (250.0, 50.0), (250.0, 250.0), (50.0, 250.0)))
    base = np.full((64, 64, 3), (70, 45, 35), np.uint8)
    canvas = prepare(rgb, framing, base)
    red, lighter = base.copy(), np.clip(base.astype(float) * 1.5, 0, 255).astype(np.uint8)
    red[..., 0] += 90
    middle = [blended(rgb, [(canvas, one)])[150, 150].astype(float) for one in (red, lighter)]
    assert 30 < middle[0][0] - rgb[0, 0, 0] < 70
    assert middle[1] / middle[1].sum() == pytest.approx(rgb[0, 0] / rgb[0, 0].sum(), abs=0.01)
    assert middle[1].mean() > 1.4 * rgb[0, 0].mean()


def test_flat_skin_gains_no_structure_from_an_even_change():
    """Pores stay: detail is weakened only where structure was replaced."""
    rng = np.random.default_rng(0)
    rgb = np.clip(150 + 6 * rng.standard_normal((400, 400, 1)) + np.zeros(3), 0, 255).astype(np.uint8)
    found = align(rgb, Cut("centre"), size=64)
    canvas = prepare(rgb, found.framing, found.rgb)
    result = blended(rgb, [(canvas, np.clip(found.rgb.astype(int) + 30, 0, 255).astype(np.uint8))])
    middle = np.s_[150:250, 150:250]
    assert result[middle].astype(float).std() == pytest.approx(rgb[middle].astype(float).std(), rel=0.05)


@pytest.mark.parametrize("mode", ["CMYK", "RGBA", "L", "P"])
def test_files_of_every_mode_go_all_the_way(mode: str, tmp_path: Path):
    """Read, blended, written and read again: what is outside the mask is what was read."""
    path = tmp_path / ("photo.tif" if mode == "CMYK" else "photo.png")
    image = Image.fromarray(portrait(12))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    else:
        image = image.convert(mode)
    image.save(path)
    rgb = read_photo(path).rgb
    canvas, edited = made(rgb)
    write_photo(tmp_path / "out.png", blended(rgb, [(canvas, edited)]))
    again = read_photo(tmp_path / "out.png").rgb
    outside = ~touched(canvas)
    assert np.array_equal(again[outside], rgb[outside])
    assert not np.array_equal(again, rgb)


def test_background_stays_beside_a_head_that_changes():
    """Not only outside the frame: what is behind the head inside the frame is told from it."""
    rgb = portrait(0)
    canvas, _ = made(rgb)
    dark = (canvas.base // 3).astype(np.uint8)
    change = np.abs(blended(rgb, [(canvas, dark)]).astype(int) - rgb).mean(-1)
    places = np.array([canvas.face.frame(z) for z in (0.5 + 0.65j, 0.5 + 0.85j, 0.12 + 0.14j, 0.88 + 0.14j)])
    cheek, chin, left, right = (change[round(z.imag), round(z.real)] for z in places)
    assert min(cheek, chin) > 20
    assert max(left, right) <= 1


def test_a_neck_follows_the_face_above_it_and_no_step_is_seen_where_the_frame_ends():
    rgb = portrait(0)
    canvas, _ = made(rgb)
    paler = np.clip(canvas.base.astype(int) + 50, 0, 255).astype(np.uint8)
    change = np.abs(blended(rgb, [(canvas, paler)]).astype(int) - rgb).mean(-1)
    places = [canvas.face.frame(0.5 + y * 1j) for y in np.arange(0.85, 1.2, 0.01)]
    down = np.array([change[round(z.imag), round(z.real)] for z in places])
    assert down[:9].min() > 0.7 * down[:5].mean()
    assert down[16] > 0.1 * down[:5].mean()
    assert down[22:].max() == 0
    assert np.diff(down).min() > -0.3 * down[:5].mean()


@pytest.mark.parametrize("side", ["left", "right", "top"])
def test_a_face_that_the_photo_cuts_changes_up_to_the_border(side: str):
    """Without a step there, or streaks along it: the model saw the edge repeated beyond."""
    whole = portrait(0)
    corners = np.array(align(whole).framing.corners)
    middle, shift = corners.mean(0), np.zeros(2)
    if side == "left":
        shift[0] = int(middle[0] - 0.1 * np.ptp(corners[:, 0]))
        rgb = whole[:, int(shift[0]) :]
    elif side == "right":
        rgb = whole[:, : int(middle[0] + 0.1 * np.ptp(corners[:, 0]))]
    else:
        shift[1] = int(middle[1] - 0.05 * np.ptp(corners[:, 1]))
        rgb = whole[int(shift[1]) :]
    rgb = np.ascontiguousarray(rgb)
    framing = Framing("points", tuple((float(x - shift[0]), float(y - shift[1])) for x, y in corners))
    frame = Similarity(complex(*(corners[1] - corners[0])), complex(*(corners[0] - shift)))
    base = cut_out(rgb, frame, 64)
    canvas = prepare(rgb, framing, base)
    paler = np.clip(base.astype(int) + 40, 0, 255).astype(np.uint8)
    change = (blended(rgb, [(canvas, paler)]).astype(int) - rgb).mean(-1)
    line = {"left": change[:, 0], "right": change[:, -1], "top": change[0]}[side]
    # The cheek, or the forehead's middle, at the border, and 15 pixels from there.
    at = round((0.7 * frame.side + frame.shift.imag) if side != "top" else (0.5 * frame.side + frame.shift.real))
    near = slice(at - 15, at + 15)
    within = {"left": change[:, 15], "right": change[:, -16], "top": change[15]}[side]
    assert line[near].min() > 25
    assert np.abs(line[near] - within[near]).max() < 13
    assert np.abs(np.diff(line[near])).max() < 6


def test_what_models_do_well_comes_through_whole():
    rgb = np.full((300, 300, 3), 110, np.uint8)
    framing = Framing("centre", ((50.0, 50.0), (250.0, 50.0), (250.0, 250.0), (50.0, 250.0)))
    base = np.full((64, 64, 3), 110, np.uint8)
    canvas = prepare(rgb, framing, base)
    near, far = (int(blended(rgb, [(canvas, base + np.uint8(x))])[150, 150, 0]) - 110 for x in (60, 140))
    assert 58 <= near <= 60
    assert far <= 120


def test_a_large_photo_is_looked_at_where_it_may_change_alone():
    """And what is left out changes nothing: its edges have no mask, where the photo does not end there."""
    rgb = np.asarray(Image.fromarray(portrait(0)).resize((2048, 2048)))
    canvas, edited = made(rgb)
    face, (left, top, right, bottom) = canvas.face, canvas.face.used
    assert (right - left) * (bottom - top) < 0.8 * face.mask.size
    outside = face.mask.copy()
    outside[top:bottom, left:right] = 0
    assert outside.max() == 0
    whole = Canvas(**{**vars(canvas), "face": Face(**{**vars(face), "used": (0, 0, *face.mask.shape[::-1])})})
    whole = rebased(whole, canvas.base)
    one, other = (blended(rgb, [(which, edited)]).astype(int) for which in (canvas, whole))
    assert np.abs(one - other).mean() < 0.1


@pytest.mark.parametrize("side", quick([2048, 3464], 2048))
def test_a_large_photo_stays_outside_the_mask(side: int):
    rgb = np.asarray(Image.fromarray(portrait(5)).resize((side, side)))
    canvas, edited = made(rgb)
    outside = ~touched(canvas)
    for which in (edited, 255 - canvas.base):
        assert np.array_equal(blended(rgb, [(canvas, which)])[outside], rgb[outside])


def test_the_first_picture_waits_neither_for_opencv_nor_for_torch():
    code = "import sys, engine.blending, engine.photos; print([m for m in ('cv2', 'torch', 'PIL') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
