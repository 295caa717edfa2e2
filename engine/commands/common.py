"""What commands share: the shape of a command, its result, and parsing of values."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.api import Pictures
from engine.errors import UsageError


@dataclass(frozen=True)
class Result:
    """What a command found: `values` for --json, `text` for people. `problem`: one sentence about what of it failed,
    for standard error and exit status 1; empty where all of it was done."""

    values: Mapping[str, Any]
    text: str
    problem: str = ""


PICTURE_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp")
SILENT = Result({}, "")
"""Of a process that leaves the talking to another one: nothing is printed."""


@dataclass(frozen=True)
class Command:
    """One row of the command table."""

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], Result]


def assignments(texts: list[str]) -> dict[str, str]:
    """["beta=2"] -> {"beta": "2"}.

    Raises:
        UsageError: no "=" in one of them.
    """
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--set wants name=value, got {text!r}.")
        pairs[name.strip()] = value.strip()
    return pairs


def sliders(texts: list[str]) -> tuple[tuple[str, float], ...]:
    """["Smiling=+2"] -> (("Smiling", 2.0),).

    Raises:
        UsageError: a value that is no finite number.
    """
    found = []
    for name, value in assignments(texts).items():
        if not abs(number(value)) <= 100:
            raise UsageError(f"{name} must be a number of sigmas between -100 and 100, got {value!r}.")
        found.append((name, number(value)))
    return tuple(found)


def number(text: str) -> float:
    """The number in a text; not a number where it holds none, which no bounds contain."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def repeatable(parser: argparse.ArgumentParser, flag: str, metavar: str, help: str) -> None:
    """An option that may be given several times: a list, empty without it."""
    parser.add_argument(flag, action="append", default=[], metavar=metavar, help=help)


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Of a command without arguments."""


def natural(low: int, high: int) -> Callable[[str], int]:
    """An argparse type: a whole number within bounds."""

    def parse(text: str) -> int:
        try:
            whole = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a whole number, got {text!r}") from None
        if not low <= whole <= high:
            raise argparse.ArgumentTypeError(f"must be between {low} and {high}, got {whole}")
        return whole

    return parse


def real(low: float, high: float) -> Callable[[str], float]:
    """An argparse type: a number within bounds."""

    def parse(text: str) -> float:
        if not low <= number(text) <= high:
            raise argparse.ArgumentTypeError(f"must be a number between {low:g} and {high:g}, got {text!r}")
        return number(text)

    return parse


def rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)


def side_by_side(*pictures: Pictures) -> Pictures:
    """Pictures of one height in a row, with a thin gap."""
    gap = np.full((pictures[0].shape[0], 4, 3), 24, np.uint8)
    parts: list[Pictures] = []
    for picture in pictures:
        parts += [picture, gap]
    return np.concatenate(parts[:-1], axis=1)


def given(args: argparse.Namespace, *names: str) -> list[str]:
    """Which of these options were given, as they are written; their default must be None."""
    return [f"--{name.replace('_', '-')}" for name in names if getattr(args, name) is not None]


def picture_path(text: str) -> Path:
    """An argparse type: a picture to write, with its home folder opened out."""
    path = output_path(text)
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise argparse.ArgumentTypeError(f"must end in .png, .jpg or .webp, got {path.name!r}")
    return path


def new_folder(folder: Path) -> str:
    """A sentence about a folder that is written to and is not there yet; empty where it is."""
    return "" if folder.exists() else f" The folder {folder} is new."


def output_path(text: str) -> Path:
    """An argparse type: a path to write, with its home folder opened out."""
    return Path(text).expanduser()
