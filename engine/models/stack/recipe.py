"""The recipe of a stack: one line of text that says which layers follow each other, from the data to the code.

    actnorm, 4 x (coupling(affine, 32, 32), swap), diagonal

A layer is a word, with its settings in brackets where it takes any; `4 x` before a layer or a bracket repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from engine.errors import UsageError
from engine.models.stack.layers.affine import ActNorm, Diagonal, Linear, Permutation, Triangular
from engine.models.stack.layers.autoregressive import Autoregressive
from engine.models.stack.layers.base import Layer
from engine.models.stack.layers.coupling import Coupling
from engine.models.stack.layers.ode import Ode
from engine.models.stack.layers.planar import Planar
from engine.models.stack.layers.pointwise import Logit, SignedSquare, SinhArcsinh
from engine.models.stack.layers.residual import Residual

MOST_LAYERS: Final = 64
MOST_WIDTHS: Final = 4
WIDEST: Final = 1024
LONGEST: Final = 2000
WIDTHS: Final = (32, 32)
"""Hidden layers of a network whose widths are not named."""
FEW: Final = 16
"""Coordinates of a point that has exact traces and whole Jacobians in time to wait for."""


@dataclass(frozen=True)
class LayerRow:
    """A kind of layer: how it is made from a number of coordinates and its widths, and where it can stand.

    `least` and `most` are coordinates of a point; `widths`: it holds a network; `first`: only data can come
    before it; `words` are what its brackets may begin with, and the one given is handed on as the keyword `word`.
    """

    make: Callable[..., Layer]
    help: str
    widths: bool = False
    words: tuple[str, ...] = ()
    least: int = 1
    most: int | None = None
    first: bool = False


def _coupling(size: int, widths: tuple[int, ...], *, word: str) -> Layer:
    return Coupling(size, widths, affine=word == "affine")


def _ode(size: int, widths: tuple[int, ...], *, word: str) -> Layer:
    return Ode(size, widths, matched=word == "matching")


LAYERS: Final[dict[str, LayerRow]] = {
    "actnorm": LayerRow(ActNorm, "Scales and shifts; starts from the first batch."),
    "diagonal": LayerRow(Diagonal, "Scales and shifts each coordinate."),
    "linear": LayerRow(Linear, "Any matrix, and a shift."),
    "triangular": LayerRow(Triangular, "A lower triangular matrix, and a shift."),
    "permutation": LayerRow(partial(Permutation, reverse=False), "An order of the coordinates that is drawn once."),
    "swap": LayerRow(partial(Permutation, reverse=True), "The reverse order.", least=2),
    "sinh-arcsinh": LayerRow(SinhArcsinh, "Changes tails and lean of each coordinate."),
    "logit": LayerRow(lambda size: Logit(), "From (0, 1) to the whole line.", first=True),
    "square": LayerRow(lambda size: SignedSquare(), "x = y |y|: the square, with its sign."),
    "coupling": LayerRow(
        _coupling, "Half of the coordinates change the others.", widths=True, words=("affine", "additive"), least=2
    ),
    "maf": LayerRow(
        partial(Autoregressive, fast_density=True), "Each by those before it; densities at once.", widths=True
    ),
    "iaf": LayerRow(
        partial(Autoregressive, fast_density=False), "Each by those before it; samples at once.", widths=True
    ),
    "planar": LayerRow(Planar, "A fold along one plane."),
    "residual": LayerRow(Residual, "x + g(x), with a g that shortens.", widths=True, most=FEW),
    "ode": LayerRow(_ode, "Flows along a field.", widths=True, words=("likelihood", "matching"), most=FEW),
}


@dataclass(frozen=True)
class LayerSpec:
    """One layer of a recipe that was read; `at` is where its word stands in the text, from 0."""

    name: str
    word: str
    widths: tuple[int, ...]
    at: int

    def make(self, size: int) -> Layer:
        """The layer for points of `size` coordinates."""
        row = LAYERS[self.name]
        more = {"word": self.word} if row.words else {}
        return row.make(size, self.widths, **more) if row.widths else row.make(size, **more)


@dataclass(frozen=True)
class _Token:
    text: str
    at: int


def read_recipe(text: str, *, size: int | None = None) -> tuple[LayerSpec, ...]:
    """The layers of a recipe, from the data to the code, checked for points of `size` coordinates where it is given.

    Raises:
        UsageError: it cannot be read, or a layer cannot stand where it does; the sentence names the place.
    """
    if len(text) > LONGEST:
        raise UsageError(
            f"The recipe has {len(text)} characters, over {LONGEST}: repeat layers with 4 x (...) instead."
        )
    tokens = [_Token(found.group(), found.start()) for found in re.finditer(r"[A-Za-z][\w-]*|\d+|\S", text)]
    if not tokens:
        raise UsageError(f"The recipe is empty: name its layers, for instance {', '.join(list(LAYERS)[:3])}.")
    reader = _Reader(text, tokens)
    layers = reader.items(closing=False)
    if size is not None:
        for index, layer in enumerate(layers):
            _check_place(text, layer, size=size, first=index == 0)
    return tuple(layers)


def _check_place(text: str, layer: LayerSpec, *, size: int, first: bool) -> None:
    row = LAYERS[layer.name]
    if size < row.least:
        raise _wrong(
            text, layer.at, f"{layer.name} needs at least {row.least} coordinates, and a point here has {size}"
        )
    if row.most is not None and size > row.most:
        raise _wrong(text, layer.at, f"{layer.name} takes at most {row.most} coordinates, and here there are {size}")
    if row.first and not first:
        raise _wrong(text, layer.at, f"{layer.name} can only come first, for it takes data between 0 and 1")


def _wrong(text: str, at: int, why: str) -> UsageError:
    shown = text[at : at + 20].strip()
    where = f"at character {at + 1}, “{shown}”" if shown else "at its end"
    return UsageError(f"The recipe, {where}: {why}.")


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text, self.tokens, self.next, self.count = text, tokens, 0, 0

    def peek(self) -> str:
        return self.tokens[self.next].text if self.next < len(self.tokens) else ""

    def take(self) -> _Token:
        token = self.tokens[self.next] if self.next < len(self.tokens) else _Token("", len(self.text))
        self.next += 1
        return token

    def wrong(self, token: _Token, why: str) -> UsageError:
        return _wrong(self.text, token.at, why)

    def items(self, *, closing: bool) -> list[LayerSpec]:
        """Layers with commas between, to the end or to the bracket that closes them."""
        layers: list[LayerSpec] = []
        while True:
            layers += self.item()
            if len(layers) > MOST_LAYERS:
                raise UsageError(f"The recipe has over {MOST_LAYERS} layers: use fewer.")
            token = self.take()
            if token.text == "," and self.peek() not in ("", ")"):
                continue
            if token.text == ("" if not closing else ")"):
                return layers
            raise self.wrong(token, "expected a comma" + (" or a closing bracket" if closing else ""))

    def item(self) -> list[LayerSpec]:
        """One layer, a bracket, or either of them repeated."""
        token, times = self.take(), 1
        if token.text.isdigit():
            times = int(token.text) if len(token.text) < 4 else MOST_LAYERS + 1
            if self.take().text != "x" or times < 1:
                raise self.wrong(token, "a number stands before x, as in 4 x swap")
            token = self.take()
        self.count += 1
        if self.count > 4 * MOST_LAYERS or times > MOST_LAYERS:
            raise UsageError(f"The recipe has over {MOST_LAYERS} layers: use fewer.")
        part = self.items(closing=True) if token.text == "(" else [self.layer(token)]
        if len(part) * times > MOST_LAYERS:
            raise UsageError(f"The recipe has over {MOST_LAYERS} layers: use fewer.")
        return part * times

    def layer(self, token: _Token) -> LayerSpec:
        row = LAYERS.get(token.text)
        if row is None:
            raise self.wrong(token, f"no layer has this name: choose among {', '.join(LAYERS)}")
        given = self.settings() if self.peek() == "(" else []
        word = ""
        if row.words:
            word = row.words[0]
            if given and not given[0].text.isdigit():
                word = given.pop(0).text
                if word not in row.words:
                    raise self.wrong(token, f"it is {' or '.join(row.words)}, not {word}")
        if given and not row.widths:
            raise self.wrong(token, f"{token.text} takes no settings")
        widths = tuple(self.width(one) for one in given) or (WIDTHS if row.widths else ())
        if len(widths) > MOST_WIDTHS:
            raise self.wrong(token, f"at most {MOST_WIDTHS} hidden layers, got {len(widths)}")
        return LayerSpec(token.text, word, widths, token.at)

    def settings(self) -> list[_Token]:
        """What stands in a layer's brackets."""
        self.take()
        found: list[_Token] = []
        while True:
            token = self.take()
            if token.text in ("", "(", ")", ","):
                raise self.wrong(token, "expected a width or a word in these brackets")
            found.append(token)
            token = self.take()
            if token.text == ")":
                return found
            if token.text != ",":
                raise self.wrong(token, "expected a comma or a closing bracket")

    def width(self, token: _Token) -> int:
        value = int(token.text) if token.text.isdigit() and len(token.text) < 6 else 0
        if not 1 <= value <= WIDEST:
            raise self.wrong(token, f"a width is a whole number from 1 to {WIDEST}")
        return value


def words(layers: tuple[LayerSpec, ...]) -> Iterator[str]:
    """Each layer as it is written: "coupling(affine, 32, 32)"."""
    for layer in layers:
        inside = [part for part in (layer.word, *map(str, layer.widths)) if part]
        yield f"{layer.name}({', '.join(inside)})" if inside else layer.name
