"""The library of runs: listing, searching, tags, attached folders, thumbnails, comparing and the trash."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication

from app.core.notices import Message
from app.core.store import Store
from app.run_card import RunCard
from app.settings import ATTACHED
from app.state import AppState
from app.train.controller import TrainController
from app.train.runs.processes import RunProcesses
from app.train.runs.reader import Lists, read_thumbs
from app.train.runs.state import DeletedRun, RunTable
from app.train.runs.trash import put_back, to_trash
from engine import runs
from engine.api import Pictures
from engine.events import Failed
from engine.lanes import Context
from engine.runs import FEWEST_COMPARED, MOST_COMPARED, Compared, RunListing, compare_runs, final_figures, table_csv

LIST_MS: Final = 3000
LIST_SHARE: Final = 10
"""A list that takes long to read is read seldom: at most a tenth of the time goes into it."""
FIRST_CARDS: Final = 30
THUMBS_AT_ONCE: Final = 24


class RunsController(QObject):
    """Every wish about runs other than training itself. `remember` keeps a setting for the next start."""

    def __init__(
        self,
        store: Store,
        train: TrainController,
        processes: RunProcesses,
        *,
        remember: Callable[..., None],
        attached: Iterable[str] = (),
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._train, self._processes, self._remember = store, train, processes, remember
        self._show = partial(store.change, "run_list")
        self._folder: Path | None = None
        self._attached = tuple(Path(name) for name in attached)
        self._lists = Lists()
        self._thumbs: dict[Path, tuple[float, Pictures | None]] = {}
        self._visible: tuple[Path, ...] = ()
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.refresh)
        train.runsChanged.connect(self.refresh)
        processes.changed.connect(self.refresh)
        processes.began.connect(self._train.show_run)
        store.changed.connect(self._changed)

    # listing
    def set_folder(self, folder: Path) -> None:
        """Where the user's runs are."""
        self._folder = folder
        self._show(folder=folder)
        self.refresh()

    def refresh(self) -> None:
        """Reads the library again; the newest run is shown where none is yet."""
        folder, attached, lists = self._folder, self._attached, self._lists
        if folder is None or self._store.state.closing:
            return
        self._timer.stop()

        def work(context: Context) -> tuple[RunListing, float]:
            begun = time.perf_counter()
            listing = lists.read(folder, attached)
            return listing, time.perf_counter() - begun

        def failed(event: Failed) -> None:
            self._store.notices.failed(event)
            self._again(1.0)

        self._store.tasks.submit(
            "files",
            "list the runs",
            work,
            done=self._listed,
            failed=failed,
            stopped=lambda: self._again(0.0),
            latest="runs",
        )

    def _again(self, seconds: float) -> None:
        if not self._store.state.closing:
            self._timer.start(max(LIST_MS, round(LIST_SHARE * seconds * 1000)))

    def _listed(self, found: tuple[RunListing, float]) -> None:
        listing, seconds = found
        state = self._store.state
        cards = tuple(
            RunCard(entry.info, self._thumbs.get(entry.info.path, (0.0, None))[1], entry.tags, entry.attached)
            for entry in listing.entries
        )
        before = {card.info.path: card for card in state.runs}
        paths = {card.info.path for card in cards}
        self._thumbs = {path: kept for path, kept in self._thumbs.items() if path in paths}
        if _signature(cards) != _signature(state.runs):
            self._store.update(runs=cards)
        marked = tuple(path for path in state.run_list.marked if path in paths)
        if listing.lost != state.run_list.lost or marked != state.run_list.marked:
            self._show(lost=listing.lost, marked=marked)
        self._tell_lost(cards, before)
        self._look_again(cards)
        if self._store.state.run_view is None and cards and self._store.state.training is None:
            self._train.show_run(cards[0].info.path)
        self._want_thumbs()
        self._again(seconds)

    def _tell_lost(self, cards: tuple[RunCard, ...], before: dict[Path, RunCard]) -> None:
        """A run that lived at the last look and whose writer went without a word."""
        training = self._store.state.training
        for card in cards:
            old = before.get(card.info.path)
            mine = training is not None and training.run == card.info.path
            if old is None or not old.info.status.alive or not card.info.status.lost or mine:
                continue
            if not self._processes.watches(card.info.path):
                where = "its process ended without a word" if card.info.status.here else "no heartbeat comes any more"
                title = card.info.title
                self._store.notices.warn(
                    f"{title} is not being trained any more ({where}): its newest checkpoint is kept, resume it."
                )

    def _look_again(self, cards: tuple[RunCard, ...]) -> None:
        """The run on show is watched again when the list finds that it lives, or that it changed."""
        view = self._store.state.run_view
        card = next((c for c in cards if view is not None and c.info.path == view.path), None)
        if view is not None and card is not None:
            seen, now = view.info, card.info
            if (seen.status, seen.config) != (now.status, now.config) and not (seen.status.alive and now.status.alive):
                self._train.look()

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.closing:
            self._timer.stop()

    # thumbnails
    def see(self, paths: list[str]) -> None:
        """These cards are on screen: they are first to get their pictures."""
        self._visible = tuple(Path(path) for path in paths)
        self._want_thumbs()

    def _want_thumbs(self) -> None:
        cards = {card.info.path: card for card in self._store.state.runs}
        first = (*self._visible, *(card.info.path for card in self._store.state.runs[:FIRST_CARDS]))
        infos = [
            cards[path].info
            for path in dict.fromkeys(first)
            if path in cards and self._thumbs.get(path, (None, None))[0] != cards[path].info.modified
        ][:THUMBS_AT_ONCE]
        if not infos:
            return

        def done(found: dict[Path, Pictures | None]) -> None:
            for info in infos:
                self._thumbs[info.path] = (info.modified, found[info.path])
            runs = tuple(
                card
                if card.info.path not in found or card.thumb is found[card.info.path]
                else replace(card, thumb=found[card.info.path])
                for card in self._store.state.runs
            )
            if any(new is not old for new, old in zip(runs, self._store.state.runs, strict=True)):
                self._store.update(runs=runs)
            self._want_thumbs()

        self._store.tasks.submit(
            "files",
            "read the thumbnails",
            lambda context: read_thumbs(infos),
            done=done,
            latest="thumbs",
            background=True,
        )

    # looking
    def choose_tag(self, tag: str) -> None:
        """Shows only the runs with this tag; the same again, or none, shows all."""
        self._show(tag="" if tag == self._store.state.run_list.tag else tag)

    def choose(self, path: Path) -> None:
        """Puts a run on show."""
        if self._store.state.run_list.table is not None:
            self._show(table=None)
        self._train.show_run(path)

    def card(self, path: Path | None) -> RunCard | None:
        """The card of a run, None when it is not listed."""
        return next((card for card in self._store.state.runs if card.info.path == path), None)

    # titles and tags
    def rename(self, path: Path, title: str) -> None:
        """Another title."""
        self._write("rename the run", lambda: runs.rename(path, title))

    def set_tags(self, path: Path, tags: tuple[str, ...]) -> None:
        """Replaces the run's tags."""
        self._write("write the tags", lambda: runs.write_tags(path, tags))

    def add_tag(self, path: Path, text: str) -> None:
        """One tag more."""
        card, tag = self.card(path), runs.clean_tag(text)
        if card is not None and tag and tag not in card.tags:
            self.set_tags(path, (*card.tags, tag))

    def remove_tag(self, path: Path, tag: str) -> None:
        """One tag less."""
        card = self.card(path)
        if card is not None and tag in card.tags:
            self.set_tags(path, tuple(one for one in card.tags if one != tag))

    def _write(self, kind: str, work: Callable[[], object]) -> None:
        self._store.tasks.submit("files", kind, lambda context: work(), done=lambda _: self.refresh())

    # attached folders
    def attach(self, names: Iterable[str]) -> None:
        """Runs, or folders of runs, from anywhere; remembered until they are taken off."""
        new = [Path(os.path.abspath(Path(name).expanduser())) for name in names]
        files = [path for path in new if path.is_file()]
        if files:
            self._store.notices.warn(f"{files[0].name} is no folder: attach a run, or a folder of runs.")
            return
        wanted = tuple(dict.fromkeys((*self._attached, *new)))
        if len(wanted) > ATTACHED:
            self._store.notices.warn(f"At most {ATTACHED} folders can be attached: take one off the list first.")
        elif wanted != self._attached:
            self._keep_attached(wanted)
            self._store.update(train_panel="runs", workspace="train")

    def detach(self, path: Path) -> None:
        """Takes a run off the list, with the attached folder that it is in; nothing is deleted."""
        gone = [one for one in self._attached if one in (path, path.parent)]
        self._keep_attached(tuple(one for one in self._attached if one not in gone))
        if gone:
            self._store.notices.info(f"{gone[0].name} is off the list; nothing was deleted.")

    def _keep_attached(self, wanted: tuple[Path, ...]) -> None:
        self._attached = wanted
        self._remember(attached=tuple(str(path) for path in wanted))
        self.refresh()

    # comparing
    def mark(self, path: Path, on: bool) -> None:
        """Takes a run into the comparison, or out of it."""
        marked = tuple(one for one in self._store.state.run_list.marked if one != path)
        if on and len(marked) >= MOST_COMPARED:
            self._store.notices.warn(f"At most {MOST_COMPARED} runs can be compared: unmark one first.")
            return
        self._show(marked=(*marked, path) if on else marked)
        if self._store.state.run_list.table is not None:
            self.compare()

    def compare(self) -> None:
        """The marked runs side by side; with one marked, it and the run on show."""
        state = self._store.state
        marked = list(state.run_list.marked)
        if len(marked) == 1 and state.run_view is not None and state.run_view.path not in marked:
            marked.append(state.run_view.path)
        cards = [card for card in map(self.card, marked) if card is not None]
        if len(cards) < FEWEST_COMPARED:
            self._store.notices.warn("A comparison needs two runs: mark them in the list (Ctrl and a click, or Space).")
            return

        def work(context: Context) -> RunTable:
            columns = tuple(Compared(card.info, final_figures(card.info.path)) for card in cards)
            return RunTable(columns, compare_runs(columns))

        self._store.tasks.submit(
            "files", "compare the runs", work, done=lambda table: self._show(table=table), latest="compare"
        )

    def copy_table(self) -> None:
        """The table as text for a spreadsheet."""
        table = self._store.state.run_list.table
        if table is not None:
            QGuiApplication.clipboard().setText(table_csv(table.columns, table.rows))
            self._store.notices.info("The table is on the clipboard, as comma-separated text.")

    # trash
    def delete(self, path: Path) -> None:
        """Moves a run to the trash; a live one stays."""
        card = self.card(path)
        training = self._store.state.training
        if card is None:
            return
        if card.info.status.alive or (training is not None and training.run == path):
            self._store.notices.warn(f"{card.info.title} is being trained: stop it first, then delete it.")
            return
        title = card.info.title

        def done(found: tuple[Path, bool]) -> None:
            now, system = found
            gone = DeletedRun(path, now, title)
            self._store.change(
                "run_list",
                gone=gone,
                marked=tuple(one for one in self._store.state.run_list.marked if one != path),
                table=None,
            )
            where = "in the trash" if system else f"in {now.parent}, for its disk has no trash"
            self._store.notices.say(Message(f"{title} is {where}.", action="Undo", act=self.undo_delete))
            view = self._store.state.run_view
            if view is not None and view.path == path:
                self._store.update(run_view=None)
            self.refresh()

        def failed(event: Failed) -> None:
            self._store.notices.failed(event)
            self.refresh()

        self._store.tasks.submit("files", "delete the run", lambda context: to_trash(path), done=done, failed=failed)

    def undo_delete(self) -> None:
        """Brings the run back that was deleted last."""
        gone = self._store.state.run_list.gone
        if gone is None or gone.now is None:
            self._store.notices.warn("No run was deleted in this window.")
            return
        now = gone.now

        def done(_: object) -> None:
            self._show(gone=None)
            self._store.notices.info(f"{gone.title} is back.")
            self.refresh()

        self._store.tasks.submit("files", "bring the run back", lambda context: put_back(gone.was, now), done=done)


def _signature(cards: tuple[RunCard, ...]) -> list[tuple[object, ...]]:
    """What a list shows of its runs: the same again need not be painted."""
    return [
        (c.info.path, c.info.status, c.info.status.message, c.info.config.title, c.tags, id(c.thumb), c.info.modified)
        for c in cards
    ]
