"""How cost grows with image size, depth and width: each row in a fresh process, beside what was estimated of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch

from engine.device import placed
from engine.families import build
from engine.knobs import Value
from engine.measuring import load_average, peak_memory_mib
from engine.models.ema import Ema
from engine.planning import cost, rehearsal
from engine.training.config import TrainConfig
from engine.training.optimisers import Optimisers
from tests.benchmarks import ours
from tests.benchmarks.rounds import once

BATCH: Final = 16
LIMIT_SECONDS: Final = 240.0
SIZES: Final = (32, 64, 128, 256)


@dataclass(frozen=True)
class Row:
    """A model to build: the rest of its knobs is as they are by default."""

    family: str
    side: int
    model: Mapping[str, Value] = field(default_factory=dict)


def _rows() -> dict[str, Row]:
    rows = {f"{family} {side} px": Row(family, side) for family in ("vae", "gan", "flow") for side in SIZES}
    for family, name, values in (
        ("vae", "width", (24, 96)),
        ("vae", "blocks", (2, 4)),
        ("gan", "width", (24, 128)),
        ("flow", "hidden", (48, 256)),
    ):
        for value in values:
            more = {"discriminator_width": value} if family == "gan" else {}
            rows[f"{family} 64 px, {name} {value}"] = Row(family, 64, {name: value, **more})
    for depth, extra in ((3, 1), (12, 6)):
        rows[f"flow 64 px, depth {depth} + {extra}"] = Row("flow", 64, {"depth": depth, "extra_depth": extra})
    return rows


CASES: Final = _rows()
ALONE: Final = "from tests.benchmarks.growth import row; row({name!r}, {threads}, {batch})"
QUICK: Final = ("vae 32 px", "gan 32 px", "flow 32 px")


def compare(
    *,
    threads: int,
    quick: bool = False,
    only: Sequence[str] = (),
    batch: int = BATCH,
    on_line: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """A row for each case, or those in `only`; one that does not fit or takes too long says so in a sentence."""
    found: dict[str, Any] = {"threads": threads, "batch": batch, "load_average": load_average(), "rows": {}}
    for name in only or (QUICK if quick else tuple(CASES)):
        on_line(f"{name} ...")
        found["rows"][name] = _alone(name, threads, batch)
    return found


def _alone(name: str, threads: int, batch: int) -> dict[str, Any]:
    program = ALONE.format(name=name, threads=threads, batch=batch)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"why": f"took longer than {LIMIT_SECONDS:.0f} s"}
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
        return {"why": f"failed ({last[:160]})"}
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return values


def row(name: str, threads: int, batch: int) -> None:
    """Measures one row in this process and prints it as JSON."""
    case = CASES[name]
    sys.stdout.write(json.dumps(measured(case, threads, batch)) + "\n")


def measured(case: Row, threads: int, batch: int) -> dict[str, Any]:
    """Parameters, decode latency, and time and memory of a training step, with the estimates of them."""
    torch.set_num_threads(threads)
    shape = (3, case.side, case.side)
    asked = cost.asked(case.family, case.model, {"batch": batch}, shape, images=0)
    expected = cost.estimate(asked, at=rehearsal.speed("cpu", threads))
    values: dict[str, Any] = {
        "parameters": expected.parameters,
        "estimated": {
            "training_memory_mib": round(expected.memory_bytes / 2**20),
            "step_ms": round(1000 * (expected.seconds or 0.0)),
        },
    }
    if expected.memory_bytes > cost.SHARE * cost.free_memory():
        return values | {"why": f"needs about {cost.size_words(expected.memory_bytes)}, more than is free"}
    before = peak_memory_mib()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(case.family, case.model, shape)
    trained = placed(model, torch.device("cpu")).train()
    average = Ema(trained, 0.998)
    optimisers = Optimisers(trained, TrainConfig(batch=batch), torch.device("cpu"))
    images = ours.pictures(batch, case.side).contiguous(memory_format=torch.channels_last)
    times = []
    start = time.monotonic()
    for step in range(9):
        optimisers.begin(step, step, 1e-5)

        def work() -> None:
            optimisers.advance(trained, images, batch)

        times.append(once(work, 1))
        average.update(step)
        if time.monotonic() - start > 0.25 * LIMIT_SECONDS and step >= 1:
            break
    # The first one also makes the optimiser's numbers.
    values["training_memory_mib"] = round(peak_memory_mib() - before)
    values["step_ms"] = round(float(np.median([wall for _, wall in times[1:]])))
    values["step_cpu_ms"] = round(float(np.median([cpu for cpu, _ in times[1:]])))
    values["decode_ms"] = _decoding(average.model)
    return values


def _decoding(model: Any) -> dict[str, float]:
    draw = ours.sampling(model, 1)
    for _ in range(2):
        draw()
    times = [once(draw, 1) for _ in range(7)]
    return {
        "wall": round(float(np.median([wall for _, wall in times])), 1),
        "cpu": round(float(np.median([cpu for cpu, _ in times])), 1),
    }


def lines(values: Mapping[str, Any]) -> list[str]:
    """The table for people."""
    out = [
        f"{values['threads']} thread(s), batch {values['batch']}, load average {values['load_average']}",
        f"{'':28s}{'parameters':>12s}{'decode ms':>11s}{'step ms':>10s}{'(estimate)':>12s}"
        f"{'memory MiB':>12s}{'(estimate)':>12s}",
    ]
    for name, found in values["rows"].items():
        if "decode_ms" not in found:
            out.append(f"{name:28s}{found.get('parameters', 0):12,}   {found['why']}")
            continue
        guess = found["estimated"]
        out.append(
            f"{name:28s}{found['parameters']:12,}{found['decode_ms']['wall']:11.1f}{found['step_ms']:10,}"
            f"{guess['step_ms']:12,}{found['training_memory_mib']:12,}{guess['training_memory_mib']:12,}"
        )
    return out


if __name__ == "__main__":
    # Not this module itself, which is called `__main__`: a process of its own measures each row by the name.
    from tests.benchmarks import command, growth

    sys.exit(command.run(growth))
