"""Interleaved rounds: every contestant does its work in turn, and ratios are taken within a round."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

SHORTEST_SECONDS: Final = 0.04
"""Work is repeated until one measurement takes so long: a single small call is mostly noise."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one call in every round: of the processor (all threads together) and of the clock on the wall."""

    cpu_ms: tuple[float, ...]
    wall_ms: tuple[float, ...]

    def summary(self) -> dict[str, float]:
        """Medians and bests."""
        return {
            "cpu_ms": round(float(np.median(self.cpu_ms)), 3),
            "cpu_best_ms": round(min(self.cpu_ms), 3),
            "wall_ms": round(float(np.median(self.wall_ms)), 3),
            "wall_best_ms": round(min(self.wall_ms), 3),
        }


def once(work: Callable[[], object], repetitions: int) -> tuple[float, float]:
    """(processor, wall) milliseconds of one of `repetitions` calls."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repetitions):
        work()
    return (1000 * (time.process_time() - cpu) / repetitions, 1000 * (time.perf_counter() - wall) / repetitions)


def interleaved(
    works: Mapping[str, Callable[[], object]], rounds: int, *, shortest_seconds: float = SHORTEST_SECONDS
) -> dict[str, Timing]:
    """Every work in every round, in an order that turns from round to round; one call before it counts for nothing."""
    names = list(works)
    repetitions = {}
    for name in names:
        works[name]()
        _, wall_ms = once(works[name], 1)
        repetitions[name] = max(1, min(1000, int(1000 * shortest_seconds / max(wall_ms, 1e-3))))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for i in range(rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            found[name].append(once(works[name], repetitions[name]))
    return {
        name: Timing(tuple(cpu for cpu, _ in pairs), tuple(wall for _, wall in pairs)) for name, pairs in found.items()
    }


def ratios(others: Sequence[Sequence[float]], mine: Sequence[float]) -> float:
    """How many times as long the best of the others takes: the median over rounds of (their best / mine)."""
    best = np.min(np.array(others, float), axis=0)
    return round(float(np.median(best / np.array(mine, float))), 2)
