"""Reports on disk: `report.json` and sheets of evidence in a folder that appears whole; no torch, no file trusted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import RunError
from engine.files.disk import MALFORMED, publish_folder, read_json, told_as, write_json
from engine.report import Evidence, Figure, Finding, Level, Report, Verdict

SCHEMA: Final = 1
FOLDER: Final = "diagnostics"
FILE: Final = "report.json"
FILE_CAP: Final = 16 * 2**20
MAX_ITEMS: Final = 4096
MAX_VALUES: Final = 200_000
MAX_TEXT: Final = 8000
MAX_SHEET_PIXELS: Final = 2**26
COLUMNS: Final = 20
"""Pictures a row of a sheet: a WebP is at most 16,383 pixels wide."""
LEVELS: Final[tuple[Level, ...]] = ("good", "watch", "bad", "unknown")

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class ReportEntry:
    """A report in a run: the step it was taken at, and its folder."""

    step: int
    folder: Path


def report_folder(run: Path, step: int) -> Path:
    """Where the report of a step of a run is kept."""
    return run / FOLDER / f"step_{step:06d}"


def list_reports(run: Path) -> tuple[ReportEntry, ...]:
    """The reports of a run, oldest step first; nothing is read but names."""
    found = []
    try:
        for folder in (run / FOLDER).iterdir():
            match = re.fullmatch(r"step_(\d{1,12})", folder.name)
            if match and (folder / FILE).is_file():
                found.append(ReportEntry(int(match.group(1)), folder))
    except OSError:
        return ()
    return tuple(sorted(found, key=lambda entry: entry.step))


def check_folder(folder: Path) -> None:
    """That a report may be written to `folder`: it is not there, empty, or an older report.

    Raises:
        RunError: it holds something else.
    """
    if folder.exists() and not (folder / FILE).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} already exists and holds no report: choose another folder.")


def write_report(folder: Path, report: Report) -> Path:
    """Writes the report so that `folder` appears by one rename, in place of an older one; gives the folder.

    Raises:
        RunError: the disk does not take it, or `folder` holds something that is no report.
    """
    with told_as(RunError, f"The report {folder} could not be written", "free some space or choose another place."):
        check_folder(folder)
        with publish_folder(folder) as work:
            findings = [_finding_out(f, index, work) for index, f in enumerate(report.findings)]
            exact = {"schema": SCHEMA, "seconds": _number_out(report.seconds), "findings": findings}
            write_json(work / FILE, report_values(report) | exact)
    return folder


def report_values(report: Report) -> dict[str, Any]:
    """The report as plain JSON values, without its pictures: what `--json` prints."""
    return {
        **vars(report),
        "seconds": round(report.seconds, 2),
        "verdict": {**vars(report.verdict), "evidence": list(report.verdict.evidence)},
        "findings": [_words_out(finding) for finding in report.findings],
        "skipped": dict(report.skipped),
    }


def _number_out(value: float | None) -> float | None:
    """JSON has no infinity and no NaN."""
    return None if value is None or not math.isfinite(value) else float(value)


def _words_out(finding: Finding) -> dict[str, Any]:
    plain = {name: value for name, value in vars(finding).items() if name != "evidence"}
    figures = [
        vars(figure) | {part: _number_out(getattr(figure, part)) for part in ("value", "low", "high")}
        for figure in finding.figures
    ]
    values = {name: [_number_out(v) for v in series] for name, series in finding.values.items()}
    return {**plain, "figures": figures, "values": values}


def _finding_out(finding: Finding, index: int, work: Path) -> dict[str, Any]:
    evidence = []
    for number, one in enumerate(finding.evidence):
        name = f"{index:02d}-{re.sub(r'[^a-z0-9]+', '-', finding.diagnostic.lower())[:40]}-{number:02d}.webp"
        rows = [np.asarray(row, np.uint8) for row in one.rows]
        if not rows or not len(rows[0]):
            continue
        count, size = len(rows[0]), rows[0].shape[1]
        _save(_sheet(np.concatenate(rows), COLUMNS), work / name)
        shape = {"rows": len(rows), "count": count, "size": size}
        evidence.append({"title": one.title, "file": name, **shape, "captions": list(one.captions)})
    return {**_words_out(finding), "evidence": evidence}


def _sheet(pictures: Pictures, columns: int) -> Pictures:
    """(N, S, S, 3) -> one picture of `columns` a row without gaps; the rest of the last row is black."""
    count, size = len(pictures), pictures.shape[1]
    wide = min(columns, count)
    high = -(-count // wide)
    whole = np.zeros((high * wide, size, size, 3), np.uint8)
    whole[:count] = pictures
    return np.ascontiguousarray(
        whole.reshape(high, wide, size, size, 3).swapaxes(1, 2).reshape(high * size, wide * size, 3)
    )


def _save(picture: Pictures, path: Path) -> None:
    Image.fromarray(picture).save(path, format="WEBP", lossless=True, method=2)


def read_report(folder: Path, *, pictures: bool = True) -> Report:
    """The report in a folder; evidence whose picture cannot be read is left out.

    Raises:
        RunError: unreadable, damaged, or written by a newer program.
    """
    path = folder / FILE
    with (
        told_as(RunError, f"The report in {folder.name} cannot be read", "diagnose again."),
        told_as(RunError, f"The report in {folder.name} is damaged", "diagnose again.", errors=MALFORMED),
    ):
        values = read_json(path, most=FILE_CAP)
        if int(values["schema"]) > SCHEMA:
            raise RunError(f"The report in {folder.name} was written by a newer Latent Loom: update this one.")
        verdict = values["verdict"]
        return Report(
            model_sha256=_text(values["model_sha256"]),
            title=_text(values["title"]),
            family=_text(values["family"]),
            data=_text(values["data"]),
            findings=tuple(_finding_in(f, folder, pictures) for f in _items(values["findings"])),
            verdict=Verdict(
                _text(verdict["kind"]),
                _level(verdict["level"]),
                _text(verdict["title"]),
                _text(verdict["paragraph"]),
                tuple(_text(name) for name in _items(verdict["evidence"])),
            ),
            step=None if values["step"] is None else int(values["step"]),
            seconds=_finite(values["seconds"]) or 0.0,
            skipped={_text(k): _text(v) for k, v in _pairs(values["skipped"])},
        )


def _items(values: object) -> list[Any]:
    if not isinstance(values, list) or len(values) > MAX_ITEMS:
        raise ValueError("a list is missing or too long")
    return values


def _pairs(values: object) -> list[tuple[Any, Any]]:
    if not isinstance(values, Mapping) or len(values) > MAX_ITEMS:
        raise ValueError("a table is missing or too long")
    return list(values.items())


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is missing")
    return value[:MAX_TEXT]


def _level(value: object) -> Level:
    return next((level for level in LEVELS if level == value), "unknown")


def _finite(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number is missing")
    return float(value)


def _finding_in(values: Any, folder: Path, pictures: bool) -> Finding:
    series = {}
    for name, numbers in _pairs(values["values"]):
        if not isinstance(numbers, list) or len(numbers) > MAX_VALUES:
            raise ValueError("a series is missing or too long")
        series[_text(name)] = tuple(math.nan if v is None else float(v) for v in numbers)
    evidence = [_evidence_in(one, folder) for one in _items(values["evidence"])] if pictures else []
    return Finding(
        diagnostic=_text(values["diagnostic"]),
        title=_text(values["title"]),
        level=_level(values["level"]),
        sentence=_text(values["sentence"]),
        figures=tuple(_figure_in(one) for one in _items(values["figures"])),
        evidence=tuple(one for one in evidence if one is not None),
        values=series,
    )


def _figure_in(values: Any) -> Figure:
    value = _finite(values["value"])
    return Figure(
        name=_text(values["name"]),
        title=_text(values["title"]),
        value=math.nan if value is None else value,
        low=_finite(values["low"]),
        high=_finite(values["high"]),
        unit=_text(values["unit"]),
        n=None if values["n"] is None else int(values["n"]),
        better=_text(values["better"]),
        note=_text(values["note"]),
    )


def _evidence_in(values: Any, folder: Path) -> Evidence | None:
    """The pictures of one sheet, None where it is gone or not what the report says."""
    name, title = _text(values["file"]), _text(values["title"])
    rows, count, size = int(values["rows"]), int(values["count"]), int(values["size"])
    captions = tuple(_text(caption) for caption in _items(values["captions"]))
    if Path(name).name != name or not name.endswith(".webp"):
        raise ValueError("a picture lies outside the report")
    if min(rows, count, size) < 1 or max(rows, count, size) > MAX_ITEMS:
        return None
    wide = min(COLUMNS, rows * count)
    high = -(-rows * count // wide)
    if high * wide * size * size > MAX_SHEET_PIXELS:
        return None
    try:
        with Image.open(folder / name, formats=("WEBP",)) as image:
            if image.size != (wide * size, high * size):
                return None
            rgb = np.asarray(image.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    tiles = rgb.reshape(high, size, wide, size, 3).swapaxes(1, 2).reshape(high * wide, size, size, 3)
    parts = np.split(np.ascontiguousarray(tiles[: rows * count]), rows)
    return Evidence(title, tuple(parts), captions)
