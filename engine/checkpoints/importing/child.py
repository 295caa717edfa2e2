"""Reads a torch file in a process of its own, under a memory limit, with `weights_only`; writes plain tensors and JSON.

Run as `python -m engine.checkpoints.importing.child FILE FOLDER MEMORY_BYTES`. On Linux the limit is RLIMIT_AS above
what the process already maps; Windows and macOS have no such limit, and there the sizes in the zip and the checks below
stand alone (a Windows Job object would add little to them).
"""

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.files.tensors import MAX_TENSORS

log = logging.getLogger(__name__)

TENSORS: Final = "tensors.safetensors"
SUMMARY: Final = "summary.json"
REFUSAL: Final = "refusal.json"
MAX_DEPTH: Final = 12
MAX_META: Final = 400
MAX_NODES: Final = 500_000
KINDS: Final = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)
SKIPPED: Final = re.compile(r"optim|sched|scaler|criterion|loss(es)?$|^(netD|discriminator|disc|D)$", re.IGNORECASE)
"""What a model does not need: the optimiser's state is twice the model."""
CONFIG_CLASS: Final = "models.utils.config.BaseConfig"


class Empty:
    """Stands for an empty class of settings that a known layout pickles; it has no code."""


class Refusal(Exception):
    """Why the file is not taken: (why, what to do instead or nothing)."""


def limit_memory(extra_bytes: int) -> None:
    """No more address space than now and `extra_bytes`, and no core dump; nothing where the system cannot."""
    try:
        import resource
    except ImportError:
        return
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + extra_bytes, mapped + extra_bytes))
    except (OSError, ValueError):
        return


def load(path: Path) -> Any:
    """The file's object, read by the restricted unpickler."""
    # An open file, since torch chooses the reader of a path by its suffix.
    with path.open("rb") as file, torch.serialization.safe_globals([(Empty, CONFIG_CLASS)]):
        # The one place: weights_only, on the CPU, within this limited process.
        return torch.load(file, map_location="cpu", weights_only=True, mmap=False)  # noqa: TID251


def walk(value: object, path: tuple[str, ...], seen: list[int]) -> Iterator[tuple[tuple[str, ...], object]]:
    """(path, leaf) of nested mappings, in their order; lists count as leaves."""
    seen[0] += 1
    if len(path) > MAX_DEPTH or seen[0] > MAX_NODES:
        raise Refusal("it is nested too deeply", "")
    if isinstance(value, Empty):
        value = vars(value)
    if isinstance(value, torch.nn.Module):
        raise Refusal("it holds a whole module instead of its weights", "")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            needless = isinstance(key, str) and isinstance(inner, Mapping) and SKIPPED.search(key)
            if isinstance(key, str | int) and not needless:
                yield from walk(inner, (*path, str(key)), seen)
    else:
        yield path, value


def checked(name: str, value: Tensor, size: int, total: int) -> Tensor:
    """The tensor as an own plain copy, after it was compared with the bytes it stands on."""
    if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu" or value.dtype not in KINDS:
        raise Refusal(f"{name} is no plain tensor ({value.dtype}, {value.layout})", "")
    needs = value.numel() * value.element_size()
    if needs > value.untyped_storage().nbytes() or total + needs > 2 * size + 2**20:
        raise Refusal(f"{name} claims {tuple(value.shape)} numbers that the file does not hold, as bombs do", "")
    return value.detach().clone(memory_format=torch.contiguous_format)


def plain(value: object) -> object | None:
    """A setting that JSON can carry, or None."""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 200):
        return value
    if (
        isinstance(value, list | tuple)
        and len(value) <= 16
        and all(isinstance(v, bool | int | float | str) for v in value)
    ):
        return list(value)
    return None


def extract(path: Path, folder: Path) -> None:
    """Writes the file's tensors, their order and its settings into `folder`."""
    content = load(path)
    size = path.stat().st_size
    tensors: dict[str, Tensor] = {}
    meta: dict[str, object] = {}
    total = 0
    for where, leaf in walk(content, (), [0]):
        name = "/".join(where)
        if isinstance(leaf, Tensor):
            if len(tensors) >= MAX_TENSORS:
                raise Refusal(f"it holds over {MAX_TENSORS:,} tensors", "")
            tensors[name] = checked(name, leaf, size, total)
            total += tensors[name].numel() * tensors[name].element_size()
        elif (setting := plain(leaf)) is not None and len(meta) < MAX_META:
            meta[name] = setting
    if not tensors:
        raise Refusal("it holds no tensors", "choose a file of weights")
    save_file(tensors, folder / TENSORS)
    (folder / SUMMARY).write_text(json.dumps({"order": list(tensors), "meta": meta}), "utf-8")


def reason(error: Exception) -> tuple[str, str]:
    """(why, what to do) in words, for what torch throws at files that are broken or dangerous."""
    text = str(error)
    wanted = re.search(r"GLOBAL ([\w.]+)|Unsupported class ([\w.]+)", text)
    if type(error).__name__ == "UnpicklingError" or wanted:
        what = f" ({wanted[1] or wanted[2]})" if wanted else ""
        return f"its pickle asks for more than weights{what}, which could run code", ""
    if isinstance(error, MemoryError) or "alloc" in text.lower():
        return "reading it needs more memory than its size allows", ""
    return f"it is damaged ({type(error).__name__})", "download or copy it again"


def main(argv: list[str]) -> int:
    """0 done, 1 refused (the reason is in `refusal.json`)."""
    path, folder, memory = Path(argv[0]), Path(argv[1]), int(argv[2])
    torch.set_num_threads(1)
    limit_memory(memory)
    try:
        extract(path, folder)
    except Refusal as refusal:
        why, advice = refusal.args
    except Exception as error:
        # torch raises nine kinds for damaged files; whatever it is, this process has done its work.
        log.exception("the file was not read")
        why, advice = reason(error)
    else:
        return 0
    (folder / REFUSAL).write_text(json.dumps({"why": why, "advice": advice}), "utf-8")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
