"""Photos: taken in, framed for the model, encoded, and made the current code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from PySide6.QtCore import QObject

from app.explore_controller import ExploreController
from app.hub import Hub
from app.model_host import run_ref
from app.notices import NO_MODEL, NOT_DROPPED
from app.state import Loaded, PhotoItem, resized_half
from app.widgets.jobs import JobView
from app.words import framing
from engine.api import Encoded, ModelInfo, Pictures
from engine.events import Failed, Progress
from engine.lanes import Context

THUMB_PX: Final = 96
FOLDER_LIMIT: Final = 24
SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".avif")

Encodings = Callable[[Encoded], None]


@dataclass(frozen=True)
class Target:
    """The model that a photo is encoded by."""

    ref: str
    sha256: str
    title: str
    size: int
    searches: bool

    @staticmethod
    def of(ref: str, info: ModelInfo) -> Target:
        """The open model as a target."""
        return Target(ref, info.sha256, info.title, info.image_size, info.encode == "search")


class PhotoController(QObject):
    """Keeps the library's photos and what each model made of them."""

    def __init__(self, hub: Hub, explore: ExploreController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hub, self._explore = hub, explore
        self._loaded: dict[tuple[str, int], Loaded] = {}
        self._encoded: dict[tuple[str, str], Encoded] = {}
        self._waiting: dict[tuple[str, str], list[tuple[Encodings, Callable[[], None]]]] = {}
        hub.modelOpened.connect(self._model_opened)
        hub.jumped.connect(self.restore)

    # taking in
    def show_samples(self, paths: tuple[Path, ...]) -> None:
        """The portraits in the box, as thumbnails."""

        def done(items: tuple[PhotoItem, ...]) -> None:
            self._hub.update(photos=(*(p for p in self._hub.state.photos if not p.shipped), *items))

        self._hub.desk.submit("files", "read the portraits", lambda context: _shipped(paths), done=done)

    def add_files(self, names: list[str], use: Callable[[str], None] | None = None) -> None:
        """Photos, folders of photos, models and runs, dropped or chosen; the first photo is used at once."""
        photos: list[Path] = []
        for path in map(Path, names):
            if path.suffix.lower() == ".safetensors":
                self._explore.open_model(str(path))
            elif (path / "config.json").is_file():
                self._explore.open_model(run_ref(path))
            elif path.is_dir():
                inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
                photos += inside[:FOLDER_LIMIT]
                if not inside:
                    self._hub.notices.say(NOT_DROPPED)
            else:
                photos.append(path)
        for index, path in enumerate(photos):
            if self.item(str(path)) is not None and index == 0:
                (use or self.choose)(str(path))
                continue
            self._take(str(path), path.stem, path, use=(use or self.choose) if index == 0 else None)

    def add_picture(self, picture: Pictures, use: Callable[[str], None] | None = None) -> None:
        """A picture from the clipboard, or dropped out of another program."""
        key = "pasted:" + hashlib.sha1(np.ascontiguousarray(picture).tobytes(), usedforsecurity=False).hexdigest()
        self._take(key, "pasted picture", picture, use=use or self.choose)

    def _take(self, key: str, name: str, source: Path | Pictures, *, use: Callable[[str], None] | None) -> None:
        info = self._hub.state.info
        if info is None:
            self._hub.notices.say(NO_MODEL)
            return

        def done(loaded: Loaded) -> None:
            self._loaded[key, info.image_size] = loaded
            item = PhotoItem(key, name, resized_half(loaded.picture, THUMB_PX), source)
            self._hub.update(photos=(item, *(p for p in self._hub.state.photos if p.key != key)))
            if use is not None:
                use(key)

        host = self._hub.study_host
        self._hub.desk.submit(
            "study",
            "read the photo",
            lambda context: host.load_photo(source, size=info.image_size, name=name),
            done=done,
        )

    def remove(self, key: str) -> None:
        """Takes a photo out of the library; the file stays where it is."""
        self._hub.update(photos=tuple(p for p in self._hub.state.photos if p.key != key))

    def item(self, key: str) -> PhotoItem | None:
        """The photo of this key."""
        return next((p for p in self._hub.state.photos if p.key == key), None)

    # the current photo
    def choose(self, key: str) -> None:
        """This photo into the model on show; its code becomes the current one."""
        hub = self._hub
        if hub.state.info is None or hub.state.model is None:
            hub.notices.say(NO_MODEL)
            return
        target = Target.of(hub.state.model, hub.state.info)
        before = (hub.state.photo, hub.state.loaded, hub.state.encoded)
        hub.update(photo=key, loaded=self._loaded.get((key, target.size)), encoded=None, encoding=True)

        def wanted() -> bool:
            return hub.state.photo == key and hub.state.model == target.ref

        def framed(loaded: Loaded) -> None:
            if wanted():
                hub.update(loaded=loaded)

        def done(encoded: Encoded) -> None:
            if wanted():
                hub.update(encoded=encoded, encoding=False)
                self._explore.take_code(encoded.code, encoded.name, photo=key, label=encoded.name)
                loaded = hub.state.loaded
                how = framing(loaded.how) if loaded is not None else ""
                hub.update(status=encoded.note or f"{encoded.name}: {how}")

        def gave_up() -> None:
            if wanted():
                photo, loaded, old = before
                hub.update(photo=photo, loaded=loaded, encoded=old, encoding=False)

        self.encode(key, target, done=done, gave_up=gave_up, framed=framed)

    def forget(self) -> None:
        """The current picture goes on without its photo beside it."""
        self._hub.update(photo=None, loaded=None, encoded=None, encoding=False)

    def _model_opened(self) -> None:
        """The photo goes along into the next model; a code that came from it needs no new search."""
        state = self._hub.state
        if state.photo is None or state.info is None or state.look is None or state.model is None:
            return
        known = self._encoded.get((state.photo, state.info.sha256))
        if state.look.photo == state.photo and known is not None:
            self._hub.update(
                encoded=known, loaded=self._loaded.get((state.photo, state.info.image_size)), encoding=False
            )
        elif state.look.photo is None:
            self.choose(state.photo)

    def restore(self) -> None:
        """After a jump in the history: the photo and its error as they were."""
        state = self._hub.state
        if state.photo is None or state.info is None or state.encoded is not None or state.encoding:
            return
        known = self._encoded.get((state.photo, state.info.sha256))
        if known is not None:
            self._hub.update(encoded=known, loaded=self._loaded.get((state.photo, state.info.image_size)))

    # encoding, for all views
    def known(self, key: str, sha256: str) -> Encoded | None:
        """What this model made of this photo, if it has seen it."""
        return self._encoded.get((key, sha256))

    def encode(
        self,
        key: str,
        target: Target,
        *,
        done: Encodings,
        gave_up: Callable[[], None],
        framed: Callable[[Loaded], None] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """One photo through one model, on the study lane; asked twice it is done once."""
        at = (key, target.sha256)
        if at in self._encoded:
            if framed is not None and (key, target.size) in self._loaded:
                framed(self._loaded[key, target.size])
            done(self._encoded[at])
            return
        if at in self._waiting:
            self._waiting[at].append((done, gave_up))
            return
        item = self.item(key)
        if item is None:
            gave_up()
            return
        self._waiting[at] = [(done, gave_up)]

        def ready(loaded: Loaded) -> None:
            self._loaded[key, target.size] = loaded
            if framed is not None:
                framed(loaded)
            self._search(key, target, loaded, progress)

        ready_already = self._loaded.get((key, target.size))
        if ready_already is not None:
            ready(ready_already)
            return
        host = self._hub.study_host
        self._hub.desk.submit(
            "study",
            "read the photo",
            lambda context: host.load_photo(item.source, size=target.size, name=item.name),
            done=ready,
            failed=lambda event: self._give_up(at, event),
            stopped=lambda: self._give_up(at, None),
        )

    def _search(self, key: str, target: Target, loaded: Loaded, progress: Callable[[float], None] | None) -> None:
        hub, at, host = self._hub, (key, target.sha256), self._hub.study_host
        job_key = f"encode:{key}:{target.sha256}"
        text = f"Encoding {loaded.name} with {target.title}"

        def work(context: Context) -> Encoded:
            model = host.model(target.ref, target.sha256)

            def told(step: int, total: int, error: float) -> None:
                context.progress(step, total, f"error {error:.3g}")

            return model.encode(
                loaded.picture, name=loaded.name, note=loaded.note, progress=told, check_cancel=context.check
            )

        def moved(event: Progress) -> None:
            fraction = event.done / event.total if event.total else None
            hub.show_job(JobView(job_key, text, fraction, f"{event.done} / {event.total} · {event.text}"))
            if progress is not None and fraction is not None:
                progress(fraction)

        def done(encoded: Encoded) -> None:
            hub.end_job(job_key)
            self._encoded[at] = encoded
            for finish, _ in self._waiting.pop(at, []):
                finish(encoded)

        def failed(event: Failed | None) -> None:
            hub.end_job(job_key)
            self._give_up(at, event)

        job = hub.desk.submit(
            "study", "encode", work, done=done, failed=failed, stopped=lambda: failed(None), progress=moved
        )
        if target.searches:
            hub.show_job(JobView(job_key, text, None, "starting"), cancel=lambda: hub.desk.cancel(job))

    def _give_up(self, at: tuple[str, str], event: Failed | None) -> None:
        if event is not None:
            self._hub.notices.failed(event)
        for _, gave_up in self._waiting.pop(at, []):
            gave_up()


def _shipped(paths: tuple[Path, ...]) -> tuple[PhotoItem, ...]:
    """Thumbnails of pictures that ship with the program."""
    items: list[Any] = []
    for path in paths:
        with Image.open(path) as image:
            image.thumbnail((2 * THUMB_PX, 2 * THUMB_PX))
            thumb = np.asarray(image.convert("RGB"), np.uint8)
        items.append(PhotoItem(str(path), path.stem.replace("-", " "), thumb, path, shipped=True))
    return tuple(items)
