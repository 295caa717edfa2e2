"""figures.jsonl and notices.jsonl: what is written is read, and nothing that stands there can do harm."""

from __future__ import annotations

import json
import math

import pytest

from engine.charts import Chart
from engine.runs.line_files import (
    MAX_EVIDENCE,
    MAX_TEXT,
    MAX_VALUES,
    FigureRow,
    NoticeRow,
    append_figures,
    append_notice,
    read_figures,
    read_notices,
)

BARS = Chart("heldout/kl", "bars", (1.0, 0.5, 0.0))
COUNTS = Chart("d", "histogram", (3.0, 1.0), (0.0, 0.5, 1.0))


def test_charts_come_back_as_they_were_written(tmp_path):
    append_figures(tmp_path, 5, [BARS, COUNTS])
    rows, offset = read_figures(tmp_path)
    assert rows == [
        FigureRow(5, "heldout/kl", "bars", None, (1.0, 0.5, 0.0)),
        FigureRow(5, "d", "histogram", (0.0, 0.5, 1.0), (3.0, 1.0)),
    ]
    assert read_figures(tmp_path, offset) == ([], offset)
    append_figures(tmp_path, 9, [COUNTS])
    rows, _ = read_figures(tmp_path, offset)
    assert [row.step for row in rows] == [9]
    assert read_figures(tmp_path / "nowhere") == ([], 0)


def test_after_a_resume_the_newest_row_of_a_name_counts(tmp_path):
    for step in (1, 2, 3):
        append_figures(tmp_path, step, [BARS, COUNTS])
    append_figures(tmp_path, 2, [BARS])
    rows, _ = read_figures(tmp_path)
    assert [row.step for row in rows if row.name == BARS.name] == [1, 2]
    assert [row.step for row in rows if row.name == COUNTS.name] == [1, 2, 3]


def test_a_chart_with_a_number_that_is_not_finite_is_left_out(tmp_path):
    append_figures(tmp_path, 1, [Chart("bad", "bars", (1.0, math.nan)), BARS])
    assert [row.name for row in read_figures(tmp_path)[0]] == [BARS.name]


GOOD = {"step": 3, "name": "x", "kind": "histogram", "edges": [0, 1, 2], "values": [4, 5]}
BAD = [
    {"step": -1},
    {"step": 1.5},
    {"step": True},
    {"step": 2**60},
    {"name": ""},
    {"name": 3},
    {"kind": "pie"},
    {"kind": ["bars"]},
    {"values": []},
    {"values": [1, "2"]},
    {"values": [1, None]},
    {"values": [1, True]},
    {"values": [1, -5]},
    {"values": 4},
    {"values": [0.0] * (MAX_VALUES + 1), "kind": "bars"},
    {"edges": None},
    {"edges": [0, 1]},
    {"edges": [0, 1, 1]},
    {"edges": [2, 1, 0]},
    {"edges": [0, 1, 1e999]},
]
TEXTS = [json.dumps({**GOOD, **change}) for change in BAD]
TEXTS += [json.dumps({k: v for k, v in GOOD.items() if k != left_out}) for left_out in GOOD]
TEXTS += ["null", "[]", "", "{", "\0\0", "[" * 5000, '{"step":' + "9" * 5000 + "}"]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_malformed_chart_is_passed_over(text, tmp_path):
    (tmp_path / "figures.jsonl").write_text(f"{text}\n{json.dumps(GOOD)}\n")
    rows, offset = read_figures(tmp_path)
    assert rows == [FigureRow(3, "x", "histogram", (0.0, 1.0, 2.0), (4.0, 5.0))]
    assert offset == (tmp_path / "figures.jsonl").stat().st_size


@pytest.mark.parametrize("name", ["figures.jsonl", "notices.jsonl"])
def test_a_torn_line_waits_for_its_rest_and_bytes_that_are_no_text_do_no_harm(name, tmp_path):
    read = {"figures.jsonl": read_figures, "notices.jsonl": read_notices}[name]
    line = json.dumps({**GOOD, "level": "info", "text": "Well.", "time": 1.0})
    (tmp_path / name).write_bytes(b"\xff\xfe\x00\n" + b"x" * (3 * 2**20) + b"\n" + line[:20].encode())
    rows, offset = read(tmp_path)
    assert rows == []
    with (tmp_path / name).open("a") as file:
        file.write(line[20:] + "\n")
    rows, end = read(tmp_path, offset)
    assert len(rows) == 1
    assert end == (tmp_path / name).stat().st_size


def test_notices_come_back_with_their_evidence(tmp_path):
    notice = NoticeRow(12.5, 40, "warning", "It leapt.", "explosion", {"loss": 9e4}, "Lower it.", "Went back.")
    append_notice(tmp_path, notice)
    append_notice(tmp_path, NoticeRow(13.0, 41, "info", "Well."))
    rows, _ = read_notices(tmp_path)
    assert rows == [notice, NoticeRow(13.0, 41, "info", "Well.")]


def test_evidence_that_is_not_finite_is_not_shown(tmp_path):
    append_notice(tmp_path, NoticeRow(1.0, 1, "warning", "Bad.", "nan", {"loss": math.inf, "step": 1.0}))
    (row,), _ = read_notices(tmp_path)
    assert row.evidence == {"step": 1.0}


def test_a_strangers_notice_is_cut_to_size(tmp_path):
    line = {
        "step": 1,
        "level": "warning",
        "text": "\x1b[2J" + "a" * 10**5,
        "time": "NaN",
        "evidence": {f"n{i}": i for i in range(1000)} | {"text": "no number"},
    }
    (tmp_path / "notices.jsonl").write_text(json.dumps(line) + "\n")
    (row,), _ = read_notices(tmp_path)
    assert len(row.text) == MAX_TEXT
    assert row.text.isprintable()
    assert len(row.evidence) <= MAX_EVIDENCE
    assert row.time == 0.0


@pytest.mark.parametrize(
    "change", [{"text": ""}, {"text": None}, {"level": 3}, {"step": "1"}, {"evidence": [1]}, {"time": []}]
)
def test_a_malformed_notice_is_passed_over(change, tmp_path):
    line = {"step": 1, "level": "info", "text": "Well.", "time": 1.0} | change
    (tmp_path / "notices.jsonl").write_text(json.dumps(line) + "\n")
    assert read_notices(tmp_path)[0] == []
