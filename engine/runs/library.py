"""The library of runs: reading many run directories at once, tags, search and order, and runs that continue others.

Knows no window and no torch. Every directory is taken as hostile: one that cannot be read is listed with a
sentence, and never keeps the others from being listed.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.api import TrainRequest
from engine.errors import RunError
from engine.files.disk import MALFORMED, publish_folder, read_json, told_as, write_bytes, write_json
from engine.runs import directory as runs
from engine.runs.heartbeat import Heartbeats
from engine.runs.line_files import whole_lines

MAX_TAGS: Final = 24
MAX_TAG: Final = 32
MAX_TITLE: Final = 120
MAX_FOLDERS: Final = 20_000
MAX_COPIED_BYTES: Final = 2**28
TRASH: Final = ".trash"
SORTS: Final = (("newest", "Newest"), ("title", "Title"), ("family", "Family"), ("steps", "Steps"))
_Stamp = tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class Entry:
    """A run of the library. `attached`: it is not in the user's own folder. `stamp` tells when to read it anew."""

    info: runs.RunInfo
    tags: tuple[str, ...] = ()
    attached: bool = False
    stamp: _Stamp = ()


@dataclass(frozen=True)
class UnreadableRun:
    """A run or attached folder that cannot be read now; `why` is a sentence."""

    path: Path
    why: str
    attached: bool = False


@dataclass(frozen=True)
class RunListing:
    """What a look at the library found: the runs, the newest first, and what could not be read."""

    entries: tuple[Entry, ...] = ()
    lost: tuple[UnreadableRun, ...] = ()


def read_listing(
    folder: Path,
    attached: Sequence[Path] = (),
    *,
    before: Mapping[Path, Entry] | None = None,
    heartbeats: Heartbeats | None = None,
) -> RunListing:
    """The runs in `folder` and in the `attached` runs or folders of runs.

    `before` are the entries of the last look by path: those that have not changed are not read again.
    """
    known = before or {}
    entries: dict[Path, Entry] = {}
    lost: dict[Path, UnreadableRun] = {}
    places: set[tuple[int, int]] = set()

    def take(path: Path, is_attached: bool) -> bool:
        """Whether there is a run, readable or not."""
        where = _identity(path)
        if where is None or path in entries or path in lost:
            return where is not None
        if where in places:
            return True  # The same directory by another name.
        stamp = _stamp(path)
        if stamp[0] is None:
            return False
        places.add(where)
        try:
            entries[path] = _entry(path, is_attached, stamp, known.get(path), heartbeats)
        except (RunError, OSError) as error:
            lost[path] = UnreadableRun(path, _sentence(path, error), is_attached)
        return True

    for path in _folders(folder):
        take(path, False)
    for shown in attached:
        if not shown.is_dir():
            why = f"{shown} cannot be reached: mount its disk, or take it off the list."
            lost[shown] = UnreadableRun(shown, why, True)
        elif not take(shown, True):
            found = [take(path, True) for path in _folders(shown)]
            if not any(found):
                lost[shown] = UnreadableRun(shown, f"{shown} holds no run yet: it is looked at again and again.", True)
    newest = sorted(entries.values(), key=lambda entry: (-entry.info.modified, entry.info.name))
    return RunListing(tuple(newest), tuple(lost.values()))


def _folders(folder: Path) -> list[Path]:
    """The directories in `folder`; hidden ones, files and loops of links are passed over."""
    found = []
    try:
        with os.scandir(folder) as items:
            for item in items:
                if item.name.startswith("."):
                    continue
                try:
                    if item.is_dir():
                        found.append(folder / item.name)
                except OSError:
                    continue
                if len(found) >= MAX_FOLDERS:
                    break
    except OSError:
        return []
    return sorted(found)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        seen = path.stat()
    except (OSError, ValueError):
        return None
    return (seen.st_dev, seen.st_ino) if stat.S_ISDIR(seen.st_mode) else None


def _stamp(path: Path) -> _Stamp:
    marks: list[tuple[int, int] | None] = []
    for name in ("config.json", "tags.json", "status.json"):
        try:
            seen = os.stat(path / name)
            marks.append((seen.st_mtime_ns, seen.st_size))
        except OSError:
            marks.append(None)
    return tuple(marks)


def _entry(path: Path, attached: bool, stamp: _Stamp, before: Entry | None, heartbeats: Heartbeats | None) -> Entry:
    same = before is not None and before.stamp[:2] == stamp[:2]
    config = before.info.config if same and before is not None else runs.read_config(path)
    tags = before.tags if same and before is not None else read_tags(path)
    if same and before is not None and before.stamp == stamp and not before.info.status.alive:
        # A writer elsewhere that was taken for dead is asked again only when it has written.
        status = before.info.status
    else:
        status = runs.read_status(path, heartbeats)
        torn = stamp[2] is not None and (status.state, status.steps) == ("stopped", 0)
        if torn and same and before is not None and before.info.status.alive and before.stamp != stamp:
            # A mounted disk may show half of a status that is being replaced: the next look decides.
            status = before.info.status
    modified = stamp[2][0] / 1e9 if stamp[2] is not None else path.stat().st_mtime
    return Entry(runs.RunInfo(path, path.name, config, status, modified), tags, attached, stamp)


def _sentence(path: Path, error: Exception) -> str:
    return (
        str(error) if isinstance(error, RunError) else f"{path.name} cannot be read ({error}): check its permissions."
    )


# tags and titles
def clean_tag(text: str) -> str:
    """A tag in one spelling: no #, no commas, single spaces, at most 32 characters."""
    printable = "".join(c if c.isprintable() and c not in "#," else " " for c in text)
    return " ".join(printable.split())[:MAX_TAG].strip()


def read_tags(run: Path) -> tuple[str, ...]:
    """The run's tags; a missing or damaged file is no tag."""
    try:
        found = read_json(run / "tags.json")
    except (OSError, ValueError, RecursionError):
        return ()
    tags = (clean_tag(tag) for tag in found if isinstance(tag, str)) if isinstance(found, list) else ()
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:MAX_TAGS]


def write_tags(run: Path, tags: Iterable[str]) -> tuple[str, ...]:
    """Replaces the run's tags at once; gives them as they are now.

    Raises:
        RunError: there are too many, or they cannot be written.
    """
    kept = tuple(dict.fromkeys(tag for tag in map(clean_tag, tags) if tag))
    if len(kept) > MAX_TAGS:
        raise RunError(f"{run.name} would have {len(kept)} tags and may have {MAX_TAGS}: take some away first.")
    with told_as(RunError, f"The tags of {run.name} cannot be written", "check its permissions and the disk."):
        write_json(run / "tags.json", list(kept))
    return kept


def rename(run: Path, title: str) -> str:
    """Gives the run another title; an empty one shows the folder's name again.

    Raises:
        RunError: it cannot be read or written.
    """
    words = " ".join("".join(c if c.isprintable() else " " for c in title).split())[:MAX_TITLE]
    runs.save_config(run, replace(runs.read_config(run), title=words))
    return words


# search and order
def matches(entry: Entry, query: str) -> bool:
    """Whether every word of `query` is in the run's title, name, tags, family, data or state.

    `#night` asks for a tag that begins like that; upper and lower case are the same.
    """
    info = entry.info
    config = info.config
    state = "live" if info.status.alive else info.status.state
    tags = [tag.casefold() for tag in entry.tags]
    text = " ".join((info.title, info.name, config.family, Path(config.data).name, state, *entry.tags)).casefold()
    return all(
        any(tag.startswith(word[1:]) for tag in tags) if word.startswith("#") and len(word) > 1 else word in text
        for word in query.casefold().split()
    )


def chosen(entries: Sequence[Entry], *, query: str = "", tag: str = "", order: str = "newest") -> tuple[Entry, ...]:
    """The entries that match, in an order of `SORTS`; equal ones stay as they are.

    Raises:
        KeyError: an unknown order.
    """
    found = [entry for entry in entries if (not tag or tag in entry.tags) and matches(entry, query)]
    keys = {
        "newest": lambda entry: (-entry.info.modified, ""),
        "title": lambda entry: (0, entry.info.title.casefold()),
        "family": lambda entry: (0, entry.info.config.family),
        "steps": lambda entry: (-entry.info.status.step, ""),
    }
    return tuple(sorted(found, key=keys[order]))


def all_tags(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Every tag in use, by name."""
    return tuple(sorted({tag for entry in entries for tag in entry.tags}, key=str.casefold))


# runs that continue others
@dataclass(frozen=True)
class Checkpoint:
    """A saved state of a run, by name and manifest alone; its files are verified when it is used."""

    step: int
    path: Path


def list_checkpoints(run: Path) -> tuple[Checkpoint, ...]:
    """The run's checkpoints, the newest first."""
    found = []
    for path in _folders(run / "checkpoints"):
        number = path.name.removeprefix("step_")
        if number.isdecimal() and path.name.startswith("step_") and (path / "manifest.json").is_file():
            found.append(Checkpoint(int(number), path))
    return tuple(sorted(found, key=lambda one: -one.step))


def find_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint that `path` means: its own folder, or the newest of a run.

    Raises:
        RunError: there is none.
    """
    own = next((one for one in list_checkpoints(path.parent.parent) if one.path.name == path.name), None)
    if own is not None and path.parent.name == "checkpoints":
        return own
    found = list_checkpoints(path)
    if not found:
        raise RunError(f"{path} has no checkpoint to start from: choose a run, or a folder in its checkpoints.")
    return found[0]


def origin_of(checkpoint: Checkpoint) -> dict[str, object]:
    """What the config of a run that starts from `checkpoint` says of it."""
    source = checkpoint.path.parent.parent
    return {"run": source.name, "path": str(source), "step": checkpoint.step}


def request_of(config: runs.RunConfig) -> TrainRequest:
    """What to ask for to train such a run again: its data, family, knobs and title."""
    channels, size, _ = config.image_shape
    return TrainRequest(
        family=config.family,
        data=config.data,
        labels=config.labels,
        group=config.group,
        size=size,
        channels=channels,
        model=dict(config.model),
        training=dict(config.training),
        title=config.title,
    )


def copy_checkpoint(checkpoint: Checkpoint, run: Path) -> None:
    """Puts a copy of `checkpoint` into the new run, with the source's figures and last preview up to its step.

    Raises:
        RunError: the disk does not take it, or the source went away.
    """
    source = checkpoint.path.parent.parent
    with told_as(
        RunError,
        f"Checkpoint {checkpoint.path.name} of {source.name} could not be copied",
        "free some space, or choose another one.",
    ):
        with publish_folder(run / "checkpoints" / checkpoint.path.name) as work:
            for file in checkpoint.path.iterdir():
                if file.is_file():
                    shutil.copyfile(file, work / file.name)
        for name in ("metrics.jsonl", "figures.jsonl"):
            _copy_lines(source / name, run / name, checkpoint.step)
        seen = [preview for preview in runs.previews(source) if preview[0] <= checkpoint.step]
        for _, file in seen[-1:]:
            shutil.copyfile(file, run / "previews" / file.name)
        runs.write_status(run, "stopped", checkpoint.step, 0)


def _copy_lines(source: Path, target: Path, step: int) -> None:
    """The lines up to `step`, so that the new run's curves begin where its weights come from."""
    kept, size = [], 0
    for line, _ in whole_lines(source, 0):
        size += len(line)
        if size > MAX_COPIED_BYTES:
            break
        try:
            at = json.loads(line)["step"]
        except MALFORMED:
            continue
        if isinstance(at, int) and at <= step:
            kept.append(line)
    if kept:
        write_bytes(target, b"".join(kept))


# the trash of last resort
def set_aside(run: Path) -> Path:
    """Moves a run into `.trash` beside it, for disks that have no trash; gives its place there.

    Raises:
        RunError: it cannot be moved.
    """
    target = run.parent / TRASH / f"{run.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    with told_as(RunError, f"{run.name} cannot be moved", "check the disk and its permissions."):
        target.parent.mkdir(exist_ok=True)
        number = 1
        while target.exists():
            number += 1
            target = target.with_name(f"{run.name}-{time.strftime('%Y%m%d-%H%M%S')}-{number}")
        os.rename(run, target)
    return target
