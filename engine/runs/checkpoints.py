"""A run's checkpoint folders, and which is the newest whole one, as its manifest proves."""

from pathlib import Path
from typing import Final

from engine.errors import CheckpointError
from engine.files.disk import MALFORMED, read_json, sha256_of

SCHEMA: Final = 1
FILES: Final = frozenset({"model.safetensors", "state.safetensors"})


def in_order(folder: Path) -> list[Path]:
    """The checkpoints, oldest first; by number, since step_1000000 sorts before step_999500 as a word."""
    found = [p for p in folder.glob("step_*") if p.name.removeprefix("step_").isdecimal()]
    return sorted(found, key=lambda p: int(p.name.removeprefix("step_")))


def read_manifest(folder: Path) -> dict[str, object]:
    """The manifest, after its files' SHA-256 have been checked.

    Raises:
        CheckpointError: damaged or incomplete.
    """
    try:
        manifest = read_json(folder / "manifest.json")
        if manifest["schema"] > SCHEMA:
            raise CheckpointError(f"{folder.name} was written by a newer Latent Loom: update this one.")
        if set(manifest["sha256"]) != FILES or f"step_{manifest['step']:06d}" != folder.name:
            raise ValueError("its manifest is of something else")
        for name, digest in manifest["sha256"].items():
            if Path(name).name != name or sha256_of(folder / name) != digest:
                raise CheckpointError(f"{folder.name} is damaged ({name} differs from its manifest).")
        return dict(manifest)
    except (OSError, *MALFORMED) as error:
        raise CheckpointError(f"{folder.name} is incomplete ({error}).") from error


def newest_snapshot(run: Path) -> tuple[Path | None, list[str]]:
    """(the newest checkpoint that verifies, sentences about those that do not)."""
    problems = []
    for folder in reversed(in_order(run / "checkpoints")):
        try:
            read_manifest(folder)
        except CheckpointError as error:
            problems.append(f"{error} An earlier checkpoint is used.")
            continue
        return folder, problems
    return None, problems
