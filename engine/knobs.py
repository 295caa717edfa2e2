"""A hyper-parameter declared once: the form, the command line, JSON, validation, tooltips and docs follow from it.

A knob is a field of a frozen dataclass::

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Config:
    ...     beta: float = knob(1.0, "KL weight", "Higher: smoother codes, blurrier faces.", low=0.0, high=16.0)
    >>> [k.name for k in knobs_of(Config)]
    ['beta']
    >>> from_json(Config, {"beta": 2}).beta
    2.0
"""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Final, TypeVar

from engine.errors import UsageError

Value = bool | int | float | str
T = TypeVar("T")

MINUTES: Final = "Small, minutes on a CPU"
"""The preset of every family that ends while one waits."""
FEW_IMAGES: Final = 2000
"""With fewer training images a model learns them by heart before it has learnt what they have in common."""
MOST_EPOCHS: Final = 60
"""How often a small set is seen at most where a preset says how long; more only adds memorisation."""
PREVIEWS: Final = 20
ON: Final = ("true", "1", "yes", "on")
OFF: Final = ("false", "0", "no", "off")


@dataclass(frozen=True)
class Preset:
    """A model's size, and how long to train it: steps by the images' side in pixels, or empty for as many as usual."""

    PACED: ClassVar = ("steps", "preview_every", "save_every")
    """The knobs of training that a preset sets."""
    knobs: Mapping[str, Value]
    steps: Mapping[int, int] = field(default_factory=dict)

    def values(self, few_images: Mapping[str, Value], *, side: int, images: int | None, batch: int) -> dict[str, Value]:
        """Knobs of model and training; `few_images` are those that its family sets on a small data set.

        `side` is that of the images in pixels, `images` how many there are to train on, None where it is not known
        yet; `batch` how many a step sees.
        """
        few = images is not None and images < FEW_IMAGES
        values: dict[str, Value] = {**self.knobs, **(few_images if few else {})}
        if not self.steps:
            return values
        steps = self.steps[min(self.steps, key=lambda known: abs(known - side))]
        if few and images is not None:
            steps = max(PREVIEWS, min(steps, MOST_EPOCHS * images // batch))
        every = max(1, steps // PREVIEWS)
        return values | {"steps": steps, "preview_every": every, "save_every": 2 * every}


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One hyper-parameter: its name, type, default, bounds, and the words that explain it."""

    name: str
    kind: type
    default: Value
    title: str
    help: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    choices: tuple[Value, ...] = ()
    advanced: bool = False
    log: bool = False
    read: Callable[[str], object] | None = None
    """Of a text: raises a `UsageError` where it makes no sense."""

    def check(self, value: object) -> Value:
        """The value as this knob's type.

        Raises:
            UsageError: wrong type, out of range, or not one of the choices.
        """
        value = self._converted(value)
        if self.choices and value not in self.choices:
            raise UsageError(f"{self.name} must be one of {', '.join(map(str, self.choices))}, got {value}.")
        if isinstance(value, int | float) and not isinstance(value, bool):
            low = -math.inf if self.low is None else self.low
            high = math.inf if self.high is None else self.high
            if not low <= value <= high:
                raise UsageError(f"{self.name} must be between {low:g} and {high:g}, got {value:g}.")
        return value

    def _converted(self, value: object) -> Value:
        if self.kind is bool:
            if isinstance(value, bool):
                return value
            word = value.strip().lower() if isinstance(value, str) else ""
            if word in ON or word in OFF:
                return word in ON
        elif self.kind is str:
            if isinstance(value, str):
                if self.read is not None:
                    self.read(value)
                return value
        elif not isinstance(value, bool) and isinstance(value, int | float | str):
            try:
                number = float(value)
            except (ValueError, OverflowError):
                number = math.nan
            if math.isfinite(number):
                if self.kind is float:
                    return number
                if number == int(number):
                    return int(number)
        wanted = {bool: "on or off", int: "a whole number", float: "a number", str: "a word"}[self.kind]
        raise UsageError(f"{self.name} must be {wanted}, got {value!r}.")


def knob(
    default: Value,
    title: str,
    help: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    choices: Iterable[Value] = (),
    advanced: bool = False,
    log: bool = False,
    read: Callable[[str], object] | None = None,
) -> Any:
    """A dataclass field that is a knob. `log` asks the form for a logarithmic slider. The `choices` may be a table: its
    keys are asked for each time. `read` raises where a text makes no sense."""
    words = {"title": title, "help": help, "low": low, "high": high, "unit": unit, "choices": choices}
    return field(default=default, metadata={"knob": words | {"advanced": advanced, "log": log, "read": read}})


def knobs_of(config: type) -> tuple[Knob, ...]:
    """The knobs of a config dataclass, in the order in which they are declared."""
    kinds = typing.get_type_hints(config)
    found = []
    for item in fields(config):
        words = item.metadata.get("knob")
        if words is None:
            continue
        assert item.default is not MISSING, f"knob {item.name} has no default"
        words = words | {"choices": tuple(words["choices"])}
        found.append(Knob(name=item.name, kind=kinds[item.name], default=item.default, **words))
    return tuple(found)


def from_json(config: type[T], values: Mapping[str, object]) -> T:
    """A validated config from plain values; knobs that are not named keep their default.

    Raises:
        UsageError: an unknown name, a wrong type or a value out of range.
    """
    known = {k.name: k for k in knobs_of(config)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UsageError(f"unknown knob {unknown[0]!r}: the knobs here are {', '.join(known)}.")
    return config(**{name: known[name].check(value) for name, value in values.items()})


def to_json(config: object) -> dict[str, Value]:
    """The config's knobs as plain JSON values; `from_json` reads them back."""
    return {k.name: getattr(config, k.name) for k in knobs_of(type(config))}
