"""Foreign weights as plain tensors: safetensors are read here, torch files in a child process, pickles never."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from engine.checkpoints.importing.sniff import find_weights, read_json, read_safetensors_header, refused, sniff
from engine.errors import CheckpointError
from engine.files.disk import TooLarge
from engine.files.disk import read_json as load_json
from engine.files.tensors import load_file
from engine.progress import SILENT, Progress

CHILD: Final = "engine.checkpoints.importing.child"
SECONDS: Final = 300.0
SUMMARY_BYTES: Final = 16 * 2**20
MEMORY_BYTES: Final = 768 * 2**20
"""What the child may take beyond three times the file: the object, its copy, and the copy that is written."""
POLL_SECONDS: Final = 0.05
FORMATS: Final = {"safetensors": "safetensors", "torch zip": "PyTorch", "torch legacy": "PyTorch (before 1.6)"}
FLOATS: Final = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
WORDS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, eq=False)
class ForeignWeights:
    """A file's tensors by name ("/" between nested dictionaries), in their order; `meta` are its plain settings."""

    path: Path
    format: str
    tensors: Mapping[str, Tensor]
    meta: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


def read_source(
    path: Path, *, config: Path | None = None, progress: Progress = SILENT, seconds: float = SECONDS
) -> ForeignWeights:
    """A file or folder, read without running anything of it.

    Raises:
        CheckpointError: unreadable, damaged, dangerous, or too large.
        Cancelled: as `progress` says.
    """
    weights, beside = find_weights(path.expanduser())
    kind = sniff(weights)
    chosen = config or beside
    settings = read_json(chosen) if chosen is not None else {}
    if kind == "safetensors":
        return ForeignWeights(weights, FORMATS[kind], _safetensors(weights), {}, settings)
    tensors, meta = _torch(weights, progress=progress, seconds=seconds)
    return ForeignWeights(weights, FORMATS[kind], tensors, meta, settings)


def _safetensors(path: Path) -> dict[str, Tensor]:
    read_safetensors_header(path)
    try:
        tensors = load_file(path)
    except (ValueError, OSError) as error:
        raise refused(path, "its safetensors are damaged", "download or copy it again") from error
    return {name: tensors[name] for name in sorted(tensors, key=_natural)}


def _natural(name: str) -> list[tuple[int, int | str]]:
    """main.2 before main.10: safetensors does not keep the order of the layers."""
    return [(0, int(word)) if word.isdigit() else (1, word) for word in WORDS.split(name)]


def _torch(path: Path, *, progress: Progress, seconds: float) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="latent-loom-import-") as text:
        folder = Path(text)
        status = _run_child(path, folder, progress=progress, seconds=seconds)
        refusal = folder / "refusal.json"
        if refusal.is_file():
            words = load_json(refusal)
            raise refused(path, words["why"], words["advice"]) if words["advice"] else refused(path, words["why"])
        if status != 0:
            raise refused(path, "reading it needs more memory than its size allows, or it crashes the reader")
        try:
            summary = load_json(folder / "summary.json", most=SUMMARY_BYTES)
        except TooLarge as error:
            raise refused(path, "the names of its tensors are too long", "export the generator alone") from error
        # Copied out of the file's pages, since the folder goes away.
        loaded = load_file(folder / "tensors.safetensors")
        return {name: loaded[name].clone() for name in summary["order"]}, dict(summary["meta"])


def _run_child(path: Path, folder: Path, *, progress: Progress, seconds: float) -> int:
    root = str(Path(__file__).resolve().parents[3])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", "")))),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    memory = 3 * path.stat().st_size + MEMORY_BYTES
    command = [sys.executable, "-P", "-m", CHILD, str(path.resolve()), str(folder), str(memory)]
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + seconds
    try:
        while process.poll() is None:
            progress.check()
            if time.monotonic() > end:
                raise refused(path, f"reading it took over {seconds:.0f} seconds", "export the generator alone")
            time.sleep(POLL_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    return process.returncode


def as_float(value: Tensor, name: str, path: Path) -> Tensor:
    """The tensor in float64, for folding.

    Raises:
        CheckpointError: it holds no real numbers, or some that are not finite.
    """
    if value.dtype not in FLOATS:
        raise CheckpointError(f"{path.name} does not fit its layout ({name} holds {value.dtype}): choose another file.")
    value = value.double()
    if not bool(torch.isfinite(value).all()):
        raise CheckpointError(f"{path.name} holds numbers that are not finite (in {name}): use an earlier checkpoint.")
    return value
