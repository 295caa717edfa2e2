"""timelapse: a run as a moving picture."""

from __future__ import annotations

import argparse
import time

from engine.commands.common import Command, Result, natural, output_path, real
from engine.exploring.export import GIF_FASTEST
from engine.runs import timelapse


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=output_path, help="directory of a run, also while it trains")
    parser.add_argument(
        "--what", choices=timelapse.WHAT, default="samples", help="the samples, or the pinned photos as they were drawn"
    )
    parser.add_argument("--fps", type=natural(1, 100), default=10, help="previews a second; GIF plays at most 50")
    parser.add_argument("--hold", type=real(0, 60), default=1.0, help="seconds that the last preview stands still")
    parser.add_argument("--scale", type=natural(1, 8), default=2, help="enlarge each frame so many times")
    parser.add_argument("--no-step", action="store_true", help="leave the step out of the corner")
    parser.add_argument("-o", "--output", type=output_path, required=True, help=".gif, .webp, .mp4 or a folder")


def _run(args: argparse.Namespace) -> Result:
    hold = round(args.hold * args.fps)
    film = timelapse.plan(args.run, args.what, scale=args.scale, hold=hold, stamp=not args.no_step)
    start = time.perf_counter()
    timelapse.save_timelapse(film, args.output, frames_per_second=args.fps)
    seconds = time.perf_counter() - start
    first, last = film.previews[0][0], film.previews[-1][0]
    values = {
        "output": str(args.output),
        "what": args.what,
        "frames": film.count,
        "previews": len(film.previews),
        "first_step": first,
        "last_step": last,
        "frames_per_second": args.fps,
        "width": film.size[0] * film.scale,
        "height": film.size[1] * film.scale,
        "seconds": round(film.count / args.fps, 3),
        "written_per_second": round(film.count / max(seconds, 1e-9), 1),
    }
    note = ""
    if args.output.suffix.lower() == ".gif" and args.fps > GIF_FASTEST:
        note = f" GIF plays at most {GIF_FASTEST} pictures a second: this one runs slower than asked."
    text = f"{film.count} frames, step {first:,} to {last:,}: {args.output}{note}"
    return Result(values, text)


COMMANDS = (Command("timelapse", "a run's previews as a moving picture", _arguments, _run),)
