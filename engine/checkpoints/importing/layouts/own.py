"""Our own model files: verified as on every opening, and copied as they are."""

from __future__ import annotations

from pathlib import Path

from engine.checkpoints.importing.sniff import read_safetensors_header
from engine.checkpoints.model_file import KEY


def is_own(path: Path) -> bool:
    """Whether a safetensors file names itself a Latent Loom model.

    Raises:
        CheckpointError: its header is damaged.
    """
    return KEY in read_safetensors_header(path).metadata
