"""Curves of any length: columns that grow without copying, thinning to pixels, smoothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
T = TypeVar("T", int, float)
_FIRST_ROOM: Final = 256
_BLOCK: Final = 128


class _Buffer:
    """Room for more numbers than are in use; `filled` of them belong to somebody."""

    def __init__(self, data: NDArray[Any], filled: int) -> None:
        self.data, self.filled = data, filled


class Column(Sequence[T], Generic[T]):
    """A frozen run of numbers. A longer one shares its memory: older columns never see what came later."""

    __slots__ = ("_buffer", "_count")

    def __init__(self, buffer: _Buffer, count: int) -> None:
        self._buffer, self._count = buffer, count

    @property
    def array(self) -> NDArray[Any]:
        """The numbers as an array, read-only."""
        view = self._buffer.data[: self._count]
        view.flags.writeable = False
        return view

    def continues(self, other: Column[T]) -> bool:
        """Whether this is `other` with more at its end, or the same."""
        return self._buffer is other._buffer and self._count >= other._count

    def plus(self, more: NDArray[Any], keep: int) -> Column[T]:
        """The first `keep` numbers of this one, then `more`."""
        count = keep + len(more)
        buffer = self._buffer
        if keep != buffer.filled or count > len(buffer.data):
            # Somebody else's numbers are behind ours, or there is no room: twice as much, so that copying is rare.
            data = np.empty(max(_FIRST_ROOM, 2 * count), buffer.data.dtype)
            data[:keep] = buffer.data[:keep]
            buffer = _Buffer(data, keep)
        buffer.data[keep:count] = more
        buffer.filled = count
        return Column(buffer, count)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        found: T | list[T] = self.array[index].tolist()
        return found

    def __iter__(self) -> Iterator[T]:
        return iter(self.array.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __repr__(self) -> str:
        return f"Column({self._count:,} numbers)"


class Trace(NamedTuple):
    """One metric of a run: rising steps and their values."""

    steps: Column[int]
    values: Column[float]

    def extended(self, steps: NDArray[np.int64], values: Floats) -> Trace:
        """With newer points; what was at or past the first new step is replaced, as after a resume from there."""
        if not len(steps):
            return self
        keep = int(np.searchsorted(self.steps.array, steps[0]))
        return Trace(self.steps.plus(steps, keep), self.values.plus(values, keep))


def empty_trace(dtype: type = np.int64) -> Trace:
    """A trace without points; `dtype` is that of its steps."""
    return Trace(Column(_Buffer(np.empty(0, dtype), 0), 0), Column(_Buffer(np.empty(0), 0), 0))


def trace_of(xs: Sequence[float] | NDArray[Any], ys: Sequence[float] | NDArray[Any]) -> Trace:
    """A trace holding the given points, x as floats; raises ValueError when the lengths differ."""
    x, y = np.asarray(xs, np.float64), np.asarray(ys, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"A series needs as many x as y, not {x.shape} and {y.shape}.")
    empty = empty_trace(np.float64)
    return Trace(empty.steps.plus(x, 0), empty.values.plus(y, 0))


class Smoother:
    """Exponential mean with weight `amount` in 0..1 on the past, its start corrected as in Adam.

    Values that are not finite stay gaps and do not poison what follows. A call with a longer column of the same
    memory costs only what is new.
    """

    def __init__(self, amount: float) -> None:
        self.amount = min(0.999, max(0.0, amount))
        self._of: Column[float] | None = None
        self._out: Column[float] = trace_of((), ()).values
        self._state, self._seen = 0.0, 0

    def __call__(self, values: Column[float]) -> Floats:
        """The smoothed values, as many as there are."""
        if self.amount == 0.0:
            return values.array
        done = len(self._out)
        if self._of is None or not values.continues(self._of):
            done, self._state, self._seen = 0, 0.0, 0
        new = values.array[done:]
        fresh = np.full(len(new), np.nan)
        finite = np.isfinite(new)
        known = new[finite]
        if len(known):
            means = _decaying_sum(known * (1 - self.amount), self.amount, self._state)
            self._state = float(means[-1])
            weights = 1 - self.amount ** (self._seen + np.arange(1, len(known) + 1))
            self._seen += len(known)
            fresh[finite] = means / weights
        self._out, self._of = self._out.plus(fresh, done), values
        return self._out.array


def _decaying_sum(terms: Floats, factor: float, start: float) -> Floats:
    """s[t] = factor * s[t-1] + terms[t]: a triangular matrix a block, and only the blocks one after the other."""
    count = len(terms)
    size = min(_BLOCK, count)
    padded = np.zeros(-(-count // size) * size)
    padded[:count] = terms
    blocks = padded.reshape(-1, size)
    distance = np.arange(size)[:, None] - np.arange(size)[None, :]
    matrix = np.where(distance >= 0, factor ** np.maximum(distance, 0.0), 0.0)
    inside = blocks @ matrix.T
    carry, carries = start, np.empty(len(inside))
    last = factor**size
    for index, end in enumerate(inside[:, -1].tolist()):
        carries[index] = carry
        carry = end + last * carry
    inside += carries[:, None] * factor ** np.arange(1, size + 1)
    summed: Floats = inside.reshape(-1)[:count]
    return summed


def thinned(xs: NDArray[Any], ys: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """At most two points for each interval between `edges` (lowest and highest), in the order they were met.

    `xs` and `edges` rise. Where there are few points all are kept as they are. The nearest point beyond either end is
    kept too, so that a line leaves the picture where it should. Lowest and highest pass over what is not finite.
    """
    at = np.searchsorted(xs, edges)
    at[-1] = np.searchsorted(xs, edges[-1], side="right")
    first, last = int(at[0]), int(at[-1])
    before, after = slice(max(0, first - 1), first), slice(last, last + 1)
    if last - first <= 2 * (len(edges) - 1):
        kept = slice(before.start, after.stop)
        return xs[kept].astype(np.float64), ys[kept]
    full = at[:-1] < at[1:]
    starts, ends = at[:-1][full], at[1:][full]
    inside = ys[first:last]
    low, high = np.fmin.reduceat(inside, starts - first), np.fmax.reduceat(inside, starts - first)
    falling = ys[starts] > ys[ends - 1]
    points = np.stack([np.where(falling, high, low), np.where(falling, low, high)], axis=1).reshape(-1)
    # Both at their own ends of the interval, so that x rises and a single point stays where it was.
    places = np.stack([xs[starts], xs[ends - 1]], axis=1).astype(np.float64).reshape(-1)
    return np.concatenate([xs[before], places, xs[after]]), np.concatenate([ys[before], points, ys[after]])


def nearest(xs: NDArray[Any], x: float) -> int:
    """The index of the point whose x is nearest, -1 where there is none; ``xs`` must not fall."""
    if not len(xs):
        return -1
    right = int(np.clip(np.searchsorted(xs, x), 1, max(1, len(xs) - 1)))
    left = right - 1
    return left if len(xs) == 1 or x - xs[left] <= xs[right] - x else right


def value_at(xs: NDArray[Any], ys: Floats, x: float) -> float | None:
    """The y of the point whose x is nearest, or None for an empty or gappy place."""
    index = nearest(xs, x)
    return float(ys[index]) if index >= 0 and np.isfinite(ys[index]) else None
