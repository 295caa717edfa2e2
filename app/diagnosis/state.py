"""The diagnostics on offer, and a diagnosis at work."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DiagnosticCard:
    """A row of the catalogue of diagnostics, as the panel offers it."""

    name: str
    title: str
    help: str


@dataclass(frozen=True)
class Running:
    """A diagnosis at work, of `run` or (None) of a model file. `names` None: all. `fraction` 0..1, None while it is not
    known."""

    run: Path | None
    names: tuple[str, ...] | None
    quick: bool
    fraction: float | None = None
    text: str = ""
