"""Data sets: a folder or file of images becomes a memory-mapped uint8 cache with a fingerprint."""

from __future__ import annotations

from engine.data.dataset import DataSet, Split, open_dataset

__all__ = ["DataSet", "Split", "open_dataset"]
