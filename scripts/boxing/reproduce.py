"""The one command that reproduces a run, from the run's own config, and how long the run took."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.runs import directory as runs
from engine.runs.directory import RunConfig

NO_EFFECT = ("keep", "diagnose_every")
"""Knobs that a run's result does not depend on."""


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def train_command(config: RunConfig, where: str, run: str) -> str:
    """`latent-loom train ...` with every knob that the run's config names, over several lines.

    `where` is the folder of the data in the command and `run` the directory to be made; no path of this machine is in
    it.
    """
    _, size, _ = config.image_shape
    parts = [["latent-loom", "train", "--family", config.family, "--run", run]]
    parts.append(["--data", f"{where}/{Path(config.data).name}"])
    if config.labels:
        parts[-1] += ["--labels", f"{where}/{Path(config.labels).name}"]
    if config.group:
        parts[-1] += ["--group", config.group]
    parts.append(["--size", str(size), "--channels", str(config.image_shape[0])])
    if "steps" in config.training:
        parts[-1] += ["--steps", str(config.training["steps"])]
    knobs = {**config.model, **{k: v for k, v in config.training.items() if k != "steps" and k not in NO_EFFECT}}
    for start in range(0, len(knobs), 4):
        chunk = list(knobs.items())[start : start + 4]
        parts.append([word for name, value in chunk for word in ("--set", f"{name}={_text(value)}")])
    return " \\\n  ".join(shlex.join(part) for part in parts if part)


def box_command(script: str, arguments: Mapping[str, str], run: str) -> str:
    """`python scripts/box_model.py RUN --name value ...`."""
    words = ["python", f"scripts/{script}", *([run] if run else [])]
    for name, value in arguments.items():
        words += [f"--{name}", value] if value else [f"--{name}"]
    return shlex.join(words)


def training_seconds(run: Path) -> float | None:
    """Wall seconds of the steps alone, without previews and checkpoints, None where the run did not measure them.

    Every tick tells the images a second of the steps since the last one.
    """
    batch = float(runs.read_config(run).training.get("batch", 0))
    last, total = 0, 0.0
    for row in runs.read_metrics(run)[0]:
        rate = row.values.get("images_per_second")
        if rate and row.step > last:
            total += (row.step - last) * batch / rate
            last = row.step
    return total if total and batch else None


def hours(seconds: float) -> str:
    """ "1 h 40 min", "7 min" or "30 s"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def header_facts(config: RunConfig) -> dict[str, Any]:
    """The knobs as the model file keeps them."""
    return {"training": dict(config.training), "model_knobs": dict(config.model)}
