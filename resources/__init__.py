"""Files that ship with the program, by name: `path("icons/dice.svg")`.

Imports nothing of the project, so that the window, the engine and the tests can all use it.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["path"]


def path(name: str) -> Path:
    """Where the shipped file or folder `name` lies.

    `name` is relative to this package, with forward slashes on every system (`"data/cartoons64.zip"`).

    Raises:
        FileNotFoundError: there is no such file, or `name` leads out of the package.  The text is a sentence
            that can be shown as it is.
    """
    root = Path(str(files(__name__))).resolve()
    found = (root / name).resolve()
    if not name or not found.is_relative_to(root):
        raise FileNotFoundError(f"The resource {name!r} lies outside the program's files: use a name inside them.")
    if not found.exists():
        raise FileNotFoundError(f"The resource {name!r} is missing from this installation: install Latent Loom again.")
    return found
