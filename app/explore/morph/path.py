"""A morph's corners as codes, its timeline, and how a model draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.explore.morph.state import MorphState
from app.state import AppState
from engine.api import Codes, Pictures
from engine.exploring import Timeline

if TYPE_CHECKING:
    from app.core.model_host import ModelHost

LETTERS = "ABCD"


@dataclass(frozen=True, eq=False)
class CodePath:
    """A path through corners of one model, as it was when it was asked for: later changes do not touch it."""

    ref: str
    sha256: str
    codes: Codes
    method: str
    closed: bool

    def pictures(self, host: ModelHost, fractions: Sequence[float]) -> Pictures:
        """Pictures (n, S, S, 3) at `fractions`; on a lane."""
        model = host.model(self.ref, self.sha256)
        codes = model.morph(self.codes, list(fractions), method=self.method, loop=self.closed)
        return model.decode(codes)


def filled(morph: MorphState) -> tuple[int, ...]:
    """Which corners have a code, in the order of the path."""
    return tuple(i for i, slot in enumerate(morph.slots) if slot is not None and slot.code is not None)


def codes_of(morph: MorphState) -> Codes | None:
    """The corners' codes (k, D), or None while there are fewer than two."""
    found = [slot.code for slot in morph.slots if slot is not None and slot.code is not None]
    return np.stack(found) if len(found) >= 2 else None


def pad_codes(state: AppState) -> Codes | None:
    """The pad's corners (3 or 4, D): where one is empty the current code stands in; None without any code for it."""
    slots = state.morph.slots
    if len(slots) < 3 or state.drawn is None:
        return None
    codes = [state.drawn.code if slot is None or slot.code is None else slot.code for slot in slots]
    return np.stack(codes) if len({code.shape for code in codes}) == 1 else None


def path_of(state: AppState) -> CodePath | None:
    """The path as it stands, or None while it has fewer than two corners."""
    codes = codes_of(state.morph)
    if codes is None or state.info is None or state.model is None:
        return None
    return CodePath(state.model, state.info.sha256, codes, state.morph.method, state.morph.timing.loop == "loop")


def timeline_of(morph: MorphState) -> Timeline:
    """Where the morph is in each frame, with rests that fit into its frames."""
    holds = tuple(slot.hold for slot in morph.slots if slot is not None and slot.code is not None)
    timing = morph.timing
    return Timeline(max(2, len(holds)), timing.frames, timing.easing, timing.loop, holds).fitted()


def marks_of(morph: MorphState) -> tuple[tuple[float, str], ...]:
    """Where the corners are on the path, with their letters; a closed path ends with its first."""
    letters = [LETTERS[i] for i in filled(morph)]
    if len(letters) < 2:
        return ()
    if morph.timing.loop == "loop":
        letters.append(letters[0])
    return tuple((i / (len(letters) - 1), letter) for i, letter in enumerate(letters))
