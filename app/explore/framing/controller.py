"""The framing panel: which face of a photo is taken, or where its eyes are, tried out before it is used."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject

from app.core.notices import Message
from app.core.store import Store
from app.explore.framing.cut import MIDDLE, by_hand
from app.explore.framing.state import FrameState
from app.explore.photos.controller import PhotoController
from app.explore.photos.state import PhotoItem
from app.state import AppState
from engine.api import Cut, Loaded, Point
from engine.events import Failed

NO_PHOTO: Final = Message("There is no photo to frame: drop one on the window, or choose one at the left.", "warning")
NO_FACE: Final = "No face was found, so the middle of the picture is used: click the eyes, or keep the middle."
GONE: Final = Message("This photo is no longer in the library: drop it again to frame it.", "warning")


class FramingController(QObject):
    """Opens the panel, tries cuts on the files lane, and hands the chosen one to the photos."""

    def __init__(self, store: Store, photos: PhotoController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._photos = store, photos
        self._offered: set[str] = set()
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.frame is not None and now.photo != now.frame.key:
            self._close()
        if now.loaded is not before.loaded:
            self._offer(self._store.state)

    def _offer(self, now: AppState) -> None:
        """A photo without a face asks once, and only where one looks at it; its middle is encoded meanwhile."""
        key, loaded = now.photo, now.loaded
        if key is None or loaded is None or loaded.framing is None or key in self._offered:
            return
        item = self._photos.item(key)
        seen = now.workspace == "explore" and now.view == "single" and now.frame is None
        found_nothing = loaded.how == "centre" and not loaded.framing.faces
        if seen and found_nothing and item is not None and item.cut == Cut():
            self._offered.add(key)
            self._open(item, why=NO_FACE)

    # opening and closing
    def open(self) -> None:
        """The panel for the current photo."""
        state = self._store.state
        if state.frame is not None:
            return
        if state.photo is None:
            self._store.notices.say(NO_PHOTO)
            return
        item = self._photos.item(state.photo)
        if item is None:
            self._store.notices.say(GONE)
            return
        self._store.update(workspace="explore", view="single")
        self._open(item)

    def _open(self, item: PhotoItem, *, why: str = "") -> None:
        loaded = self._store.state.loaded
        framing = loaded.framing if loaded is not None else None
        if framing is not None and framing.overview is None:
            framing = None
        self._store.update(frame=FrameState(item.key, item.name, why, item.cut, framing))
        if framing is None:
            self._propose(item.cut)

    def _close(self) -> None:
        if self._store.state.frame is not None:
            self._store.update(frame=None)

    def cancel(self) -> None:
        """One step out: from clicking to the cut before it, then out of the panel; nothing is changed."""
        frame = self._store.state.frame
        if frame is None:
            return
        if frame.clicking:
            self._back_to_first(frame)
        else:
            self._close()

    def _back_to_first(self, frame: FrameState) -> None:
        item = self._photos.item(frame.key)
        cut = item.cut if item is not None else Cut()
        self._store.change("frame", clicking=False, points=(), cut=cut, proposed=None, busy=False, message="")
        if self._store.state.frame is not None and self._store.state.frame.framing is None:
            self._propose(cut)

    # choosing
    def choose_face(self, face: int) -> None:
        """Tries another face."""
        self._store.change("frame", clicking=False, points=())
        self._propose(Cut(face=face))

    def take_middle(self) -> None:
        """Tries the middle of the photo, without looking for a face."""
        self._store.change("frame", clicking=False, points=())
        self._propose(Cut(align=MIDDLE))

    def start_clicking(self) -> None:
        """From now on clicks are eyes and mouth."""
        self._store.change("frame", clicking=True, points=(), message="")

    def set_points(self, points: tuple[Point, ...]) -> None:
        """Markers were set, moved or taken away; two eyes are enough to try."""
        frame = self._store.state.frame
        if frame is None or not frame.clicking:
            return
        self._store.change("frame", points=tuple(points), message="")
        if len(points) >= 2:
            self._propose(by_hand(tuple(points)))
        else:
            self._store.change("frame", proposed=None, busy=False)

    def undo_point(self) -> None:
        """Takes the last marker away."""
        frame = self._store.state.frame
        if frame is not None and frame.points:
            self.set_points(frame.points[:-1])

    def _propose(self, cut: Cut) -> None:
        store, frame = self._store, self._store.state.frame
        item = self._photos.item(frame.key) if frame is not None else None
        if frame is None or item is None or store.state.info is None:
            return
        key, size = frame.key, store.state.info.image_size
        self._store.change("frame", cut=cut, busy=True, message="")

        def asked() -> FrameState | None:
            now = store.state.frame
            return now if now is not None and now.key == key and now.cut == cut and now.busy else None

        def done(loaded: Loaded) -> None:
            now = asked()
            if now is not None:
                framing = now.framing or loaded.framing
                store.update(frame=replace(now, proposed=loaded, framing=framing, busy=False))

        def failed(event: Failed) -> None:
            if asked() is not None:
                self._store.change("frame", busy=False, proposed=None, message=event.message)

        store.tasks.submit(
            "files",
            "frame the photo",
            lambda context: store.photo_loader.load(item.source, size=size, cut=cut, name=item.name),
            done=done,
            failed=failed,
            latest="frame",
        )

    def use(self) -> None:
        """What is tried becomes the photo's cut and is encoded."""
        frame, info = self._store.state.frame, self._store.state.info
        if frame is None or info is None or frame.message or (frame.clicking and len(frame.points) < 2):
            return
        item, ready = self._photos.item(frame.key), frame.proposed
        self._close()
        if item is None or frame.cut == item.cut:
            return
        fits = ready is not None and not frame.busy and ready.picture.shape[0] == info.image_size
        self._photos.reframe(frame.key, frame.cut, ready if fits else None)
