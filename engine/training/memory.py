"""Telling that memory has run out from other errors, and giving back what is held."""

import gc
from typing import Final

import torch

WORDS: Final = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says on processors whose allocators have no error class of their own."""


def out_of_memory(error: BaseException) -> bool:
    """Whether this error means that a processor's memory has run out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)


def give_back(device: torch.device) -> None:
    """Frees what only garbage holds. Call it outside the `except` block: the error's frames hold tensors.

    A host that has turned automatic collection off collects by itself, on a thread of its own: the window does, since a
    collection on another thread could destroy its objects there, and would hold it up for some tenths of a second.
    """
    if gc.isenabled():
        gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
