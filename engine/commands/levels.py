"""The levels of a code on the command line: strengths, held levels, levels of a second photo, temperatures."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

from engine.api import Coded, Codes, LevelRule, ModelInfo
from engine.commands.common import assignments, number, repeatable
from engine.errors import UsageError

HOTTEST = 10.0
STRONGEST = 10.0


def add_level_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `edit` that speak of levels."""
    scaled = "scale a level of the code about zero: 0 takes it away, 1 leaves it; repeatable"
    repeatable(parser, "--level", "LEVEL=STRENGTH", scaled)
    frozen = "leave a level of the code as it is, whatever is edited; repeatable"
    repeatable(parser, "--freeze", "LEVEL", frozen)
    repeatable(parser, "--swap", "LEVEL=PHOTO", "take a level of the code from another photo; repeatable")
    parser.add_argument("--solo", default=None, metavar="LEVEL", help="show one level alone, the others at zero")


def level_rules(
    args: argparse.Namespace, info: ModelInfo, code: Codes, *, encode: Callable[[str], Coded]
) -> tuple[tuple[LevelRule, ...], int]:
    """The recipe of the levels that the flags ask for, and the level to show alone (-1: all).

    `code` (D,) is the photo's own; `encode` finds the code of another photo, once for each.

    Raises:
        UsageError: no such level, or a strength that is no number.
    """
    rules = [LevelRule()] * len(info.groups)
    others: dict[str, Coded] = {}
    for name, text in assignments(args.level).items():
        at = level_index(name, info)
        if not abs(number(text)) <= STRONGEST:
            raise UsageError(f"level {name} must get a number between -10 and 10, got {text!r}.")
        rules[at] = replace(rules[at], strength=number(text))
    for name, photo in assignments(args.swap).items():
        at = level_index(name, info)
        if photo not in others:
            others[photo] = encode(photo)
        rules[at] = replace(rules[at], taken=others[photo])
    for name in args.freeze:
        at = level_index(name, info)
        rules[at] = replace(rules[at], held=Coded(code))
    solo = -1 if args.solo is None else level_index(args.solo, info)
    return (tuple(rules) if any(rule != LevelRule() for rule in rules) else ()), solo


def level_index(name: str, info: ModelInfo) -> int:
    """The level of a number from 1 (as the models name them) or a name.

    Raises:
        UsageError: the model has no such level.
    """
    names = [group.name.lower() for group in info.groups]
    if name.strip().lower() in names:
        return names.index(name.strip().lower())
    if name.strip().isdecimal() and 1 <= int(name) <= len(names):
        return int(name) - 1
    raise UsageError(f"{info.title} has the levels 1 to {len(names)}, and no level {name!r}.")


def temperatures(text: str) -> float | tuple[float, ...]:
    """An argparse type: one temperature, or one a level with commas between."""
    found = []
    for part in text.split(","):
        if not 0.0 <= number(part) <= HOTTEST:
            raise argparse.ArgumentTypeError(
                f"must be a number between 0 and {HOTTEST:g}, or one a level with commas, got {text!r}"
            )
        found.append(number(part))
    return found[0] if len(found) == 1 else tuple(found)
