"""Series from metrics: increasing steps whatever was resumed, and torn previews cost only themselves."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.core.run_files import Part, RunReader, columns, extended
from app.train.runs.reader import Lists, read_thumbs
from engine.runs import directory as runs
from engine.runs.directory import MetricsRow

METRICS = frozenset({"metrics"})
ALL = frozenset(get_args(Part))


@given(st.lists(st.lists(st.integers(0, 50), max_size=8), max_size=6))
@pytest.mark.slow
def test_steps_always_increase(batches: list[list[int]]) -> None:
    series = {}
    for number, batch in enumerate(batches):
        series = extended(series, columns([MetricsRow(step, {"loss": float(number)}) for step in batch]))
    steps, values = series.get("loss", ([], []))
    assert steps == sorted(set(steps))
    assert len(steps) == len(values)


def test_a_resumed_run_replaces_what_it_does_again() -> None:
    first = extended({}, columns([MetricsRow(step, {"loss": 1.0}) for step in range(5)]))
    again = extended(first, columns([MetricsRow(3, {"loss": 2.0})]))
    assert again["loss"] == ([0, 1, 2, 3], [1.0, 1.0, 1.0, 2.0])
    assert first["loss"][0] == [0, 1, 2, 3, 4], "the series of before is left as it was"


def test_news_come_once(tmp_path: Path) -> None:
    run = make_run(tmp_path / "00000-vae-x")
    runs.append_metrics(run, 1, {"loss": 1.0})
    reader = RunReader(run)
    first = reader.read(METRICS, 0)
    runs.append_metrics(run, 2, {"loss": 0.5})
    second = reader.read(METRICS, first.offset)
    assert list(first.fresh["loss"][0]) == [1]
    assert list(second.fresh["loss"][0]) == [2]
    assert second.info.config.family == "vae"


def test_a_torn_preview_costs_its_thumbnail_only(tmp_path: Path) -> None:
    run = make_run(tmp_path / "00000-vae-x")
    (run / "previews" / "000005.webp").write_bytes(b"torn")
    assert thumb(run) is None
    Image.fromarray(np.full((8, 8, 3), 200, np.uint8)).save(run / "previews" / "000010.webp", lossless=True)
    assert thumb(run).shape == (8, 8, 3)


def thumb(run: Path):
    """What the list shows of a run."""
    (entry,) = Lists().read(run.parent, ()).entries
    return read_thumbs([entry.info])[run]


def make_run(path: Path) -> Path:
    runs.create(path, runs.RunConfig("vae", {}, {}, "data", None, "0", (3, 8, 8)))
    return path


def test_a_preview_read_too_early_is_read_again(tmp_path: Path) -> None:
    """A thumbnail that could not be read is not remembered as missing."""
    run = make_run(tmp_path / "00000-vae-x")
    file = run / "previews" / "000005.webp"
    file.write_bytes(b"half")
    assert thumb(run) is None
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(file, lossless=True)
    assert thumb(run) is not None
