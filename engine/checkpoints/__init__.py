"""Weights on disk: our own safetensors format, written atomically, verified before use, never a pickle."""

from __future__ import annotations
