"""Latent Loom's engine: trains, opens and explores generative models of images. It knows no window."""

from __future__ import annotations

__version__ = "0.1.0"
