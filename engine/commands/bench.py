"""bench: latencies and throughputs of this machine, through the same code as the window's."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.api import TrainRequest
from engine.commands.common import Command, Result
from engine.control import Control
from engine.device import cpu_name, training_threads, use_threads
from engine.errors import UserError
from engine.events import TrainingEvent, TrainingMetrics
from engine.exploring.open_model import OpenModel
from engine.families import FAMILIES
from engine.measuring import load_average, peak_memory_mib, percentiles
from engine.session import Session


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: under 45 seconds on two cores")
    parser.add_argument("--engine-only", action="store_true", help="leave out what needs the window")
    parser.add_argument("--lab", action="store_true", help="only the Lab: steps of each preset a second, density maps")
    parser.add_argument("--device", default="auto")


def _decode(model: OpenModel, repetitions: int) -> dict[str, Any]:
    codes = model.sample(1, seed=0)
    model.warm_up()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        model.decode(codes)
        times.append(1000 * (time.perf_counter() - start))
    return percentiles(times)


def _training(session: Session, data: str, family: str, seconds: float, home: Path) -> dict[str, float]:
    """Images a second of the family's standard preset at 64 pixels, from the newest half of the ticks."""
    control = Control()
    rates: list[float] = []
    end = time.monotonic() + seconds

    def hear(event: TrainingEvent) -> None:
        if isinstance(event, TrainingMetrics) and event.images_per_second:
            rates.append(event.images_per_second)
        if time.monotonic() > end and len(rates) >= 2:
            control.stop()

    request = TrainRequest(
        family=family,
        data=data,
        training={"steps": 100_000, "save_every": 100_000, "preview_every": 100_000},
        folder=home / family,
    )
    session.train(session.new_run(request), control=control, emit=hear)
    return {
        "images_per_second": round(float(np.median(rates[len(rates) // 2 :])), 1),
        "batch": int(str(FAMILIES[family].training["batch"])),
    }


def _start_up(program: str) -> dict[str, float]:
    """Seconds from the start of a fresh process until the program says it is there, and its peak memory."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise UserError(
            f"A fresh process did not start ({done.stderr.strip().splitlines()[-1:]}): run latent-loom doctor."
        )
    return {"seconds": round(seconds, 3), "peak_memory_mib": round(float(done.stdout.strip().splitlines()[-1]), 1)}


ENGINE_START = """
from engine.measuring import peak_memory_mib
from engine.session import Session
session = Session()
model = session.open(session.models()[0].key)
model.decode(model.sample(1))
print(peak_memory_mib())
"""


def _bench(args: argparse.Namespace) -> Result:
    session = Session(device=args.device)
    if args.lab:
        return _lab(quick=args.quick)
    repetitions = 40 if args.quick else 500
    use_threads(1)
    values: dict[str, Any] = {
        "machine": cpu_name(),
        "load_average": load_average(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": {"drawing": 1, "training": training_threads()},
        "device": session.device.kind,
        "quick": args.quick,
    }
    values["decode"] = {}
    for card in session.models():
        if card.shipped:
            values["decode"][card.title] = _decode(session.open(card.key), repetitions)
    with_window = not args.engine_only and importlib.util.find_spec("PySide6") is not None
    # The window's own start-up says the same and more.
    if values["decode"] and not (args.quick and with_window):
        values["engine_start"] = _start_up(ENGINE_START)
    use_threads(training_threads())
    sets = session.catalogue().data_sets
    with tempfile.TemporaryDirectory() as folder:
        if sets:
            values["training"] = {
                name: _training(session, sets[0][0], name, 0.5 if args.quick else 15.0, Path(folder))
                for name, row in FAMILIES.items()
                if row.sizes
            }
    if with_window:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        values["window"] = importlib.import_module("app.bench.window").measure(quick=args.quick)
    values["peak_memory_mib"] = peak_memory_mib()
    return Result(values, "\n".join(_lines(values)))


def _lab(*, quick: bool) -> Result:
    """On one thread, as the Lab's lane trains."""
    use_threads(1)
    timing = importlib.import_module("engine.lab.timing")
    values = {
        "machine": cpu_name(),
        "load_average": load_average(),
        "torch": torch.__version__,
        "quick": quick,
        "truth": timing.TRUTH,
        "density_rows": timing.ROWS,
        "presets": timing.timed(seconds=0.2 if quick else 2.0, maps=3 if quick else 20),
    }
    return Result(values, "\n".join(_lines(values)))


def _lines(values: Mapping[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {value}")
    return lines


COMMANDS = (Command("bench", "measure latencies and throughputs", _arguments, _bench),)
