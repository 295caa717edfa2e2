"""What the window remembers of the Lab until the next start."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject

from app.core.store import Store
from app.lab.controller import LabController
from app.lab.setups import engine_setups
from app.lab.shortcuts import LAYERS
from app.lab.state import LabState, LessonState
from app.settings import Preferences
from app.state import AppState
from engine.errors import UserError
from engine.lab import LabCatalogue, Proof, setup_line

MOST_PROOFS: Final = 1000


class Memory(QObject):
    """Writes what stands in the Lab into the preferences, and puts it back when the Lab opens."""

    def __init__(
        self, store: Store, lab: LabController, preferences: Preferences, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._lab, self._preferences = store, lab, preferences
        line = preferences.now.lab.get("line", "")
        lab.first_line = line if isinstance(line, str) else ""
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        old, new = before.part(LabState), now.part(LabState)
        if new.catalogue is None:
            return
        if old.catalogue is None:
            self._store.update_part(LabState, **remembered(self._preferences.now.lab, new.catalogue))
        elif (old.undo, old.layers, old.lessons) != (new.undo, new.layers, new.lessons):
            self._preferences.change(lab=written(new))


def written(state: LabState) -> Mapping[str, Any]:
    """What is remembered, as JSON has it."""
    try:
        line = setup_line(engine_setups(state)) if state.undo.now == state.set_up else ""
    except UserError:
        line = ""
    lessons, catalogue = state.lessons, state.catalogue
    targets = {} if catalogue is None else _targets(catalogue)
    proofs = [
        [lesson, check, proof.value, proof.holds, targets[lesson, check]]
        for (lesson, check), proof in lessons.proofs.items()
        if (lesson, check) in targets and math.isfinite(proof.value)
    ]
    return {
        "line": line,
        "layers": sorted(state.layers),
        "lesson": lessons.open,
        "folded": lessons.folded,
        "answered": sorted(lessons.answered),
        "proofs": proofs,
    }


def remembered(kept: Mapping[str, Any], catalogue: LabCatalogue) -> Mapping[str, Any]:
    """Fields of the state from what was written, which somebody may have changed since: what does not fit is left out.
    A number counts only where the lesson asks for the same as it did then."""
    names, targets = {one.name for one in catalogue.lessons}, _targets(catalogue)
    found: dict[str, Any] = {}
    layers = _texts(kept.get("layers"))
    known = {name for name, *_ in LAYERS}
    if layers is not None and layers <= known:
        found["layers"] = layers
    proofs: dict[tuple[str, str], Proof] = {}
    rows = kept.get("proofs")
    for row in rows[:MOST_PROOFS] if isinstance(rows, list) else ():
        match row:
            case [str(lesson), str(check), int() | float() as value, bool(holds), int() | float() as target]:
                # A whole number of JSON may be larger than any float.
                if targets.get((lesson, check)) == target and abs(value) <= sys.float_info.max:
                    proofs[lesson, check] = Proof(float(value), holds)
            case _:
                continue
    opened, folded = kept.get("lesson"), kept.get("folded")
    found["lessons"] = replace(
        LessonState(),
        proofs=proofs,
        open=opened if isinstance(opened, str) and opened in names else "",
        folded=folded is True,
        answered=(_texts(kept.get("answered")) or frozenset()) & names,
    )
    return found


def _targets(catalogue: LabCatalogue) -> Mapping[tuple[str, str], float]:
    return {(lesson.name, check.name): check.target for lesson in catalogue.lessons for check in lesson.checks}


def _texts(value: object) -> frozenset[str] | None:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return frozenset(value)
