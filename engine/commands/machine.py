"""doctor and shot: what this machine has, and a picture of the window."""

from __future__ import annotations

import argparse
import ctypes.util
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys

from engine import __version__, library
from engine.commands.common import Command, Result, no_arguments, output_path, repeatable, sliders
from engine.data.dataset import cache_folder
from engine.device import available, pick
from engine.errors import UsageError
from engine.session import Session

LIBRARIES = (
    *("torch", "numpy", "Pillow", "safetensors"),
    *("PySide6-Essentials", "pyqtgraph", "opencv-python-headless", "imageio-ffmpeg"),
)
QT_LIBRARIES = ("EGL", "GL", "xkbcommon", "dbus-1", "fontconfig", "glib-2.0")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _doctor(args: argparse.Namespace) -> Result:
    device = pick("auto")
    versions = {name: _version(name) for name in LIBRARIES}
    missing = [n for n in QT_LIBRARIES if sys.platform == "linux" and ctypes.util.find_library(n) is None]
    display = sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    home = library.home_folder()
    place = next(p for p in (home, *home.parents) if p.exists())
    advice = []
    if missing:
        advice.append(f"The window lacks the system libraries {', '.join(missing)}: run make setup.")
    if not display:
        advice.append("There is no display here: latent-loom shot draws the window into a file.")
    if versions["imageio-ffmpeg"] is None:
        advice.append("MP4 export is not installed: pip install 'latent-loom[video]' adds it.")
    values = {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "device": device.kind,
        "device_name": device.name,
        "devices": list(available()),
        "versions": versions,
        "display": display,
        "missing_libraries": missing,
        "home": str(home),
        "cache": str(cache_folder()),
        "free_bytes": shutil.disk_usage(place).free,
        "models": len(library.shipped_models()),
        "advice": advice,
    }
    lines = [
        f"Latent Loom {__version__}, Python {values['python']}, {values['system']}",
        f"Device: {device.kind} ({device.name})",
    ]
    lines += [f"{name}: {version or 'not installed'}" for name, version in versions.items()]
    lines += [f"Display: {'yes' if display else 'no'}", f"Models in the box: {values['models']}", f"Home: {home}"]
    return Result(values, "\n".join(lines + advice))


def _shot_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", type=output_path, help="PNG to write")
    parser.add_argument("--workspace", default="", help="explore, train or lab; default: the first of them")
    parser.add_argument("--view", default="", help="in Explore: single, compare, grid or morph")
    parser.add_argument("--run", type=output_path, help="in Train: the run on show; default: the newest")
    parser.add_argument(
        "--panel", choices=("new", "runs", "data"), default="new", help="in Train: the left panel; data looks at it"
    )
    parser.add_argument("--side", choices=("curves", "collapse"), default="curves", help="in Train: the right side")
    parser.add_argument("--photo", type=output_path, help="a photo to drop on the window first")
    parser.add_argument("--model", default="", help="which model to open; default: the first start's")
    repeatable(parser, "--set", "NAME=SIGMAS", "move a slider; repeatable")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--size", default="1440x900", help="WIDTHxHEIGHT in pixels")


def _shot(args: argparse.Namespace) -> Result:
    width, _, height = args.size.partition("x")
    if not (width.isdigit() and height.isdigit() and 640 <= int(width) <= 7680 and 480 <= int(height) <= 4320):
        raise UsageError(f"--size must be like 1440x900, between 640x480 and 7680x4320, got {args.size!r}.")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # The engine knows no window; only this command, like the one that opens it, looks for the front end by name.
    if importlib.util.find_spec("PySide6") is None:
        raise UsageError("The window needs PySide6, which is not installed: run make setup.")
    shot = importlib.import_module("app.shot")
    asked = importlib.import_module("app.core.shot_request").ShotRequest(
        args.view, sliders(args.set), run=args.run, panel=args.panel, side=args.side
    )
    shot.render(
        args.output,
        workspace=args.workspace,
        photo=args.photo,
        size=(int(width), int(height)),
        # The window knows a model by its path; a name is looked up here, where the library is known.
        model=Session().find(args.model).key if args.model else "",
        theme=args.theme,
        asked=asked,
    )
    return Result({"output": str(args.output), "size": [int(width), int(height)]}, f"The window: {args.output}")


COMMANDS = (
    Command("doctor", "say what this machine has and what is missing", no_arguments, _doctor),
    Command("shot", "draw the window into a PNG", _shot_arguments, _shot),
)
