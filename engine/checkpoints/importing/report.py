"""What an import found, and what it has to ask, as frozen values; it needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.knobs import Knob, Value


@dataclass(frozen=True)
class Question:
    """Something that the file does not say. `default` is the usual answer, taken only when `known`, or on request.

    `known`: a config beside the file, or the layout itself, answers it; another answer can still be given.
    """

    knob: Knob
    known: bool = False

    @property
    def name(self) -> str:
        return self.knob.name

    @property
    def default(self) -> Value:
        return self.knob.default


@dataclass(frozen=True)
class ImportReport:
    """What a file holds. `format` is the container, `layout` whose names it uses, `family` ours that will carry it.

    `image_size` and `code_size` are None where they follow from an answer. `facts` are (words, value) to show;
    `unused` names tensors that the layout has no place for but that a model does not need (an optimiser's, a critic's).
    """

    path: Path
    format: str
    layout: str
    family: str
    family_title: str
    encode: str
    density: str
    channels: int
    image_size: int | None
    code_size: int | None
    parameters: int
    facts: tuple[tuple[str, str], ...] = ()
    questions: tuple[Question, ...] = ()
    warnings: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def open_questions(self) -> tuple[Question, ...]:
        """Those that must be answered."""
        return tuple(q for q in self.questions if not q.known)

    def answered(self, answers: Mapping[str, object], *, defaults: bool = False) -> dict[str, Value]:
        """All questions with their answers; `defaults` takes the usual one where none is given.

        Raises:
            UsageError: an answer to no question, one out of range, or a question left open.
        """
        by_name = {q.name: q for q in self.questions}
        unknown = sorted(set(answers) - set(by_name))
        if unknown:
            asked = f"it asks for {', '.join(by_name)}" if by_name else "it asks for nothing"
            raise UsageError(f"{self.path.name} has no setting {unknown[0]!r}: {asked}.")
        missing = [q for q in self.open_questions() if q.name not in answers]
        if missing and not defaults:
            wanted = " ".join(f"--set {q.name}={_choices(q)}" for q in missing)
            usual = ", ".join(f"{q.name}={q.default}" for q in missing)
            raise UsageError(
                f"{self.path.name} does not say its {' and '.join(q.knob.title.lower() for q in missing)}: "
                f"give {wanted}, or --defaults for {usual}."
            )
        return {q.name: q.knob.check(answers.get(q.name, q.default)) for q in self.questions}

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        plain = {name: value for name, value in vars(self).items() if name not in ("path", "family_title")}
        asked = [(q.name, q.knob.title, list(q.knob.choices), q.default, q.known) for q in self.questions]
        names = ("name", "title", "choices", "default", "known")
        questions = [dict(zip(names, row, strict=True)) for row in asked]
        lists = {"facts": dict(self.facts), "questions": questions, "warnings": list(self.warnings)}
        return {"file": str(self.path), **plain, **lists, "unused": len(self.unused)}


def _choices(question: Question) -> str:
    return "|".join(map(str, question.knob.choices)) or "NUMBER"


def ask(
    name: str,
    title: str,
    help: str,
    default: Value,
    *,
    choices: tuple[Value, ...] = (),
    known: bool = False,
    low: float | None = None,
    high: float | None = None,
) -> Question:
    """A question whose type is that of its usual answer."""
    if choices and default not in choices:
        choices = (default, *choices)
    made = Knob(
        name=name, kind=type(default), default=default, title=title, help=help, choices=choices, low=low, high=high
    )
    return Question(made, known)
