"""models, sample, encode, edit: what Explore does, without a window."""

from __future__ import annotations

import argparse
import functools
import io
import json
import math
import time
from typing import Any

import numpy as np

from engine.api import Coded, Cut, DrawRequest, Encoded, Loaded, ModelCard
from engine.commands.common import (
    Command,
    Result,
    natural,
    new_folder,
    no_arguments,
    output_path,
    picture_path,
    real,
    repeatable,
    rounded,
    side_by_side,
    sliders,
)
from engine.commands.framing import add_cut_arguments, cut_values, cuts
from engine.commands.full import add_full_arguments, check_edit, edit_full
from engine.commands.levels import add_level_arguments, level_rules, temperatures
from engine.errors import UserError
from engine.exploring.open_model import OpenModel
from engine.files.disk import told_as, write_bytes
from engine.pictures import save_picture, sheet
from engine.session import Session


def _device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")


LONG_SERIES = ("heldout_bits_per_dim",)
"""Parts of a card that are for plots, not for reading."""
LONGEST_WORD = 500


def _word(card: ModelCard, name: str) -> str:
    """A text of a model's card, empty where it says nothing; a stranger's card may hold anything."""
    value = card.card.get(name, "")
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(c for c in text if c.isprintable())[:LONGEST_WORD]


def _card(card: ModelCard) -> dict[str, Any]:
    """What a model's card says, nothing where it holds numbers that JSON does not know."""
    found = {name: value for name, value in card.card.items() if name not in LONG_SERIES}
    try:
        json.dumps(found, allow_nan=False)
    except (ValueError, RecursionError):
        return {}
    return found


def _models(_: argparse.Namespace) -> Result:
    cards = Session().models()
    plain = ("family", "image_size", "channels", "parameters", "sha256", "shipped")
    rows = [
        {"name": c.title, "path": str(c.path), "card": _card(c)}
        | {name: getattr(c, name) for name in plain}
        | {name: _word(c, name) for name in ("licence", "headline", "terms")}
        for c in cards
    ]
    lines = [
        f"{c.title:24} {c.family:5} {c.image_size:4} px {c.parameters / 1e6:6.2f} M numbers  {c.sha256[:12]}  "
        f"{_word(c, 'licence') or '-':13}  {_word(c, 'headline') or '-'}"
        for c in cards
    ]
    return Result({"models": rows}, "\n".join(lines) or "No models yet: train one with latent-loom train.")


def _sample_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="name, slug or path of a model")
    parser.add_argument("-n", type=natural(1, 4096), default=16, help="how many samples")
    parser.add_argument(
        "-t",
        "--temperature",
        type=temperatures,
        default=None,
        help="spread of the codes, one number or one a level with commas between; default: the model's own",
    )
    parser.add_argument(
        "--neighbours", default=None, metavar="PHOTO", help="codes around that of a photo, which is in the middle"
    )
    parser.add_argument(
        "--radius", type=real(0.0, 3.2), default=0.3, help="how far the outermost neighbours are, in radians"
    )
    parser.add_argument("--seed", type=natural(0, 2**31 - 1), default=0)
    parser.add_argument("-o", "--output", type=picture_path, required=True, help="PNG, JPEG or WebP to write")
    add_cut_arguments(parser)
    _device(parser)


def _sample(args: argparse.Namespace) -> Result:
    session = Session(device=args.device)
    model = session.open(args.model)
    if args.neighbours is not None:
        return _neighbours(args, session, model)
    start = time.perf_counter()
    pictures = model.decode(model.sample(args.n, temperature=args.temperature, seed=args.seed))
    seconds = time.perf_counter() - start
    save_picture(sheet(pictures, max(1, round(args.n**0.5))), args.output)
    values = {"output": str(args.output), "samples": args.n, "seed": args.seed, "seconds": round(seconds, 4)}
    return Result(values, f"{args.n} samples of {model.info.title} in {seconds:.2f} s: {args.output}")


def _neighbours(args: argparse.Namespace, session: Session, model: OpenModel) -> Result:
    _, encoded = _encoded(session, model, args.neighbours, cuts(args, 1)[0])
    # The photo is in the middle, so the side of the grid is odd.
    side = math.ceil(math.sqrt(args.n)) // 2 * 2 + 1 if args.n > 1 else 1
    request = DrawRequest(Coded(encoded.code, encoded.name))
    start = time.perf_counter()
    codes = [model.neighbour(request, i, side=side, radius=args.radius, seed=args.seed) for i in range(side * side)]
    pictures = model.decode(np.stack(codes))
    seconds = time.perf_counter() - start
    save_picture(sheet(pictures, side), args.output)
    values = {"output": str(args.output), "samples": side * side, "seed": args.seed, "radius": args.radius}
    values["seconds"] = round(seconds, 4)
    return Result(values, f"{side * side} codes around {encoded.name} in {seconds:.2f} s: {args.output}")


def _encode_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model")
    parser.add_argument("photos", nargs="+", help="pictures to encode")
    parser.add_argument("-o", "--output", type=output_path, required=True, help=".npz with the codes")
    parser.add_argument("--improve", action="store_true", help="refine the codes by descent, or search longer")
    parser.add_argument(
        "--steps", type=natural(0, 100_000), default=None, help="steps of the search or refinement, at most"
    )
    add_cut_arguments(parser)
    _device(parser)


def _encode(args: argparse.Namespace) -> Result:
    session = Session(device=args.device)
    model = session.open(args.model)
    how = {"steps": args.steps, "improve": args.improve}
    framed = cuts(args, len(args.photos))
    both = [_encoded(session, model, photo, cut, **how) for photo, cut in zip(args.photos, framed, strict=True)]
    found = [encoded for _, encoded in both]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        codes=np.stack([e.code for e in found]),
        names=np.array([e.name for e in found]),
        model_sha256=np.array(model.info.sha256),
    )
    new = new_folder(args.output.parent)
    with told_as(UserError, f"{args.output} could not be written", "choose another place."):
        write_bytes(args.output, buffer.getvalue())
    rows = [
        {
            "photo": str(photo),
            "exact": bool(np.isinf(e.psnr_db)),
            "psnr_db": rounded(e.psnr_db, 2) if np.isfinite(e.psnr_db) else None,
            "ssim": rounded(e.ssim),
            "bits_per_dim": rounded(e.bits_per_dim),
            "percentile_training": rounded(e.percentile_training, 2),
            "percentile": rounded(e.percentile, 2),
            "norm_ratio": rounded(e.norm_ratio),
            "improved": e.improved,
            "seconds": round(e.milliseconds / 1000, 4),
            "milliseconds": round(e.milliseconds, 2),
            "note": e.note,
            **cut_values(loaded),
        }
        for photo, (loaded, e) in zip(args.photos, both, strict=True)
    ]
    lines = [
        f"{e.name}: {'exact' if np.isinf(e.psnr_db) else f'{e.psnr_db:.2f} dB'}, {e.milliseconds:.0f} ms"
        + (f", {e.bits_per_dim:.3f} bits/dim at {model.info.bits} bits" if e.bits_per_dim is not None else "")
        + (f", more than {e.percentile:.0f} % of held-out pictures" if e.percentile is not None else "")
        + (f". {e.note}" if e.note else "")
        for e in found
    ]
    values = {"output": str(args.output), "model": model.info.title, "density": model.info.density, "photos": rows}
    return Result(values, "\n".join([*lines, *filter(None, [new.strip()])]))


def _encoded(
    session: Session, model: OpenModel, photo: str, cut: Cut, *, steps: int | None = None, improve: bool = False
) -> tuple[Loaded, Encoded]:
    loaded = session.load_photo(photo, size=model.info.image_size, cut=cut)
    return loaded, model.encode(loaded.picture, name=loaded.name, note=loaded.note, steps=steps, improve=improve)


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model")
    parser.add_argument("photo", help="a picture; with --full also a folder of pictures")
    repeatable(parser, "--set", "NAME=SIGMAS", "move a direction; repeatable")
    repeatable(parser, "--lock", "NAME", "hold a direction still; repeatable")
    add_level_arguments(parser)
    add_full_arguments(parser)
    parser.add_argument("-o", "--output", type=output_path, required=True)
    add_cut_arguments(parser)
    _device(parser)


def _edit(args: argparse.Namespace) -> Result:
    check_edit(args)
    session = Session(device=args.device)
    model = session.open(args.model)
    known = {d.name.lower(): d.name for d in (*model.info.attributes, *model.info.components)}
    edits = tuple((known.get(name.lower(), name), value) for name, value in sliders(args.set))
    locked = tuple(known.get(name.lower(), name) for name in args.lock)
    cut = cuts(args, 1)[0]

    @functools.cache
    def other(photo: str) -> Coded:
        _, found = _encoded(session, model, photo, Cut(args.align))
        return Coded(found.code, found.name)

    def ask(encoded: Encoded) -> DrawRequest:
        rules, solo = level_rules(args, model.info, encoded.code, encode=other)
        source = Coded(encoded.code, encoded.name)
        return DrawRequest(source, edits=edits, locked=locked, levels=rules, solo=solo)

    if args.full:
        return edit_full(args, session, model, ask=ask, cut=cut)
    loaded, encoded = _encoded(session, model, args.photo, cut)
    drawn = model.draw(ask(encoded))
    save_picture(side_by_side(encoded.photo, encoded.reconstruction, drawn.picture), args.output)
    values = {
        "output": str(args.output),
        "edits": dict(edits),
        "psnr_db": rounded(encoded.psnr_db, 2) if np.isfinite(encoded.psnr_db) else None,
        "norm_ratio": rounded(drawn.norm_ratio),
        "level_norms": [rounded(norm) for norm in drawn.level_norms],
        "note": encoded.note,
        **cut_values(loaded),
    }
    return Result(values, f"Photo, reconstruction and edit side by side: {args.output}")


COMMANDS = (
    Command("models", "list the models in the library", no_arguments, _models),
    Command("sample", "draw samples", _sample_arguments, _sample),
    Command("encode", "find the codes of photos", _encode_arguments, _encode),
    Command("edit", "move a photo along directions", _edit_arguments, _edit),
)
