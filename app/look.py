"""The part of the state that is explored and undone: which model, which code, moved how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.words import nice, signed, source_text
from engine.api import Coded, DrawRequest, LevelRule, Sampled, Wander

SLIDER_SIGMAS: Final = 3.0
"""How far the slider of a direction reaches to each side."""


@dataclass(frozen=True)
class Look:
    """What the current picture is made from; `photo` is the key of the photo that the code comes from, and `strength`,
    0 to 1, how much of the change is blended into it."""

    model: str
    source: Sampled | Coded
    edits: tuple[tuple[str, float], ...] = ()
    locked: tuple[str, ...] = ()
    wander: Wander = field(default_factory=Wander)
    photo: str | None = None
    levels: tuple[LevelRule, ...] = ()
    solo: int = -1
    precision: str = "float32"
    strength: float = 1.0

    def request(self) -> DrawRequest:
        """The engine's request for this look."""
        return DrawRequest(self.source, self.edits, self.locked, self.wander, self.levels, self.solo, self.precision)

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

    def rule(self, index: int) -> LevelRule:
        """The rule of one level."""
        return self.levels[index] if index < len(self.levels) else LevelRule()

    def with_rule(self, index: int, count: int, **changes: Any) -> Look:
        """The look with the rule of one of `count` levels changed; a recipe that changes nothing is the empty one."""
        rules = [self.rule(i) for i in range(count)]
        rules[index] = replace(rules[index], **changes)
        return self.with_levels(rules)

    def with_levels(self, rules: Sequence[LevelRule]) -> Look:
        """The look with this recipe of the levels."""
        return replace(self, levels=tuple(rules) if any(rule != LevelRule() for rule in rules) else ())

    def from_elsewhere(self, *, keep_taken: bool = False) -> Look:
        """The look before its source is another code: of the levels' rules only those that are held stay.

        `keep_taken`: another seed under the same mixture, so what comes from the second code stays too, and what is
        shown alone.
        """
        if keep_taken:
            return self.with_levels([r if r.taken is not None else LevelRule(held=r.held) for r in self.levels])
        return replace(self, solo=-1).with_levels([LevelRule(held=rule.held) for rule in self.levels])

    def text(self) -> str:
        """``Seed 12 + Smiling +1.6 σ``: the caption under the picture."""
        parts = [source_text(self.source)]
        taken = {source_text(rule.taken) for rule in self.levels if rule.taken is not None}
        if taken:
            parts[0] += f" with levels of {', '.join(sorted(taken))}"
        if self.solo >= 0:
            parts[0] += f", level {self.solo + 1} alone"
        if self.wander != Wander(self.wander.plane):
            parts[0] += ", wandered"
        edits = ", ".join(f"{nice(name)} {signed(value)} σ" for name, value in self.edits)
        if self.strength != 1.0:
            edits += f" at {100 * self.strength:.0f} %"
        return " + ".join([*parts, edits] if edits else parts)
