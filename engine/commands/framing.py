"""--align, --face and --eyes: how the commands cut photos to a model's framing."""

from __future__ import annotations

import argparse
import math
from typing import Any, Final

from engine.api import Cut, Loaded, Point
from engine.commands.common import natural
from engine.errors import UsageError

ALIGN: Final = ("auto", "none", "face", "centre")


def add_cut_arguments(parser: argparse.ArgumentParser) -> None:
    """The options; `cuts` reads them."""
    parser.add_argument("--align", choices=ALIGN, default="auto", help="how a photo is cut to the model's framing")
    parser.add_argument(
        "--face",
        type=natural(1, 10_000),
        action="append",
        metavar="N",
        help="which face of a photo, 1 is the largest; once for all photos, or once for each in order",
    )
    parser.add_argument(
        "--eyes",
        type=_points,
        action="append",
        metavar="X,Y,X,Y[,X,Y]",
        help="where the eyes, and perhaps the middle of the mouth, are in a photo's pixels; once for each photo in "
        "order, auto for one whose face is looked for",
    )


def cuts(args: argparse.Namespace, count: int, what: str = "photos") -> list[Cut]:
    """The cut of each of `count` photos, or of `what` may be photos.

    Raises:
        UsageError: --face or --eyes was not given once for each.
    """
    faces, eyes = args.face or [1], args.eyes or [()] * count
    if len(faces) not in (1, count):
        raise UsageError(f"--face was given {_times(faces)} for {_many(count, what)}: give it once, or once for each.")
    if len(eyes) != count:
        raise UsageError(
            f"--eyes was given {_times(eyes)} for {_many(count, what)}: give it once for each in order, with auto for "
            "one whose face is looked for or that is no photo."
        )
    faces = faces * count if len(faces) == 1 else faces
    return [Cut(args.align, face - 1, points) for face, points in zip(faces, eyes, strict=True)]


def _times(given: list[Any]) -> str:
    return "once" if len(given) == 1 else f"{len(given)} times"


def _many(count: int, what: str) -> str:
    return f"one {what.removesuffix('s')}" if count == 1 else f"{count} {what}"


def cut_values(photo: Loaded) -> dict[str, Any]:
    """What --json says of a cut: how many faces were found, and how it was made."""
    return {"faces": photo.faces, "how": photo.how}


def _points(text: str) -> tuple[Point, ...]:
    """An argparse type: "10,20,30,20" -> ((10, 20), (30, 20)); "auto" -> ()."""
    if text.strip().lower() == "auto":
        return ()
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
        raise argparse.ArgumentTypeError(f"must be 4 or 6 numbers with commas between, or auto, got {text!r}")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
