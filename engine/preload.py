"""Torch's libraries, read into the process while Python does something else."""

import ctypes
import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import Final

# In the order of `torch/__init__.py`, and none that calls Python from its constructors.
LIBRARIES: Final = (("libtorch_global_deps.so", os.RTLD_NOW), ("libtorch.so", os.RTLD_LAZY))


def preload_torch() -> threading.Thread | None:
    """Begins to load torch's libraries on a thread of its own; None where that is no use.

    A fifth of the time of `import torch` is the loader at work on 400 MB, and Python's import keeps all threads of
    Python waiting meanwhile. A plain call of `dlopen` keeps nobody waiting, and the import finds the work done.
    Libraries that are not there, or do not load, are left to the import, which says why.
    """
    if not sys.platform.startswith("linux") or "torch" in sys.modules:
        return None
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    thread = threading.Thread(target=_load, args=(Path(spec.origin).parent / "lib",), name="preload")
    thread.start()
    return thread


def _load(folder: Path) -> None:
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    for name, mode in LIBRARIES:
        file = folder / name
        if file.is_file():
            visible = os.RTLD_GLOBAL if mode == os.RTLD_NOW else os.RTLD_LOCAL
            dlopen(os.fsencode(file), mode | visible)
