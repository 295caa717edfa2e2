"""Switches behaviours off one by one and runs the tests that ought to notice: a run that stays green is a missing test.

The rows are in tests/switched_off.toml: what is switched off, the file, its exact old text, the new text, the tests.
Each row is applied to a copy of the tree. `scripts/switch_off.py` runs all rows, `scripts/switch_off.py NAME ...` some.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS = ROOT / "tests" / "switched_off.toml"
TREE = ("app", "engine", "resources", "scripts", "tests")
"""What is copied, beside the files at the top."""
RED, GREEN = 1, 0
"""Exit statuses of pytest: a test failed, all passed. Every other one says that no test could be run."""


@dataclass(frozen=True)
class Row:
    """A behaviour, how it is switched off, and the tests (pytest's names) that ought to notice."""

    name: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


class Refused(Exception):
    """A row that says nothing: its text is not there, or its tests cannot be run or fail as it is."""


def read_rows(file: Path = ROWS) -> tuple[Row, ...]:
    """The table; `tests` become tuples."""
    with file.open("rb") as text:
        rows = tomllib.load(text)
    return tuple(Row(name, **{**row, "tests": tuple(row["tests"])}) for name, row in rows.items())


def switched_off(row: Row, text: str) -> str:
    """The file's text without the behaviour.

    Raises:
        Refused: the old text is not there exactly once, or the new text changes nothing.
    """
    if text.count(row.old) != 1 or row.old == row.new:
        raise Refused(f"{row.name}: the old text is {text.count(row.old)} times in {row.file}; it must be there once.")
    return text.replace(row.old, row.new)


def copied(tree: Path) -> Path:
    """A copy of the sources, without what was built or is of this machine."""
    tree.mkdir()
    for part in TREE:
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file():
            shutil.copy2(file, tree / file.name)
    return tree


def run_tests(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """(pytest's exit status, the last line it said)."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not gpu", *tests]
    environment = {"OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen", **os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    failed = [line.partition(" - ")[0] for line in lines if line.startswith(("FAILED", "ERROR"))]
    return done.returncode, (failed or lines or ["it said nothing"])[-1]


def try_row(row: Row, tree: Path) -> tuple[int, str]:
    """Runs the row's tests with the behaviour switched off, and puts the file of the copy back.

    Raises:
        Refused: see `switched_off`; or pytest could run no test.
    """
    file = tree / row.file
    text = file.read_text("utf-8")
    file.write_text(switched_off(row, text), "utf-8")
    try:
        status, said = run_tests(tree, row.tests)
    finally:
        file.write_text(text, "utf-8")
    if status not in (RED, GREEN):
        raise Refused(f"{row.name}: the tests could not be run (exit status {status}): {said}")
    return status, said


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every row is noticed, 1 where one stays green, 2 where one is refused."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="rows of tests/switched_off.toml; all where none is named")
    parser.add_argument("--at-once", action="store_true", help="do not first run the tests on the tree as it is")
    options = parser.parse_args(arguments)
    rows = read_rows()
    unknown = set(options.names) - {row.name for row in rows}
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    chosen = [row for row in rows if not options.names or row.name in options.names]
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="switch-off-") as folder:
        tree = copied(Path(folder) / "tree")
        if not options.at_once:
            status, said = run_tests(tree, sorted({test for row in chosen for test in row.tests}))
            if status != GREEN:
                print(f"The tests fail as the tree is: {said}")
                return 2
        for row in chosen:
            start = time.monotonic()
            try:
                status, said = try_row(row, tree)
                found[row.name] = "red" if status == RED else "GREEN"
            except Refused as error:
                found[row.name], said = "refused", str(error)
            print(f"{found[row.name]:8} {row.name:24} {time.monotonic() - start:4.0f} s  {said}", flush=True)
    kinds = list(found.values())
    print(f"{kinds.count('red')} of {len(kinds)} noticed, {kinds.count('GREEN')} not, {kinds.count('refused')} refused")
    return 2 if "refused" in kinds else int("GREEN" in kinds)


if __name__ == "__main__":
    sys.exit(main())
