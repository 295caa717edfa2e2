"""What a person does with the directions of an open model: make, find, rename, delete, import, export."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engine.api import Codes, Cut, DirectionInfo, Loaded, Pictures
from engine.data.dataset import to_square
from engine.data.examples import Example
from engine.data.sources import open_source
from engine.errors import CheckpointError, ImageError, UsageError, UserError
from engine.exploring.open_model import OpenModel
from engine.latent.direction_files import DirectionSet, load_directions, save_directions
from engine.latent.factorisation import SHOWN
from engine.latent.make_directions import check_name, gather, make_attribute
from engine.latent.user_directions import added, load_owned, renamed, save_found, save_made, without
from engine.photos.kinds import left_out
from engine.progress import SILENT, Progress

SEARCH_STEPS: Final = 20
"""Steps of the search for each photo's code: on 28 faces such codes told men from women no worse than after 60 steps
(AUC 0.98 and 0.93 along the shipped direction of the GAN), in a third of the time."""
MOST_CODES: Final = 1000


@dataclass(frozen=True)
class Made:
    """An attribute that was made and kept; `note` says which photos were left out, empty when none were."""

    info: DirectionInfo
    note: str


@dataclass(frozen=True)
class UserDirections:
    """The directions of an open model that belong to the person; `load_photo` is that of a `PhotoLoader`."""

    home: Path
    load_photo: Callable[..., Loaded]
    model: OpenModel

    def refresh(self) -> None:
        """Reads the user's directions of this model again: another lane or program may have changed them."""
        self.model.set_owned(load_owned(self.home, self.model.owner, self.model.info.code_size))

    def make(
        self,
        *,
        name: str,
        positives: Sequence[Example],
        negatives: Sequence[Example],
        method: str = "logistic",
        align: str = "auto",
        progress: Progress = SILENT,
    ) -> Made:
        """An attribute from photos with it and without, aligned, encoded, fitted, judged and kept.

        Raises:
            UserError: a name that is taken, too few readable photos, or groups that do not differ.
            CheckpointError: the user's folder cannot be written.
            Cancelled: from `progress`; nothing is kept.
        """
        self.refresh()
        clean = check_name(name, self.model.directions.names)

        def read(example: Example) -> Pictures:
            cut = example.cut or Cut(align)
            return self.load_photo(example.source, size=self.model.info.image_size, cut=cut).picture

        def encode(pictures: Pictures) -> Codes:
            return self.model.codes_of(pictures, steps=SEARCH_STEPS, progress=progress)

        found = gather(positives, negatives, read=read, encode=encode, progress=progress)
        direction = make_attribute(found.codes, found.positive, name=clean, method=method, progress=progress)
        progress.check()
        self.refresh()
        save_made(self.home, added(self.model.owned.made, (direction,), self.model.directions.names))
        self.refresh()
        return Made(self.model.info.attributes[-1], left_out(found.skipped))

    def find(
        self, method: str, *, count: int = SHOWN, data: Path | None = None, progress: Progress = SILENT
    ) -> tuple[DirectionInfo, ...]:
        """Main axes without labels, kept so that they are found once; `data` holds real images to encode.

        Raises:
            Unsupported: this family has none of that kind.
            UserError, UsageError: see `factorisation.find_directions`.
            DataError: the data cannot be used.
            Cancelled: from `progress`.
        """
        codes = None if data is None else codes_in(self.model, data, progress=progress)
        axes = self.model.find_axes(method, count=count, codes=codes, progress=progress)
        save_found(self.home, self.model.owner, method, axes)
        self.refresh()
        return tuple(c for c in self.model.info.components if c.method == method)

    def delete(self, name: str) -> None:
        """Deletes an attribute that the user made, for good.

        Raises:
            UsageError: the user made none of this name.
        """
        self.refresh()
        _check_user_made(self.model, name)
        save_made(self.home, without(self.model.owned.made, _stored(self.model, name)))
        self.refresh()

    def rename(self, old: str, new: str) -> str:
        """Gives an attribute that the user made another name, and returns it as it is kept.

        Raises:
            UsageError: the user made none of the old name.
            UserError: the new name is taken or does not fit.
        """
        self.refresh()
        _check_user_made(self.model, old)
        others = [other for other in self.model.directions.names if other.lower() != old.lower()]
        clean = check_name(new, others)
        save_made(self.home, renamed(self.model.owned.made, _stored(self.model, old), clean))
        self.refresh()
        return clean

    def import_file(self, path: Path) -> tuple[str, ...]:
        """Adds the directions of a file to this model's own, and gives their names.

        Raises:
            CheckpointError: the file is damaged, or belongs to another model.
        """
        given = load_directions(path, model_sha256=self.model.owner, size=self.model.info.code_size)
        self.refresh()
        # The same direction is the same under another name too.
        new = tuple(d for d in given if not any(float(d.vector @ old.vector) > 0.9999 for old in self.model.directions))
        made = added(self.model.owned.made, new, self.model.directions.names)
        if not new:
            raise CheckpointError(f"{path.name} holds only directions that this model has already: nothing was added.")
        save_made(self.home, made)
        self.refresh()
        return made.names[-len(new) :]

    def export(self, names: Sequence[str], path: Path) -> None:
        """Writes some directions to a file that others with the same model can import.

        Raises:
            UsageError: there is no such direction.
            CheckpointError: the file cannot be written.
        """
        there = self.model.directions
        for name in names:
            if name not in there.names:
                raise UsageError(f"There is no direction called {name!r} for this model.")
        save_directions(path, DirectionSet(self.model.owner, tuple(there[name] for name in names)))


def codes_in(model: OpenModel, data: Path, *, most: int = MOST_CODES, progress: Progress = SILENT) -> Codes:
    """Codes (N, D) of at most `most` pictures of a folder, zip, npz or idx, taken evenly and cut to their middle.

    Raises:
        DataError: it is no data set.
        UserError: fewer than two of its pictures can be read.
    """
    source = open_source(data)
    most = min(most, 100) if model.info.encode == "search" else most
    stride = max(1, -(-source.count // most))
    wanted = -(-source.count // stride)
    codes: list[Codes] = []
    waiting: list[Pictures] = []

    def flush() -> None:
        if waiting:
            codes.append(model.codes_of(np.stack(waiting), steps=SEARCH_STEPS, progress=progress))
            waiting.clear()
            progress.step(sum(len(part) for part in codes), wanted)

    for index, (name, picture) in enumerate(source.pictures()):
        if index % stride:
            continue
        progress.check()
        try:
            square = to_square(picture, name, size=model.info.image_size, channels=3)
        except ImageError:
            continue
        waiting.append(square)
        if len(waiting) == 16:
            flush()
    flush()
    if sum(len(part) for part in codes) < 2:
        raise UserError(f"{data.name} has fewer than two pictures that can be read: choose another data set.")
    return np.concatenate(codes)


def _check_user_made(model: OpenModel, name: str) -> None:
    for info in (*model.info.attributes, *model.info.components):
        if info.name.lower() == name.lower() and not info.user_made:
            raise UsageError(
                f"{info.name!r} came with the model or was found in it and stays: only yours can be changed."
            )


def _stored(model: OpenModel, name: str) -> str:
    """The name in the user's file of a direction listed as `name`: the list numbers names that are taken."""
    listed = [info.name for info in (*model.info.attributes, *model.info.components) if info.user_made]
    for shown, stored in zip(listed, model.owned.made.names, strict=True):
        if shown.lower() == name.lower():
            return stored
    return name
