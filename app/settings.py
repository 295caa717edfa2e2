"""What the window remembers between starts: a small JSON file; a broken one never stops the start."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import platformdirs

from engine.files.disk import read_json, reason, write_json

FILE: Final = "settings.json"
RECENT: Final = 12
ATTACHED: Final = 100
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """`geometry` is (x, y, width, height) in pixels or empty; `model` what was open last."""

    theme: str = "dark"
    model: str = ""
    device: str = "auto"
    geometry: tuple[int, ...] = ()
    maximised: bool = False
    recent: tuple[str, ...] = ()
    """Files that were opened or saved, the newest first."""
    attached: tuple[str, ...] = ()
    """Runs and folders of runs outside the user's own folder."""
    train_in: str = "window"
    """Where a new run is trained: window or process."""
    on_close: str = "leave"
    """Runs in their own process when the window closes: leave, stop or ask."""
    photo_as: str = "photo"
    """What Single shows of a photo: photo or model."""
    lab: Mapping[str, Any] = field(default_factory=dict)
    """What the Lab showed; it reads this with care of its own."""


_CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "theme": lambda v: v in ("dark", "light"),
    "model": lambda v: isinstance(v, str),
    "device": lambda v: v in ("auto", "cpu", "cuda", "mps"),
    "geometry": lambda v: (
        isinstance(v, list) and len(v) in (0, 4) and all(isinstance(n, int) and abs(n) < 100_000 for n in v)
    ),
    "maximised": lambda v: isinstance(v, bool),
    "recent": lambda v: isinstance(v, list) and len(v) <= RECENT and all(isinstance(n, str) for n in v),
    "attached": lambda v: isinstance(v, list) and len(v) <= ATTACHED and all(isinstance(n, str) for n in v),
    "train_in": lambda v: v in ("window", "process"),
    "on_close": lambda v: v in ("leave", "stop", "ask"),
    "photo_as": lambda v: v in ("photo", "model"),
    "lab": lambda v: isinstance(v, dict),
}
assert set(_CHECKS) == {item.name for item in fields(Settings)}


def settings_file() -> Path:
    """Where the settings are; LATENT_LOOM_CONFIG names another folder."""
    return Path(os.environ.get("LATENT_LOOM_CONFIG") or platformdirs.user_config_dir("latent-loom")) / FILE


def load_settings(file: Path) -> tuple[Settings, str]:
    """(the settings, a sentence about what was wrong or empty). A broken file is kept aside as `.broken`."""
    try:
        values = read_json(file)
        wrong = [key for key, value in values.items() if key in _CHECKS and not _CHECKS[key](value)]
        if wrong:
            raise ValueError(f"{wrong[0]} cannot be {values[wrong[0]]!r}")
        known = {key: value for key, value in values.items() if key in _CHECKS}
        for key in ("geometry", "recent", "attached"):
            if key in known:
                known[key] = tuple(known[key])
        return Settings(**known), ""
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        return Settings(), f"The settings could not be read ({reason(error)}): the window starts with its defaults."
    except (ValueError, AttributeError, TypeError) as error:
        log.warning("settings: %s", error)
        return Settings(), _set_aside(file)


def _set_aside(file: Path) -> str:
    aside = file.with_name(file.name + ".broken")
    try:
        file.replace(aside)
    except OSError:
        return "The settings file is damaged and could not be moved: the window starts with its defaults."
    return (
        f"The settings file was damaged: the window starts with its defaults, and the old file is kept as {aside.name}."
    )


def save_settings(file: Path, settings: Settings) -> None:
    """Writes all at once. A folder that cannot be written costs the memory of the window, nothing else."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, asdict(settings))
    except OSError as error:
        log.warning("settings were not saved: %s", error)


class Preferences:
    """The user's choices as they stand while the window is open; `write` keeps them for the next start.

    Without a `file` nothing is kept.
    """

    def __init__(self, settings: Settings, file: Path | None) -> None:
        self.now, self._file = settings, file

    @property
    def kept(self) -> bool:
        """Whether they are kept for the next start."""
        return self._file is not None

    def change(self, **changes: Any) -> None:
        """Other choices, by the names of `Settings`."""
        self.now = replace(self.now, **changes)

    def use_file(self, name: str) -> None:
        """Puts a file at the head of those used lately."""
        path = str(Path(name).absolute())
        self.change(recent=(path, *(old for old in self.now.recent if old != path))[:RECENT])

    def write(self) -> None:
        """Writes them, if they are kept at all."""
        if self._file is not None:
            save_settings(self._file, self.now)
