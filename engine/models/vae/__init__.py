"""Variational autoencoders: an encoder that answers at once, and a bound on the density."""

from __future__ import annotations

from engine.models.vae.vae import Vae, VaeConfig

__all__ = ["Vae", "VaeConfig"]
