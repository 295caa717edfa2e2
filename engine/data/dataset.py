"""A data set ready for training: every image decoded once into one memory-mapped uint8 array on disk."""

import csv
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray
from PIL import Image

from engine.data.labels import label_text, read_labels
from engine.data.sources import ImageSource, Picture, open_source
from engine.errors import DataError, ImageError
from engine.files.disk import publish_folder, read_json
from engine.progress import SILENT, Progress

CACHE_VERSION = 1
MAX_NAMES_BYTES = 2**30
VALIDATION_SHARE, TEST_SHARE = 0.04, 0.06


class Split(Enum):
    """Which images: training never sees validation (for choosing) or test (for reporting)."""

    TRAIN = 0
    VALIDATION = 1
    TEST = 2


@dataclass(frozen=True)
class DataSet:
    """Images (N, S, S, C) uint8, memory-mapped, with names, attributes (N, A) of +1, -1 or 0, and a split."""

    name: str
    path: Path
    images: NDArray[np.uint8]
    names: tuple[str, ...]
    attributes: tuple[str, ...]
    labels: NDArray[np.int8]
    splits: NDArray[np.int8]
    fingerprint: str
    skipped: tuple[str, ...]
    groups: int = 0
    """How many people (or other groups) the split keeps together; 0 where it goes by picture."""
    columns: tuple[str, ...] = ()
    """Columns of the labels that a split could go by."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    def indices(self, split: Split) -> NDArray[np.int64]:
        """The rows of `images` in this split."""
        return np.flatnonzero(self.splits == split.value)


def cache_folder() -> Path:
    """Where decoded data sets are kept; LATENT_LOOM_CACHE overrides it."""
    return Path(os.environ.get("LATENT_LOOM_CACHE") or platformdirs.user_cache_dir("latent-loom"))


def open_dataset(
    path: Path | str,
    *,
    size: int = 64,
    channels: int = 3,
    labels: Path | str | None = None,
    group: str = "",
    progress: Progress = SILENT,
) -> DataSet:
    """The data set at `path`, as square images of `size` pixels with 1 or 3 channels.

    The first call decodes every image into the cache; later calls map it in milliseconds. Images that cannot be read
    are skipped and listed in `skipped`. Labels come from `labels` or from a labels.csv inside the data set, and `group`
    names the column whose pictures stay in one split; see `read_labels`.

    Raises:
        DataError: no such data set, no readable image, or labels that do not fit.
    """
    path = Path(path).expanduser()
    # The families bring torch, which whoever only imports this module does not wait for.
    from engine.families import sizes

    *some, last = sizes()
    if size not in (*some, last) or channels not in (1, 3):
        raise DataError(
            f"Images of {size} pixels and {channels} channels cannot be trained on: "
            f"choose {', '.join(map(str, some))} or {last} and 1 or 3."
        )
    source = open_source(path)
    key = hashlib.sha256(f"{CACHE_VERSION} {source.fingerprint} {size} {channels}".encode()).hexdigest()[:24]
    folder = cache_folder() / "data" / key
    if not (folder / "info.json").is_file():
        try:
            _build(source, folder, size, channels, progress)
        except OSError as error:
            raise DataError(
                f"The image cache {folder} cannot be written ({error}): free some space or set LATENT_LOOM_CACHE."
            ) from error
    try:
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        info = read_json(folder / "info.json", most=MAX_NAMES_BYTES)
        names, skipped = tuple(info["names"]), tuple(info["skipped"])
        if len(images) != len(names) or images.dtype != np.uint8:
            raise ValueError("the number of images and names differ")
    except (OSError, ValueError, KeyError, TypeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(
            f"The image cache of {path.name} was damaged ({error}) and has been removed: try again."
        ) from error
    try:
        text = label_text(Path(labels).expanduser()) if labels is not None else source.labels
        found = read_labels(text, names, group)
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(
            f"The labels {labels or 'inside ' + path.name} cannot be read ({error}): they must be a CSV in UTF-8."
        ) from error
    return DataSet(
        name=path.stem,
        path=path,
        images=images,
        names=names,
        attributes=found.attributes,
        labels=found.values,
        splits=np.array([_split_of(group) for group in found.groups], np.int8),
        fingerprint=key,
        skipped=skipped,
        groups=found.count,
        columns=found.columns,
    )


def _split_of(group: str) -> int:
    """A pure function of the person (or of the file, where people are not known): all pictures of one go together."""
    place = int(hashlib.sha256(group.encode("utf-8", "surrogateescape")).hexdigest()[:8], 16) / 2**32
    if place < TEST_SHARE:
        return Split.TEST.value
    return Split.VALIDATION.value if place < TEST_SHARE + VALIDATION_SHARE else Split.TRAIN.value


def _build(source: ImageSource, folder: Path, size: int, channels: int, progress: Progress) -> None:
    """Decodes all pictures into a folder beside, and publishes it by one rename."""
    with publish_folder(folder, sync=False) as work:
        shape = (source.count, size, size, channels)
        need = 2 * source.count * size * size * channels
        # A memory map on a full disk kills the process without a word, so the room is looked for first.
        if (free := shutil.disk_usage(work).free) < need:
            raise DataError(
                f"The image cache needs {need / 1e6:.0f} MB and the disk of {folder.parent} has {free / 1e6:.0f} MB: "
                "free some space or set LATENT_LOOM_CACHE."
            )
        images = np.lib.format.open_memmap(work / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
        names: list[str] = []
        skipped: list[str] = []
        for done, (name, picture) in enumerate(source.pictures()):
            if done % 64 == 0:
                progress.check()
                progress.step(done, source.count)
            try:
                images[len(names)] = to_square(picture, name, size=size, channels=channels)
                names.append(name)
            except ImageError:
                skipped.append(name)
        if not names:
            raise DataError(f"None of the {source.count} images could be read: they may be damaged or not images.")
        images.flush()
        del images
        if skipped:
            whole = np.load(work / "images.npy", mmap_mode="r")
            np.save(work / "kept.npy", whole[: len(names)])
            del whole
            os.replace(work / "kept.npy", work / "images.npy")
        (work / "info.json").write_text(json.dumps({"names": names, "skipped": skipped}), "utf-8")


def to_square(picture: Picture, name: str, *, size: int, channels: int) -> NDArray[np.uint8]:
    """The middle square of a picture, (size, size, channels) uint8.

    Raises:
        ImageError: the picture cannot be read.
    """
    if isinstance(picture, bytes):
        from engine.photos.decode import read_photo

        image = Image.fromarray(read_photo(picture).rgb)
    else:
        image = Image.fromarray(picture if picture.shape[-1] == 3 else picture[..., 0])
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.resize(
            (size, size), Image.Resampling.LANCZOS, (left, top, left + side, top + side), reducing_gap=3.0
        )
    return np.asarray(image, np.uint8).reshape(size, size, channels)
