"""morph: a moving picture of the way between two to four photos, codes or samples."""

from __future__ import annotations

import argparse
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.api import Codes, Cut, Pictures
from engine.blending import BACKGROUNDS, Corner, corner_of, drawn_canvas, morphed, prepare, shares
from engine.commands.common import Command, Result, given, natural, new_folder, output_path
from engine.commands.explore import _device, _encoded
from engine.commands.framing import add_cut_arguments, cut_values, cuts
from engine.errors import UsageError, UserError
from engine.exploring.export import GIF_FASTEST, check_animation, save_animation
from engine.exploring.open_model import OpenModel
from engine.exploring.timeline import CHUNK, EASINGS, KEEP_BYTES, LARGE_BYTES, LOOPS, Timeline, frames_of
from engine.latent.paths import PATHS
from engine.session import Session

_SEED: Final = re.compile(r"seed:(\d{1,9})\Z")
_CODE: Final = re.compile(r"(.+\.npz)#(\d{1,6})\Z", re.DOTALL)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="name, slug or path of a model")
    parser.add_argument(
        "corners",
        nargs="+",
        metavar="corner",
        help="two to four: photos, codes that encode wrote (codes.npz#0 is the first), or samples (seed:12)",
    )
    frames_help = "pictures in all, rests and the way back included"
    parser.add_argument("--frames", type=natural(2, 10_000), default=60, help=frames_help)
    parser.add_argument("--fps", type=natural(1, 100), default=30, help="pictures per second; GIF plays at most 50")
    parser.add_argument(
        "--method",
        "--path",
        dest="method",
        choices=tuple(PATHS),
        default="slerp",
        help="lerp: line; slerp: arc; norm: line at the arc's length; levels: an arc in each level of a flow",
    )
    parser.add_argument("--easing", choices=tuple(EASINGS), default="linear", help="how each leg starts and ends")
    parser.add_argument(
        "--loop",
        choices=LOOPS,
        default="once",
        help="once: first corner to last; loop: and on to the first again; there-and-back",
    )
    parser.add_argument("--hold", type=natural(0, 1000), default=0, help="frames that each corner stands still")
    parser.add_argument("--scale", type=natural(1, 16), help="enlarge each frame so many times, 4 by default")
    how = "how frames are enlarged, bicubic by default"
    parser.add_argument("--resample", choices=("bicubic", "nearest"), help=how)
    parser.add_argument(
        "--full",
        action="store_true",
        help="keep the photos' own detail; corners that are no photos are as soft as the model; --side takes the place "
        "of --scale",
    )
    parser.add_argument(
        "--side", type=natural(16, 4096), help="with --full: pixels of each frame's side, 512 by default"
    )
    parser.add_argument("--background", choices=BACKGROUNDS, help="with --full: behind the heads, faded by default")
    parser.add_argument("-o", "--output", type=output_path, required=True, help=".gif, .webp, .mp4 or a folder")
    add_cut_arguments(parser)
    _device(parser)


@dataclass
class _Clock:
    """Seconds spent decoding, apart from encoding the file."""

    model: OpenModel
    codes: Codes
    method: str
    closed: bool
    photos: list[Corner] = field(default_factory=list)
    background: str = "faded"
    seconds: float = field(default=0.0)

    def decode(self, fractions: list[float]) -> Pictures:
        start = time.perf_counter()
        pictures = self.model.decode(self.model.morph(self.codes, fractions, method=self.method, loop=self.closed))
        if self.photos:
            at = [shares(place, len(self.photos), loop=self.closed) for place in fractions]
            both = zip(pictures, at, strict=True)
            pictures = np.stack([morphed(self.photos, one, part, background=self.background) for one, part in both])
        self.seconds += time.perf_counter() - start
        return pictures


def _run(args: argparse.Namespace) -> Result:
    if not 2 <= len(args.corners) <= 4:
        raise UsageError(f"A morph needs two to four corners, got {len(args.corners)}: name that many photos or codes.")
    _check(args)
    hold = (args.hold,) * len(args.corners)
    line = Timeline(len(args.corners), args.frames, args.easing, args.loop, hold)
    fractions = line.fractions()
    framed = cuts(args, len(args.corners), "corners")
    new = new_folder(args.output.parent if args.output.suffix else args.output)
    session = Session(device=args.device)
    model = session.open(args.model)
    side = (args.side or 512) if args.full else None
    corners = [_corner(session, model, text, cut, side=side) for text, cut in zip(args.corners, framed, strict=True)]
    # A wrong method is told before a file is begun.
    codes = np.stack([corner.code for corner in corners])
    model.morph(codes, [0.0], method=args.method)
    photos = [corner.photo for corner in corners if corner.photo is not None]
    soft = [corner.name for corner in corners if corner.soft]
    if args.full and len(soft) == len(corners):
        raise UsageError("A morph with --full keeps the detail of photos and no corner is one: name at least one.")
    clock = _Clock(model, codes, args.method, line.closed, photos, args.background or "faded")
    start = time.perf_counter()

    def frames() -> Iterator[Pictures]:
        # At full size each frame goes to its file before the next one is made: sixteen of them would fill the memory.
        keep, chunk = (LARGE_BYTES, 1) if args.full else (KEEP_BYTES, CHUNK)
        return frames_of(lambda places: clock.decode(list(places)), fractions, keep_bytes=keep, chunk=chunk)

    save_animation(
        args.output,
        frames(),
        count=len(fractions),
        frames_per_second=args.fps,
        scale=1 if args.full else args.scale or 4,
        smooth=args.resample != "nearest",
        # A pass from first to last is repeated too, as most viewers of a file that plays once never see it.
        forever=True,
    )
    seconds = time.perf_counter() - start
    values = {
        "output": str(args.output),
        **{name: getattr(args, name) for name in ("frames", "method", "easing", "loop", "hold")},
        "frames_per_second": args.fps,
        "seconds": round(args.frames / args.fps, 3),
        "pictures_per_second": round(len(set(fractions)) / max(clock.seconds, 1e-9), 1),
        "written_per_second": round(args.frames / max(seconds, 1e-9), 1),
        "soft": soft if args.full else [],
        "corners": [{"corner": text, **found.cut} for text, found in zip(args.corners, corners, strict=True)],
    }
    note = new
    if args.output.suffix.lower() == ".gif" and args.fps > GIF_FASTEST:
        note = f" GIF plays at most {GIF_FASTEST} pictures a second: this one runs slower than asked."
    if args.full and soft:
        are = "is no photo: that end is" if len(soft) == 1 else "are no photos: those ends are"
        note += f" {' and '.join(soft)} {are} as soft as the model."
    names = " to ".join(corner.name for corner in corners)
    return Result(values, f"{args.frames} frames from {names}: {args.output}{note}")


def _check(args: argparse.Namespace) -> None:
    """Whether the options go together, and -o can be written.

    Raises:
        UsageError: they do not.
        UserError: the encoder of MP4 is not installed.
    """
    check_animation(args.output)
    for name in given(args, "scale", "resample") if args.full else ():
        raise UsageError(f"{name} enlarges what the model draws, and --full has photos: leave it out, or give --side.")
    for name in given(args, "side", "background") if not args.full else ():
        raise UsageError(f"{name} is for photos at full size: add --full, or leave it out.")
    for text in args.corners:
        if text.startswith("seed:") and not _SEED.match(text) and not Path(text).exists():
            raise UsageError(f"{text} is no sample: write a whole number of at most nine digits, as in seed:12.")


@dataclass(frozen=True)
class _Corner:
    """A corner's code (D,); of a photo, how it was cut, and for a morph at full size the photo itself. One that is
    `soft` has no photo but the model's picture."""

    name: str
    code: Codes
    cut: dict[str, Any] = field(default_factory=dict)
    photo: Corner | None = None
    soft: bool = False


def _corner(session: Session, model: OpenModel, text: str, cut: Cut, *, side: int | None) -> _Corner:
    """What a corner says: `seed:12`, `codes.npz#0`, or a photo, with its detail where there is a `side`."""
    seed, found = _SEED.match(text), _CODE.match(text)
    # A photo may be called anything, also photo.npz#0.
    stored = found is not None and not Path(text).expanduser().exists()
    if seed:
        return _drawn(model, text, model.sample(1, seed=int(seed[1]))[0], side=side)
    if found is not None and stored:
        return _drawn(model, text, _stored(model, Path(found[1]).expanduser(), int(found[2])), side=side)
    loaded, encoded = _encoded(session, model, text, cut)
    photo = None
    if side is not None and loaded.framing is not None:
        photo = corner_of(prepare(session.whole_photo(text), loaded.framing, encoded.reconstruction), side)
    return _Corner(encoded.name, encoded.code, {"note": loaded.note, **cut_values(loaded)}, photo)


def _drawn(model: OpenModel, name: str, code: Codes, *, side: int | None) -> _Corner:
    """A corner without a photo; with a `side` the model's own picture stands for one."""
    photo = None if side is None else corner_of(drawn_canvas(model.decode(code[None])[0]), side)
    return _Corner(name, code, photo=photo, soft=True)


def _stored(model: OpenModel, path: Path, index: int) -> Codes:
    """One code of a file that `encode` wrote.

    Raises:
        UserError: it cannot be read, holds no such code, or belongs to another model.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            codes, sha256 = np.asarray(archive["codes"], np.float32), str(archive["model_sha256"])
    except OSError as error:
        why = error.strerror or "not a file of codes"
        raise UserError(f"{path.name} could not be read ({why}): write it with latent-loom encode.") from error
    except (KeyError, ValueError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path.name} is no file of codes: write one with latent-loom encode.") from error
    if sha256 != model.info.sha256:
        raise UserError(f"{path.name} holds codes of another model than {model.info.title}: encode the photos again.")
    if codes.ndim != 2 or codes.shape[1] != model.info.code_size or not np.isfinite(codes).all():
        raise UserError(f"The codes in {path.name} do not fit {model.info.title}: encode the photos again.")
    if index >= len(codes):
        raise UserError(f"{path.name} holds {len(codes)} codes, counted from 0: there is no #{index}.")
    code: Codes = codes[index]
    return code


COMMANDS = (Command("morph", "a moving picture between two to four photos or codes", _arguments, _run),)
