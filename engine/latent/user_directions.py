"""The directions that a person made or found, kept in the user's folder: one file a model, bound to its SHA-256."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.api import DirectionInfo
from engine.errors import CheckpointError, UsageError
from engine.files.disk import told_as
from engine.latent.direction_files import DirectionSet, load_directions, save_directions
from engine.latent.directions import Direction
from engine.latent.factorisation import UNSUPERVISED

_FOLDER: Final = "directions"
_SUFFIX: Final = ".safetensors"


@dataclass(frozen=True, eq=False)
class Owned:
    """What the user's folder holds for a model: attributes made by hand, main axes found, and what was wrong.

    `problem` is a sentence for the person, empty when all was well.
    """

    made: DirectionSet
    found: tuple[Direction, ...] = ()
    problem: str = ""


def user_file(home: Path, sha256: str) -> Path:
    """Where the attributes made for the model with this SHA-256 are."""
    return home / _FOLDER / f"{sha256[:16]}{_SUFFIX}"


def axes_file(home: Path, sha256: str, method: str) -> Path:
    """Where the main axes found by `method` are kept; losing it costs only the time to find them again."""
    return home / _FOLDER / f"{sha256[:16]}.{method}{_SUFFIX}"


def load_owned(home: Path, sha256: str, size: int) -> Owned:
    """All that the user's folder holds for this model of code size D = `size`; a damaged file is set aside."""
    made, problem = _load_or_set_aside(user_file(home, sha256), sha256, size)
    found: list[Direction] = []
    for method in UNSUPERVISED:
        axes, _ = _load_or_set_aside(axes_file(home, sha256, method), sha256, size)
        found += [axis for axis in axes if axis.method == method]
    return Owned(made, tuple(found), problem)


def _load_or_set_aside(path: Path, sha256: str, size: int) -> tuple[DirectionSet, str]:
    if not path.is_file():
        return DirectionSet(sha256, ()), ""
    try:
        return load_directions(path, model_sha256=sha256, size=size), ""
    except CheckpointError as error:
        kept = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        try:
            os.replace(path, kept)
        except OSError:
            return DirectionSet(sha256, ()), f"Your directions could not be read: {error}"
        return DirectionSet(sha256, ()), (
            f"Your directions for this model could not be read and were set aside as {kept.name} in {kept.parent}: "
            f"{error}"
        )


def save_made(home: Path, made: DirectionSet) -> None:
    """Keeps the attributes, whole or not at all; the file goes with the last one.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    _save(user_file(home, made.model_sha256), made)


def save_found(home: Path, sha256: str, method: str, axes: tuple[Direction, ...]) -> None:
    """Keeps the main axes of one method.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    _save(axes_file(home, sha256, method), DirectionSet(sha256, axes))


def _save(path: Path, directions: DirectionSet) -> None:
    with told_as(CheckpointError, f"{path.parent} cannot be written", "free some space or change its rights."):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not directions.directions:
            path.unlink(missing_ok=True)
            return
    save_directions(path, directions)


def merged(shipped: DirectionSet, owned: Owned) -> DirectionSet:
    """The shipped directions, then the user's, then the axes found; a name that is taken gets a number.

    Principal axes that were found take the place of shipped ones only where there are none.
    """
    every = list(shipped)
    taken = {direction.name.lower() for direction in every}
    has_axes = any(direction.method == "pca" for direction in every)
    for direction in (*owned.made, *(d for d in owned.found if d.method != "pca" or not has_axes)):
        every.append(_renamed(direction, _free_name(direction.name, taken)))
        taken.add(every[-1].name.lower())
    return DirectionSet(shipped.model_sha256, tuple(every))


def described(shipped: DirectionSet, owned: Owned) -> tuple[DirectionInfo, ...]:
    """What the window shows of each direction of `merged`, in its order."""
    made = range(len(shipped), len(shipped) + len(owned.made))
    return tuple(
        DirectionInfo(
            name=direction.name,
            kind="component" if direction.method in UNSUPERVISED else "attribute",
            method=direction.method,
            user_made=index in made,
            positives=direction.positives,
            negatives=direction.negatives,
            auc=direction.auc,
            auc_low=direction.auc_low,
            auc_high=direction.auc_high,
            share=direction.share,
        )
        for index, direction in enumerate(merged(shipped, owned))
    )


def added(made: DirectionSet, new: tuple[Direction, ...], taken: tuple[str, ...] = ()) -> DirectionSet:
    """With `new` behind the others; a name that is taken (here or in `taken`) gets a number."""
    every, used = list(made), {name.lower() for name in (*taken, *made.names)}
    for direction in new:
        every.append(_renamed(direction, _free_name(direction.name, used)))
        used.add(every[-1].name.lower())
    return DirectionSet(made.model_sha256, tuple(every))


def without(made: DirectionSet, name: str) -> DirectionSet:
    """Without the attribute of this name; upper and lower case are the same.

    Raises:
        UsageError: there is none that the user made.
    """
    chosen = _named(made, name)
    return DirectionSet(made.model_sha256, tuple(d for d in made if d is not chosen))


def renamed(made: DirectionSet, old: str, new: str) -> DirectionSet:
    """With another name for one attribute; check it first with `make_directions.check_name`.

    Raises:
        UsageError: there is none of the old name that the user made.
    """
    chosen = _named(made, old)
    return DirectionSet(made.model_sha256, tuple(_renamed(d, new) if d is chosen else d for d in made))


def _named(made: DirectionSet, name: str) -> Direction:
    for direction in made:
        if direction.name.lower() == name.lower():
            return direction
    names = ", ".join(made.names) or "none yet"
    raise UsageError(f"You made no direction called {name!r} for this model: yours are {names}.")


def _renamed(direction: Direction, name: str) -> Direction:
    return direction if direction.name == name else replace(direction, name=name)


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free.lower() in taken:
        number += 1
        free = f"{name} {number}"
    return free
