"""The keys of sessions."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.core.file_kinds import SESSIONS, ask_file, ask_save
from app.core.workspace import Actions
from app.explore.files.controller import FilesController
from app.explore.sessions.controller import SessionController
from engine.checkpoints import SESSION_SUFFIX


def connect(sessions: SessionController, window: QWidget, *, files: FilesController) -> Actions:
    """Sessions have no view: `window` owns the dialogs that ask for files."""

    def chosen(path: Path) -> None:
        files.open_files([str(path)])

    def save() -> None:
        suffix, name = SESSION_SUFFIX.lstrip("."), sessions.suggested_name()
        ask_save(window, "Save session", SESSIONS, suffix=suffix, use=sessions.save, name=name)

    return {
        "session.open": lambda: ask_file(window, "Open session", SESSIONS, use=chosen),
        "session.save": save,
        "session.previous": sessions.open_previous,
    }
