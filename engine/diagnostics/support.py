"""How many different pictures a generator can draw: the birthday paradox read backwards, with an interval.

Among s draws from N equally likely pictures, no two are the same with probability prod_{i<s} (1 - i/N). Arora, Risteski
and Zhang (arXiv:1706.08224) look for the s at which a duplicate comes in half of all batches and name s^2 as the order
of magnitude of the support; the exact arithmetic for a uniform support is s^2 / (2 ln 2). Here every batch ("round")
enters the exact likelihood with the number of duplicates that was seen, so that the answer has an interval. Where
pictures are not equally likely, N is the effective number 1 / sum(p^2) that makes duplicates as frequent: a lower bound
of the number of different pictures, for rare ones hardly ever come twice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

LARGEST: Final = 1e15
_POINTS: Final = 241
_FINER: Final = 33
DROP: Final = math.log(20.0)
"""How far below the best the log likelihood may lie inside the interval.

A likelihood of 1/20 gives at least 95 % where no duplicate was seen (there the interval is {N: P(none | N) >= 0.05},
exact), and about 98.6 % elsewhere (Wilks), which leaves room for rounds whose size was chosen after looking.
"""


@dataclass(frozen=True)
class Batch:
    """One looked-at batch: its `size` s, and how many of its pictures repeat an earlier one, `repeats`.

    `at_least` is set where the looking ended before all pairs were seen, so that there may be more repeats.
    """

    size: int
    repeats: int
    at_least: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.repeats < max(self.size, 1):
            raise ValueError(f"a batch of {self.size} cannot repeat {self.repeats} times")


@dataclass(frozen=True)
class Support:
    """An estimate of the support size N under a uniform support.

    `estimate` is the likeliest N (None where no duplicate was seen), `low` to `high` the interval (at least 95 %),
    `high` None where nothing bounds it. `half_size` is the batch size s at which a duplicate is as likely as not,
    `squared` is s^2, the paper's figure; `exact` is s^2 / (2 ln 2). All three are None where no duplicate was seen.
    """

    estimate: float | None
    low: float
    high: float | None
    half_size: float | None
    squared: float | None
    exact: float | None
    batches: int


def log_no_duplicate(support: Doubles | float, draws: int) -> Doubles:
    """ln P(no duplicate) of `draws` draws from uniform supports N; -inf where N < draws. Shape of `support`."""
    n = np.atleast_1d(np.asarray(support, np.float64))
    found = np.full(n.shape, -np.inf)
    # Far from N the first terms of the logarithm are exact to rounding; near it the sum is taken term by term.
    far = n > 1000.0 * draws
    k = float(draws)
    first, second = k * (k - 1) / 2, (k - 1) * k * (2 * k - 1) / 6
    third, fourth = first * first, (k - 1) * k * (2 * k - 1) * (3 * k * k - 3 * k - 1) / 30
    m = n[far]
    found[far] = -(first / m + second / (2 * m**2) + third / (3 * m**3) + fourth / (4 * m**4))
    for at in np.flatnonzero(~far & (n >= draws)):
        m_at = float(n[at])
        found[at] = math.lgamma(m_at + 1) - math.lgamma(m_at - draws + 1) - draws * math.log(m_at)
    return found


def chance_of_duplicate(support: float, draws: int) -> float:
    """P(at least one duplicate) among `draws` draws from a uniform support of `support` pictures, in [0, 1]."""
    if draws < 2:
        return 0.0
    return float(-np.expm1(log_no_duplicate(support, draws)[0]))


def half_size(support: float) -> float:
    """The batch size at which a duplicate is as likely as not, interpolated between whole numbers; at least 2."""
    low, high = 1, max(2, int(2 * math.sqrt(support)) + 2)
    if support < 2:
        return 2.0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if chance_of_duplicate(support, middle) < 0.5 else (low, middle)
    below, above = chance_of_duplicate(support, low), chance_of_duplicate(support, high)
    return max(2.0, low + (0.5 - below) / max(above - below, 1e-12))


def log_likelihood(support: Doubles, batches: Sequence[Batch]) -> Doubles:
    """ln P(what was seen | N) of each uniform support size (K,), up to a constant; -inf where it is impossible."""
    total = np.zeros(len(support))
    for batch in batches:
        total = total + (_log_more(support, batch) if batch.at_least else _log_exactly(support, batch))
    return total


def _log_exactly(support: Doubles, batch: Batch) -> Doubles:
    # P(d different | N) = S(s, d) N! / (N - d)! / N^s (occupancy); Stirling's number does not depend on N.
    different = batch.size - batch.repeats
    found: Doubles = log_no_duplicate(support, different) - batch.repeats * np.log(support)
    return found


def _log_more(support: Doubles, batch: Batch) -> Doubles:
    """ln P(at least so many repeats | N): what is left beside the exact chances of fewer."""
    if batch.repeats == 0:
        return np.zeros(len(support))
    ways = _log_ways(batch.size, batch.repeats)
    fewer = np.zeros(len(support))
    for repeats in range(batch.repeats):
        different = batch.size - repeats
        fewer += np.exp(ways[repeats] + log_no_duplicate(support, different) - repeats * np.log(support))
    # Far beyond the interval the difference is rounding: the floor keeps it finite and falling.
    left: Doubles = np.log(np.maximum(1 - fewer, 1e-9 / support))
    return left


@lru_cache(maxsize=256)
def _log_ways(size: int, repeats: int) -> tuple[float, ...]:
    """ln S(size, size - j) for j < repeats: the ways to part `size` draws into so many groups (Stirling)."""
    ways = np.full(repeats, -np.inf)
    ways[0] = 0.0
    fewer = np.arange(1, repeats)
    for drawn in range(1, size + 1):
        with np.errstate(divide="ignore"):
            more = np.log(np.maximum(drawn - fewer, 0)) + ways[:-1]
        ways[1:] = np.logaddexp(ways[1:], more)
    return tuple(map(float, ways))


def estimate_support(batches: Sequence[Batch]) -> Support:
    """The support size from all batches, with its interval; see `Support` and `DROP`.

    Without any batch the interval is everything, 1 to None.
    """
    return _estimate(tuple(batch for batch in batches if batch.size >= 2))


@lru_cache(maxsize=512)
def _estimate(batches: tuple[Batch, ...]) -> Support:
    if not batches:
        return Support(None, 1.0, None, None, None, None, 0)
    least = max([1, *(batch.size - batch.repeats for batch in batches if not batch.at_least)])
    points = np.exp(np.linspace(math.log(least), math.log(LARGEST), _POINTS))
    points[0] = least
    values = log_likelihood(points, batches)
    if not any(batch.repeats for batch in batches):
        low = _crossing(points, values, batches, -DROP, left=True)
        return Support(None, low, None, None, None, None, len(batches))
    best = int(np.argmax(values))
    peak, top = _peak(points, best, batches)
    if all(batch.at_least or batch.repeats == 0 for batch in batches):
        # Where only "at least" was seen the likelihood rises to the left for ever: the largest of the best is told.
        peak = max(peak, float(points[np.flatnonzero(values >= top - 1e-6)].max(initial=1.0)))
    low = _crossing(points, values, batches, top - DROP, left=True)
    high = None if values[-1] > top - DROP else _crossing(points, values, batches, top - DROP, left=False)
    size = half_size(peak)
    exact = size * size / (2 * math.log(2))
    return Support(peak, min(low, peak), high, size, size * size, exact, len(batches))


def _peak(points: Doubles, best: int, batches: Sequence[Batch]) -> tuple[float, float]:
    """The likeliest N and its log likelihood, on ever finer grids around the best point."""
    low, high = math.log(points[max(0, best - 1)]), math.log(points[min(len(points) - 1, best + 1)])
    for _ in range(4):
        finer = np.linspace(low, high, _FINER)
        values = log_likelihood(np.exp(finer), batches)
        at = int(np.argmax(values))
        low, high = finer[max(0, at - 1)], finer[min(_FINER - 1, at + 1)]
    return math.exp(float(finer[at])), float(values[at])


def _crossing(points: Doubles, values: Doubles, batches: Sequence[Batch], level: float, *, left: bool) -> float:
    """The outermost N on one side whose log likelihood reaches `level`, on ever finer grids."""
    inside = np.flatnonzero(values >= level)
    if not len(inside):
        # The peak lies between two points and is narrower than they are apart.
        peak, _ = _peak(points, int(np.argmax(values)), batches)
        return peak
    edge = int(inside[0] if left else inside[-1])
    outer = edge - 1 if left else edge + 1
    if not 0 <= outer < len(points):
        return float(points[edge])
    within, without = math.log(points[edge]), math.log(points[outer])
    for _ in range(5):
        finer = np.linspace(within, without, _FINER)
        good = log_likelihood(np.exp(finer), batches) >= level
        last = int(np.flatnonzero(good)[-1]) if good.any() else 0
        if last == _FINER - 1:
            break
        within, without = float(finer[last]), float(finer[last + 1])
    return math.exp(within)
