"""What a data set holds, before anything is trained on it: counts, sizes, broken files, labels, splits, duplicates."""

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.data.dataset import DataSet, Split
from engine.data.duplicates import Duplicates, find_duplicates
from engine.data.sources import ImageSource, open_source
from engine.photos.decode import DAMAGED, UNFIT
from engine.photos.kinds import FORMATS
from engine.progress import SILENT, Progress

RARE_SHARE: Final = 0.01
"""An attribute that fewer pictures have is called rare: a direction or a classifier has little to learn from."""
MANY_SKIPPED: Final = 0.02


@dataclass(frozen=True)
class SizeCount:
    """How many pictures have this size in pixels."""

    width: int
    height: int
    count: int


@dataclass(frozen=True)
class AttributeCount:
    """How many pictures have an attribute, do not have it, or do not say."""

    name: str
    yes: int
    no: int
    unknown: int

    @property
    def share(self) -> float:
        """Of the pictures that say, 0 to 1."""
        return self.yes / max(1, self.yes + self.no)


@dataclass(frozen=True, eq=False)
class Survey:
    """A data set at a glance. `sizes` and `formats` are of the files as they are, most frequent first.

    `splits` counts training, validation and test images. `groups` is how many people (or other groups) the split keeps
    together, 0 where it goes by picture, and `group` the column that it goes by. `sentences` say what to look at.
    """

    data: DataSet
    sizes: tuple[SizeCount, ...]
    formats: tuple[tuple[str, int], ...]
    splits: tuple[int, int, int]
    groups: int
    attributes: tuple[AttributeCount, ...]
    duplicates: tuple[Duplicates, ...]
    sentences: tuple[str, ...]

    @property
    def count(self) -> int:
        """Readable pictures."""
        return len(self.data.images)

    @property
    def leaks(self) -> int:
        """Groups of equal pictures that lie in the training set and outside it."""
        return sum(_leaks(same, self.data.splits) for same in self.duplicates)


def survey(data: DataSet, *, progress: Progress = SILENT) -> Survey:
    """Looks a data set through; the pictures' headers are read again, their pixels come from the cache.

    Raises:
        DataError: the files have gone since the data set was opened.
    """
    count = len(data.images)
    sizes, formats = _measure(open_source(data.path), progress.part(0, count, 2 * count), count)
    duplicates = find_duplicates(data.images, progress=progress.part(count, 2 * count, 2 * count))
    counts = tuple(int((data.splits == split.value).sum()) for split in Split)
    attributes = tuple(
        AttributeCount(name, int((column == 1).sum()), int((column == -1).sum()), int((column == 0).sum()))
        for name, column in zip(data.attributes, data.labels.T, strict=True)
    )
    found = Survey(
        data=data,
        sizes=tuple(SizeCount(width, height, n) for (width, height), n in sizes.most_common()),
        formats=tuple(formats.most_common()),
        splits=(counts[0], counts[1], counts[2]),
        groups=data.groups,
        attributes=attributes,
        duplicates=duplicates,
        sentences=(),
    )
    return Survey(**{**found.__dict__, "sentences": tuple(_sentences(found))})


def _measure(source: ImageSource, progress: Progress, count: int) -> tuple[Counter[tuple[int, int]], Counter[str]]:
    """Sizes and formats by their headers; no pixel is decoded."""
    sizes: Counter[tuple[int, int]] = Counter()
    formats: Counter[str] = Counter()
    for done, (_, picture) in enumerate(source.pictures()):
        if done % 256 == 0:
            progress.check()
            progress.step(done, count)
        if not isinstance(picture, bytes):
            sizes[picture.shape[1], picture.shape[0]] += 1
            formats["array"] += 1
            continue
        try:
            with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
                sizes[image.size] += 1
                formats[image.format or "unknown"] += 1
        except (*DAMAGED, *UNFIT, Image.DecompressionBombError):
            formats["broken"] += 1
    return sizes, formats


def _leaks(same: Duplicates, splits: NDArray[np.int8]) -> bool:
    sides = {bool(splits[row] == Split.TRAIN.value) for row in same.rows}
    return len(sides) == 2


def _sentences(found: Survey) -> Iterator[str]:
    data, train = found.data, found.splits[0]
    side = data.image_shape[1]
    broken = len(data.skipped)
    if broken:
        share = broken / (broken + found.count)
        tail = ": look at the list before training" if share > MANY_SKIPPED else " and are left out"
        yield f"{broken:,} of {broken + found.count:,} files could not be read{tail}."
    small = sum(size.count for size in found.sizes if min(size.width, size.height) < side)
    if small:
        yield f"{small:,} pictures are smaller than {side} pixels and are enlarged: choose a smaller image size."
    doubles = sum(len(same.rows) - 1 for same in found.duplicates)
    if doubles:
        yield f"{doubles:,} pictures are copies of others, or nearly: a model learns what is repeated by heart sooner."
    if found.leaks:
        yield (
            f"{found.leaks:,} of these groups lie in the training set and outside it, so that held-out figures "
            "look better than they are: remove the copies, or give them one group in the labels."
        )
    if not found.groups and found.attributes:
        yield "The split goes by picture: if people appear more than once, name a column that says who they are."
    rare = [a.name for a in found.attributes if a.yes + a.no and a.share < RARE_SHARE]
    if rare:
        some = ", ".join(rare[:4]) + (" and others" if len(rare) > 4 else "")
        yield f"Fewer than {RARE_SHARE:.0%} of the pictures have {some}: directions and shares of these are uncertain."
    if train < 1000:
        yield f"{train:,} training images are few: expect a model that learns them by heart; 5,000 are a good start."
