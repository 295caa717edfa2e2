"""All diagnostics, one row each; the window, `latent-loom diagnose`, tests and docs follow from this table."""

from __future__ import annotations

from typing import Final

from engine.diagnostics.base import Diagnostic

DIAGNOSTICS: Final[tuple[Diagnostic, ...]] = ()
