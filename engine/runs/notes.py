"""A person's notes on a run: notes.json in its folder, read as hostile and written whole."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.errors import RunError
from engine.files.disk import MALFORMED, read_json, told_as, write_json

FILE: Final = "notes.json"
SCHEMA: Final = 1
MOST: Final = 500
LONGEST: Final = 300


@dataclass(frozen=True)
class Note:
    """What was noted at a step; `made` is when, in seconds since 1970."""

    step: int
    text: str
    made: float = 0.0


def read_notes(run: Path) -> tuple[Note, ...]:
    """The notes of a run by step; none where the file is missing or damaged."""
    try:
        found = read_json(run / FILE)["notes"]
        if not isinstance(found, list):
            return ()
    except (OSError, *MALFORMED):
        return ()
    notes = (_note(row) for row in found[:MOST])
    return tuple(sorted((note for note in notes if note is not None), key=lambda note: note.step))


def _note(row: Any) -> Note | None:
    try:
        step, text, made = row["step"], row["text"], row.get("made", 0.0)
        if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step < 2**53 or not isinstance(text, str):
            return None
        return Note(step, _clean(text), float(made)) if _clean(text) else None
    except MALFORMED:
        return None


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:LONGEST]).strip()


def set_note(run: Path, step: int, text: str) -> tuple[Note, ...]:
    """Writes a note at a step in place of one that is there; an empty text removes it. All notes come back.

    The file is read anew first, so that another window's notes are kept.

    Raises:
        RunError: the run cannot be written, or it has too many notes.
    """
    others = tuple(note for note in read_notes(run) if note.step != step)
    words = _clean(text)
    if words and len(others) >= MOST:
        raise RunError(f"{run.name} has {MOST} notes already: remove one before you add another.")
    made = (Note(step, words, round(time.time(), 1)),) if words else ()
    notes = tuple(sorted((*others, *made), key=lambda note: note.step))
    if not run.is_dir():
        raise RunError(f"{run} is gone, so the note could not be kept: choose another run.")
    with told_as(RunError, f"The note could not be written to {run / FILE}", "check its permissions and the disk."):
        _set_aside_damaged(run)
        write_json(run / FILE, {"schema": SCHEMA, "notes": [vars(note) for note in notes]})
    return notes


def _set_aside_damaged(run: Path) -> None:
    """What cannot be read may be a person's work in another form: it is kept beside the new file."""
    file = run / FILE
    if not file.exists():
        return
    try:
        if isinstance(read_json(file)["notes"], list):
            return
    except (OSError, *MALFORMED):
        pass
    os.replace(file, file.with_suffix(".damaged.json"))
