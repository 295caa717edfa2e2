"""The recipe of a stack: what it means, and the sentence where it cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.models.stack.recipe import LAYERS, MOST_LAYERS, read_recipe, words


def names(text: str, size: int | None = None) -> list[str]:
    return [layer.name for layer in read_recipe(text, size=size)]


def test_layers_come_in_their_order_with_their_settings():
    first, second, third = read_recipe("actnorm, coupling(additive, 16,8),swap")
    assert (first.name, first.widths) == ("actnorm", ())
    assert (second.name, second.word, second.widths) == ("coupling", "additive", (16, 8))
    assert third.name == "swap"
    assert read_recipe("coupling(64)")[0].word == "affine"
    assert read_recipe("maf")[0].widths == (32, 32)
    assert read_recipe("ode(matching, 8)")[0].word == "matching"


def test_a_number_repeats_a_layer_or_a_bracket():
    assert names("2 x planar, 3 x (maf, swap)") == ["planar"] * 2 + ["maf", "swap"] * 3
    assert names("2 x (diagonal, 2 x (linear))") == ["diagonal", "linear", "linear"] * 2


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("actnorm, copling(32)", 10, "no layer has this name"),
        ("actnorm swap", 9, "expected a comma"),
        ("coupling(sideways, 3)", 1, "affine or additive, not sideways"),
        ("coupling(affine, 0)", 18, "a whole number from 1 to 1024"),
        ("coupling(affine, -3)", 19, "expected a comma or a closing bracket"),
        ("maf(99999999999999999999)", 5, "a whole number from 1 to 1024"),
        ("maf(1,2,3,4,5)", 1, "at most 4 hidden layers"),
        ("planar(3)", 1, "planar takes no settings"),
        ("maf(8", 6, "expected a comma or a closing bracket"),
        ("2 planar", 1, "a number stands before x"),
        ("0 x planar", 1, "a number stands before x"),
        ("(maf, swap", 11, "expected a comma or a closing bracket"),
        ("maf,", 4, "expected a comma"),
        ("maf,,swap", 5, "no layer has this name"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text, place, why):
    with pytest.raises(UsageError) as refused:
        read_recipe(text)
    said = str(refused.value)
    assert why in said
    assert f"at character {place}," in said or (place > len(text) and "at its end" in said)
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("text", "size", "why"),
    [
        ("swap", 1, "needs at least 2 coordinates"),
        ("coupling(8)", 1, "needs at least 2 coordinates"),
        ("ode(matching)", 17, "at most 16 coordinates"),
        ("residual", 768, "at most 16 coordinates"),
        ("diagonal, logit", 2, "can only come first"),
    ],
)
def test_a_layer_that_cannot_stand_there_is_said(text, size, why):
    assert read_recipe(text), "by itself it can be read"
    with pytest.raises(UsageError, match=why):
        read_recipe(text, size=size)


@pytest.mark.parametrize(
    "text",
    ["", "  ", f"{MOST_LAYERS + 1} x swap", "9999999999 x swap", "64 x (64 x (64 x swap))", "(" * 900, "x" * 3000],
)
def test_too_much_or_nothing_is_refused(text):
    with pytest.raises(UsageError):
        read_recipe(text)


def read_again(text: str) -> list[tuple[str, str, tuple[int, ...]]] | str:
    try:
        layers = read_recipe(text)
    except UsageError as refused:
        return str(refused)
    return [(layer.name, layer.word, layer.widths) for layer in layers]


@given(st.text(alphabet="amf x(),0123456789swapcoupling-é ", max_size=60))
def test_any_text_is_refused_in_a_sentence_or_read(text):
    found = read_again(text)
    assert found.endswith(".") if isinstance(found, str) else len(found) > 0


RECIPES = st.lists(st.sampled_from(["swap", "actnorm", "maf(3)", "coupling(additive, 4, 5)", "2 x planar"]), min_size=1)


@given(RECIPES)
def test_what_was_read_is_written_so_that_it_reads_the_same(parts):
    layers = read_recipe(", ".join(parts[:30]))
    assert read_again(", ".join(words(layers))) == [(layer.name, layer.word, layer.widths) for layer in layers]


def test_every_layer_is_explained():
    assert all(row.help.endswith(".") for row in LAYERS.values())
