"""Two to six runs side by side: their knobs, and the figures they ended with. Pure functions over what was read."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.files.disk import MALFORMED
from engine.runs.directory import RunInfo

FEWEST: Final = 2
MOST: Final = 6
TAIL_BYTES: Final = 2**19
_LOW: Final = frozenset(("bits_per_dim", "elbo_bits_per_dim", "frechet", "kid", "fid"))
_HIGH: Final = frozenset(("psnr_db", "precision", "recall", "density", "coverage", "images_per_second"))
_LEFT_OUT: Final = "system/"
"""What only tells of the machine."""


@dataclass(frozen=True)
class Compared:
    """A run and its newest figures: name -> (step, value)."""

    info: RunInfo
    figures: Mapping[str, tuple[int, float]]


@dataclass(frozen=True)
class CompareRow:
    """One line of the table. `group`: run, model, training or figures; one text a run, empty where it has none.

    `differs` says whether the runs differ in it; `best` are the columns with the best figure, none where no value of
    it is better or the runs cannot be compared in it.
    """

    name: str
    group: str
    texts: tuple[str, ...]
    differs: bool
    best: tuple[int, ...] = ()


def final_figures(run: Path) -> dict[str, tuple[int, float]]:
    """The newest value of each metric, from the end of metrics.jsonl: name -> (step, value)."""
    figures: dict[str, tuple[int, float]] = {}
    try:
        file = run / "metrics.jsonl"
        if not file.is_file():
            return figures
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - TAIL_BYTES))
            lines = opened.read(TAIL_BYTES).split(b"\n")
    except OSError:
        return figures
    # The first piece may be the rest of a line, the last one is torn or empty.
    for line in lines[1 if size > TAIL_BYTES else 0 : -1]:
        try:
            values = json.loads(line)
            step = int(values.pop("step"))
            pairs = [(str(k), float(v)) for k, v in values.items() if isinstance(v, int | float) and k != "time"]
        except MALFORMED:
            continue
        figures |= {name: (step, value) for name, value in pairs if math.isfinite(value)}
    return figures


def better(name: str) -> int:
    """-1 where a lower value of this metric is better, 1 where a higher one is, 0 where neither can be said."""
    last = name.rsplit("/", 1)[-1]
    return -1 if last in _LOW else int(last in _HIGH)


def compare_runs(columns: Sequence[Compared]) -> tuple[CompareRow, ...]:
    """The table of these runs: what each is, knobs of model and training, last figures.

    Raises:
        ValueError: fewer than two runs or more than six.
    """
    if not FEWEST <= len(columns) <= MOST:
        raise ValueError(f"{FEWEST} to {MOST} runs can be compared, got {len(columns)}")
    infos = [column.info for column in columns]
    configs = [info.config for info in infos]
    rows = [
        _row("family", "run", [config.family for config in configs]),
        _row("data", "run", [Path(config.data).name for config in configs], keys=[c.fingerprint for c in configs]),
        _row("image size", "run", [f"{config.image_shape[1]} px" for config in configs]),
        _row("state", "run", ["live" if info.status.alive else info.status.state for info in infos]),
        _row("step", "run", [f"{info.status.step:,} of {info.status.steps:,}" for info in infos]),
    ]
    if any(config.origin for config in configs):
        rows.append(_row("continues", "run", [_origin(config.origin) for config in configs]))
    for group, tables in (("model", [c.model for c in configs]), ("training", [c.training for c in configs])):
        for name in dict.fromkeys(name for table in tables for name in table):
            rows.append(_row(name, group, [_shown(table.get(name)) for table in tables]))
    same_data = len({(config.fingerprint, config.image_shape) for config in configs}) == 1
    names = dict.fromkeys(name for column in columns for name in column.figures if not name.startswith(_LEFT_OUT))
    # What says which run is better comes first.
    for name in sorted(names, key=lambda name: (better(name) == 0, not name.startswith("heldout/"))):
        rows.append(_figure(name, [column.figures.get(name) for column in columns], same_data))
    return tuple(rows)


def _row(name: str, group: str, texts: Sequence[str], *, keys: Sequence[str] | None = None) -> CompareRow:
    return CompareRow(name, group, tuple(texts), len(set(keys or texts)) > 1)


def _figure(name: str, found: Sequence[tuple[int, float] | None], same_data: bool) -> CompareRow:
    texts = ["" if one is None else f"{one[1]:,.4g}" for one in found]
    way = better(name)
    values = {index: one[1] for index, one in enumerate(found) if one is not None}
    best: tuple[int, ...] = ()
    # Speed may be compared across data sets, bits/dim and decibels only on the same pictures.
    if way and len(values) > 1 and (same_data or name == "images_per_second"):
        top = max(way * value for value in values.values())
        best = tuple(index for index, value in values.items() if way * value == top)
        best = () if len(best) == len(values) else best
    return CompareRow(name, "figures", tuple(texts), len(set(texts)) > 1, best)


def _origin(origin: Mapping[str, Any]) -> str:
    return f"{origin.get('run', '?')} at {origin.get('step', '?')}" if origin else ""


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)[:80]


def table_csv(columns: Sequence[Compared], rows: Sequence[CompareRow]) -> str:
    """The table as comma-separated text with a header line, for a spreadsheet."""
    head = ["", *(column.info.title for column in columns)]
    lines = [head, *([row.name, *row.texts] for row in rows)]
    return "\n".join(",".join(_cell(text) for text in line) for line in lines) + "\n"


def _cell(text: str) -> str:
    # A formula in a title must stay a text where the table is opened in a spreadsheet.
    safe = f"'{text}" if text[:1] in ("=", "+", "@") else text
    return '"' + safe.replace('"', '""') + '"' if any(c in safe for c in ',"\n') else safe
