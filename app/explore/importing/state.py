"""The import panel: how far the import is, and what the file was found to hold."""

from dataclasses import dataclass
from pathlib import Path

from engine.checkpoints import ImportReport


@dataclass(frozen=True, eq=False)
class ImportState:
    """`stage`: reading, asking, importing or refused. `message` is the sentence of a refusal or of a failed import."""

    path: Path
    title: str
    stage: str = "reading"
    report: ImportReport | None = None
    message: str = ""
