"""Photos through models on the study lane: read, cut, encoded and improved, each once, for all views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.notices import A_PHOTO
from app.core.store import Store
from app.core.tasks import Task
from app.explore.photos.search_watch import SearchWatch
from app.explore.photos.state import PhotoItem
from engine.api import Encoded, Loaded, ModelInfo
from engine.events import Failed
from engine.lanes import Context

At = tuple[str, str]
"""A photo's key and a model's SHA-256."""
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


class PhotoEncoder:
    """Remembers cut photos by (key, size) in `loaded`, and what a model made of them in `encoded`.

    `on_show` says whose error curve is drawn.
    """

    def __init__(
        self, store: Store, *, item: Callable[[str], PhotoItem | None], on_show: Callable[[], At | None]
    ) -> None:
        self._store, self._item, self._on_show = store, item, on_show
        self.loaded: dict[tuple[str, int], Loaded] = {}
        self.encoded: dict[At, Encoded] = {}
        self._waiting: dict[At, list[tuple[Encodings, Callable[[], None]]]] = {}
        self._jobs: dict[At, Task | None] = {}

    def read(
        self,
        item: PhotoItem,
        size_px: int,
        *,
        done: Callable[[Loaded], None],
        failed: Callable[[Failed], None] | None = None,
        stopped: Callable[[], None] | None = None,
        latest: str | None = None,
    ) -> Task | None:
        """A photo cut for models of this size: at once if it was before, else on the study lane."""
        at, loader = (item.key, size_px), self._store.photo_loader
        if at in self.loaded:
            done(self.loaded[at])
            return None

        def read(loaded: Loaded) -> None:
            self.loaded[at] = loaded
            done(loaded)

        def unread(event: Failed) -> None:
            self._store.notices.failed(event, about=A_PHOTO)

        return self._store.tasks.submit(
            "study",
            "read the photo",
            lambda context: loader.load(item.source, size=size_px, cut=item.cut, name=item.name),
            done=read,
            failed=failed or unread,
            stopped=stopped,
            latest=latest,
        )

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
        """One photo through one model; asked twice it is done once. Exactly one of `done` and `gave_up` is called,
        neither after `abandon`."""
        at, done = (key, target.sha256), self._opened(key, done)
        if at in self.encoded:
            if framed is not None and (key, target.size) in self.loaded:
                framed(self.loaded[key, target.size])
            done(self.encoded[at])
            return
        if at in self._waiting:
            self._waiting[at].append((done, gave_up))
            return
        item = self._item(key)
        if item is None:
            gave_up()
            return
        waiting = self._waiting[at] = [(done, gave_up)]

        def ready(loaded: Loaded) -> None:
            if self._waiting.get(at) is waiting:
                if framed is not None:
                    framed(loaded)
                self._search(at, target, loaded, progress)

        def failed(event: Failed | None) -> None:
            if self._waiting.get(at) is waiting:
                self._give_up(at, event)

        reading = self.read(item, target.size, done=ready, failed=failed, stopped=lambda: failed(None))
        if reading is not None:
            self._jobs[at] = reading

    def _opened(self, key: str, done: Encodings) -> Encodings:
        """`done`, after which no error about another photo stands any more."""
        notices = self._store.notices
        since = notices.count

        def opened(encoded: Encoded) -> None:
            notices.photo_opened(key, since=since)
            done(encoded)

        return opened

    def abandon(self, at: At) -> None:
        """Ends the work on a photo that nobody looks at any more, unless a second view waits for it too."""
        if len(self._waiting.get(at, ())) == 1:
            del self._waiting[at]
            self._store.tasks.cancel(self._jobs.pop(at, None))

    def _search(self, at: At, target: Target, loaded: Loaded, progress: Callable[[float], None] | None) -> None:
        store, waiting = self._store, self._waiting[at]
        watch = SearchWatch(
            store,
            f"encode:{at[0]}:{at[1]}",
            f"Encoding {loaded.name} with {target.title}",
            shown=lambda: self._on_show() == at,
            progress=progress,
        )

        def mine() -> bool:
            """False once it was abandoned, and perhaps asked for anew."""
            return self._waiting.get(at) is waiting

        def done(encoded: Encoded) -> None:
            watch.end()
            self.encoded[at] = encoded
            if mine():
                for finish, _ in self._finish(at):
                    finish(encoded)

        def failed(event: Failed | None) -> None:
            watch.end()
            if mine():
                self._give_up(at, event)

        work = self._work(target, loaded, improve=False)
        job = store.tasks.submit(
            "study", "encode", work, done=done, failed=failed, stopped=lambda: failed(None), progress=watch.moved
        )
        self._jobs[at] = job
        if target.searches:
            watch.start(cancel=lambda: store.tasks.cancel(job))

    def improve(
        self,
        key: str,
        target: Target,
        loaded: Loaded,
        *,
        shown: Callable[[], bool],
        done: Encodings,
        stopped: Callable[[], None],
    ) -> None:
        """A nearer code by descent, beside what is known; a failure is said in the notice line."""
        store = self._store
        watch = SearchWatch(store, f"improve:{key}:{target.sha256}", f"Improving {loaded.name}", shown=shown)

        def found(encoded: Encoded) -> None:
            watch.end()
            done(encoded)

        def ended(event: Failed | None) -> None:
            watch.end()
            stopped() if event is None else store.notices.failed(event)

        work = self._work(target, loaded, improve=True)
        job = store.tasks.submit(
            "study", "improve", work, done=found, failed=ended, stopped=lambda: ended(None), progress=watch.moved
        )
        watch.start(cancel=lambda: store.tasks.cancel(job))

    def _work(self, target: Target, loaded: Loaded, *, improve: bool) -> Callable[[Context], Encoded]:
        host = self._store.study_host

        def work(context: Context) -> Encoded:
            options = {"improve": True} if improve else {}
            return host.model(target.ref, target.sha256).encode(
                loaded.picture, name=loaded.name, note=loaded.note, progress=context, **options
            )

        return work

    def _finish(self, at: At) -> list[tuple[Encodings, Callable[[], None]]]:
        self._jobs.pop(at, None)
        return self._waiting.pop(at, [])

    def _give_up(self, at: At, event: Failed | None) -> None:
        if event is not None:
            self._store.notices.failed(event, about=A_PHOTO)
        for _, gave_up in self._finish(at):
            gave_up()
