"""Pictures that appear more than once in a data set, exactly or nearly."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.progress import SILENT, Progress

MAX_BITS: Final = 3
"""Hashes that differ in more bits are not compared further."""
BANDS: Final = 4
"""Of 16 bits each: two hashes that differ in at most 3 of 64 bits agree in at least one of 4 bands."""
MAX_RMS: Final = 20.0
"""Largest RMS difference (of 255) in any cell of two thumbnails that count as one picture.

Of 4,000 cartoon faces, each drawn once, 2 pairs pass for one picture at 22 and 8 at 26; of 25,437 photographs of faces
69 groups are found at 18 and 88 at 22.
"""
CELLS: Final = 8
MIN_DETAIL: Final = 4.0
"""Standard deviation (of 255) below which a thumbnail is nearly flat: all flat pictures look alike to a hash."""
THUMB: Final = 32
BUCKET: Final = 512
_BLOCK: Final = 2048
_PAIRS: Final = 1024


@dataclass(frozen=True)
class Duplicates:
    """Rows of one picture, rising. `exact` says whether all their pixels are equal at the size of training."""

    rows: tuple[int, ...]
    exact: bool


def root(parent: NDArray[np.int64], at: int) -> int:
    """The row that stands for the group of row `at` (union-find); shortens the way there in `parent` (N,)."""
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = int(parent[at])
    return at


def find_duplicates(images: NDArray[np.uint8], *, progress: Progress = SILENT) -> tuple[Duplicates, ...]:
    """Groups of equal pictures among (N, S, S, C) uint8, the largest first.

    Equal bytes are found by their digest. Candidates for the rest agree in a difference hash (64 bits of "is the pixel
    brighter than its neighbour" at 9 x 8, after Krawetz 2013) and are confirmed by the RMS difference of each cell of
    their thumbnails, in colour. Nearly flat pictures count only when equal.
    """
    parent = np.arange(len(images))
    hashes, small = _hashed(images, parent, progress)
    # One of each set of equal pictures stands for all of them, so that a thousand copies are not a million pairs.
    detailed = small.std(axis=1) >= MIN_DETAIL
    rows = np.flatnonzero(detailed & (parent == np.arange(len(images))))
    for pairs in _candidates(hashes, small, rows, progress):
        for first, second in pairs[_same(images[pairs[:, 0]], images[pairs[:, 1]])].tolist():
            a, b = root(parent, first), root(parent, second)
            parent[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = defaultdict(list)
    for row in range(len(images)):
        groups[root(parent, row)].append(row)
    found = [
        Duplicates(tuple(rows), all(np.array_equal(images[rows[0]], images[row]) for row in rows[1:]))
        for rows in groups.values()
        if len(rows) > 1
    ]
    return tuple(sorted(found, key=lambda same: (-len(same.rows), same.rows)))


def _hashed(
    images: NDArray[np.uint8], parent: NDArray[np.int64], progress: Progress
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """(hash (N,), grey means of 8 x 9 cells (N, 72)) in blocks, so that the memory map is read once and in order.

    Rows with equal bytes are joined in `parent`.
    """
    hashes = np.empty(len(images), np.uint64)
    small = np.empty((len(images), 72), np.float32)
    seen: dict[bytes, int] = {}
    bits = np.uint64(1) << np.arange(64, dtype=np.uint64)
    for start in range(0, len(images), _BLOCK):
        progress.check()
        progress.step(start, len(images))
        block = np.asarray(images[start : start + _BLOCK])
        for row, picture in enumerate(block, start):
            parent[row] = seen.setdefault(hashlib.blake2b(picture.tobytes(), digest_size=16).digest(), row)
        grey = block.astype(np.float32).mean(3)
        cells = _shrunk(grey, 8, 9)
        brighter = (cells[:, :, 1:] > cells[:, :, :-1]).reshape(len(block), 64)
        hashes[start : start + len(block)] = (brighter * bits).sum(1, dtype=np.uint64)
        small[start : start + len(block)] = cells.reshape(len(block), 72)
    return hashes, small


def _shrunk(images: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """(N, H, W, ...) -> (N, height, width, ...): means of the pixels in each cell."""
    rows = np.linspace(0, images.shape[1], height + 1).astype(int)
    columns = np.linspace(0, images.shape[2], width + 1).astype(int)
    # Cells of a picture smaller than the grid would be empty: each holds at least the pixel it begins with.
    down = np.stack([images[:, a : max(b, a + 1)].mean(1) for a, b in pairwise(rows)], 1)
    return np.stack([down[:, :, a : max(b, a + 1)].mean(2) for a, b in pairwise(columns)], 2)


def _candidates(
    hashes: NDArray[np.uint64], small: NDArray[np.float32], rows: NDArray[np.int64], progress: Progress
) -> Iterator[NDArray[np.int64]]:
    """Blocks of pairs (P, 2) of rows whose hashes differ in at most `MAX_BITS` bits."""
    kept: list[NDArray[np.int64]] = []
    for band in range(BANDS):
        part = (hashes[rows] >> np.uint64(16 * band)) & np.uint64(0xFFFF)
        order = rows[np.lexsort((hashes[rows], part))]
        edges = np.flatnonzero(np.diff(np.sort(part).astype(np.int64))) + 1
        for bucket in np.split(order, edges):
            # In a very large bucket only neighbours in the order of their hashes are compared.
            for start in range(0, len(bucket), BUCKET):
                kept.append(_near(hashes, small, np.sort(bucket[start : start + BUCKET])))
                if sum(map(len, kept)) >= _PAIRS:
                    progress.check()
                    yield from _blocks(kept)
                    kept = []
    progress.check()
    yield from _blocks(kept)


def _blocks(kept: list[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
    pairs = np.concatenate([np.empty((0, 2), np.int64), *kept])
    for start in range(0, len(pairs), _PAIRS):
        yield pairs[start : start + _PAIRS]


def _near(hashes: NDArray[np.uint64], small: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    own = hashes[rows]
    different = np.bitwise_count(own[:, None] ^ own[None])
    first, second = np.nonzero(np.triu(different <= MAX_BITS, 1))
    # The mean of a cell cannot differ by more than its RMS difference: this spares reading most pairs' pixels.
    close = np.abs(small[rows[first]] - small[rows[second]]).max(axis=1, initial=0.0) <= MAX_RMS
    return np.stack([rows[first[close]], rows[second[close]]], 1)


def _same(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each of two stacks (P, S, S, C) shows the same picture, (P,)."""
    a, b = (_shrunk(stack.astype(np.float32), THUMB, THUMB) for stack in (first, second))
    cells = _shrunk((a - b) ** 2, CELLS, CELLS).mean(axis=-1)
    found: NDArray[np.bool_] = cells.max(axis=(1, 2)) <= MAX_RMS**2
    return found
