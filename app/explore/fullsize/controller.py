"""The photo at its own size: which part of it is on screen, and the edits of its faces in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QObject, QTimer

from app.core.store import Store
from app.explore.controller import ExploreController
from app.explore.fullsize.faces import Shas, face_edit, kept_looks, marked, other_edits, photo_of
from app.explore.fullsize.scene import Canvases, Wish, alike, blend, make_scene
from app.explore.fullsize.shown import photo_is_seen
from app.explore.fullsize.state import Blended, FaceEdit, Layer, Scene
from app.explore.fullsize.zoom import Zoom, clamped, panned, place_of, zoomed
from app.explore.history.split_reference import reference_look, reference_of
from app.explore.photos.controller import PhotoController
from app.explore.photos.state import PhotoItem
from app.look import Look
from app.state import AppState, moved
from engine.api import Cut, Drawn, Framing, Loaded, Pictures
from engine.events import Failed

REST_MS: Final = 150
"""A hand that holds still so long gets the sharp picture."""
REMOVED: Final = "This photo is no longer in the library: drop it again to see it whole."
ONLY_CUT: Final = "Only the part of the photo that the model saw was kept, so there is no whole photo to show."


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is being blended."""

    scene: Scene
    layer: Layer
    reference: Layer | None
    fine: bool

    def same(self, other: _Asked | None) -> bool:
        if other is None or self.scene is not other.scene or self.fine != other.fine:
            return False
        return self.layer.same(other.layer) and alike(self.reference, other.reference)


class FullSizeController(QObject):
    """Keeps what is on screen in step with the look, the zoom and the history; all drawing is on the model lane."""

    def __init__(
        self,
        store: Store,
        looks: ExploreController,
        photos: PhotoController,
        parent: QObject | None = None,
        *,
        remember: Callable[[str], None] = lambda wanted: None,
    ) -> None:
        super().__init__(parent)
        self._store, self._looks, self._photos, self._remember = store, looks, photos, remember
        self._canvases = Canvases(store.photo_loader.whole)
        self._shas: Shas = {}
        self._wish: Wish | None = None
        self._scene: Scene | None = None
        self._asked: _Asked | None = None
        self._resting: Blended | None = None
        self._framed: dict[str, Loaded | None] = {}
        self._unframed: dict[str, str] = {}
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(lambda: self._blend(fine=True))
        looks.compose = self.compose
        photos.kept_look = self.kept_look
        store.changed.connect(self._changed)
        store.modelOpened.connect(self._model_opened)

    # what is asked for
    def show(self, wanted: str) -> None:
        """The photo, or (model) what the model sees."""
        self._store.change("full", wanted=wanted)
        self._remember(wanted)

    def toggle(self) -> None:
        """From the one to the other."""
        self.show("model" if self._state.full.wanted == "photo" else "photo")

    def hold_before(self, on: bool) -> None:
        """The untouched photo, while a key is held."""
        if on != self._state.full.before:
            self._store.change("full", before=on)

    def fold(self, folded: bool) -> None:
        """The card with what the model sees."""
        self._store.change("full", folded=folded)

    def set_room(self, width_px: int, height_px: int) -> None:
        """How much of the screen there is for the photo, in its pixels."""
        if (width_px, height_px) != self._state.full.room:
            self._store.change("full", room=(width_px, height_px))
            self._put(self._state.full.zoom)

    def set_zoom(self, mode: str) -> None:
        """Fit, fill or one (1:1); the middle stays, at 1:1 it is the active face's."""
        full = self._state.full
        self._put(replace(full.zoom, mode=mode) if mode == "one" else Zoom(mode, x=0.5, y=0.5), face=mode != "fit")

    def zoom(self, x_px: float, y_px: float, notches: float) -> None:
        """The wheel over this pixel of the room."""
        full = self._state.full
        if full.place is not None:
            self._put(zoomed(full.zoom, full.size, full.room, about=(x_px, y_px), notches=notches))

    def pan(self, x_px: float, y_px: float) -> None:
        """The photo is pushed by so many pixels."""
        full = self._state.full
        if full.place is not None:
            self._put(panned(full.zoom, full.size, full.room, by=(x_px, y_px)))

    def choose_face(self, number: int) -> None:
        """Another face of the photo, as its edits were left; `number` counts from 1."""
        key = self._state.photo
        if key is not None and number > 0:
            self._photos.reframe(key, Cut(face=number - 1))

    def _put(self, zoom: Zoom, *, face: bool = False) -> None:
        full = self._state.full
        if not all(full.size) or not all(full.room):
            self._store.change("full", zoom=zoom)
            return
        active = next((one for one in full.faces if one.active), None)
        if face and active is not None:
            x, y = (sum(corner[axis] for corner in active.corners) / 4 / full.size[axis] for axis in (0, 1))
            zoom = replace(zoom, x=x, y=y)
        zoom = clamped(zoom, full.size, full.room)
        self._store.change("full", zoom=zoom, place=place_of(zoom, full.size, full.room))

    # what others ask
    def edits_on_photo(self) -> tuple[FaceEdit, ...]:
        """The edited faces of the photo on show, the active one last; empty where none is edited, or no photo is on
        show whose framing is known."""
        active = self.active_face()
        if active is None:
            return ()
        others = self.other_faces(active.framing)
        return (*others, active) if active.picture is not active.base else others

    def active_face(self) -> FaceEdit | None:
        """The face that the sliders move, edited or not; None where no photo is on show whose framing is known."""
        state = self._state
        if state.look is None or state.look.photo is None or state.info is None:
            return None
        drawn = state.drawn
        picture = drawn.picture if drawn is not None and drawn.request == state.look.request() else None
        # A run's newer weights come without the model being opened anew.
        same = state.look.model == state.model
        sha = state.info.sha256 if same else self._shas.get(state.look.model, "")
        return face_edit(state.look, self._photos, sha256=sha, picture=picture)

    def size_of(self, key: str) -> tuple[int, int] | None:
        """Width and height of the photo of this item; None where it is not on show in Single."""
        blended = self._state.blended
        return blended.scene.size if blended is not None and self._same_photo(blended.scene.key, key) else None

    def other_faces(self, framing: Framing) -> tuple[FaceEdit, ...]:
        """The edited faces of the photo on show but the one whose `framing` this is."""
        return other_edits(self._state, self._photos, shas=self._shas, framing=framing)

    def kept_look(self, key: str) -> Look | None:
        """How another face of the photo on show was left, by the model on show."""
        state = self._state
        if state.look is None or state.look.photo is None or key == state.look.photo:
            return None
        if not self._same_photo(key, state.look.photo):
            return None
        look, _ = kept_looks(state).get(key, (None, None))
        return look if look is not None and look.model == state.model else None

    def compose(self, look: Look) -> Callable[[Drawn], Blended] | None:
        """How a picture of this look is laid on the scene, right after it was drawn; None while there is no scene."""
        scene, state = self._scene, self._state
        if scene is None or scene.key != look.photo or not photo_is_seen(state):
            return None
        reference, fine, last = self._reference(state), not state.moving, state.blended
        return lambda drawn: blend(
            scene, Layer(drawn.picture, look.strength), reference=reference, last=last, fine=fine
        )

    # keeping up
    @property
    def _state(self) -> AppState:
        return self._store.state

    def _same_photo(self, key: str, other: str) -> bool:
        return photo_of(key, self._photos) == photo_of(other, self._photos)

    def _model_opened(self) -> None:
        state = self._state
        if state.model is not None and state.info is not None:
            self._shas[state.model] = state.info.sha256

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.closing:
            self._rest.stop()
            return
        photo = now.look.photo if now.look is not None else None
        if photo is None:
            self._leave()
            return
        full, old = now.full, before.full
        other = before.look is None or before.look.photo != photo
        if other and full.why:
            self._store.change("full", why="")
        if (
            other
            or moved(now, before, "encoded", "loaded", "history", "photos", "view", "workspace")
            or (now.look is not before.look and not now.moving)
            or (full.wanted != old.wanted or full.zoom is not old.zoom or full.room != old.room)
        ):
            self._follow(now, photo)
        self._blend(fine=not now.moving)

    def _leave(self) -> None:
        """The look is of no photo."""
        if self._wish is None and self._scene is None and self._state.blended is None:
            return
        self._wish = self._scene = None
        self._asked = None
        self._rest.stop()
        self._store.update(blended=None, full=replace(self._state.full, why="", faces=(), place=None, size=(0, 0)))

    def _follow(self, now: AppState, photo: str) -> None:
        """Asks for a new scene where another one is wanted."""
        item, encoded, loaded = self._photos.item(photo), now.encoded, now.loaded
        changed = self._scene is not None and not self._same_photo(self._scene.key, photo)
        if changed and encoded is None:
            self._leave()
        if now.photo != photo or encoded is None or not photo_is_seen(now) or not all(now.full.room):
            return
        framing = loaded.framing if loaded is not None else None
        if item is None and self._scene is not None and self._scene.key == photo:
            # It was taken out of the library; what is known of it is still there.
            return
        if item is None or (framing is None and isinstance(item.source, np.ndarray)):
            self._give_up(ONLY_CUT if item is not None else REMOVED)
            return
        if framing is None:
            if changed:
                # What is on show is another photo.
                self._leave()
            self._frame(item)
            return
        for key in kept_looks(now):
            other = self._photos.item(key)
            if other is not None and self._same_photo(key, photo) and not self._photos.framing_of(key):
                self._frame(other)
        others = other_edits(now, self._photos, shas=self._shas, framing=framing)
        wish = Wish(photo, item.source, framing, encoded.reconstruction, others, now.full.zoom, now.full.room)
        if self._scene is not None and not changed:
            # Those of another photo come with its picture.
            faces = marked(now, self._photos, framing=framing, others=others)
            if faces is not now.full.faces:
                self._store.change("full", faces=faces)
        if wish.means(self._wish):
            return
        if changed:
            # Another photo begins as a whole; the one on show stays until it is there.
            self._scene, wish = None, replace(wish, zoom=Zoom())
            self._store.change("full", zoom=wish.zoom)
        self._wish = wish
        self._make(wish)

    def _make(self, wish: Wish) -> None:
        store, host, canvases, old = self._store, self._store.model_host, self._canvases, self._scene
        drawn, look = store.state.drawn, store.state.look
        layer = None
        if drawn is not None and look is not None and look.request() == drawn.request:
            layer = Layer(drawn.picture, look.strength)
        reference, fine = self._reference(store.state), not store.state.moving

        def draw(one: FaceEdit) -> Pictures:
            return host.model(one.look.model, one.sha256).draw(one.look.request()).picture

        def work() -> tuple[Scene, Blended | None]:
            scene = make_scene(wish, canvases, old=old, draw=draw)
            return scene, None if layer is None else blend(scene, layer, reference=reference, last=None, fine=fine)

        def done(made: tuple[Scene, Blended | None]) -> None:
            if self._wish is not wish:
                return
            self._scene, blended = made
            full = store.state.full
            size = self._scene.size
            place = place_of(full.zoom, size, full.room)
            faces = marked(store.state, self._photos, framing=wish.framing, others=wish.others)
            changes: dict[str, Any] = {"full": replace(full, why="", size=size, place=place, faces=faces)}
            there = store.state.blended
            if blended is not None or (there is not None and not self._same_photo(there.scene.key, wish.key)):
                changes["blended"] = blended
            store.update(**changes)

        def failed(event: Failed) -> None:
            if self._wish is wish:
                self._give_up(event.message)

        store.tasks.submit("model", "show the photo", lambda context: work(), done=done, failed=failed, latest="scene")

    def _frame(self, item: PhotoItem) -> None:
        """Where the model's picture was cut out of a photo that came back with a session, found again."""
        store, info = self._store, self._state.info
        if info is None or isinstance(item.source, np.ndarray):
            return
        lacks, look = self._photos.loaded(item.key, info.image_size), self._state.look
        if item.key in self._framed and self._framed[item.key] is lacks:
            if item.key in self._unframed and look is not None and look.photo == item.key:
                self._give_up(self._unframed[item.key])
            return
        self._framed[item.key] = lacks
        self._unframed.pop(item.key, None)
        size, loader = info.image_size, store.photo_loader

        def failed(event: Failed) -> None:
            self._unframed[item.key] = event.message
            look = self._state.look
            if look is not None and look.photo == item.key:
                self._give_up(event.message)

        store.tasks.submit(
            "files",
            "find the photo's framing",
            lambda context: loader.load(item.source, size=size, cut=item.cut, name=item.name),
            done=lambda found: self._photos.keep_framing(item.key, found),
            failed=failed,
        )

    def _give_up(self, why: str) -> None:
        """The model's view is what there is to show; `why` says so."""
        if self._state.full.why != why or self._state.blended is not None:
            self._wish = self._scene = None
            self._store.update(blended=None, status=why, full=replace(self._state.full, why=why, faces=()))

    def _reference(self, state: AppState) -> Layer | None:
        """The layer of the state left of the handle; the unedited photo's where that is of another."""
        if not state.split.on or self._wish is None:
            return None
        _, picture = reference_of(state)
        look = reference_look(state)
        if picture is None or look is None or look.photo != self._wish.key or look.model != state.model:
            return Layer(self._wish.base)
        return Layer(picture, look.strength)

    def _blend(self, *, fine: bool) -> None:
        """Asks for the picture on screen where what is there is not of this scene, or only quick."""
        store, state, scene, look = self._store, self._state, self._scene, self._state.look
        if scene is None or look is None or look.photo != scene.key or state.drawn is None or not photo_is_seen(state):
            return
        if state.drawn.request != look.request():
            # It comes with its own.
            return
        layer = Layer(state.drawn.picture, look.strength)
        reference, there = self._reference(state), state.blended
        right = there is not None and there.scene is scene and layer.same(there.layer)
        if right and there is not None and alike(there.reference, reference) and (there.fine or not fine):
            if not there.fine and self._resting is not there:
                self._resting = there
                self._rest.start()
            return
        asked = _Asked(scene, layer, reference, fine)
        if asked.same(self._asked):
            return
        self._asked = asked

        def done(blended: Blended) -> None:
            self._asked = None
            now = self._state
            if self._scene is scene and now.drawn is not None and now.drawn.picture is layer.picture:
                store.update(blended=blended)

        def failed(event: Failed) -> None:
            # Not asked for again before something changes.
            store.notices.failed(event)

        store.tasks.submit(
            "model",
            "blend",
            lambda context: blend(scene, layer, reference=reference, last=there, fine=fine),
            done=done,
            failed=failed,
            latest="blend",
        )
