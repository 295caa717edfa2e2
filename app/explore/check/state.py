"""The page that diagnoses a model of the library."""

from dataclasses import dataclass

from app.diagnosis.state import DiagnosticCard, Running
from engine.diagnostics import Report


@dataclass(frozen=True, eq=False)
class ModelCheck:
    """The page that diagnoses the model `ref` of the library, held against the images at `data`."""

    ref: str
    title: str
    sha256: str
    data: str
    cards: tuple[DiagnosticCard, ...] = ()
    report: Report | None = None
    opened: frozenset[str] = frozenset()
    running: Running | None = None
    message: str = ""
