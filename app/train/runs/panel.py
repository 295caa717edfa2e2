"""The library of runs in Train's left panel: search, tags, the cards, and the run on show in some detail."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from app.run_card import RunCard
from app.state import AppState, moved
from app.train.runs.detail import RunDetail
from app.train.shortcuts import keys_text
from app.widgets.buttons import button
from app.widgets.cards import Card
from app.widgets.fields import Combo, TextField
from app.widgets.labels import kind_label
from app.widgets.layout import hairline, hbox, held, scrolled, vbox
from app.widgets.pixels import dropped_files
from app.widgets.run_list import RunList
from app.widgets.tag_chips import TagChips
from app.words import ago
from engine.runs import SORTS, Entry, UnreadableRun, all_tags, chosen

ACTIONS: Final = (
    ("explore", "Explore"),
    ("resume", "Resume"),
    ("", ""),
    ("duplicate", "Duplicate with changes…"),
    ("continue", "Continue from a checkpoint…"),
    ("mark", "Mark for comparing"),
    ("compare", "Compare"),
    ("", ""),
    ("rename", "Rename"),
    ("torchrun", "Copy torchrun line"),
    ("folder", "Open folder"),
)


class RunsPanel(QWidget):
    """Emits what is wanted, with the folder of the run that is meant."""

    runChosen = Signal(str)
    actionWanted = Signal(str, str)
    searched = Signal(str)
    foldersDropped = Signal(list)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.search = TextField(placeholder="Search runs")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip(
            f"Words of title, tags, family, data or state; #word for tags alone ({keys_text('runs.find')})"
        )
        self.search.textEdited.connect(self.searched)
        self.search.textChanged.connect(lambda text: None if text else self.searched.emit(""))
        self.order = Combo(SORTS, tooltip="In which order the runs stand.")
        self.order.setFixedWidth(96)
        self.tags = TagChips()
        self.count = kind_label("small")
        self.compare = button("Compare", f"The marked runs side by side ({keys_text('runs.compare')})", kind="quiet")
        self.attach = button(
            "Attach…", f"Show a run or a folder of runs from anywhere ({keys_text('runs.attach')})", kind="quiet"
        )
        self.runs = RunList(empty_text="Runs appear here.")
        self.runs.activated.connect(self.runChosen)
        self.runs.actionTriggered.connect(self._act)
        self.search.returnPressed.connect(self.runs.setFocus)
        self.detail = RunDetail()
        self.detail.copyWanted.connect(lambda key: self.actionWanted.emit(key, "torchrun"))
        self._rename: str | None = None
        self._lay_out()

    def _lay_out(self) -> None:
        find = hbox(self.search, self.order, stretch={0: 1})
        head = vbox(find, self.tags, hbox(self.count, None, self.compare, self.attach, gap_px=4), gap_px=6)
        head.setContentsMargins(16, 8, 16, 4)
        inner = held(vbox(self.runs, None))
        area = scrolled(inner)
        area.setViewportMargins(16, 0, 8, 0)
        self.setLayout(vbox(head, area, hairline(), self.detail, gap_px=0, stretch={1: 1}))

    def focus_search(self) -> None:
        """Puts the cursor into the search."""
        self.search.setFocus()
        self.search.selectAll()

    def _act(self, key: str, action: str) -> None:
        if action != "rename":
            self.actionWanted.emit(key, action)
        elif key == self.detail.key():
            self.detail.edit_title()
        else:
            # The field for the title is that of the run on show.
            self._rename = key
            self.runChosen.emit(key)

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "runs", "run_list", "catalogue"):
            self._show_list(now)
        elif moved(now, before, "training"):
            self._show_training(now, before)
        if moved(now, before, "runs", "run_list", "run_view"):
            self._show_chosen(now)

    def _show_list(self, now: AppState) -> None:
        run_list = now.run_list
        by_path = {card.info.path: card for card in now.runs}
        entries = [Entry(card.info, card.tags, card.attached) for card in now.runs]
        found = chosen(entries, query=run_list.query, tag=run_list.tag, order=run_list.order)
        cards = [_card(by_path[entry.info.path], now) for entry in found]
        cards += [_lost_card(lost) for lost in run_list.lost if not run_list.tag and run_list.query in str(lost.path)]
        self.runs.set_cards(cards)
        self.tags.set_tags(all_tags(entries), run_list.tag)
        if self.search.text() != run_list.query:
            self.search.set_text(run_list.query)
        self.order.set_current(run_list.order)
        count = f"{len(found):,} of {len(entries):,} runs" if len(found) < len(entries) else _counted(len(entries))
        self.count.setText(f"{count} · {len(run_list.marked)} marked" if run_list.marked else count)
        self.compare.setVisible(bool(run_list.marked))

    def _show_training(self, now: AppState, before: AppState | None) -> None:
        """Only the card of the run in training: its step moves many times a second."""
        trained = {t.run for t in (now.training, before.training if before is not None else None) if t is not None}
        shown = {card.key for card in self.runs.cards()}
        for card in now.runs:
            if card.info.path in trained and str(card.info.path) in shown:
                self.runs.update_card(_card(card, now))

    def _show_chosen(self, now: AppState) -> None:
        key = str(now.run_view.path) if now.run_view is not None else None
        self.runs.set_selected(key if any(card.key == key for card in self.runs.cards()) else None)
        card = next((card for card in now.runs if str(card.info.path) == key), None)
        self.detail.show_run(card, now.run_list)
        if self._rename is not None and self._rename == key and card is not None:
            self._rename = None
            self.detail.edit_title()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = dropped_files(event.mimeData())
        if files:
            event.acceptProposedAction()
            self.foldersDropped.emit(files)


def _counted(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"


def _family(name: str, now: AppState) -> str:
    families = now.catalogue.families if now.catalogue is not None else ()
    return next((row.title.split(" (")[0] for row in families if row.name == name), name)


def _card(card: RunCard, now: AppState) -> Card:
    """A run as a row, live while something writes it."""
    info, status = card.info, card.info.status
    mine = now.training if now.training is not None and now.training.run == info.path else None
    live = mine is not None or status.alive
    family = _family(info.config.family, now)
    if live:
        state, step = (mine.state, max(mine.step, status.step)) if mine is not None else (status.state, status.step)
        under = f"{family} · {'training' if state == 'running' else state} · step {step:,}"
    else:
        state = "broke off" if status.lost else status.state
        under = f"{family} · {state} at {status.step:,} · {ago(time.time() - info.modified)}"
    title = info.title
    lines = [title, str(info.path), f"{state}: {status.step:,} of {status.steps:,} steps", status.message]
    if info.config.origin:
        lines.append(f"Continues {info.config.origin.get('run')} from step {info.config.origin.get('step')}")
    lines.append(f"Tags: {', '.join(card.tags)}" if card.tags else "")
    lines.append("Attached: it is not in your own folder" if card.attached else "")
    return Card(
        str(info.path),
        title,
        f"attached · {under}" if card.attached else under,
        card.thumb,
        live=live,
        tooltip="\n".join(line for line in lines if line),
        actions=_actions(card, live=live, marked=info.path in now.run_list.marked),
        tags=card.tags,
        marked=info.path in now.run_list.marked,
    )


def _actions(card: RunCard, *, live: bool, marked: bool) -> tuple[tuple[str, str], ...]:
    words = {
        "resume": "Train on" if card.info.status.state == "done" else "Resume",
        "mark": "Unmark" if marked else "Mark for comparing",
    }
    rows = [(name, words.get(name, text)) for name, text in ACTIONS if not (live and name == "resume")]
    if card.attached:
        rows.append(("detach", "Take off the list"))
    if not live:
        rows += [("", ""), ("delete", "Delete to trash")]
    return tuple(rows)


def _lost_card(lost: UnreadableRun) -> Card:
    """What cannot be read stays in the list, with its reason."""
    actions = (("detach", "Take off the list"),) if lost.attached else (("folder", "Open folder"),)
    title = "/".join(lost.path.parts[-2:]) if lost.attached else lost.path.name
    why = lost.why.removeprefix(f"{lost.path} ").removeprefix(f"{lost.path.name} ")
    return Card(str(lost.path), title, why, tooltip=f"{lost.path}\n{lost.why}", actions=actions, dim=True)
