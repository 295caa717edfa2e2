"""Generative adversarial networks: sharp samples, no encoder, no density."""

from __future__ import annotations

from engine.models.gan.dcgan import Dcgan, DcganConfig

__all__ = ["Dcgan", "DcganConfig"]
