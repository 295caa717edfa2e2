"""Metrics become columns: in pieces, in time, and only what is a number."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.core.run_files import CLOCK, columns, extended
from engine.runs import directory as runs
from engine.runs.directory import MetricsRow


def test_rows_tell_when_they_were_written(tmp_path: Path) -> None:
    before = time.time()
    runs.append_metrics(tmp_path, 3, {"loss": 0.5})
    (row,), _ = runs.read_metrics(tmp_path)
    assert before - 0.01 <= row.time <= time.time() + 0.01
    assert dict(row.values) == {"loss": 0.5}, "the clock is no metric"
    found = columns([row])
    assert found[CLOCK][1][0] == row.time


def test_a_long_run_is_read_in_pieces(tmp_path: Path) -> None:
    lines = [json.dumps({"step": step, "loss": float(step)}) + "\n" for step in range(1, 26)]
    (tmp_path / "metrics.jsonl").write_text("".join(lines) + '{"step": 26, "lo')
    offset, series, sizes = 0, {}, []
    while True:
        rows, offset = runs.read_metrics(tmp_path, offset, most=10)
        series = extended(series, columns(rows))
        sizes.append(len(rows))
        if len(rows) < 10:
            break
    assert sizes == [10, 10, 5]
    assert series["loss"] == (list(range(1, 26)), [float(step) for step in range(1, 26)])


def test_what_is_no_number_or_no_step_is_left_out() -> None:
    rows = [
        MetricsRow(1, {"loss": 1.0}, float("nan")),
        MetricsRow(2, {"loss": float("inf"), "other": 2.0}),
        MetricsRow(-4, {"loss": 9.0}),
        MetricsRow(10**400, {"loss": 9.0}),
    ]
    found = columns(rows)
    assert found["loss"][0].tolist() == [1]
    assert found["other"][1].tolist() == [2.0]
    assert CLOCK not in found


@given(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=6))
def test_pieces_give_what_the_whole_gives(batches: list[list[int]]) -> None:
    rows = [[MetricsRow(step, {"loss": float(number)}) for step in batch] for number, batch in enumerate(batches)]
    pieces: dict[str, object] = {}
    for batch in rows:
        pieces = extended(pieces, columns(batch))
    whole = extended({}, columns([row for batch in rows for row in batch]))
    assert pieces.keys() == whole.keys()
    for name in whole:
        assert np.array_equal(pieces[name].steps.array, whole[name].steps.array)
        assert np.array_equal(pieces[name].values.array, whole[name].values.array)
