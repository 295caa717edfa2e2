"""The library of Explore with a full box: groups that fold, and what a photo is compared with."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.explore.compare.rows import chosen_models
from app.explore.library.groups import in_groups
from engine import library
from tests.gui.conftest import App, OpenApp


@pytest.fixture
def box(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny models stand in the box as digits, cartoons and faces; one is the person's own."""
    titles = ("Digits VAE 32", "Cartoons GAN 32", "Faces Glow 32")
    cards = [library.card_of(home / "models" / f"{name}.safetensors") for name in ("vae", "gan", "flow")]
    shipped = [replace(card, title=title, shipped=True) for card, title in zip(cards, titles, strict=True)]
    mine = [replace(cards[0], key=f"{cards[0].key}.mine", title="My faces")]
    monkeypatch.setattr("engine.library.shipped_models", lambda: shipped)
    monkeypatch.setattr("engine.library.models_in", lambda folder, shipped: mine)


def rows(app: App) -> list[str]:
    return [card.title for card in app.explore_view.library.models.cards()]


@pytest.mark.slow
def test_groups_fold_and_the_model_on_show_is_never_hidden(box: None, open_app: OpenApp) -> None:
    app = open_app(model="Faces Glow 32")
    models = app.explore_view.library.models
    assert rows(app) == ["Faces", "Faces Glow 32", "Digits", "Cartoons", "Yours", "My faces"]
    models.setFocus()
    QTest.keyClick(models, Qt.Key.Key_Home)
    for _ in range(2):
        QTest.keyClick(models, Qt.Key.Key_Down)
    QTest.keyClick(models, Qt.Key.Key_Return)
    assert rows(app)[2:5] == ["Digits", "Digits VAE 32", "Cartoons"]
    # The keyboard stays where it is: the next row is the model that has just come out.
    QTest.keyClick(models, Qt.Key.Key_Down)
    QTest.keyClick(models, Qt.Key.Key_Return)
    app.wait(lambda: app.state.info is not None and app.state.model.endswith("vae.safetensors"))
    app.settle()
    assert models.selected() == app.state.model
    # A model that is chosen elsewhere comes out of its group.
    card = next(card for card in app.state.models if card.title == "Cartoons GAN 32")
    app.explore.looks.open_model(card.key)
    app.wait(lambda: app.state.model == card.key)
    assert "Cartoons GAN 32" in rows(app)
    assert models.selected() == card.key


def test_rows_lie_beneath_each_other(box: None, open_app: OpenApp) -> None:
    models = open_app(model="Faces Glow 32").explore_view.library.models
    rects = [models.item_rect(index) for index in range(models.item_count())]
    assert all(low.top() > high.bottom() for high, low in itertools.pairwise(rects))
    assert rects[-1].bottom() < models.sizeHint().height() <= models.height()


def test_a_photo_is_compared_with_what_shows_the_same(box: None, open_app: OpenApp) -> None:
    app = open_app(model="Faces Glow 32")
    assert [row.title for row in chosen_models(app.state)] == ["Faces Glow 32"]
    digits = next(card.key for card in app.state.models if card.title == "Digits VAE 32")
    assert [row.title for row in chosen_models(replace(app.state, model=digits))] == ["Digits VAE 32"]
    # The person's own model goes with the first group of the box.
    own = next(card.key for card in app.state.models if card.title == "My faces")
    assert [row.title for row in chosen_models(replace(app.state, model=own))] == ["Faces Glow 32"]


def test_one_group_needs_no_heading(app: App) -> None:
    assert rows(app) == ["Tiny VAE", "Tiny GAN", "Tiny Glow"]
    assert list(in_groups(app.state.models)) == ["Yours"]
