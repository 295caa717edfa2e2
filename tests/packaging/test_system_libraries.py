"""The check of Qt's system libraries asks for what is needed here, and says it in one line to type."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "system_libraries.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("system_libraries", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # dataclasses looks the module up by name while it is being made.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_a_screen_brings_its_own_libraries(script: ModuleType) -> None:
    def names(environ: dict[str, str]) -> set[str]:
        return {library.package for library in script.needed(environ)}

    assert "libegl1" in names({})
    assert "libxcb-cursor0" not in names({})
    assert names({}) < names({"DISPLAY": ":0"})
    assert "libxcb-cursor0" in names({"DISPLAY": ":0"})
    assert "libwayland-egl1" in names({"WAYLAND_DISPLAY": "wayland-0"})


def test_only_absent_libraries_are_missing(script: ModuleType) -> None:
    absent = {"libEGL.so.1", "libGL.so.1"}
    found = script.missing({}, present=lambda soname: soname not in absent)
    assert {library.soname for library in found} == absent
    assert script.missing({}, present=lambda soname: True) == ()


def test_loader_is_asked_for_real(script: ModuleType) -> None:
    assert not script.loads("libno-such-library.so.9")


@pytest.mark.parametrize(
    ("manager", "line"),
    [
        ("apt-get", "sudo apt-get install -y libegl1 fonts-dejavu-core"),
        ("dnf", "sudo dnf install -y 'libEGL.so.1()(64bit)' dejavu-sans-fonts"),
        ("none", "install your system's packages that bring: libEGL.so.1 any TrueType font"),
    ],
)
def test_one_line_to_type(script: ModuleType, manager: str, line: str) -> None:
    library = script.Library("libEGL.so.1", "libegl1")
    assert script.line_to_type([library], fonts_missing=True, have=lambda name: name == manager) == line


def test_fonts_are_found_in_any_folder(script: ModuleType, tmp_path: Path) -> None:
    assert not script.has_fonts([tmp_path, tmp_path / "none"])
    (tmp_path / "truetype").mkdir()
    (tmp_path / "truetype" / "Sans.TTF").touch()
    assert script.has_fonts([tmp_path])


def test_nothing_is_installed_without_the_right(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "root_prefix", lambda: None)
    monkeypatch.setattr(script.subprocess, "run", lambda *_, **__: pytest.fail("ran a command"))
    assert script.install(["libegl1"]) is False
