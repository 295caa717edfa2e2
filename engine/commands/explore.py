"""models, sample, encode, edit, morph, directions: what Explore does, without a window."""

from __future__ import annotations

import argparse
import io
import time

import numpy as np

from engine.api import Coded, DrawRequest, Encoded
from engine.checkpoints.atomic import write_bytes
from engine.commands.common import Command, Result, natural, output_path, real, rounded, side_by_side, sliders
from engine.errors import UserError
from engine.export import save_animation
from engine.latent.paths import PATHS
from engine.open_model import OpenModel
from engine.pictures import save_picture, sheet
from engine.session import Session

ALIGN = ("auto", "none", "face", "centre")


def _device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")


def _align(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--align", choices=ALIGN, default="auto", help="how a photo is cut to the model's framing"
    )


def _models(_: argparse.Namespace) -> Result:
    cards = Session().models()
    rows = [
        {
            "name": c.title,
            "family": c.family,
            "image_size": c.image_size,
            "channels": c.channels,
            "parameters": c.parameters,
            "sha256": c.sha256,
            "path": str(c.path),
            "shipped": c.shipped,
        }
        for c in cards
    ]
    lines = [
        f"{c.title:24} {c.family:5} {c.image_size:4} px {c.parameters / 1e6:6.2f} M numbers  {c.sha256[:12]}"
        for c in cards
    ]
    return Result({"models": rows}, "\n".join(lines) or "No models yet: train one with latent-loom train.")


def _sample_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="name, slug or path of a model")
    parser.add_argument("-n", type=natural(1, 4096), default=16, help="how many samples")
    parser.add_argument(
        "-t",
        "--temperature",
        type=real(0.0, 10.0),
        default=None,
        help="spread of the codes; default: the model's own",
    )
    parser.add_argument("--seed", type=natural(0, 2**31 - 1), default=0)
    parser.add_argument("-o", "--output", type=output_path, required=True, help="PNG, JPEG or WebP to write")
    _device(parser)


def _sample(args: argparse.Namespace) -> Result:
    model = Session(device=args.device).open(args.model)
    start = time.perf_counter()
    pictures = model.decode(model.sample(args.n, temperature=args.temperature, seed=args.seed))
    seconds = time.perf_counter() - start
    save_picture(sheet(pictures, max(1, round(args.n**0.5))), args.output)
    values = {"output": str(args.output), "samples": args.n, "seed": args.seed, "seconds": round(seconds, 4)}
    return Result(values, f"{args.n} samples of {model.info.title} in {seconds:.2f} s: {args.output}")


def _encode_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model")
    parser.add_argument("photos", nargs="+", help="pictures to encode")
    parser.add_argument("-o", "--output", type=output_path, required=True, help=".npz with the codes")
    _align(parser)
    _device(parser)


def _encode(args: argparse.Namespace) -> Result:
    session = Session(device=args.device)
    model = session.open(args.model)
    found = [_encoded(session, model, photo, args.align) for photo in args.photos]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        codes=np.stack([e.code for e in found]),
        names=np.array([e.name for e in found]),
        model_sha256=np.array(model.info.sha256),
    )
    try:
        write_bytes(args.output, buffer.getvalue())
    except OSError as error:
        raise UserError(
            f"{args.output} could not be written ({error.strerror}): choose another place."
        ) from error
    rows = [
        {
            "photo": str(photo),
            "exact": bool(np.isinf(e.psnr_db)),
            "psnr_db": rounded(e.psnr_db, 2) if np.isfinite(e.psnr_db) else None,
            "ssim": rounded(e.ssim),
            "bits_per_dim": rounded(e.bits_per_dim),
            "milliseconds": round(e.milliseconds, 2),
            "note": e.note,
        }
        for photo, e in zip(args.photos, found, strict=True)
    ]
    lines = [
        f"{e.name}: {'exact' if np.isinf(e.psnr_db) else f'{e.psnr_db:.2f} dB'}, {e.milliseconds:.0f} ms"
        + (f", {e.bits_per_dim:.3f} bits/dim at {model.info.bits} bits" if e.bits_per_dim is not None else "")
        + (f". {e.note}" if e.note else "")
        for e in found
    ]
    values = {
        "output": str(args.output),
        "model": model.info.title,
        "density": model.info.density,
        "photos": rows,
    }
    return Result(values, "\n".join(lines))


def _encoded(session: Session, model: OpenModel, photo: str, align: str) -> Encoded:
    loaded = session.load_photo(photo, size=model.info.image_size, align=align)
    return model.encode(loaded.picture, name=loaded.name, note=loaded.note)


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model")
    parser.add_argument("photo")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=SIGMAS", help="move a direction; repeatable"
    )
    parser.add_argument(
        "--lock", action="append", default=[], metavar="NAME", help="hold a direction still; repeatable"
    )
    parser.add_argument("-o", "--output", type=output_path, required=True)
    _align(parser)
    _device(parser)


def _edit(args: argparse.Namespace) -> Result:
    session = Session(device=args.device)
    model = session.open(args.model)
    known = {d.name.lower(): d.name for d in (*model.info.attributes, *model.info.components)}
    edits = tuple((known.get(name.lower(), name), value) for name, value in sliders(args.set))
    locked = tuple(known.get(name.lower(), name) for name in args.lock)
    encoded = _encoded(session, model, args.photo, args.align)
    drawn = model.draw(DrawRequest(Coded(encoded.code, encoded.name), edits=edits, locked=locked))
    save_picture(side_by_side(encoded.photo, encoded.reconstruction, drawn.picture), args.output)
    values = {
        "output": str(args.output),
        "edits": dict(edits),
        "psnr_db": rounded(encoded.psnr_db, 2) if np.isfinite(encoded.psnr_db) else None,
        "norm_ratio": rounded(drawn.norm_ratio),
    }
    return Result(values, f"Photo, reconstruction and edit side by side: {args.output}")


def _morph_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model")
    parser.add_argument("photos", nargs="+", metavar="photo", help="two to four pictures")
    parser.add_argument("--frames", type=natural(2, 10_000), default=60)
    parser.add_argument("--fps", type=natural(1, 100), default=30)
    parser.add_argument("--path", choices=tuple(PATHS), default="slerp", help="how codes are blended")
    parser.add_argument("--scale", type=natural(1, 16), default=4, help="enlarge each frame so many times")
    parser.add_argument(
        "-o", "--output", type=output_path, required=True, help=".gif, .webp, .mp4 or a folder"
    )
    _align(parser)
    _device(parser)


def _morph(args: argparse.Namespace) -> Result:
    session = Session(device=args.device)
    model = session.open(args.model)
    encoded = [_encoded(session, model, photo, args.align) for photo in args.photos]
    codes = model.morph(
        np.stack([e.code for e in encoded]), np.linspace(0, 1, args.frames).tolist(), method=args.path
    )
    start = time.perf_counter()
    frames = model.decode(codes)
    seconds = time.perf_counter() - start
    save_animation(args.output, frames, frames_per_second=args.fps, scale=args.scale)
    values = {
        "output": str(args.output),
        "frames": args.frames,
        "pictures_per_second": round(args.frames / seconds, 1),
    }
    return Result(values, f"{args.frames} frames from {' to '.join(e.name for e in encoded)}: {args.output}")


def _directions_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model")
    _device(parser)


def _directions(args: argparse.Namespace) -> Result:
    info = Session(device=args.device).open(args.model).info
    rows = [
        {
            "name": d.name,
            "kind": d.kind,
            "auc": rounded(d.auc),
            "auc_interval": None if d.auc_low is None else [rounded(d.auc_low), rounded(d.auc_high)],
            "share": rounded(d.share),
        }
        for d in (*info.attributes, *info.components)
    ]
    lines = [
        f"{d.name:24} held-out AUC {d.auc:.3f}" if d.auc is not None else f"{d.name:24} no AUC"
        for d in info.attributes
    ]
    lines += [f"{d.name:24} {100 * (d.share or 0):.1f} % of the variance" for d in info.components]
    values = {"model": info.title, "model_sha256": info.sha256, "directions": rows}
    return Result(values, "\n".join(lines) or f"{info.title} has no directions yet.")


def _nothing(_: argparse.ArgumentParser) -> None:
    """A command without arguments."""


COMMANDS = (
    Command("models", "list the models in the library", _nothing, _models),
    Command("sample", "draw samples", _sample_arguments, _sample),
    Command("encode", "find the codes of photos", _encode_arguments, _encode),
    Command("edit", "move a photo along directions", _edit_arguments, _edit),
    Command("morph", "blend two to four photos", _morph_arguments, _morph),
    Command("directions", "list a model's directions", _directions_arguments, _directions),
)
