"""Notes on a run: kept whole, read as hostile, and never another's loss."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import RunError
from engine.runs.notes import FILE, LONGEST, MOST, Note, read_notes, set_note


def texts(notes: tuple[Note, ...]) -> list[tuple[int, str]]:
    return [(note.step, note.text) for note in notes]


def test_notes_are_kept_changed_and_removed(tmp_path: Path):
    set_note(tmp_path, 40, "Rate halved, было ниже")
    set_note(tmp_path, 7, "  first\nlook ")
    assert texts(read_notes(tmp_path)) == [(7, "first look"), (40, "Rate halved, было ниже")]
    set_note(tmp_path, 40, "changed")
    assert texts(set_note(tmp_path, 7, "")) == [(40, "changed")]
    assert texts(read_notes(tmp_path)) == [(40, "changed")]
    assert os.listdir(tmp_path) == [FILE], "no temporary file is left"


def test_another_windows_notes_are_kept(tmp_path: Path):
    """Each write reads the file anew."""
    set_note(tmp_path, 1, "here")
    (tmp_path / FILE).write_text(json.dumps({"schema": 1, "notes": [{"step": 9, "text": "there", "made": 3.0}]}))
    assert texts(set_note(tmp_path, 1, "here")) == [(1, "here"), (9, "there")]


DAMAGED = ["", "{", "[]", '{"notes": 3}', '{"notes": {"a": 1}}', "[" * 5000, '{"notes": [' + "1," * 200_000]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_set_aside_and_not_lost(tmp_path: Path, text: str):
    (tmp_path / FILE).write_text(text)
    assert read_notes(tmp_path) == ()
    assert texts(set_note(tmp_path, 3, "new")) == [(3, "new")]
    assert (tmp_path / "notes.damaged.json").read_text() == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
ROWS = st.lists(
    JSON | st.fixed_dictionaries({"step": JSON, "text": JSON | st.text()}, optional={"made": JSON}), max_size=6
)


@given(ROWS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
def test_whatever_is_in_it_gives_notes_or_none(tmp_path: Path, rows: list[object]):
    (tmp_path / FILE).write_text(json.dumps({"notes": rows}))
    for note in read_notes(tmp_path):
        assert isinstance(note.step, int)
        assert note.step >= 0
        assert note.text
        assert note.text.isprintable()
        assert len(note.text) <= LONGEST


def test_too_many_and_too_long_are_bounded(tmp_path: Path):
    rows = [{"step": step, "text": "x" * 5000} for step in range(2 * MOST)]
    (tmp_path / FILE).write_text(json.dumps({"notes": rows})[: 2**20])
    (tmp_path / FILE).write_text(json.dumps({"notes": [{**row, "text": "x" * 400} for row in rows[:MOST]]}))
    notes = read_notes(tmp_path)
    assert len(notes) == MOST
    assert {len(note.text) for note in notes} == {LONGEST}
    with pytest.raises(RunError, match="remove one"):
        set_note(tmp_path, 10**6, "one more")


def test_a_run_that_is_gone_is_said(tmp_path: Path):
    with pytest.raises(RunError, match="is gone"):
        set_note(tmp_path / "no", 1, "x")
