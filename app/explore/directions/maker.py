"""Making an attribute in the window: groups of photos are collected, then encoded and fitted on the study lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject

from app.core.notices import NO_MODEL
from app.core.store import Store
from app.core.tasks import Task
from app.explore.directions.state import GROUPS, Column, GroupPhoto, MakerState
from app.explore.photos.controller import PhotoController
from app.explore.photos.state import THUMB_PX, pasted_key, resized_half
from app.job import JobView
from app.words import duration, nice
from engine.api import Cut, DirectionInfo, Pictures
from engine.errors import ImageError
from engine.events import Advanced, Failed
from engine.lanes import Context
from engine.photos import left_out, thumbnail

if TYPE_CHECKING:
    from engine.data import Example

JOB: Final = "make-attribute"
READ_AT_ONCE: Final = 8


class MakerController(QObject):
    """Owns the panel's state; `after` is called with an attribute once it is made and kept."""

    def __init__(
        self,
        store: Store,
        photos: PhotoController,
        after: Callable[[DirectionInfo, str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._photos, self._after = store, photos, after
        self.set = partial(store.change, "maker")
        self._job: Task | None = None

    # the panel
    def open(self) -> None:
        """Shows the panel; what was collected before is still there."""
        if self._store.state.info is None:
            self._store.notices.say(NO_MODEL)
            return
        if self._store.state.maker is None:
            self._store.update(maker=MakerState())
        self._store.update(workspace="explore")

    def close(self) -> None:
        """Puts the panel away and stops what it does."""
        self.stop()
        self._store.update(maker=None)

    # groups
    def add_files(self, group: str, names: list[str]) -> None:
        """Photos and folders of photos into a group."""

        def look(context: Context) -> list[Path]:
            from engine.data import photos_in

            return photos_in(Path(name) for name in names)

        def listed(paths: list[Path]) -> None:
            maker = self._store.state.maker
            if maker is None:
                return
            here = {photo.key for photo in maker.group(group)}
            new = [path for path in paths if str(path) not in here]
            if not paths:
                self._store.change(
                    "maker", message="There is no photo in what was dropped: drop pictures, or a folder of them."
                )
            self.set(reading=maker.reading + len(new))
            for start in range(0, len(new), READ_AT_ONCE):
                self._read(group, new[start : start + READ_AT_ONCE])

        self._store.tasks.submit(
            "files", "list the photos", look, done=listed, failed=lambda event: self.set(message=event.message)
        )

    def _read(self, group: str, paths: list[Path]) -> None:
        def work(context: Context) -> tuple[list[GroupPhoto], list[str]]:
            return _thumbs(paths)

        def done(found: tuple[list[GroupPhoto], list[str]]) -> None:
            photos, broken = found
            maker = self._store.state.maker
            if maker is not None:
                self._add(group, tuple(photos))
                self._store.change(
                    "maker", reading=max(0, maker.reading - len(paths)), left_out=(*maker.left_out, *broken)
                )

        self._store.tasks.submit("files", "read the photos", work, done=done)

    def add_key(self, group: str, key: str) -> None:
        """A photo of the library into a group."""
        item = self._photos.item(key)
        if item is not None:
            self._add(group, (GroupPhoto(item.key, item.name, item.source, item.thumb, item.cut),))

    def add_picture(self, group: str, picture: Pictures) -> None:
        """A picture dropped out of another program into a group."""
        self._add(group, (GroupPhoto(pasted_key(picture), "pasted picture", picture, resized_half(picture, THUMB_PX)),))

    def _add(self, group: str, photos: tuple[GroupPhoto, ...]) -> None:
        """A photo is in one group only: the last it was put into."""
        maker = self._store.state.maker
        if maker is None or not photos:
            return
        new = {photo.key: photo for photo in photos}
        changed = {name: tuple(p for p in maker.group(name) if p.key not in new) for name in GROUPS}
        changed[group] = (*changed[group], *new.values())
        self.set(**changed, message="")

    def remove(self, group: str, key: str) -> None:
        """Takes a photo out of its group."""
        maker = self._store.state.maker
        if maker is not None:
            self.set(**{group: tuple(p for p in maker.group(group) if p.key != key)})

    # labels
    def set_labels(self, name: str) -> None:
        """The CSV: its columns are read."""
        self.set(labels=name, columns=(), column="", message="")

        def work(context: Context) -> tuple[Column, ...]:
            from engine.data import read_label_file

            labels = read_label_file(Path(name).expanduser())
            return tuple(Column(column, *labels.counts(column)) for column in labels.attributes)

        def done(columns: tuple[Column, ...]) -> None:
            maker = self._store.state.maker
            if maker is not None and maker.labels == name:
                self.set(columns=columns)
                self.set_column(columns[0].name)

        self._store.tasks.submit(
            "files", "read the labels", work, done=done, failed=lambda event: self.set(message=event.message)
        )

    def set_column(self, column: str) -> None:
        """Which column; it gives its name to an attribute without one."""
        maker = self._store.state.maker
        if maker is None:
            return
        automatic = not maker.name.strip() or maker.name in {nice(c.name) for c in maker.columns}
        self.set(column=column, message="", **({"name": nice(column)} if automatic else {}))

    # making
    def make(self) -> None:
        """Encodes the photos and fits the direction."""
        store, maker = self._store, self._store.state.maker
        info, ref = store.state.info, store.state.model
        if maker is None or maker.busy or info is None or ref is None:
            return
        missing = maker.missing()
        if missing:
            self.set(message=missing)
            return
        host, text = store.study_host, f"Making {maker.name.strip()} for {info.title}"
        cuts = {photo.key: self._photos.loaded(photo.key, info.image_size) for photo in (*maker.a, *maker.b)}
        ready = {key: cut.picture for key, cut in cuts.items() if cut is not None}

        def work(context: Context) -> Any:
            positives, negatives = _examples(maker, ready, context)
            return host.user_directions(ref, info.sha256).make(
                name=maker.name, positives=positives, negatives=negatives, method=maker.method, progress=context
            )

        def moved(event: Advanced) -> JobView:
            fraction = event.done / event.total if event.total else None
            left = f" · {duration(event.seconds_left)} left" if event.seconds_left else ""
            detail = f"{event.done} / {event.total} photos{left}"
            if event.done == event.total:
                detail = "judging it on photos left out"
            self.set(fraction=fraction, detail=detail)
            return JobView(JOB, text, fraction, detail)

        def ended(message: str = "") -> None:
            self._job = None
            self.set(busy=False, fraction=None, detail="", message=message)

        def done(made: Any) -> None:
            ended()
            note = made.note or left_out(maker.left_out)
            store.update(maker=None)
            self._after(made.info, note)

        def failed(event: Failed) -> None:
            ended(event.message)
            if event.details:
                store.notices.failed(event)

        self.set(busy=True, fraction=None, detail="starting", message="")
        self._job = store.run_job(
            JobView(JOB, text, None, "starting"),
            work,
            done=done,
            failed=failed,
            stopped=lambda: ended("Stopped."),
            told=moved,
            kind="make the attribute",
        )

    def stop(self) -> None:
        """Stops the making; the photos stay."""
        if self._job is not None:
            self._store.tasks.cancel(self._job)


def _thumbs(paths: list[Path]) -> tuple[list[GroupPhoto], list[str]]:
    """(the photos that can be read, the names of the others)."""
    photos, broken = [], []
    for path in paths:
        try:
            photos.append(GroupPhoto(str(path), path.name, path, thumbnail(path, THUMB_PX)))
        except ImageError:
            broken.append(path.name)
    return photos, broken


def _examples(
    maker: MakerState, ready: Mapping[str, Pictures], context: Context
) -> tuple[list[Example], list[Example]]:
    """Both groups for the engine, of either way; `ready` are photos of the library by key, as they were cut already."""
    from engine.data import Example, labelled, read_label_file

    if maker.way == "labels":
        labels = read_label_file(Path(maker.labels).expanduser())
        return labelled(Path(maker.data).expanduser(), labels, maker.column, progress=context)

    def example(photo: GroupPhoto) -> Example:
        if photo.key in ready:
            return Example(photo.name, ready[photo.key], Cut("none"))
        return Example(photo.name, photo.source, None if photo.cut == Cut() else photo.cut)

    return [example(photo) for photo in maker.a], [example(photo) for photo in maker.b]
