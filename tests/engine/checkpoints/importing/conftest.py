"""The child's work in this process, since starting another takes seconds; `own_process` brings the real child back."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.checkpoints.importing import child, reading

RUN_CHILD = reading._run_child


def in_this_process(path: Path, folder: Path, **_options: object) -> int:
    """What the child does, but for its limits."""
    return child.main([str(path), str(folder), "0"])


@pytest.fixture(autouse=True)
def _quick_child(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(child, "limit_memory", lambda extra: None)
    monkeypatch.setattr(reading, "_run_child", in_this_process)


@pytest.fixture
def own_process(monkeypatch: pytest.MonkeyPatch):
    """The real child, in a process of its own and with its limits."""
    monkeypatch.setattr(reading, "_run_child", RUN_CHILD)
