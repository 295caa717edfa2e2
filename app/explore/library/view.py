"""The left panel of Explore: models, runs and photos to choose from."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.core.model_host import run_ref
from app.explore.history.bookmarks_view import BookmarksPanel
from app.explore.library.groups import FIRST, YOURS, group_of, in_groups
from app.explore.shortcuts import keys_text
from app.run_card import RunCard
from app.state import AppState, moved
from app.widgets.cards import Card, CardList, DropZone, Thumb, ThumbGrid
from app.widgets.form import Section
from app.widgets.labels import kind_label
from app.widgets.layout import held, scrolled, vbox
from app.words import ago, encodes, millions
from engine.api import ModelCard

WIDTH_PX = 240
GROUP = "group:"
"""Before the name of a group, as the key of its heading."""
RUNS = 30
"""The newest runs; all of them are in Train."""


class Library(QWidget):
    """Emits what was chosen; a key is a model's file, a run's folder or a photo's key."""

    modelChosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "panel-left")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH_PX)
        self.models = CardList(empty_text="Looking for models…")
        self._no_models = kind_label("muted", "No model yet: train one, or drop a model file below.", wordWrap=True)
        self.runs = CardList(empty_text="Runs that you train appear here, also while they train.")
        self.bookmarks = BookmarksPanel()
        self.photos = ThumbGrid(columns=4, empty_text="")
        self.drop = DropZone("Drop photos here,\nor click to open")
        self.drop.setToolTip(f"Photos, a folder, a model or a run; a click opens a file ({keys_text('photo.open')})")
        self.models.activated.connect(self._activated)
        self._cards: tuple[ModelCard, ...] = ()
        self._open = {FIRST, YOURS}
        self._shown: str | None = None
        self._encode: dict[str, str] = {}
        self.run_section = Section("Runs", action="Train")
        model_section, photo_section = Section("Models"), Section("Photos")
        model_section.add(self.models)
        model_section.add(self._no_models)
        self.run_section.add(self.runs)
        photo_section.add(self.photos)
        photo_section.add(self.drop)
        sections = (model_section, self.run_section, self.bookmarks, photo_section)
        self.setLayout(vbox(scrolled(held(vbox(*sections, None, gap_px=12, margins=(12, 8, 12, 12))))))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "models", "info"):
            self.models.setVisible(now.models != ())
            self._no_models.setVisible(now.models == ())
            self._cards = now.models or ()
            self._encode = {} if now.info is None else {now.info.key: now.info.encode}
        if moved(now, before, "models", "info", "model", "opening"):
            shown = now.opening or now.model
            if shown != self._shown or moved(now, before, "models"):
                # What is on show is never hidden; folding it away afterwards is the person's choice.
                self._open |= {group_of(card) for card in self._cards if card.key == shown}
            self._shown = shown
            self._show_models()
        if moved(now, before, "runs", "training"):
            self.runs.set_cards([run_card(card, now) for card in now.runs[:RUNS]])
        if moved(now, before, "runs", "model", "opening"):
            shown = now.opening or now.model
            found = next((str(c.info.path) for c in now.runs[:RUNS] if run_ref(c.info.path) == shown), None)
            self.runs.set_selected(found)
        if moved(now, before, "photos"):
            self.photos.set_thumbs([Thumb(p.key, p.thumb, p.name, p.faces) for p in now.photos if p.listed])
        self.bookmarks.show_state(now, before)
        if moved(now, before, "photos", "photo"):
            known = any(p.key == now.photo for p in now.photos)
            self.photos.set_selected(now.photo if known else None)

    def _show_models(self) -> None:
        """One group is a plain list; several have headings that fold."""
        groups = in_groups(self._cards)
        rows: list[Card] = []
        for name, cards in groups.items():
            unfolded = name in self._open or len(groups) == 1
            if len(groups) > 1:
                tip = f"{name}: {len(cards)} models\n{'Fold' if unfolded else 'Unfold'} (Enter)"
                rows.append(Card(GROUP + name, name, str(len(cards)), heading=True, unfolded=unfolded, tooltip=tip))
            if unfolded:
                rows += [_model_card(card, self._encode.get(card.key, "")) for card in cards]
        self.models.set_cards(rows)
        self.models.set_selected(self._shown if any(row.key == self._shown for row in rows) else None)

    def _activated(self, key: str) -> None:
        if key.startswith(GROUP):
            self._open ^= {key.removeprefix(GROUP)}
            self._show_models()
            self.models.set_cursor(key)
        else:
            self.modelChosen.emit(key)


def _model_card(card: ModelCard, encode: str = "") -> Card:
    size = f"{millions(card.parameters)} · {card.image_size} px"
    how = f" · {encodes(encode)}" if encode else ""
    tooltip = f"{card.title}\n{card.family_title}, {card.parameters:,} parameters, {card.image_size} pixels{how}"
    return Card(card.key, card.title, f"{card.family_title} · {size}", card.picture, tooltip=tooltip)


def run_card(card: RunCard, now: AppState) -> Card:
    """A run as a row, live while something writes it."""
    status = card.info.status
    mine = now.training is not None and now.training.run == card.info.path
    if mine or status.alive:
        state = now.training.state if mine and now.training is not None else status.state
        step = now.training.step if mine and now.training is not None else status.step
        under = f"step {step:,} · {'training' if state == 'running' else state}"
    else:
        under = f"{status.step:,} steps · {ago(time.time() - card.info.modified)}"
    tooltip = f"{card.info.title}\n{card.info.name}\n{status.state}: {status.step:,} of {status.steps:,} steps"
    if status.message:
        tooltip += f"\n{status.message}"
    return Card(str(card.info.path), card.info.title, under, card.thumb, live=mine or status.alive, tooltip=tooltip)
