"""Sessions: saved, opened, autosaved, and restored after a crash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from app.core.file_kinds import safe_stem
from app.core.store import Store
from app.explore.controller import ExploreController
from app.explore.photos.controller import PhotoController
from app.explore.photos.state import PhotoItem
from app.explore.sessions import files as session_files
from app.explore.sessions.contents import Restored, Session, moved_here, pack, photos_of, seed_of, shown_first, unpack
from app.explore.sessions.originals import OriginalKeeper, Originals
from app.state import AppState
from engine.api import ModelCard
from engine.blending import BACKGROUNDS
from engine.checkpoints import SESSION_SUFFIX, LoomFile, load_loom, save_loom
from engine.errors import CheckpointError
from engine.events import Failed

AUTOSAVE_MS: Final = 1500
"""After the last change: short enough that a crash loses hardly any work."""
LONGEST_MS: Final = 15_000
"""Work that never pauses is saved all the same."""
KEPT: Final = ("look", "history", "bookmarks", "photos", "view", "encoded", "reach", "comparison")
Saved = Callable[[Originals], None]


class SessionController(QObject):
    """Writes on the files lane, from frozen values; a drag waits for nothing."""

    used = Signal(str)
    """A session file was opened or saved: it belongs to the recent files."""

    def __init__(
        self, store: Store, explore: ExploreController, photos: PhotoController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._explore, self._photos = store, explore, photos
        self._folder: Path | None = None
        self._shas: dict[str, str] = {}
        self._restoring: Restored | None = None
        self._keeper = OriginalKeeper()
        self._since = QElapsedTimer()
        self._timer = QTimer(self, interval=AUTOSAVE_MS, singleShot=True)
        self._timer.timeout.connect(self.autosave)
        store.changed.connect(self._changed)
        store.modelOpened.connect(self._model_opened)

    # by itself
    def begin(self, folder: Path, otherwise: Callable[[], None]) -> None:
        """Keeps sessions in `folder` from now on, and puts the one of last time back, or calls `otherwise`."""
        self._folder = folder

        def found(last: session_files.LastSession) -> None:
            if last.problem:
                self._store.notices.warn(last.problem)
            if last.file is None:
                otherwise()
                return
            said = _after_crash(last.minutes_ago) if last.crashed else ""
            self._read(last.file, said=said, otherwise=otherwise)

        self._store.tasks.submit(
            "files", "look for the last session", lambda context: session_files.last_time(folder), done=found
        )

    def keep_in(self, folder: Path) -> None:
        """Keeps sessions in `folder` without putting one back."""
        self._folder = folder

    def autosave(self) -> None:
        """Writes this window's session now."""
        self._since.invalidate()
        if self._folder is not None and self._store.state.history.entries and self._restoring is None:
            self._write(session_files.own_file(self._folder), lambda originals: None, latest="autosave")

    def close(self) -> None:
        """Writes the session here, since the lanes are about to end."""
        self._timer.stop()
        if self._folder is None or not self._store.state.history.entries or self._restoring is not None:
            return
        try:
            save_loom(session_files.own_file(self._folder), self._content(), beside=True)
        except CheckpointError as error:
            self._store.notices.warn(str(error))
        session_files.closed_well(self._folder)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.model is not None and now.info is not None:
            self._shas[now.model] = now.info.sha256
        if self._restoring is not None and before.opening is not None and now.opening is None:
            if now.info is before.info:
                self._ended()  # Its model could not be opened; why has been said.
        if self._folder is None or now.closing:
            return
        slots = now.morph.slots is not before.morph.slots
        if slots or any(getattr(now, name) is not getattr(before, name) for name in KEPT):
            if not self._since.isValid():
                self._since.start()
            if self._since.elapsed() < LONGEST_MS:
                self._timer.start()

    # by hand
    def suggested_name(self) -> str:
        """``Anna, Faces Glow 64.loom``: the photo on show and the model; empty where there is neither."""
        state = self._store.state
        photo = next((item.name for item in state.photos if item.key == state.photo), "")
        words = [photo, state.info.title if state.info is not None else ""]
        stem = safe_stem(", ".join(word for word in words if word))
        return f"{stem}{SESSION_SUFFIX}" if stem else ""

    def save(self, path: Path) -> None:
        """Writes the session to a file of the user's, with the photos, so that it opens on another machine too."""
        target = path if path.suffix == SESSION_SUFFIX else path.with_name(path.name + SESSION_SUFFIX)

        def saved(originals: Originals) -> None:
            self._store.notices.info(" ".join([f"Saved {target}.", *originals.notes]))
            self.used.emit(str(target))

        self._write(target, saved, files=True)

    def open(self, path: Path) -> None:
        """Puts a session file in the place of what is there, which is kept as the previous session."""
        if self._folder is not None and self._store.state.history.entries:
            self._write(self._folder / session_files.PREVIOUS, lambda originals: None)
        self._read(path, said=f"Opened {path.name}.", otherwise=lambda: None)

    def open_previous(self) -> None:
        """Back to the session that was there before another one was opened."""
        previous = None if self._folder is None else self._folder / session_files.PREVIOUS
        if previous is None or not previous.is_file():
            self._store.notices.info("There is no session before this one.")
            return
        self._read(previous, said="The session before is back.", otherwise=lambda: None)

    def _content(self) -> LoomFile:
        state = self._store.state
        originals = self._keeper.keep(photos_of(state), files=False)
        return pack(state, self._photos.kept(), dict(self._shas), originals=originals)

    def _write(self, path: Path, saved: Saved, *, latest: str | None = None, files: bool = False) -> None:
        """`files`: with the photos whose files are on this machine."""
        state, kept, shas, keeper = self._store.state, self._photos.kept(), dict(self._shas), self._keeper

        def work() -> Originals:
            originals = keeper.keep(photos_of(state), files=files)
            # What is written again and again has its photos beside it.
            save_loom(path, pack(state, kept, shas, originals=originals), beside=not files)
            return originals

        self._store.tasks.submit("files", "save the session", lambda context: work(), done=saved, latest=latest)

    def _read(self, path: Path, *, said: str, otherwise: Callable[[], None]) -> None:
        models, folder = self._store.state.models or (), self._folder
        shipped = tuple(photo for photo in self._store.state.photos if photo.shipped)

        def work() -> Restored:
            if folder is not None:
                session_files.begin_restoring(folder)
            return _restored(path, models, shipped)

        def failed(event: Failed) -> None:
            if folder is not None:
                session_files.restored(folder)
            self._store.notices.failed(event)
            otherwise()

        def done(found: Restored) -> None:
            self._put_back(found, said=said, otherwise=otherwise)
            if said.startswith("Opened"):
                self.used.emit(str(path))

        self._store.tasks.submit("files", "open the session", lambda context: work(), done=done, failed=failed)

    def _put_back(self, found: Restored, *, said: str, otherwise: Callable[[], None]) -> None:
        store, session = self._store, found.session
        look = shown_first(session, store.state.models or ())
        sentences = [*([said] if said else []), *found.missing]
        if look is None:
            self._ended()
            store.notices.warn(" ".join([*sentences, "None of its models is here, so nothing was put back."]))
            otherwise()
            return
        self._photos.recall(found)
        ours = {item.key for item in found.photos}
        store.update(
            photos=(*found.photos, *(item for item in store.state.photos if item.key not in ours)),
            history=_at_look(session, look),
            bookmarks=session.bookmarks,
            comparison=session.comparison,
            seed=seed_of(look, session.seed),
            reach=session.reach,
            photo=look.photo,
            loaded=None,
            encoded=None,
        )
        self._restoring = found
        self._explore.open_model(look.model, then=look)
        if found.missing:
            store.notices.warn(" ".join(sentences))
        elif said:
            store.notices.info(said)

    def _model_opened(self) -> None:
        found, self._restoring = self._restoring, None
        if found is None:
            return
        session, state = found.session, self._store.state
        same = session.look is not None and state.look is not None and session.look.model == state.look.model
        if same:
            morph = replace(
                state.morph,
                slots=session.slots,
                method=session.method,
                fraction=session.fraction,
                timing=session.timing,
                export=session.export,
                background=session.background if session.background in BACKGROUNDS else state.morph.background,
            )
            self._store.update(morph=morph)
        self._store.update(view=session.view if session.view in ("single", "compare", "grid", "morph") else "single")
        self._ended()

    def _ended(self) -> None:
        self._restoring = None
        if self._folder is not None:
            session_files.restored(self._folder)


def _restored(path: Path, models: tuple[ModelCard, ...], shipped: tuple[PhotoItem, ...]) -> Restored:
    content = load_loom(path)
    return moved_here(unpack(content, path.name), content, models=models, shipped=shipped)


def _at_look(session: Session, look: object) -> object:
    """The history with its current entry at this look, where it has one."""
    history = session.history
    here = next((entry.number for entry in reversed(history.entries) if entry.look == look), None)
    return history if here is None or here == history.current else history.at(here)


def _after_crash(minutes: float) -> str:
    when = "a moment" if minutes < 1 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
    return f"The window did not close properly last time; your work of {when} ago is back."
