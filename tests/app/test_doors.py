"""What the window takes from the engine before its first picture is light."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "cv2",
    "pyqtgraph",
    "psutil",
    "tensorboardX",
    "PIL.ImageCms",
    "PIL.ImageFont",
    "engine.session",
    "engine.models",
    "engine.photos.decode",
)
"""What takes long to import, or is not needed before somebody asks; the model lane imports it meanwhile."""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The names of all modules after the window's have been imported, in a process that has imported nothing else."""
    script = "import json, sys, app.conductor, app.window; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("name", HEAVY)
def test_the_window_is_imported_without(name: str, imported: set[str]) -> None:
    assert "engine.api" in imported
    assert name not in imported
