"""Finds the system libraries that Qt needs and this machine lacks, and installs them or says what to type.

Standard library only: it runs before, or without, anything that pip installs.  Prints nothing where nothing
is missing.  Drawing into a file needs the core libraries; `--screen` asks also for those of the screen that
is there.  Exit status 0: the window can be drawn; 1: it cannot, and the last line is the one to type.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Library:
    """A shared library by the loader's name for it, and the Debian or Ubuntu package that brings it."""

    soname: str
    package: str


# Without these `import PySide6.QtWidgets` fails or no picture is drawn, with or without a display.
ALWAYS: Final = (
    Library("libglib-2.0.so.0", "libglib2.0-0"),
    Library("libEGL.so.1", "libegl1"),
    Library("libGL.so.1", "libgl1"),
    Library("libX11.so.6", "libx11-6"),
    Library("libdbus-1.so.3", "libdbus-1-3"),
    Library("libxkbcommon.so.0", "libxkbcommon0"),
    Library("libfontconfig.so.1", "libfontconfig1"),
    Library("libfreetype.so.6", "libfreetype6"),
)
# Qt's xcb plugin: a window on an X11 screen.
X11: Final = (
    Library("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    Library("libxcb-cursor.so.0", "libxcb-cursor0"),
    Library("libxcb-icccm.so.4", "libxcb-icccm4"),
    Library("libxcb-keysyms.so.1", "libxcb-keysyms1"),
    Library("libxcb-image.so.0", "libxcb-image0"),
    Library("libxcb-randr.so.0", "libxcb-randr0"),
    Library("libxcb-render-util.so.0", "libxcb-render-util0"),
    Library("libxcb-shape.so.0", "libxcb-shape0"),
    Library("libxcb-sync.so.1", "libxcb-sync1"),
    Library("libxcb-xfixes.so.0", "libxcb-xfixes0"),
    Library("libxcb-xkb.so.1", "libxcb-xkb1"),
    Library("libX11-xcb.so.1", "libx11-xcb1"),
)
WAYLAND: Final = (
    Library("libwayland-cursor.so.0", "libwayland-cursor0"),
    Library("libwayland-egl.so.1", "libwayland-egl1"),
)
FONT_PACKAGE: Final = "fonts-dejavu-core"
FONT_SUFFIXES: Final = {".ttf", ".otf", ".ttc", ".pfb"}


def loads(soname: str) -> bool:
    """Whether the dynamic loader finds `soname`, asked the way that Qt's plugins ask."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def needed(environ: Mapping[str, str]) -> tuple[Library, ...]:
    """The libraries that Qt needs: always the core, and those of the screens that `environ` names."""
    libraries = ALWAYS
    if environ.get("DISPLAY"):
        libraries += X11
    if environ.get("WAYLAND_DISPLAY"):
        libraries += WAYLAND
    return libraries


def missing(environ: Mapping[str, str], *, present: Callable[[str], bool] = loads) -> tuple[Library, ...]:
    """Those of `needed` that `present` does not find, in the same order."""
    return tuple(library for library in needed(environ) if not present(library.soname))


def has_fonts(roots: Sequence[Path]) -> bool:
    """Whether any font file lies under `roots`; with none, Qt draws every letter as an empty box."""
    return any(path.suffix.lower() in FONT_SUFFIXES for root in roots if root.is_dir() for path in root.rglob("*.*"))


def line_to_type(libraries: Sequence[Library], *, fonts_missing: bool, have: Callable[[str], bool]) -> str:
    """The one command that brings `libraries`; `have` says whether a package manager is on this machine."""
    packages = [library.package for library in libraries] + [FONT_PACKAGE] * fonts_missing
    if have("apt-get"):
        return "sudo apt-get install -y " + " ".join(packages)
    if have("dnf"):
        names = [f"'{library.soname}()(64bit)'" for library in libraries]
        return "sudo dnf install -y " + " ".join(names + ["dejavu-sans-fonts"] * fonts_missing)
    names = [library.soname for library in libraries] + ["any TrueType font"] * fonts_missing
    return "install your system's packages that bring: " + " ".join(names)


def root_prefix() -> list[str] | None:
    """What makes a command run as root without a question: nothing, sudo, or None where neither works."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def install(packages: Sequence[str]) -> bool:
    """Installs Debian packages quietly; False where that is not allowed here or did not work."""
    prefix = root_prefix()
    if prefix is None or shutil.which("apt-get") is None:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wanted = [*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    update = [*prefix, "apt-get", "update", "-qq"]

    def ran(command: Sequence[str]) -> bool:
        return subprocess.run(command, capture_output=True, env=environment).returncode == 0

    # The package lists of a fresh machine are empty or old, so a first refusal is worth one more try.
    return ran(wanted) or (ran(update) and ran(wanted))


def main() -> int:
    """Checks, installs where allowed, and reports; see the module's first lines for the exit status."""
    if sys.platform != "linux":
        return 0
    environ = dict(os.environ) if "--screen" in sys.argv[1:] else {}
    font_roots = [
        Path(root).expanduser()
        for root in ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
    ]
    libraries, fonts_missing = missing(environ), not has_fonts(font_roots)
    if not libraries and not fonts_missing:
        return 0
    packages = [library.package for library in libraries] + [FONT_PACKAGE] * fonts_missing
    print("Qt needs system packages that this machine lacks: " + " ".join(packages), flush=True)
    # A library that failed to load once is looked up afresh, so the second look needs no new process.
    if install(packages) and not missing(environ) and has_fonts(font_roots):
        print("Installed them.")
        return 0
    still, no_fonts = missing(environ), not has_fonts(font_roots)
    print("They could not be installed from here. Type this line, then run make again:", file=sys.stderr)
    line = line_to_type(still, fonts_missing=no_fonts, have=lambda name: shutil.which(name) is not None)
    print(line, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
