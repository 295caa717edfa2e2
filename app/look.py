"""The part of the state that is explored and undone: which model, which code, moved how far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.words import nice, signed, source_text
from engine.api import Coded, DrawRequest, Sampled, Wander


@dataclass(frozen=True)
class Look:
    """What the current picture is made from; `photo` is the key of the photo that the code comes from."""

    model: str
    source: Sampled | Coded
    edits: tuple[tuple[str, float], ...] = ()
    locked: tuple[str, ...] = ()
    wander: Wander = field(default_factory=Wander)
    photo: str | None = None

    def request(self) -> DrawRequest:
        """The engine's request for this look."""
        return DrawRequest(self.source, self.edits, self.locked, self.wander)

    def edit(self, name: str) -> float:
        """How far direction `name` is moved, in sigmas."""
        return dict(self.edits).get(name, 0.0)

    def with_edit(self, name: str, value: float) -> Look:
        """The look with one direction moved; zero takes the edit out."""
        edits = {key: old for key, old in self.edits if key != name}
        if value != 0.0:
            edits[name] = value
        return replace(self, edits=tuple(edits.items()))

    def with_lock(self, name: str, locked: bool) -> Look:
        """The look with one direction held or let go."""
        others = tuple(key for key in self.locked if key != name)
        return replace(self, locked=(*others, name) if locked else others)

    def text(self) -> str:
        """``Seed 12 + Smiling +1.6 σ``: the caption under the picture."""
        parts = [source_text(self.source)]
        if self.wander != Wander(self.wander.plane):
            parts[0] += ", wandered"
        edits = ", ".join(f"{nice(name)} {signed(value)} σ" for name, value in self.edits)
        return " + ".join([*parts, edits] if edits else parts)
