"""Normalizing flows: exact codes and exact densities."""

from __future__ import annotations

from engine.models.flow.glow import Glow, GlowConfig

__all__ = ["Glow", "GlowConfig"]
