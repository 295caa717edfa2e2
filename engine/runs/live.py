"""The newest weights of a run, also while it trains: what is there, and its bytes, whole and verified.

A training run publishes live/model.safetensors and then live/step.json, which holds the first one's SHA-256. Each file
appears by a rename; a reader that catches the moment between the two sees that the hash differs, and looks again.
"""

import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.errors import RunError
from engine.files.disk import TooLarge, read_bytes, read_json, reason
from engine.runs import directory as runs

FOLDER: Final = "live"
MODEL: Final = "model.safetensors"
STEP: Final = "step.json"
SCHEMA: Final = 1
MAX_BYTES: Final = 4 * 2**30
LOOKS: Final = 20
LOOK_AGAIN_SECONDS: Final = 0.025
KEEP: Final = 3
KEEP_BYTES: Final = 512 * 2**20
_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Weights:
    """Averaged weights of a run at `step`: of its live pair, or (not `live`) of its newest checkpoint."""

    step: int
    sha256: str
    live: bool
    file: Path


def read_live(run: Path) -> Weights | None:
    """What live/step.json promises, or None where there is nothing that can be read."""
    note = _note(run / FOLDER / STEP)
    return _weights(note, note.get("sha256"), run / FOLDER / MODEL, live=True)


def newest(run: Path) -> Weights | None:
    """The live weights, or those of the newest checkpoint where that is later or alone. No weight is read."""
    live = read_live(run)
    for folder in _checkpoints(run):
        note = _note(folder / "manifest.json")
        digests = note.get("sha256")
        digest = digests.get(MODEL) if isinstance(digests, dict) else None
        saved = _weights(note, digest, folder / MODEL, live=False)
        if saved is not None:
            # Of the same step the live ones are meant: at every save the window would otherwise open them twice.
            return live if live is not None and live.step >= saved.step else saved
    return live


def _checkpoints(run: Path) -> Iterator[Path]:
    """The checkpoints, newest first, by number."""
    try:
        found = [p for p in (run / "checkpoints").iterdir() if re.fullmatch(r"step_\d{1,12}", p.name)]
    except OSError:
        return
    yield from sorted(found, key=lambda p: int(p.name.removeprefix("step_")), reverse=True)


def _note(file: Path) -> dict[str, Any]:
    """A small JSON object; an empty one for whatever is missing, torn or hostile."""
    try:
        values = read_json(file)
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _weights(note: dict[str, Any], digest: object, file: Path, *, live: bool) -> Weights | None:
    step, schema = note.get("step"), note.get("schema")
    if not isinstance(digest, str) or not _DIGEST.match(digest) or type(step) is not int or not 0 <= step < 10**12:
        return None
    return Weights(step, digest, live, file) if type(schema) is int and schema <= SCHEMA else None


class _Kept:
    """The newest weights' bytes by SHA-256: all lanes draw with the same weights, also when the file has moved on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[str, tuple[bytes, Weights]] = OrderedDict()

    def get(self, sha256: str) -> tuple[bytes, Weights] | None:
        with self._lock:
            return self._files.get(sha256)

    def put(self, data: bytes, weights: Weights) -> None:
        with self._lock:
            self._files[weights.sha256] = (data, weights)
            self._files.move_to_end(weights.sha256)
            while len(self._files) > 1 and (
                len(self._files) > KEEP or sum(len(data) for data, _ in self._files.values()) > KEEP_BYTES
            ):
                self._files.popitem(last=False)


_kept = _Kept()


def read_weights(run: Path, *, sha256: str = "") -> tuple[bytes, Weights]:
    """The bytes of the model file of a run's newest weights, verified; of those with this `sha256` where it is given.

    Bytes that were read lately are remembered, so that older weights can still be had while somebody uses them.

    Raises:
        RunError: there are none yet, they are damaged, or those that were asked for are gone.
    """
    if sha256 and (kept := _kept.get(sha256)) is not None:
        return kept
    problem = "has no checkpoint yet: wait until training has saved one"
    for look in range(LOOKS):
        if look:
            time.sleep(LOOK_AGAIN_SECONDS)
        found = newest(run)
        if found is None:
            break
        if sha256 and found.sha256 != sha256:
            raise RunError(f"{run.name} has newer weights now: they are taken at its next picture.")
        if (kept := _kept.get(found.sha256)) is not None:
            return kept
        try:
            data = read_bytes(found.file, most=MAX_BYTES)
        except TooLarge as error:
            raise RunError(f"{error}: that is no model of this program.") from error
        except OSError as error:
            # Pruned or taken away since it was listed.
            problem = f"has weights that cannot be read ({reason(error)}): check the disk"
            continue
        if hashlib.sha256(data).hexdigest() == found.sha256:
            _kept.put(data, found)
            return data, found
        problem = f"has damaged weights ({found.file.name} of step {found.step:,} differs from its hash)"
    raise RunError(f"{run.name} {problem}.")


def encode(note: dict[str, Any]) -> bytes:
    """The bytes of live/step.json."""
    return (json.dumps(note) + "\n").encode()


def identity(run: Path) -> str:
    """A digest that stays the same while the run trains: what was found in its weights belongs to the run.

    Raises:
        RunError: its config cannot be read.
    """
    config = runs.read_config(run)
    parts = [run.name, config.family, dict(config.model), config.fingerprint, config.training.get("seed", 0)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
