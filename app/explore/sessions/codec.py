"""Frozen dataclasses to plain JSON and back, by their type hints: what a session keeps needs no code of its own.

Arrays go into a table and are named in the JSON; one array that many looks share is kept once. A field that a file does
not know takes its default, and one that this version does not know is left out, so files of either side stay readable.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np

T = TypeVar("T")
ARRAY: Final = "array"
KIND: Final = "$kind"
"""No field of a dataclass can have this name."""


class Writer:
    """Collects the arrays of what it writes."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._kept: list[object] = []

    def write(self, value: object) -> Any:
        """Plain JSON for a value made of frozen dataclasses, tuples, plain values and arrays."""
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            return value if np.isfinite(value) else str(value)
        if isinstance(value, np.ndarray):
            return {ARRAY: self._array(value)}
        if isinstance(value, tuple | list):
            return [self.write(item) for item in value]
        if isinstance(value, Mapping):
            return {str(key): self.write(item) for key, item in value.items()}
        if is_dataclass(value):
            written = {item.name: self.write(getattr(value, item.name)) for item in fields(value)}
            return {KIND: type(value).__name__, **written}
        raise TypeError(f"a session cannot hold a {type(value).__name__}")

    def _array(self, value: np.ndarray[Any, Any]) -> str:
        if id(value) not in self._names:
            kind = np.uint8 if value.dtype == np.uint8 else np.float32
            name = f"a{len(self.arrays)}"
            self.arrays[name] = np.ascontiguousarray(value, kind)
            self._names[id(value)] = name
            # An array that is freed could give its id to another one.
            self._kept.append(value)
        return self._names[id(value)]


class Reader:
    """Reads what `Writer` wrote; anything else is a ValueError."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._arrays = arrays

    def read(self, kind: type[T], value: object) -> T:
        """A value of dataclass `kind`.

        Raises:
            ValueError: the value does not have this form.
        """
        made = self._read(kind, value)
        assert isinstance(made, kind)
        return made

    def _read(self, hint: Any, value: Any) -> Any:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            return self._read_union(arguments, value)
        if origin is tuple:
            return self._read_tuple(arguments, value)
        if origin is np.ndarray:
            return self._read_array(arguments, value)
        if origin is typing.Literal:
            return _checked(value in arguments, value, value)
        if is_dataclass(hint) and isinstance(hint, type):
            return self._read_dataclass(hint, value)
        if hint is float:
            number = float(value) if isinstance(value, int | float) or value in ("inf", "-inf") else None
            return _checked(number is not None and not isinstance(value, bool), number, value)
        if hint in (int, str, bool):
            return _checked(type(value) is hint, value, value)
        if hint is type(None):
            return _checked(value is None, None, value)
        raise ValueError(f"a session does not hold {hint}")

    def _read_union(self, arguments: tuple[Any, ...], value: Any) -> Any:
        named = {hint.__name__: hint for hint in arguments if isinstance(hint, type) and is_dataclass(hint)}
        if isinstance(value, dict) and value.get(KIND) in named:
            return self._read_dataclass(named[value[KIND]], value)
        for hint in arguments:
            try:
                return self._read(hint, value)
            except ValueError:
                continue
        raise ValueError(f"{str(value)[:60]!r} has none of its kinds")

    def _read_tuple(self, arguments: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(f"{str(value)[:60]!r} is no list")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(self._read(arguments[0], item) for item in value)
        if len(arguments) != len(value):
            raise ValueError(f"a list has {len(value)} items, not {len(arguments)}")
        return tuple(self._read(hint, item) for hint, item in zip(arguments, value, strict=True))

    def _read_array(self, arguments: tuple[Any, ...], value: Any) -> Any:
        name = value.get(ARRAY) if isinstance(value, dict) else None
        if not isinstance(name, str) or name not in self._arrays:
            raise ValueError(f"there is no array {str(name)[:60]!r}")
        array = self._arrays[name]
        wanted = np.uint8 if "uint8" in str(arguments) else np.float32
        return _checked(array.dtype == wanted, array, name)

    def _read_dataclass(self, kind: Any, value: Any) -> Any:
        if not isinstance(value, dict) or value.get(KIND) != kind.__name__:
            raise ValueError(f"{str(value)[:60]!r} is no {kind.__name__}")
        hints, made = _hints(kind), {}
        for item in fields(kind):
            if item.name in value:
                made[item.name] = self._read(hints[item.name], value[item.name])
            elif item.default is MISSING and item.default_factory is MISSING:
                raise ValueError(f"{kind.__name__} has no {item.name}")
        return kind(**made)


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _checked(fits: bool, made: Any, value: object) -> Any:
    if not fits:
        raise ValueError(f"{str(value)[:60]!r} is of the wrong kind")
    return made
