"""The recipe in a saved photo: from which photo it was made, and how each of its faces was edited.

What cannot be followed is opened as a photo of its own, and the errors here say so.

It is JSON that holds no path and no code: a face's code is long, and comes from the photo again. Whoever saves a photo
writes it by `recipe_text`, whoever opens one reads it by `recipe_from`; a file from outside is hostile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from engine.api import Coded, Cut, DrawRequest, Encoded, LevelRule, ModelInfo, PhotoSource, Pictures, Sampled, Wander
from engine.errors import UserError
from engine.files.disk import MALFORMED, TooLarge, read_bytes, reason
from engine.photos.write import MOST_RECIPE

KEY: Final = "latent_loom_photo"
VERSION: Final = 1
MOST_FACES: Final = 100
MOST_ITEMS: Final = 1_000
"""Of a list in it."""
LONGEST_NAME: Final = 200
MOST_SIGMAS: Final = 100.0
MOST_RADIANS: Final = 1_000.0
MOST_PIXELS: Final = 1_000_000
"""A side of a photo, or a place in it."""
LARGEST_SEED: Final = 2**31 - 1
LARGEST_FILE: Final = 256 * 2**20
"""Bytes; a larger one is no photo that is opened."""
ALIGNS: Final = ("auto", "none", "face", "centre")
FIRST_CUT: Final = Cut()
STILL: Final = Wander()
OWN: Final = "own"
"""Stands for the code that the model finds for the face."""


@dataclass(frozen=True)
class Original:
    """The photo that an edit was made from: the bare `name` of its file, its size, and two digests (SHA-256).

    `pixels` is of its upright pixels in sRGB, (height, width, 3) uint8; `file` of its bytes, empty where it had none.
    Either says that it is the one: decoders of JPEG round differently, and a file changes when its title does.
    """

    name: str
    width: int
    height: int
    pixels: str
    file: str = ""


@dataclass(frozen=True)
class LevelRecipe:
    """A `LevelRule` without codes. `taken`: its numbers come from a sample, or (`OWN`) from the face's own code;
    `held`: it ends as it is in the face's own code."""

    strength: float = 1.0
    taken: Sampled | str | None = None
    held: bool = False


@dataclass(frozen=True)
class FaceRecipe:
    """How one face was edited: by which model, where it was cut out, and what of `DrawRequest` was asked for.

    `strength`, 0 to 1, is how much of the change was blended in. Unless `complete`, something was left out of it that
    only another code can give again.
    """

    title: str
    sha256: str
    cut: Cut = FIRST_CUT
    edits: tuple[tuple[str, float], ...] = ()
    locked: tuple[str, ...] = ()
    wander: Wander = STILL
    levels: tuple[LevelRecipe, ...] = ()
    solo: int = -1
    precision: str = "float32"
    strength: float = 1.0
    complete: bool = True

    def request(self, own: Coded) -> DrawRequest:
        """What is drawn of the face, whose code is `own`."""
        rules = tuple(
            LevelRule(one.strength, own if one.taken == OWN else _sampled(one.taken), own if one.held else None)
            for one in self.levels
        )
        return DrawRequest(own, self.edits, self.locked, self.wander, rules, self.solo, self.precision)


@dataclass(frozen=True)
class Recipe:
    """How a photo was edited; `faces` are the edited ones, the one on show last."""

    original: Original
    faces: tuple[FaceRecipe, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing was left out of it."""
        return all(face.complete for face in self.faces)


def _sampled(taken: Sampled | str | None) -> Sampled | None:
    return taken if isinstance(taken, Sampled) else None


# making
def original_of(source: PhotoSource, rgb: Pictures, name: str) -> Original:
    """What tells this photo from all others: its pixels `rgb` (H, W, 3), and the file that `source` is, if any."""
    bare = _plain(name.replace("\\", "/").rpartition("/")[2])
    bare = "" if bare in (".", "..") else bare
    return Original(bare, rgb.shape[1], rgb.shape[0], pixels_digest(rgb), _file_digest(source))


def face_recipe(
    request: DrawRequest, encoded: Encoded, *, title: str, sha256: str, cut: Cut, strength: float = 1.0
) -> FaceRecipe:
    """The recipe of a face that the model `encoded`, from what was asked of the model.

    Another code than the face's own, as a source or for a level, and one that was improved are too long for a recipe:
    they stay behind, and the recipe says that it is not complete.
    """
    own = encoded.code
    levels = tuple(
        LevelRecipe(one.strength, OWN if isinstance(one.taken, Coded) else one.taken, one.held is not None)
        for one in request.levels
        if all(code.means(own) for code in (one.taken, one.held) if isinstance(code, Coded))
    )
    whole = len(levels) == len(request.levels)
    same = isinstance(request.source, Coded) and request.source.means(own) and not encoded.improved
    return FaceRecipe(
        _plain(title),
        sha256,
        cut,
        request.edits,
        request.locked,
        request.wander,
        levels if whole else (),
        request.solo if whole else -1,
        request.precision,
        strength,
        whole and same,
    )


def recipe_text(recipe: Recipe) -> str:
    """The recipe for a photo's metadata. Empty where it would be too long for that: the photo matters more."""
    document = {KEY: VERSION, "original": asdict(recipe.original), "faces": [_face_json(one) for one in recipe.faces]}
    # What is not UTF-8 in a name comes with surrogates.
    data = json.dumps(document, ensure_ascii=False, allow_nan=False).encode(errors="replace")
    return data.decode() if len(data) <= MOST_RECIPE else ""


def _face_json(face: FaceRecipe) -> dict[str, Any]:
    levels = [
        {"strength": one.strength, "taken": one.taken if isinstance(one.taken, str) else _sample_json(one.taken)}
        | {"held": one.held}
        for one in face.levels
    ]
    return {
        "model": {"title": face.title, "sha256": face.sha256},
        "cut": {"align": face.cut.align, "face": face.cut.face, "points": face.cut.points},
        "edits": face.edits,
        "locked": face.locked,
        "wander": [face.wander.plane, face.wander.x, face.wander.y],
        "levels": levels,
        "solo": face.solo,
        "precision": face.precision,
        "strength": face.strength,
        "complete": face.complete,
    }


def _sample_json(taken: Sampled | None) -> dict[str, Any] | None:
    return None if taken is None else {"seed": taken.seed, "temperature": taken.temperature}


def _plain(text: str) -> str:
    """One printable line: a name may hold line breaks, and bytes that are not UTF-8."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:LONGEST_NAME]


# reading
def recipe_from(text: str, name: str) -> Recipe:
    """The recipe that `recipe_text` wrote into the photo `name`. Names that this version does not know are left out.

    Raises:
        UserError: it is of a newer version, cut short, or holds what no recipe has.
    """
    try:
        if len(text.encode(errors="replace")) > MOST_RECIPE:
            _refuse("it is too long")
        found = _record(json.loads(text, parse_constant=lambda constant: _refuse(f"it holds {constant}")), "it")
        version = found.get(KEY)
        if type(version) is not int or version < 1:
            _refuse("it is no recipe")
        if version > VERSION:
            raise UserError(
                f"The recipe in {name} was written by a newer Latent Loom, so it is open as a photo of its own: update "
                "this one to go on with its edits."
            )
        faces = tuple(_face(one) for one in _list(found["faces"], "faces", most=MOST_FACES))
        if not faces:
            _refuse("it edits no face")
        if len({face.cut for face in faces}) < len(faces):
            _refuse("it edits a face twice")
        return Recipe(_original(found["original"]), faces)
    except json.JSONDecodeError as error:
        raise _unreadable(name, "its text is cut short or damaged") from error
    except MALFORMED as error:
        raise _unreadable(name, reason(error)) from error


def _unreadable(name: str, why: str) -> UserError:
    return UserError(f"The recipe in {name} cannot be read ({why}), so it is open as a photo of its own.")


def check_face(face: FaceRecipe, info: ModelInfo, name: str) -> None:
    """Whether this model can follow the recipe of a face of the photo `name`.

    Raises:
        UserError: it is another model, or lacks a direction or level that the recipe names.
    """
    if face.sha256 != info.sha256:
        raise UserError(
            f"{name} was edited with {face.title or 'another model'}, not with {info.title}: open that one."
        )
    known = {one.name for one in (*info.attributes, *info.components)}
    lacks = next((one for one in (*(edit for edit, _ in face.edits), *face.locked) if one not in known), None)
    if lacks is not None:
        raise UserError(
            f"The recipe in {name} moves or holds {lacks[:60]!r}, which {info.title} has no slider for, so it is open "
            "as a photo of its own: add the slider, then open it again."
        )
    count = len(info.groups)
    samples = [one.taken for one in face.levels if isinstance(one.taken, Sampled)]
    wrong = len(face.levels) not in (0, count) or face.solo >= count
    if wrong or any(len(one.temperature) != count for one in samples):
        raise UserError(
            f"The recipe in {name} asks for other levels than the {count} of {info.title}, so it is open as a photo of "
            "its own."
        )


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)


def _original(value: Any) -> Original:
    found = _record(value, "the original")
    name = _text(found["name"], "a name")
    if "/" in name or "\\" in name or name in (".", ".."):
        _refuse("the name of its photo is a path")
    width, height = (_whole(found[side], side, low=1, high=MOST_PIXELS) for side in ("width", "height"))
    file = _text(found.get("file", ""), "a digest")
    return Original(name, width, height, _digest(found["pixels"]), _digest(file) if file else "")


def _face(value: Any) -> FaceRecipe:
    found = _record(value, "a face")
    model, cut = _record(found["model"], "a model"), _record(found.get("cut", {}), "a cut")
    points = [_numbers(one, "a place", count=2, most=MOST_PIXELS) for one in _list(cut.get("points", []), "places")]
    if len(points) not in (0, 2, 3):
        _refuse(f"a face is placed by {len(points)} places")
    edits = [_list(one, "an edit", most=2) for one in _list(found.get("edits", []), "edits")]
    plane, x, y = _list(found.get("wander", [0, 0.0, 0.0]), "wander", most=3)
    return FaceRecipe(
        _text(model.get("title", ""), "a title"),
        _digest(model["sha256"]),
        Cut(
            _one_of(cut.get("align", "auto"), ALIGNS),
            _whole(cut.get("face", 0), "face", low=0, high=9_999),
            tuple((at[0], at[1]) for at in points),
        ),
        tuple((_text(name, "a direction"), _number(sigmas, "an edit", most=MOST_SIGMAS)) for name, sigmas in edits),
        tuple(_text(one, "a direction") for one in _list(found.get("locked", []), "locks")),
        Wander(
            _whole(plane, "plane", low=0, high=LARGEST_SEED),
            _number(x, "wander", most=MOST_RADIANS),
            _number(y, "wander", most=MOST_RADIANS),
        ),
        tuple(_level(one) for one in _list(found.get("levels", []), "levels")),
        _whole(found.get("solo", -1), "solo", low=-1, high=MOST_ITEMS),
        _one_of(found.get("precision", "float32"), ("float32", "float64")),
        _number(found.get("strength", 1.0), "strength", least=0.0, most=1.0),
        _one_of(found.get("complete", True), (True, False)),
    )


def _level(value: Any) -> LevelRecipe:
    found = _record(value, "a level")
    taken = found.get("taken")
    if taken is not None and taken != OWN:
        sample = _record(taken, "a sample")
        seed = _whole(sample["seed"], "seed", low=0, high=LARGEST_SEED)
        taken = Sampled(seed, tuple(_numbers(sample["temperature"], "temperature", least=0.0, most=MOST_SIGMAS)))
    held = _one_of(found.get("held", False), (True, False))
    return LevelRecipe(_number(found.get("strength", 1.0), "strength", most=MOST_SIGMAS), taken, held)


def _record(value: Any, what: str) -> dict[str, Any]:
    return value if isinstance(value, dict) else _refuse(f"{what} is no record")


def _list(value: Any, what: str, *, most: int = MOST_ITEMS) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        _refuse(f"{what} is no list of at most {most}")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not value.isprintable():
        _refuse(f"{what} is no short text")
    return value


def _digest(value: Any) -> str:
    text = _text(value, "a digest")
    return text if len(text) == 64 and set(text) <= set("0123456789abcdef") else _refuse("a digest is no SHA-256")


def _number(value: Any, what: str, *, most: float, least: float | None = None) -> float:
    low = -most if least is None else least
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= most:
        _refuse(f"{what} is no number from {low:g} to {most:g}")
    return float(value)


def _numbers(value: Any, what: str, *, most: float, count: int = 0, least: float | None = None) -> list[float]:
    found = [_number(one, what, most=most, least=least) for one in _list(value, what)]
    return found if not count or len(found) == count else _refuse(f"{what} is no list of {count} numbers")


def _whole(value: Any, what: str, *, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        _refuse(f"{what} is no whole number from {low} to {high}")
    return value


def _one_of(value: Any, known: tuple[Any, ...]) -> Any:
    if not any(type(value) is type(one) and value == one for one in known):
        _refuse(f"{str(value)[:40]!r} is none of {', '.join(map(str, known))}")
    return value


# finding the original again
def pixels_digest(rgb: Pictures) -> str:
    """SHA-256 of a photo's pixels (H, W, 3) uint8, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(rgb).data).hexdigest()


def _file_digest(source: PhotoSource) -> str:
    """SHA-256 of the file that a photo comes from; empty where there is none, or it cannot be read."""
    if isinstance(source, np.ndarray):
        return ""
    try:
        data = source if isinstance(source, bytes) else read_bytes(Path(source).expanduser(), most=LARGEST_FILE)
    except (OSError, TooLarge):
        return ""
    return hashlib.sha256(data).hexdigest()


def is_original(source: PhotoSource, original: Original, whole: Callable[[PhotoSource], Pictures]) -> bool:
    """Whether this is the photo that an edit was made from; False where it cannot be read. `whole` decodes it."""
    try:
        if original.file and _file_digest(source) == original.file:
            return True
        rgb = whole(source)
    except UserError:
        return False
    return rgb.shape[:2] == (original.height, original.width) and pixels_digest(rgb) == original.pixels


def find_original(
    original: Original, candidates: Iterable[PhotoSource], whole: Callable[[PhotoSource], Pictures]
) -> PhotoSource | None:
    """The first of the candidates that is the original; see `is_original`."""
    return next((one for one in candidates if is_original(one, original, whole)), None)


def beside(saved: Path, original: Original, *others: Sequence[Path]) -> list[Path]:
    """Where the original of the photo `saved` may lie: files of its name beside it and among `others`, less itself."""
    if not original.name:
        return []
    places = [saved.with_name(original.name), *(path for some in others for path in some)]
    found: dict[Path, None] = {}
    for path in places:
        if path.name == original.name and path != saved and path.is_file():
            found[path] = None
    return list(found)
