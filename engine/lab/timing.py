"""How fast the Lab is on this machine: steps of each preset, its density map, and five seeds beside one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from engine.knobs import from_json
from engine.lab.bench import Bench
from engine.lab.presets import PRESETS
from engine.lab.seen import MapRequest, Span
from engine.lab.setup import LabTraining, Setup, with_seeds
from engine.lab.viewer import Viewer
from engine.measuring import percentiles

TRUTH: Final = "ring8"
ROWS: Final = 48
SEEDS: Final = 5


def timed(*, seconds: float, maps: int) -> dict[str, dict[str, object]]:
    """For each preset on the ring of 8: `steps_per_second` of one stage, and of the clock with five seeds on it
    (`of_five_seeds`); `density_ms`, the map of ROWS x ROWS that the window draws, over `maps` draws. Wall time, so that
    the machine ought to be quiet; `seconds` go into each rate."""
    found: dict[str, dict[str, object]] = {}
    for name, row in PRESETS.items():
        training = from_json(LabTraining, {**row.training, "steps": 1_000_000})
        setup = Setup(TRUTH, row.family, dict(row.knobs), training)
        bench = Bench([setup])
        five = Bench(with_seeds(setup, SEEDS))
        # A rate that only a few steps give would be that of the first ones.
        found[name] = {
            "batch": training.batch,
            "steps_per_second": round(_rate(bench.step, seconds), 1),
            "of_five_seeds": round(_rate(five.step, seconds), 1),
            "density_ms": percentiles(_map_times(bench, maps)),
        }
    return found


def _rate(step: Callable[[], None], seconds: float) -> float:
    for _ in range(3):
        step()
    begun, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < seconds or count < 3:
        step()
        count += 1
    return count / max(spent, time.perf_counter() - begun)


def _map_times(bench: Bench, maps: int) -> list[float]:
    """Milliseconds of each map, after one that is not counted."""
    low, high = bench.stages[0].truth.view
    bench.seen()
    viewer = Viewer(bench)
    request = MapRequest(0, bench.clock, ("density",), Span(low, high, low, high), ROWS)
    return [viewer.draw(request).milliseconds for _ in range(maps + 1)][1:]
