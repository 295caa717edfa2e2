"""The views beside the single picture: one photo through every model, and a grid of samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from app.explore_controller import ExploreController
from app.hub import Hub
from app.photo_controller import PhotoController, Target
from app.state import AppState, CompareRow
from app.views.grid import COUNT
from app.words import encodes
from engine.api import Codes, ModelInfo, Pictures
from engine.events import Failed


class CompareController(QObject):
    """Opens one model after another on the study lane and shows each as soon as it is ready."""

    def __init__(self, hub: Hub, photos: PhotoController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hub, self._photos = hub, photos
        self._round = 0
        self._shown: str | None = None
        hub.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.view == "compare" and (now.photo != self._shown or now.models is not before.models):
            self.compare()

    def compare(self) -> None:
        """The current photo through all models of the box, or of the user where the box is empty."""
        state = self._hub.state
        self._round += 1
        self._shown = state.photo
        shipped = [card for card in state.models or () if card.shipped]
        cards = shipped or list(state.models or ())
        rows = tuple(CompareRow(card.key, card.title, card.family_title) for card in cards)
        self._hub.update(compare=rows)
        if state.photo is None:
            return
        for row in rows:
            self._start(row.ref, state.photo, self._round)

    def _row(self, ref: str, round_number: int, **changes: Any) -> None:
        if round_number == self._round:
            rows = self._hub.state.compare
            self._hub.update(compare=tuple(replace(r, **changes) if r.ref == ref else r for r in rows))

    def _start(self, ref: str, photo: str, round_number: int) -> None:
        host = self._hub.study_host

        def opened(info: ModelInfo) -> None:
            if round_number != self._round:
                return
            target = Target.of(ref, info)
            self._row(ref, round_number, status="working", detail=encodes(info.encode))
            self._photos.encode(
                photo,
                target,
                done=lambda encoded: self._row(ref, round_number, status="done", encoded=encoded, fraction=None),
                gave_up=lambda: self._row(ref, round_number, status="failed", message="Not encoded."),
                progress=lambda fraction: self._row(ref, round_number, fraction=fraction),
            )

        def failed(event: Failed) -> None:
            self._row(ref, round_number, status="failed", message=event.message)

        self._hub.desk.submit(
            "study", "open a model to compare", lambda context: host.model(ref).info, done=opened, failed=failed
        )


class GridController(QObject):
    """Samples of the prior at the current temperature."""

    def __init__(self, hub: Hub, explore: ExploreController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hub, self._explore = hub, explore
        hub.changed.connect(self._changed)
        hub.modelOpened.connect(self._refresh)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.view != "grid":
            return
        if before.view != "grid" or before.temperature != now.temperature or before.grid.seed != now.grid.seed:
            self._refresh()

    def roll(self) -> None:
        """Other samples."""
        grid = self._hub.state.grid
        self._hub.update(grid=replace(grid, seed=grid.seed + 1, chosen=-1))

    def pick(self, index: int) -> None:
        """A sample becomes the current code."""
        grid = self._hub.state.grid
        if grid.codes is not None and index < len(grid.codes):
            self._hub.update(grid=replace(grid, chosen=index))
            self._explore.take_code(grid.codes[index], f"Sample {grid.seed}.{index + 1}")

    def _refresh(self) -> None:
        hub, state = self._hub, self._hub.state
        if state.view != "grid" or state.info is None or state.model is None:
            return
        host, ref, sha = hub.model_host, state.model, state.info.sha256
        seed, temperature = state.grid.seed, state.temperature
        hub.step_aside()

        def done(found: tuple[Codes, Pictures]) -> None:
            if (hub.state.model, hub.state.grid.seed) == (ref, seed):
                same = hub.state.grid.pictures is not None and hub.state.temperature == temperature
                chosen = hub.state.grid.chosen if same else -1
                hub.update(grid=replace(hub.state.grid, codes=found[0], pictures=found[1], chosen=chosen))

        hub.desk.submit(
            "model",
            "draw the grid",
            lambda context: _samples(host.model(ref, sha), seed, temperature),
            done=done,
            latest="grid",
        )


def _samples(model: Any, seed: int, temperature: tuple[float, ...]) -> tuple[Codes, Pictures]:
    codes: Codes = model.sample(COUNT, temperature=temperature, seed=seed)
    return codes, model.decode(codes)
