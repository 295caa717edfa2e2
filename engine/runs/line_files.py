"""The line files of a run beside its metrics: bars and histograms (figures.jsonl) and notices (notices.jsonl).

One JSON object a line, appended by the run that trains and read by anyone, also while it is written. A reader takes
every line as hostile: a torn end waits for the next call, anything malformed or out of bounds is passed over.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from engine.charts import Chart, ChartKind
from engine.files.disk import MALFORMED

MAX_LINE_BYTES: Final = 2**20
MAX_VALUES: Final = 4096
MAX_NAME: Final = 200
MAX_TEXT: Final = 2000
MAX_EVIDENCE: Final = 32


@dataclass(frozen=True)
class FigureRow:
    """A chart of a run at a step. A histogram has len(values) + 1 rising `edges`; bars have None."""

    step: int
    name: str
    kind: ChartKind
    edges: tuple[float, ...] | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class NoticeRow:
    """Something that a run told: `kind` names the guard, `evidence` its numbers, `action` what was done about it.

    `time` is in seconds since the epoch, `level` "info", "warning" or "error".
    """

    time: float
    step: int
    level: str
    text: str
    kind: str = ""
    evidence: Mapping[str, float] = field(default_factory=dict)
    suggestion: str = ""
    action: str = ""


def append_figures(path: Path, step: int, charts: Sequence[Chart]) -> None:
    """One line a chart in figures.jsonl; a chart with a number that is not finite is left out.

    Raises:
        OSError: the run cannot be written.
    """
    rows = [
        {"step": step, "name": chart.name, "kind": chart.kind, "edges": chart.edges, "values": chart.values}
        for chart in charts
        if all(map(math.isfinite, chart.values))
    ]
    _append(path / "figures.jsonl", rows)


def append_notice(path: Path, row: NoticeRow) -> None:
    """One line in notices.jsonl.

    Raises:
        OSError: the run cannot be written.
    """
    evidence = {name: value if math.isfinite(value) else None for name, value in row.evidence.items()}
    _append(path / "notices.jsonl", [{**asdict(row), "evidence": evidence}])


def read_figures(path: Path, offset: int = 0) -> tuple[list[FigureRow], int]:
    """(rows after byte `offset`, the next offset) of the run in `path`, in the order in which they were written.

    After a resume from an earlier step the newest row of a name and step counts: older rows of that name at or past
    it are dropped.
    """
    named: dict[str, list[tuple[int, FigureRow]]] = {}
    for line, end in whole_lines(path / "figures.jsonl", offset):
        offset = end
        row = _figure(line)
        if row is not None:
            of_name = named.setdefault(row.name, [])
            while of_name and of_name[-1][1].step >= row.step:
                of_name.pop()
            of_name.append((end, row))
    written = sorted((pair for of_name in named.values() for pair in of_name), key=lambda pair: pair[0])
    return [row for _, row in written], offset


def read_notices(path: Path, offset: int = 0) -> tuple[list[NoticeRow], int]:
    """(notices after byte `offset`, the next offset) of the run in `path`, oldest first."""
    rows: list[NoticeRow] = []
    for line, end in whole_lines(path / "notices.jsonl", offset):
        offset = end
        row = _notice(line)
        if row is not None:
            rows.append(row)
    return rows, offset


def whole_lines(file: Path, offset: int) -> Iterator[tuple[bytes, int]]:
    """(a line, the byte offset after it) for each complete line from byte `offset` on.

    A torn last line is left for the next call; a line longer than any of ours comes out cut, without being held in
    memory. A file that is missing, or cannot be read any further, ends the lines.
    """
    try:
        # Opening a pipe would wait for somebody who writes into it.
        if not file.is_file():
            return
        with file.open("rb") as opened:
            opened.seek(offset)
            while line := opened.readline(MAX_LINE_BYTES):
                whole = line
                while line and not line.endswith(b"\n"):
                    line = opened.readline(MAX_LINE_BYTES)
                if not line:
                    return
                yield whole, opened.tell()
    except OSError:
        return


def _append(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        with file.open("a", encoding="utf-8") as opened:
            opened.write("".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))


def _figure(line: bytes) -> FigureRow | None:
    try:
        found = json.loads(line)
        name, kind = _text(found["name"], MAX_NAME), found["kind"]
        values = _numbers(found["values"])
        edges = None if found["edges"] is None else _numbers(found["edges"])
        step = _step(found["step"])
    except MALFORMED:
        return None
    if kind == "bars":
        return FigureRow(step, name, "bars", None, values)
    if kind != "histogram" or edges is None or len(edges) != len(values) + 1:
        return None
    if min(values) < 0 or any(a >= b for a, b in pairwise(edges)):
        return None
    return FigureRow(step, name, "histogram", edges, values)


def _notice(line: bytes) -> NoticeRow | None:
    try:
        found = json.loads(line)
        given = found.get("evidence") or {}
        evidence = {
            _text(name, MAX_NAME): float(value)
            for name, value in list(given.items())[:MAX_EVIDENCE]
            if _is_number(value)
        }
        when = float(found.get("time", 0.0))
        return NoticeRow(
            when if math.isfinite(when) else 0.0,
            _step(found["step"]),
            _text(found["level"], MAX_NAME),
            _text(found["text"], MAX_TEXT),
            _text(found.get("kind", ""), MAX_NAME, empty=True),
            evidence,
            _text(found.get("suggestion", ""), MAX_TEXT, empty=True),
            _text(found.get("action", ""), MAX_TEXT, empty=True),
        )
    except MALFORMED:
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(given: object) -> tuple[float, ...]:
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_VALUES or not all(map(_is_number, given)):
        raise ValueError("no list of finite numbers")
    return tuple(map(float, given))


def _step(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < 2**53:
        raise ValueError("no step")
    return given


def _text(given: object, longest: int, *, empty: bool = False) -> str:
    """The text, cut to `longest`, without control characters (it is drawn in a window and in terminals)."""
    if not isinstance(given, str) or not (given or empty):
        raise ValueError("no text")
    return "".join(c if c.isprintable() else " " for c in given[:longest])
