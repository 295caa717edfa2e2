"""The comparison with peers: each case in interleaved rounds on the same networks, as times and as ratios."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from engine.device import use_threads
from engine.errors import UserError
from engine.measuring import load_average
from tests.benchmarks import dcgan_case, floor, glow_case, plane_case, vae_case
from tests.benchmarks.contestant import (
    SAMPLE,
    SAMPLE_BFLOAT16,
    TRAIN,
    TRAIN_BFLOAT16,
    Case,
    Contestant,
    Extent,
    Missing,
)
from tests.benchmarks.rounds import Timing, interleaved, ratios

FLOOR: Final = "the convolutions alone"
SAME: Final = 1e-4
"""Largest difference between the pictures that two contestants of the same weights draw, in [-1, 1]."""
AGAINST: Final = {TRAIN_BFLOAT16: TRAIN, SAMPLE_BFLOAT16: SAMPLE}
"""What an operation that peers do not have is held against."""
CASES: Final[Mapping[str, Case]] = {
    made.name: made
    for made in (
        glow_case.case("glow32", Extent(side=32, batch=32, width=128, depth=8, levels=3)),
        glow_case.case("glow64", Extent(side=64, batch=16, width=128, depth=8, levels=4)),
        dcgan_case.case("dcgan64", Extent(side=64, batch=64, width=64, code=100)),
        vae_case.case("vae64", Extent(side=64, batch=64, width=48, code=128)),
        plane_case.case("realnvp in the plane", "realnvp", width=64, depth=6),
        plane_case.case("maf in the plane", "maf", width=64, depth=5),
        plane_case.case("planar in the plane", "planar", width=0, depth=16),
    )
}
QUICK: Final = ("glow32", "dcgan64", "vae64")
QUICK_BATCH: Final = 8


def compare(
    *,
    threads: int,
    quick: bool = False,
    only: Sequence[str] = (),
    memory: bool = True,
    rounds: int = 0,
    on_line: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """All cases, or those in `only`; a contestant that is not here is told in a sentence, and the rest goes on.

    Raises:
        UserError: contestants of the same weights draw different pictures: the comparison would be of different work.
    """
    use_threads(threads)
    chosen = [CASES[name] for name in (only or (QUICK if quick else tuple(CASES)))]
    values: dict[str, Any] = {"threads": threads, "rounds": rounds or (3 if quick else 9), "cases": {}}
    for case in chosen:
        if quick:
            case = replace(case, extent=replace(case.extent, batch=QUICK_BATCH))
        on_line(f"{case.name} ...")
        found = run_case(case, rounds=values["rounds"])
        if memory and not quick:
            for name in found["contestants"]:
                found["contestants"][name]["peak_memory_mib"] = peak_memory(case.name, name, threads)
        values["cases"][case.name] = found
    return values


def run_case(case: Case, *, rounds: int, shortest_seconds: float = 0.04) -> dict[str, Any]:
    """One case: who takes part, whether those of the same weights agree, times, ratios, and the floor."""
    contestants, missing = gathered(case)
    values: dict[str, Any] = {
        "extent": {"side": case.extent.side, "batch": case.extent.batch},
        "load_average": load_average(),
        "missing": missing,
        "same_pictures": agreement(contestants),
        "contestants": {
            name: {"nets": c.nets, "parameters": c.parameters, "ours": c.ours, "note": c.note}
            | ({"inverse_error": float(f"{c.inverse_error():.2g}")} if c.inverse_error else {})
            for name, c in contestants.items()
        },
        "operations": {},
    }
    for operation in case.extent.operations:
        works = {
            name: contestant.operations[operation]()
            for name, contestant in contestants.items()
            if operation in contestant.operations
        }
        plain = AGAINST.get(operation)
        # Peers run their float32 work beside ours in bfloat16, in the same rounds.
        if works and plain is not None:
            works |= {
                name: contestant.operations[plain]()
                for name, contestant in contestants.items()
                if not contestant.ours and plain in contestant.operations
            }
        if not works:
            continue
        values["operations"][operation] = _measured(case, contestants, works, rounds, shortest_seconds)
        del works
        gc.collect()
    return values


def gathered(case: Case) -> tuple[dict[str, Contestant], list[str]]:
    """(the contestants by name, the sentences of those that are not here)."""
    contestants, missing = {}, []
    for name, make in case.contestants.items():
        try:
            contestants[name] = make(case.extent)
        except Missing as error:
            missing.append(f"{name}: {error}")
    return contestants, missing


def agreement(contestants: Mapping[str, Contestant]) -> dict[str, float]:
    """The largest difference between the pictures of each pair of the same weights.

    Raises:
        UserError: it is larger than rounding.
    """
    found = {}
    for name, contestant in contestants.items():
        other = contestants.get(contestant.twin)
        if other is None or contestant.draw is None or other.draw is None:
            continue
        difference = float((contestant.draw() - other.draw()).abs().max())
        if not difference <= SAME:
            raise UserError(
                f"{name} and {contestant.twin} draw different pictures of the same weights (by {difference:.2g}): "
                "their times cannot be compared; run the tests of tests/benchmarks."
            )
        found[f"{name} and {contestant.twin}"] = float(f"{difference:.2g}")
    return found


def _measured(
    case: Case,
    contestants: Mapping[str, Contestant],
    works: Mapping[str, Callable[[], object]],
    rounds: int,
    shortest_seconds: float,
) -> dict[str, Any]:
    timings = interleaved(works, rounds, shortest_seconds=shortest_seconds)
    values: dict[str, Any] = {name: timing.summary() for name, timing in timings.items()}
    for name in works:
        if contestants[name].ours:
            rivals = [t for other, t in timings.items() if _rivals(contestants[name], contestants[other])]
            if rivals:
                values[name] |= _held_against(rivals, timings[name])
    # The first of these that is here; packed work calls no convolution that could be counted.
    name = next((name for name in case.floor if name in works), "")
    if name:
        calls = floor.convolutions(works[name])
        found = floor.alone(calls)
        for other, timing in timings.items():
            if contestants[other].nets == contestants[name].nets:
                values[other]["times_floor_wall"] = round(min(timing.wall_ms) / found["wall_best_ms"], 2)
                values[other]["times_floor_cpu"] = round(min(timing.cpu_ms) / found["cpu_best_ms"], 2)
        values[FLOOR] = found | {"gigaflop": round(floor.gigaflops(works[name]), 3)}
    return values


def _rivals(mine: Contestant, other: Contestant) -> bool:
    return not other.ours and other.nets == mine.nets


def _held_against(rivals: Sequence[Timing], mine: Timing) -> dict[str, float]:
    return {
        "times_faster_cpu": ratios([rival.cpu_ms for rival in rivals], mine.cpu_ms),
        "times_faster_wall": ratios([rival.wall_ms for rival in rivals], mine.wall_ms),
    }


ALONE: Final = "from tests.benchmarks.peers import alone; alone({case!r}, {name!r}, {operation!r}, {threads})"


def alone(case: str, name: str, operation: str, threads: int) -> None:
    """Does one operation in this process and prints the most memory that it held, in MiB, before and after."""
    from engine.measuring import peak_memory_mib

    torch.set_num_threads(threads)
    before = peak_memory_mib()
    work = CASES[case].contestants[name](CASES[case].extent).operations[operation]()
    for _ in range(3):
        work()
    sys.stdout.write(f"{before} {peak_memory_mib()}\n")


def peak_memory(case: str, name: str, threads: int) -> dict[str, float]:
    """The most memory of fresh processes, in MiB, by operation; without what importing torch and the rest takes."""
    found = {}
    for operation in (TRAIN, SAMPLE):
        program = ALONE.format(case=case, name=name, operation=operation, threads=threads)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=False)
        if done.returncode == 0:
            before, after = map(float, done.stdout.split()[-2:])
            found[operation] = round(after - before, 1)
    return found


def lines(values: Mapping[str, Any]) -> list[str]:
    """The comparison as tables for people."""
    out = [f"{values['threads']} thread(s), {values['rounds']} rounds; ms: median (best)"]
    for name, case in values["cases"].items():
        extent = case["extent"]
        out += ["", f"{name}: {extent['side']} x {extent['side']} pixels, training batch {extent['batch']}"]
        out.append(f"  load average {case['load_average']}")
        out += [f"  {sentence}" for sentence in case["missing"]]
        out += [f"  same pictures: {pair}, to {lost:.0e}" for pair, lost in case["same_pictures"].items()]
        for who, found in case["contestants"].items():
            words = [f"{found['parameters']:,} parameters"]
            if "inverse_error" in found:
                words.append(f"inverse error {found['inverse_error']:.1e}")
            words += [f"{op} {mib:g} MiB" for op, mib in found.get("peak_memory_mib", {}).items()]
            out.append(f"  {who}: {', '.join(words)}" + (f" ({found['note']})" if found["note"] else ""))
        for operation, found in case["operations"].items():
            out.append(f"  {operation}")
            out += [_row(who, row) for who, row in found.items()]
    return out


def _row(who: str, row: Mapping[str, float]) -> str:
    if "cpu_ms" not in row:
        return (
            f"    {who:34s} processor {row['cpu_best_ms']:9.2f}            wall {row['wall_best_ms']:9.2f}"
            f"             {row['gigaflop']:g} GFLOP"
        )
    text = (
        f"    {who:34s} processor {row['cpu_ms']:9.2f} ({row['cpu_best_ms']:8.2f}) "
        f"wall {row['wall_ms']:9.2f} ({row['wall_best_ms']:8.2f})"
    )
    if "times_floor_cpu" in row:
        text += f"  {row['times_floor_wall']:g} x floor"
    if "times_faster_wall" in row:
        text += f"  {row['times_faster_wall']:g} x faster (processor {row['times_faster_cpu']:g})"
    return text


if __name__ == "__main__":
    # Not this module itself, which is called `__main__`: a process of its own measures each row by the name.
    from tests.benchmarks import command, peers

    sys.exit(command.run(peers))
