"""The codec of sessions: everything that a look can hold comes back equal, shared arrays stay shared."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.explore.history.history import History
from app.explore.history.state import Bookmark
from app.explore.sessions.codec import Reader, Writer
from app.explore.sessions.contents import Session
from app.look import Look
from engine.api import Coded, Codes, Sampled, Wander

names = st.text(max_size=8)
numbers = st.floats(-3, 3, allow_nan=False)


@st.composite
def looks(draw: st.DrawFn) -> Look:
    source = draw(
        st.one_of(
            st.builds(Sampled, st.integers(0, 99), st.tuples(numbers)),
            st.builds(lambda n, name: Coded(np.full(3, n, np.float32), name), st.integers(0, 9), names),
        )
    )
    edits = draw(st.lists(st.tuples(names, numbers), max_size=3).map(tuple))
    return Look(draw(names), source, edits, draw(st.lists(names, max_size=2).map(tuple)), Wander(1, 0.5, -1.0))


def through(value: object, kind: type) -> object:
    writer = Writer()
    text = json.dumps(writer.write(value))
    return Reader(writer.arrays).read(kind, json.loads(text))


def same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    return a == b


@given(looks())
@pytest.mark.slow
def test_looks_come_back(look: Look):
    assert same(through(look, Look), look)


@given(st.lists(looks(), min_size=1, max_size=6), st.integers(0, 5))
@pytest.mark.slow
def test_histories_with_branches_come_back(steps: list[Look], back: int):
    history = History()
    for index, look in enumerate(steps):
        history = history.pushed(look, f"step {index}")
        if index == back and (before := history.back()) is not None:
            history = before
    assert same(through(history, History), history)


def test_one_array_in_many_looks_is_kept_once():
    code = np.arange(5, dtype=np.float32)
    marks = tuple(Bookmark(str(i), Look("m", Coded(code)), np.zeros((2, 2, 3), np.uint8)) for i in range(4))
    writer = Writer()
    text = json.dumps(writer.write(Session(None, History(), marks)))
    assert len(writer.arrays) == 1 + 4
    back = Reader(writer.arrays).read(Session, json.loads(text))
    first, *others = (mark.look.source for mark in back.bookmarks)
    assert isinstance(first, Coded)
    assert all(isinstance(other, Coded) and other.code is first.code for other in others)


@dataclass(frozen=True)
class Old:
    name: str


@dataclass(frozen=True)
class New:
    name: str
    size: int = 7
    parts: tuple[Old, ...] = ()


def test_fields_of_another_version_do_no_harm():
    assert Reader({}).read(New, {"$kind": "New", "name": "a"}) == New("a")
    assert Reader({}).read(Old, {"$kind": "Old", "name": "a", "unknown": [1, {"x": 2}]}) == Old("a")


@dataclass(frozen=True, eq=False)
class Arrayed:
    code: Codes


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Old, {"$kind": "New", "name": "a"}),
        (Old, {"$kind": "Old"}),
        (Old, {"$kind": "Old", "name": 3}),
        (Old, "Old"),
        (New, {"$kind": "New", "name": "a", "size": True}),
        (New, {"$kind": "New", "name": "a", "parts": {"$kind": "Old"}}),
        (Arrayed, {"$kind": "Arrayed", "code": {"array": "a9"}}),
        (Arrayed, {"$kind": "Arrayed", "code": {"array": "u8"}}),
        (Arrayed, {"$kind": "Arrayed", "code": [1.0, 2.0]}),
    ],
)
def test_what_has_another_form_is_refused(kind: type, value: object):
    with pytest.raises(ValueError, match=r".+"):
        Reader({"u8": np.zeros(3, np.uint8)}).read(kind, value)
