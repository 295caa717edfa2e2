"""What every objective and flow of the Lab comes to: presets as they are, five seeds, processor seconds.

One line of JSON a run, so that a table goes on where it was stopped; `--table FILE` prints it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch

from engine.knobs import from_json
from engine.lab.presets import PRESETS
from engine.lab.setup import LabTraining, Setup
from engine.lab.stage import Stage

SEEDS: Final = 5
RING: Final = "ring8"
PLANES: Final = ("banana", "moons", "spirals", "checkerboard")


def runs() -> Iterator[tuple[str, str, int]]:
    """(preset, truth, seed) of every run, seed by seed, so that a table is whole as early as it can be."""
    for seed in range(SEEDS):
        yield from ((row.name, RING, seed) for row in PRESETS.values() if row.family == "gan")
        if seed == 0:
            yield from ((row.name, truth, 0) for row in PRESETS.values() if row.family == "stack" for truth in PLANES)


def run(preset: str, truth: str, seed: int) -> dict[str, Any]:
    """The figures of one run, or the sentence that it ended with."""
    row = PRESETS[preset]
    training = from_json(LabTraining, {**row.training, "seed": seed})
    found: dict[str, Any] = {"preset": preset, "truth": truth, "seed": seed, "steps": training.steps}
    start = time.process_time()
    try:
        stage = Stage(Setup(truth, row.family, dict(row.knobs), training))
        stage.advance(training.steps)
        seconds = time.process_time() - start
        figures = {figure.name: [figure.value, figure.floor] for figure in stage.figures()}
    except (RuntimeError, ValueError) as error:
        return {**found, "failed": str(error), "cpu_seconds": round(time.process_time() - start, 1)}
    return {**found, "cpu_seconds": round(seconds, 1), "figures": figures}


def table(rows: list[dict[str, Any]]) -> str:
    """Two tables in Markdown: objectives on the ring, flows on the planes."""
    lines = ["| objective | steps | modes of 8 | within 3 sigma | sliced W1 (floor) | s |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(row["preset"] for row in rows if row["truth"] == RING):
        own = [row for row in rows if row["preset"] == name and "figures" in row]
        if not own:
            lines.append(f"| {name} | | failed | | | |")
            continue
        modes = sorted(round(row["figures"]["modes"][0]) for row in own)
        near = sorted(row["figures"]["near"][0] for row in own)
        w1 = statistics.median(row["figures"]["sliced_w1"][0] for row in own)
        floor = statistics.median(row["figures"]["sliced_w1"][1] for row in own)
        seconds = statistics.median(row["cpu_seconds"] for row in own)
        spread = f"{near[0]:.2f} to {near[-1]:.2f}"
        lines.append(
            f"| {PRESETS[name].title} | {own[0]['steps']:,} | {' '.join(map(str, modes))} | {spread} "
            f"| {w1:.3f} ({floor:.3f}) | {seconds:.0f} |"
        )
    lines += ["", f"| flow | {' | '.join(PLANES)} |", f"|---|{'---|' * len(PLANES)}"]
    for name in dict.fromkeys(row["preset"] for row in rows if row["truth"] in PLANES):
        cells = []
        for truth in PLANES:
            one = next((row for row in rows if (row["preset"], row["truth"]) == (name, truth)), None)
            if one is None:
                cells.append("")
            elif "failed" in one:
                cells.append("failed")
            else:
                cells.append(f"{one['figures']['gap'][0]:.3f} ({one['cpu_seconds']:.0f} s)")
        lines.append(f"| {PRESETS[name].title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Runs what the file does not hold yet, or prints its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="JSON lines, one a run")
    parser.add_argument("--table", action="store_true", help="print the tables and run nothing")
    args = parser.parse_args()
    known = [json.loads(line) for line in args.file.read_text("utf-8").splitlines()] if args.file.is_file() else []
    if args.table:
        print(table(known))
        return
    torch.set_num_threads(1)
    there = {(row["preset"], row["truth"], row["seed"]) for row in known}
    for one in runs():
        if one not in there:
            with args.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(run(*one)) + "\n")


if __name__ == "__main__":
    main()
