"""Reports on disk: what is written comes back, files that lie are refused or passed over, and torch is not needed."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.diagnostics.report_files import (
    ReportEntry,
    list_reports,
    read_report,
    report_folder,
    report_values,
    write_report,
)
from engine.errors import RunError
from engine.report import Evidence, Figure, Finding, Report, Verdict
from tests.contract.tiny import environment


def pictures(n: int, size: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def report(*, step: int | None = 500, evidence=()) -> Report:
    finding = Finding(
        "spread",
        "Variety",
        "watch",
        "Samples spread 50 %.",
        (
            Figure("diversity", "Spread", 0.5, 0.4, 0.6, "x", 100, "near one", "a note"),
            Figure("lost", "Lost", math.nan, None, math.inf),
        ),
        tuple(evidence),
        {"bits": (1.0, 2.5), "empty": ()},
    )
    verdict = Verdict("healthy", "good", "Healthy", "All is well – wirklich.", ("spread",))
    return Report("ab" * 32, "Tiny", "vae", "cartoons", (finding,), verdict, step, 1.5, {"probe": "No labels."})


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    shown = (Evidence("Pairs", (pictures(23), pictures(23, seed=1)), tuple("abc")), Evidence("One", (pictures(1),)))
    written = report(evidence=shown)
    folder = write_report(report_folder(tmp_path, 500), written)
    back = read_report(folder)
    assert (back.title, back.step, back.verdict, back.skipped) == (written.title, 500, written.verdict, written.skipped)
    first, lost = back.findings[0].figures
    assert first == written.findings[0].figures[0]
    assert math.isnan(lost.value)
    assert lost.high is None
    assert back.findings[0].values == {"bits": (1.0, 2.5), "empty": ()}
    for ours, theirs in zip(back.findings[0].evidence, shown, strict=True):
        assert (ours.title, ours.captions) == (theirs.title, theirs.captions)
        assert all(np.array_equal(a, b) for a, b in zip(ours.rows, theirs.rows, strict=True))
    assert read_report(folder, pictures=False).findings[0].evidence == ()


def test_a_report_replaces_an_older_one_and_no_other_folder(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    write_report(folder, report(evidence=(Evidence("Old", (pictures(2),)),)))
    write_report(folder, report(step=None))
    assert [path.name for path in folder.iterdir()] == ["report.json"]
    assert read_report(folder).step is None
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("keep me")
    with pytest.raises(RunError, match="holds no report"):
        write_report(mine, report())
    assert (mine / "letter.txt").read_text() == "keep me"


def test_reports_of_a_run_are_listed_by_step(tmp_path: Path) -> None:
    assert list_reports(tmp_path) == ()
    for step in (1_000_000, 500, 20_000):
        write_report(report_folder(tmp_path, step), report(step=step))
    (tmp_path / "diagnostics" / "step_abc").mkdir()
    (tmp_path / "diagnostics" / "step_000007").mkdir()
    (tmp_path / "diagnostics" / ".step_000500.1234.tmp").mkdir()
    steps = [entry.step for entry in list_reports(tmp_path)]
    assert steps == [500, 20_000, 1_000_000]
    assert list_reports(tmp_path)[0] == ReportEntry(500, report_folder(tmp_path, 500))


def test_plain_values_are_json_without_infinities(tmp_path: Path) -> None:
    text = json.dumps(report_values(report()), allow_nan=False)
    assert json.loads(text)["verdict"]["kind"] == "healthy"


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("verdict"),
        lambda values: values.update(findings={}),
        lambda values: values.update(findings=[{}] * 5000),
        lambda values: values.update(step="soon"),
        lambda values: values["findings"][0].update(figures=[1]),
        lambda values: values["findings"][0]["figures"][0].update(value="1e999"),
        lambda values: values["findings"][0]["figures"][0].update(value=True),
        lambda values: values["findings"][0]["values"].update(bits=[[]]),
        lambda values: values["findings"][0]["evidence"][0].update(file="../../letter.webp"),
        lambda values: values["findings"][0]["evidence"][0].update(file="/etc/passwd"),
        lambda values: values.update(schema=99),
        lambda values: values.update(schema=[]),
    ],
)
def test_a_file_that_lies_is_refused_in_a_sentence(tmp_path: Path, change) -> None:
    folder = write_report(tmp_path / "report", report(evidence=(Evidence("One", (pictures(2),)),)))
    values = json.loads((folder / "report.json").read_text())
    change(values)
    (folder / "report.json").write_text(json.dumps(values))
    with pytest.raises(RunError, match=r"\.$"):
        read_report(folder)


@pytest.mark.parametrize(
    "change", [{"rows": 9}, {"count": 0}, {"size": -1}, {"size": 4000, "count": 4000}, {"count": 3, "rows": 2}]
)
def test_evidence_that_does_not_fit_its_picture_is_left_out(tmp_path: Path, change: dict[str, int]) -> None:
    folder = write_report(tmp_path / "report", report(evidence=(Evidence("One", (pictures(2),)),)))
    values = json.loads((folder / "report.json").read_text())
    values["findings"][0]["evidence"][0].update(change)
    (folder / "report.json").write_text(json.dumps(values))
    assert read_report(folder).findings[0].evidence == ()


def test_evidence_whose_picture_is_gone_or_foreign_is_left_out(tmp_path: Path) -> None:
    two = (Evidence("One", (pictures(2),)), Evidence("Two", (pictures(3),)))
    folder = write_report(tmp_path / "report", report(evidence=two))
    first, second = sorted(folder.glob("*.webp"))
    first.unlink()
    Image.new("RGB", (9, 9)).save(second, format="PNG")
    assert read_report(folder).findings[0].evidence == ()


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.slow
def test_torn_and_flipped_files_never_crash_the_reader(tmp_path_factory, data) -> None:
    folder = write_report(tmp_path_factory.mktemp("torn") / "report", report())
    raw = bytearray((folder / "report.json").read_bytes())
    where = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        raw = raw[:where]
    else:
        raw[where] = data.draw(st.integers(0, 255))
    (folder / "report.json").write_bytes(raw)
    with contextlib.suppress(RunError):
        assert isinstance(read_report(folder), Report)


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        read_report(tmp_path / "nothing")


def test_the_window_may_read_reports_and_judge_without_torch() -> None:
    code = (
        "import sys, engine.diagnostics.report_files, engine.diagnostics.verdict, engine.report;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(), timeout=300)
