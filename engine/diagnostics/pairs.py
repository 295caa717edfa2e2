"""Distances between pictures by any feature: the nearest pairs of one set, and the nearest neighbours in another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data.duplicates import root
from engine.diagnostics.birthday_game import Pair
from engine.progress import SILENT, Progress

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]
Embed = Callable[[Pictures], NDArray[Any]]

_BLOCK = 512


@dataclass(frozen=True)
class Feature:
    """A way to see pictures: `embed` turns (N, H, W, C) uint8 into rows (N, F) whose Euclidean distance counts."""

    name: str
    title: str
    embed: Embed


def pixels(pictures: Pictures) -> Floats:
    """Rows (N, H * W * C) scaled so that their distance is the RMS difference as a share of the value range, 0 to 1."""
    rows = np.asarray(pictures).reshape(len(pictures), -1)
    return rows.astype(np.float32) * np.float32(1 / (255 * max(1, rows.shape[1]) ** 0.5))


PIXELS = Feature("pixel", "pixels", pixels)


def rows_of(pictures: Pictures, feature: Feature) -> Floats:
    """The feature rows (N, F) of pictures as float32; values that are not finite become 0."""
    rows = np.asarray(feature.embed(pictures), np.float32)
    return np.nan_to_num(rows.reshape(len(pictures), -1), nan=0.0, posinf=0.0, neginf=0.0)


def nearest_pairs(rows: Floats, k: int, *, progress: Progress = SILENT) -> tuple[Pair, ...]:
    """The `k` nearest pairs of rows (N, F), nearest first; their distances are exact to float64 rounding."""
    found_at = torch.zeros(0, 2, dtype=torch.int64)
    found = torch.zeros(0)
    for top, left, squares in _blocks_above(rows, progress):
        # A few more than k, since the order is only settled by the exact distances below.
        values, at = squares.flatten().topk(min(2 * k + 8, squares.numel()), largest=False)
        here = torch.stack([at // squares.shape[1] + top, at % squares.shape[1] + left], dim=1)
        keep = torch.isfinite(values)
        found, found_at = torch.cat([found, values[keep]]), torch.cat([found_at, here[keep]])
        order = found.argsort()[: 2 * k + 8]
        found, found_at = found[order], found_at[order]
    places = found_at.numpy()
    exact = distances(rows[places[:, 0]], rows[places[:, 1]])
    rank = np.lexsort((places[:, 1], places[:, 0], exact))[:k]
    return tuple(Pair(int(places[i, 0]), int(places[i, 1]), float(exact[i])) for i in rank)


def smallest_distances(rows: Floats, k: int, *, progress: Progress = SILENT) -> NDArray[np.float64]:
    """The `k` smallest distances among all pairs of rows, rising."""
    return np.array([pair.distance for pair in nearest_pairs(rows, k, progress=progress)], np.float64)


def repeats_below(rows: Floats, threshold: float, *, progress: Progress = SILENT) -> int:
    """How many rows repeat an earlier one: N less the groups that pairs nearer than `threshold` join together."""
    parent, repeats = np.arange(len(rows)), 0
    # float32 products lose a little: what lies near the threshold is measured again.
    loose = (threshold * 1.02 + 1e-4) ** 2
    for top, left, squares in _blocks_above(rows, progress):
        places = (squares < loose).nonzero().numpy() + np.array([top, left])
        if not len(places):
            continue
        near = places[distances(rows[places[:, 0]], rows[places[:, 1]]) < threshold]
        for a, b in near:
            first, second = root(parent, int(a)), root(parent, int(b))
            if first != second:
                parent[first] = second
                repeats += 1
    return repeats


def nearest_between(
    rows: Floats, others: Floats, *, progress: Progress = SILENT
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each of rows (N, F) the nearest of others (M, F), M at least 1: its place (N,) and the distance (N,)."""
    centre = others.mean(axis=0)
    theirs = torch.from_numpy(others - centre)
    their_squares = theirs.square().sum(1)
    where = np.zeros(len(rows), np.int64)
    for start in range(0, len(rows), _BLOCK):
        progress.check()
        ours = torch.from_numpy(rows[start : start + _BLOCK] - centre)
        where[start : start + _BLOCK] = (their_squares - 2 * ours @ theirs.T).argmin(dim=1).numpy()
    return where, distances(rows, others[where])


def distances(a: Floats, b: Floats) -> NDArray[np.float64]:
    """Euclidean distances (N,) of rows (N, F) pair by pair, in float64, a block at a time."""
    found = np.zeros(len(a), np.float64)
    for start in range(0, len(a), _BLOCK):
        part = slice(start, start + _BLOCK)
        found[part] = np.sqrt(np.square(a[part].astype(np.float64) - b[part]).sum(axis=1))
    return found


def _blocks_above(rows: Floats, progress: Progress) -> Any:
    """Blocks (first row, first column, squared distances) above the diagonal; what lies on or under it is inf."""
    # Centred first, so that the expanded square loses few digits on pictures that are nearly the same.
    centred: Tensor = torch.from_numpy(rows - rows.mean(axis=0)) if len(rows) else torch.zeros(0, 1)
    squares = centred.square().sum(1)
    for top in range(0, len(rows), _BLOCK):
        a = slice(top, top + _BLOCK)
        for left in range(top, len(rows), _BLOCK):
            progress.check()
            b = slice(left, left + _BLOCK)
            block = (squares[a, None] + squares[None, b] - 2 * centred[a] @ centred[b].T).clamp_(min=0)
            if left == top:
                block[torch.tril(torch.ones_like(block, dtype=torch.bool))] = torch.inf
            yield top, left, block
