"""edit --full: an edit blended into photos at their own size."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from PIL import Image

from engine.api import Cut, DrawRequest, Encoded
from engine.blending import blended, prepare
from engine.commands.common import PICTURE_SUFFIXES, Result, given, natural, new_folder
from engine.commands.framing import cut_values
from engine.errors import UsageError, UserError
from engine.exploring.open_model import OpenModel
from engine.photos import Recipe, face_recipe, is_picture, original_of, recipe_text, write_photo
from engine.session import Session

Ask = Callable[[Encoded], DrawRequest]
"""What is to be drawn of a photo that was encoded."""
FORMATS: Final = ("jpg", "png", "webp")


def add_full_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--full",
        action="store_true",
        help="blend the edit into the photo at its own size; of a folder, into all its photos, to a folder",
    )
    parser.add_argument(
        "--every-face", action="store_true", default=None, help="with --full: edit all faces, not only one"
    )
    parser.add_argument(
        "--strength",
        type=natural(0, 100),
        metavar="PERCENT",
        help="with --full: how much of the change, 100 by default",
    )
    parser.add_argument("--format", choices=FORMATS, help="with --full, for a folder: its files, jpg by default")


def check_edit(args: argparse.Namespace) -> None:
    """Whether the options of `edit` go together and -o can be written, before any work.

    Raises:
        UsageError: they do not, or it cannot.
    """
    photo = Path(args.photo).expanduser()
    alone = given(args, "every_face", "strength", "format")
    if alone and not args.full:
        raise UsageError(f"{alone[0]} is for a photo at its own size: add --full, or leave it out.")
    if photo.is_dir():
        if not args.full:
            raise UsageError(
                f"{photo.name} is a folder, and only --full edits all photos of one: add it, or name a photo."
            )
        if args.output.suffix.lower() in Image.registered_extensions():
            raise UsageError(
                f"{photo.name} is a folder of photos, so -o must name a folder and not {args.output.name}."
            )
        if args.eyes:
            raise UsageError(f"--eyes is for one photo, and {photo.name} is a folder of them: leave it out.")
        return
    if args.format:
        raise UsageError("--format is for a folder of photos: for one photo the end of -o says it.")
    if args.every_face and args.eyes:
        raise UsageError("--eyes places one face, and --every-face edits those that are found: leave one of them out.")
    if args.output.suffix.lower() not in PICTURE_SUFFIXES:
        raise UsageError(f"-o must end in .png, .jpg or .webp, got {args.output.name!r}.")


def edit_full(args: argparse.Namespace, session: Session, model: OpenModel, *, ask: Ask, cut: Cut) -> Result:
    """Edits one photo, or those in a folder.

    Raises:
        UserError: as `edit` without --full; of a folder's photos, only where none could be edited.
    """
    photo = Path(args.photo).expanduser()
    if _same(args.output, photo):
        raise UsageError(f"-o {args.output} would take the place of what it is made from: choose another name.")
    if not photo.is_dir():
        new = new_folder(args.output.parent)
        row = _one(args, session, model, args.photo, args.output, ask=ask, cut=cut)
        return Result(row, f"{row['width']} x {row['height']} pixels, {_where(row)}: {args.output}{new}")
    rows, refused, new = [], [], new_folder(args.output)
    paths = sorted(path for path in photo.iterdir() if path.is_file() and is_picture(path, refused=True))
    stems = Counter(path.stem.lower() for path in paths)
    for path in paths:
        try:
            # a.jpg and a.png of one folder are two photos, also where case makes no difference.
            name = path.stem if stems[path.stem.lower()] == 1 else path.name
            target = args.output / f"{name}.{args.format or FORMATS[0]}"
            rows.append(_one(args, session, model, str(path), target, ask=ask, cut=cut))
        except UserError as error:
            refused.append({"photo": str(path), "why": str(error)})
    if not rows:
        why = refused[0]["why"] if refused else "it holds no pictures"
        raise UserError(f"No photo in {photo.name} was edited: {why}")
    faceless = [f"{Path(row['photo']).name}: {_where(row)}" for row in rows if not row["faces"]]
    lines = [
        f"{len(rows)} {'photo' if len(rows) == 1 else 'photos'}: {args.output}{new}",
        *faceless,
        *(f"{Path(row['photo']).name}: {row['why']}" for row in refused),
    ]
    values = {"output": str(args.output), "photos": rows, "refused": refused}
    return Result(values, "\n".join(lines), _left_out(photo, refused, len(paths)))


def _left_out(folder: Path, refused: list[dict[str, str]], count: int) -> str:
    """How many of a folder's pictures were not edited, in a sentence; empty where all were."""
    if not refused:
        return ""
    names = ", ".join(Path(row["photo"]).name for row in refused[:3]) + (", …" if len(refused) > 3 else "")
    were = "was" if len(refused) == 1 else "were"
    return f"{len(refused)} of {count} pictures in {folder.name} {were} left out ({names}); why is said above."


def _where(row: dict[str, Any]) -> str:
    """What of a photo was edited, in words."""
    if row["how"] == "centre" and not row["faces"]:
        return "no face was found, so its middle was edited"
    return "taken whole" if row["how"] == "none" else f"{row['edited']} of {row['faces']} faces"


def _same(one: Path, other: Path) -> bool:
    try:
        return one.expanduser().samefile(other)
    except OSError:
        return False


def _one(
    args: argparse.Namespace, session: Session, model: OpenModel, photo: str, output: Path, *, ask: Ask, cut: Cut
) -> dict[str, Any]:
    if _same(output, Path(photo)):
        raise UsageError(f"-o {output} would take the place of what it is made from: choose another name.")
    start, size, share = (
        time.perf_counter(),
        model.info.image_size,
        (100 if args.strength is None else args.strength) / 100,
    )
    rgb = session.whole_photo(photo)
    first = session.load_photo(photo, size=size, cut=cut)
    # A picture that is taken whole has one frame, however many faces are in it.
    whole = first.framing is not None and first.framing.how == "none"
    cuts = [replace(cut, face=face, points=()) for face in range(first.faces)] if args.every_face and not whole else []
    faces, recipes = [], []
    for one in cuts or [cut]:
        loaded = session.load_photo(photo, size=size, cut=one) if cuts else first
        assert loaded.framing is not None
        encoded = model.encode(loaded.picture, name=loaded.name, note=loaded.note)
        request = ask(encoded)
        faces.append((prepare(rgb, loaded.framing, encoded.reconstruction), model.draw(request).picture))
        if not request.draws(encoded.code):
            recipes.append(
                face_recipe(request, encoded, title=model.info.title, sha256=model.info.sha256, cut=one, strength=share)
            )
    recipe = recipe_text(Recipe(original_of(photo, rgb, Path(photo).name), tuple(recipes))) if recipes else ""
    write_photo(output, blended(rgb, faces, strength=share), recipe=recipe)
    return {
        "photo": photo,
        "output": str(output),
        "width": rgb.shape[1],
        "height": rgb.shape[0],
        "edits": dict(request.edits),
        "edited": len(faces),
        "seconds": round(time.perf_counter() - start, 3),
        "note": first.note,
        **cut_values(first),
    }
