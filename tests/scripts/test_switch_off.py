"""The table of behaviours that are switched off follows the code, and its runner tells red from green."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import switch_off
from switch_off import GREEN, RED, ROOT, Refused, Row, read_rows, switched_off, try_row

ROWS = read_rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_finds_its_text_and_its_tests(row: Row) -> None:
    text = (ROOT / row.file).read_text("utf-8")
    assert switched_off(row, text) != text
    assert row.tests
    for test in row.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / file).read_text("utf-8") if name else (ROOT / file).exists()


def test_rows_are_of_all_packages() -> None:
    rooms = {tuple(Path(row.file).parts[:2]) for row in ROWS}
    assert len({row.name for row in ROWS}) == len(ROWS) >= 20
    assert {"app", "engine"} == {room[0] for room in rooms}
    assert len(rooms) >= 10


@pytest.mark.parametrize("old", ["not there", "e"])
def test_text_that_is_not_there_once_is_refused(old: str) -> None:
    with pytest.raises(Refused, match="once"):
        switched_off(replace(ROWS[0], old=old), "here and there")


@pytest.mark.parametrize(("passes", "expected"), [(1, RED), (2, GREEN)])
def test_a_row_is_red_where_a_test_fails_and_the_copy_is_as_before(
    passes: int, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "code.py").write_text("VALUE = 1\n")
    row = Row("value", "It is one", "code.py", "VALUE = 1", "VALUE = 2", ("test_code.py",))

    def run(tree: Path, tests: tuple[str, ...]) -> tuple[int, str]:
        assert tests == row.tests
        return (GREEN if f"VALUE = {passes}" in (tree / "code.py").read_text() else RED), "said"

    monkeypatch.setattr(switch_off, "run_tests", run)
    assert try_row(row, tmp_path) == (expected, "said")
    assert (tmp_path / "code.py").read_text() == "VALUE = 1\n"


def test_tests_that_cannot_be_run_are_no_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(switch_off, "run_tests", lambda tree, tests: (4, "file not found"))
    with pytest.raises(Refused, match="could not be run"):
        try_row(Row("value", "", "code.py", "VALUE = 1", "VALUE = 2", ("none.py",)), tmp_path)
