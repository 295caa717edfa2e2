"""Photos: taken in, framed for the model, encoded, and made the current code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QObject

from app.core.model_host import run_ref
from app.core.notices import A_PHOTO, NO_MODEL, NOT_DROPPED
from app.core.store import Store
from app.explore.controller import ExploreController
from app.explore.framing.cut import MIDDLE, cut_label, cut_tag
from app.explore.photos.encoder import At, PhotoEncoder, Target
from app.explore.photos.state import NO_THUMB, THUMB_PX, PhotoItem, pasted_key, put_beside, resized_half
from app.explore.sessions.contents import Kept, Restored
from app.look import Look
from app.state import AppState
from app.words import decibels, framing
from engine.api import Coded, Cut, Encoded, Framing, Loaded, PhotoSource, Pictures
from engine.events import Failed
from engine.lanes import Context
from engine.photos import is_picture, thumbnail

LEAST_GAIN_DB: Final = 0.01
"""A smaller gain is not worth a step of the history: nobody would see it."""
FOLDER_LIMIT: Final = 24

__all__ = ["PhotoController", "Target"]


class PhotoController(QObject):
    """Keeps the library's photos and what each model made of them."""

    def __init__(self, store: Store, explore: ExploreController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._explore = store, explore
        self._chosen: At | None = None
        self._encoder = PhotoEncoder(store, item=self.item, on_show=lambda: self._chosen)
        self._loaded, self._encoded = self._encoder.loaded, self._encoder.encoded
        self.encode = self._encoder.encode
        """For all views: one photo through one model, on the study lane; asked twice it is done once."""
        self._before_improve: dict[At, list[Encoded]] = {}
        self.take_model: Callable[[Path], bool] = lambda path: False
        self.kept_look: Callable[[str], Look | None] = lambda key: None
        """How another face of the photo on show was left; None where it was never looked at."""
        self._early: list[Callable[[], None]] = []
        """Photos that came before the first model."""
        self._last_good: tuple[str | None, Loaded | None, Encoded | None] = (None, None, None)
        store.modelOpened.connect(self._model_opened)
        store.jumped.connect(self.restore)
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.encoding and (self._chosen is None or self._chosen[0] != now.photo):
            # A seed or a jump took the photo's place: its search is nobody's any more.
            self._abandon()
            self._store.update(encoding=False)
        if now.loaded is not before.loaded and now.loaded is not None and now.photo is not None:
            self._count_faces(now.photo, now.loaded.faces)

    def _count_faces(self, key: str, faces: int) -> None:
        photos = self._store.state.photos
        if any(p.key == key and p.faces != faces for p in photos):
            self._store.update(photos=tuple(replace(p, faces=faces) if p.key == key else p for p in photos))

    # taking in
    def show_samples(self, paths: tuple[Path, ...]) -> None:
        """The portraits in the box, as thumbnails."""

        def done(items: tuple[PhotoItem, ...]) -> None:
            self._store.update(photos=(*(p for p in self._store.state.photos if not p.shipped), *items))

        def read(context: Context) -> tuple[PhotoItem, ...]:
            names = [(path, path.stem.replace("-", " ")) for path in paths]
            return tuple(PhotoItem(str(p), name, thumbnail(p, 2 * THUMB_PX), p, shipped=True) for p, name in names)

        self._store.tasks.submit("files", "read the portraits", read, done=done)

    def add_files(self, names: list[str], use: Callable[[str], None] | None = None) -> None:
        """Photos, folders of photos, models and runs, dropped or chosen; the first photo is used at once."""
        photos: list[Path] = []
        for path in map(Path, names):
            if self.take_model(path):
                continue
            if (path / "config.json").is_file():
                self._explore.open_model(run_ref(path))
            elif path.is_dir():
                inside = sorted(p for p in path.iterdir() if is_picture(p, refused=True))
                photos += inside[:FOLDER_LIMIT]
                if not inside:
                    self._store.notices.say(NOT_DROPPED)
            else:
                photos.append(path)
        for index, path in enumerate(photos):
            if self.item(str(path)) is not None and index == 0:
                (use or self.choose)(str(path))
                continue
            self._take(str(path), path.stem, path, use=(use or self.choose) if index == 0 else None)

    def add_picture(self, picture: Pictures, use: Callable[[str], None] | None = None) -> None:
        """A picture from the clipboard, or dropped out of another program."""
        self._take(pasted_key(picture), "pasted picture", picture, use=use or self.choose)

    def _take(self, key: str, name: str, source: PhotoSource, *, use: Callable[[str], None] | None) -> None:
        info = self._store.state.info
        if info is None:
            self._wait_for_model(lambda: self._take(key, name, source, use=use))
            return

        def done(loaded: Loaded) -> None:
            item = replace(new, thumb=resized_half(loaded.picture, THUMB_PX), faces=loaded.faces)
            self._store.update(photos=(item, *(p for p in self._store.state.photos if p.key != key)))
            if use is not None:
                use(key)

        new = PhotoItem(key, name, NO_THUMB, source)
        self._encoder.read(new, info.image_size, done=done)

    def _wait_for_model(self, take: Callable[[], None]) -> None:
        """Does it once there is a model; where there is none at all that is said."""
        if self._store.state.models == ():
            self._store.notices.say(NO_MODEL)
        else:
            self._early.append(take)
            self._store.update(status="The photo is opened as soon as the model is there.")

    def remove(self, key: str) -> None:
        """Takes a photo out of the library; the file stays where it is."""
        self._store.update(photos=tuple(p for p in self._store.state.photos if p.key != key))

    def item(self, key: str) -> PhotoItem | None:
        """The photo of this key."""
        return next((p for p in self._store.state.photos if p.key == key), None)

    def loaded(self, key: str, size_px: int) -> Loaded | None:
        """This photo cut for models of this size, if it has been."""
        return self._loaded.get((key, size_px))

    def take_in(
        self,
        base: PhotoItem,
        faces: Sequence[PhotoItem],
        *,
        loaded: Iterable[tuple[str, Loaded]],
        encoded: Iterable[tuple[str, str, Encoded]],
    ) -> None:
        """A photo and others of its faces that were read and encoded elsewhere, to the front of the library."""
        for key, one in loaded:
            cut = self._loaded.get((key, one.picture.shape[0]))
            if cut is None or cut.framing is None or not np.array_equal(cut.picture, one.picture):
                self._loaded[key, one.picture.shape[0]] = one
        for key, sha256, made in encoded:
            found = self._encoded.get((key, sha256))
            # A file may have changed since; a code that was improved stays.
            if found is None or not np.array_equal(found.photo, made.photo):
                self._encoded[key, sha256] = made
        there = {p.key: p for p in self._store.state.photos}
        new = [one for one in (base, *faces) if not (one.key in there and there[one.key].listed)]
        keys = {one.key for one in new}
        self._store.update(photos=(*new, *(p for p in self._store.state.photos if p.key not in keys)))

    # for sessions
    def kept(self) -> Kept:
        """What is remembered of photos, as it stands."""
        loaded: dict[str, tuple[Loaded, ...]] = {}
        for (key, *_), one in self._loaded.items():
            loaded[key] = (*loaded.get(key, ()), one)
        return Kept(loaded, dict(self._encoded))

    def recall(self, found: Restored) -> None:
        """Takes over what a session remembers."""
        for key, pictures in found.loaded.items():
            for one in pictures:
                self._loaded[key, one.picture.shape[0]] = one
        for known in found.session.encodings:
            self._encoded[known.photo, known.sha256] = known.encoded

    # the current photo
    def choose(self, key: str) -> None:
        """This photo into the model on show; its code becomes the current one."""
        store = self._store
        if store.state.info is None or store.state.model is None:
            self._wait_for_model(lambda: self.choose(key))
            return
        target = Target.of(store.state.model, store.state.info)
        at = (key, target.sha256)
        if not store.state.encoding:
            self._last_good = (store.state.photo, store.state.loaded, store.state.encoded)
        if self._chosen != at:
            self._abandon()
        self._chosen = at
        store.update(photo=key, loaded=self._loaded.get((key, target.size)), encoded=None, encoding=True)

        def wanted() -> bool:
            return store.state.photo == key and store.state.model == target.ref

        def framed(loaded: Loaded) -> None:
            if wanted():
                store.update(loaded=loaded)

        def done(encoded: Encoded) -> None:
            if wanted():
                item = self.item(key)
                by = cut_label(item.cut) if item is not None else ""
                label = f"{encoded.name}, {by}" if by and not encoded.name.endswith(by) else encoded.name
                store.update(encoded=encoded, encoding=False)
                self._explore.take_code(encoded.code, encoded.name, photo=key, label=label)
                loaded = store.state.loaded
                how = framing(loaded.how) if loaded is not None else ""
                store.update(status=encoded.note or f"{encoded.name}: {how}")

        def gave_up() -> None:
            if wanted():
                self._back_to_last_good()

        self.encode(key, target, done=done, gave_up=gave_up, framed=framed)

    def choose_sample(self) -> None:
        """A portrait of the box, for a first comparison."""
        shipped = next((photo.key for photo in self._store.state.photos if photo.shipped), None)
        if shipped is not None:
            self.choose(shipped)

    def _abandon(self) -> None:
        if self._chosen is not None:
            self._encoder.abandon(self._chosen)
        self._chosen = None

    def reframe(self, key: str, cut: Cut, loaded: Loaded | None = None) -> None:
        """Another cut of the same photo becomes the current one.

        Another face is an item of its own, so that two people of one photo can be morphed; clicked eyes and the middle
        take the place of what they correct.
        """
        item, info = self.item(key), self._store.state.info
        if item is None or info is None:
            return
        base, tag = item.base or item.key, cut_tag(cut)
        name = item.name.removesuffix(f", {cut_label(item.cut)}")
        name = f"{name}, {cut_label(cut)}" if cut.face else name
        key, beside = (f"{base}#{tag}", base) if tag else (base, "")
        new = PhotoItem(key, name, NO_THUMB, item.source, cut=cut, base=beside)
        at = (key, info.image_size)
        if loaded is not None:
            self._loaded[at] = replace(loaded, name=name)
        elif at not in self._loaded:
            self._abandon()

        def done(found: Loaded) -> None:
            if not any(p.key == key and p.listed for p in self._store.state.photos):
                made = replace(new, thumb=resized_half(found.picture, THUMB_PX), faces=found.faces)
                instead = bool(cut.points) or cut.align == MIDDLE
                self._store.update(photos=put_beside(self._store.state.photos, item, made, instead=instead))
            kept = self.kept_look(key) if cut.face or cut == Cut() else None
            if kept is None:
                self.choose(key)
            else:
                self._explore.step_to(kept, name)

        self._encoder.read(new, info.image_size, done=done, failed=self._not_reframed, latest="reframe")

    def _not_reframed(self, event: Failed) -> None:
        if self._store.state.encoding:
            self._back_to_last_good()
        self._store.notices.failed(event, about=A_PHOTO)

    def _back_to_last_good(self) -> None:
        photo, loaded, encoded = self._last_good
        self._store.update(photo=photo, loaded=loaded, encoded=encoded, encoding=False)

    def step_face(self, step: int) -> None:
        """The next or the previous face of the current photo."""
        loaded, key = self._store.state.loaded, self._store.state.photo
        if key is None or loaded is None or loaded.framing is None or loaded.faces < 2:
            return
        at = loaded.framing.face
        self.reframe(key, Cut(face=(at + step) % loaded.faces if at >= 0 else 0))

    def improve(self) -> None:
        """Goes down the gradient from the photo's code to a nearer one; what is there stays until that is found."""
        store, state = self._store, self._store.state
        old, loaded, key = state.encoded, state.loaded, state.photo
        if old is None or loaded is None or key is None or state.info is None or state.model is None:
            store.notices.info("Choose a photo first: Improve looks for a code that is nearer to it.")
            return
        if state.info.encode == "exact":
            store.notices.info(f"{state.info.title} encodes exactly, so there is nothing to improve.")
            return
        if state.search is not None or state.encoding:
            return
        target = Target.of(state.model, state.info)

        def here() -> bool:
            return store.state.encoded is old and store.state.model == target.ref

        def done(found: Encoded) -> None:
            if found.psnr_db < old.psnr_db + LEAST_GAIN_DB:
                store.update(status=f"Nothing nearer was found: {decibels(old.psnr_db)} stays.")
                return
            at, stays = (key, target.sha256), here()
            self._before_improve.setdefault(at, []).append(old)
            self._encoded[at] = found
            if stays:
                store.update(encoded=found)
                self._explore.take_code(found.code, found.name, photo=key, label="Improved", keep_edits=True)
            store.update(status=f"Improved {found.name}: {old.psnr_db:.2f} dB → {found.psnr_db:.2f} dB")

        def stopped() -> None:
            store.update(status="Improve was cancelled: the code is as it was.")

        self._encoder.improve(key, target, loaded, shown=here, done=done, stopped=stopped)

    def cancel_search(self) -> None:
        """Stops the search whose curve is on show."""
        if self._store.state.search is not None:
            self._store.cancel_job(self._store.state.search.job)

    def _model_opened(self) -> None:
        """The photo goes along into the next model; a code that came from it needs no new search."""
        early, self._early = self._early, []
        for take in early:
            take()
        state = self._store.state
        if state.photo is None or state.info is None or state.look is None or state.model is None:
            return
        if state.look.photo == state.photo:
            if state.encoding:
                self._abandon()
                self._store.update(encoding=False)
            self.restore()
        elif state.look.photo is None:
            self.choose(state.photo)

    def restore(self) -> None:
        """After a jump in the history: the photo and its error as they were."""
        state = self._store.state
        if state.photo is None or state.info is None or state.look is None:
            return
        at = (state.photo, state.info.sha256)
        known = self.encoding_of(state.look, state.info.sha256)
        if known is None:
            return
        if self._chosen != at:
            self._abandon()
        if known is not state.encoded or state.encoding:
            loaded = self._loaded.get((state.photo, state.info.image_size))
            self._store.update(encoded=known, loaded=loaded, encoding=False)

    def encoding_of(self, look: Look, sha256: str) -> Encoded | None:
        """What this model made of the look's photo, when its code was found; None where it has not seen it."""
        at, source = (look.photo or "", sha256), look.source
        known = self._encoded.get(at)
        if known is None or not isinstance(source, Coded):
            return known
        # Before it was improved the photo had another code, and another error.
        return next((old for old in self._before_improve.get(at, ()) if source.means(old.code)), known)

    def framing_of(self, key: str) -> Framing | None:
        """Where this photo was cut, for whatever size; None where that is not known."""
        found = (one.framing for (kept, _), one in self._loaded.items() if kept == key)
        return next((framing for framing in found if framing is not None), None)

    def keep_framing(self, key: str, found: Loaded) -> None:
        """Where a photo was cut that came back with a session, which keeps no more than the cut, if that."""
        framing = found.framing
        if framing is None:
            return
        self._loaded.setdefault((key, found.picture.shape[0]), found)
        for at, one in tuple(self._loaded.items()):
            if at[0] == key and one.framing is None:
                self._loaded[at] = replace(one, framing=framing)
        state, faces = self._store.state, len(framing.faces)
        photos = tuple(replace(p, faces=faces) if p.key == key else p for p in state.photos)
        at = (key, state.info.image_size if state.info is not None else 0)
        loaded = self._loaded.get(at, state.loaded) if state.photo == key else state.loaded
        self._store.update(photos=photos, loaded=loaded)

    def sha_of(self, look: Look) -> str:
        """The SHA-256 of the newest model that found this look's code in its photo; empty where none is known."""
        for key, sha in reversed(self._encoded):
            found = self.encoding_of(look, sha) if key == look.photo else None
            if found is not None and isinstance(look.source, Coded) and look.source.means(found.code):
                return sha
        return ""

    # encoding, for all views
    def known(self, key: str, sha256: str) -> Encoded | None:
        """What this model made of this photo, if it has seen it."""
        return self._encoded.get((key, sha256))

    def keep(self, key: str, sha256: str, encoded: Encoded) -> None:
        """Remembers what a model made of a photo that was encoded elsewhere."""
        self._encoded[key, sha256] = encoded
