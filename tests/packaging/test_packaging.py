"""What a fresh clone installs: exact versions for everything, no addresses, no build of one machine."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[0-9][0-9a-z.]*)")
REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = [line for line in CONSTRAINTS.splitlines() if line and not line.startswith("#")]
    matches = [PIN.fullmatch(line) for line in lines]
    # A tag such as +cpu, an address or a range does not match, and None shows which line it was.
    assert None not in matches, [line for line, match in zip(lines, matches, strict=True) if match is None]
    return {normal(match["name"]): match["version"] for match in matches if match}


def requirements() -> list[str]:
    extras = PROJECT["optional-dependencies"].values()
    return [*PROJECT["dependencies"], *(item for extra in extras for item in extra)]


def test_every_constraint_is_one_exact_version() -> None:
    found = pins()
    assert len(found) == len([line for line in CONSTRAINTS.splitlines() if "==" in line])


@pytest.mark.parametrize("sign", ["://", "+cpu", "+cu", "@", "file:", "--", "/"])
def test_constraints_name_no_place(sign: str) -> None:
    assert sign not in CONSTRAINTS


@pytest.mark.parametrize("requirement", requirements())
def test_every_dependency_is_pinned(requirement: str) -> None:
    match = REQUIREMENT.match(requirement)
    assert match
    assert normal(match[0]) in pins()


def test_pins_keep_clear_of_known_faults() -> None:
    version = {name: tuple(map(int, re.findall(r"\d+", text))) for name, text in pins().items()}
    assert version["torch"] >= (2, 10)
    assert (6, 10, 3) <= version["pyside6-essentials"] < (6, 12)
    assert version["pyside6-essentials"] == version["shiboken6"]
    assert version["pillow"] >= (12, 3)
    assert (4, 14) <= version["opencv-python-headless"] < (5,)
    assert "opencv-python" not in version


@pytest.mark.parametrize("script", [".ci/run", "scripts/setup.sh", "scripts/run.sh", "scripts/shots.sh"])
def test_scripts_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_ci_runs_the_tests() -> None:
    assert "make test" in (ROOT / ".ci/run").read_text("utf-8")
