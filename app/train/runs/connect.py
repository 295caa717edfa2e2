"""What gestures on runs lead to: in the list, and in the table that compares them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.core.store import Store
from app.core.workspace import Actions
from app.train.runs.actions import RunActions
from app.train.runs.controller import RunsController
from app.train.runs.panel import RunsPanel
from app.train.runs.table import RunTablePage


def connect(
    runs: RunsController, panel: RunsPanel, *, table: RunTablePage, actions: RunActions, store: Store, window: QWidget
) -> Actions:
    """Connects the list and the table; `window` owns the dialog that asks for a folder."""

    def attach() -> None:
        actions.choose_attached(window)

    def find() -> None:
        store.update(workspace="train", train_panel="runs")
        panel.focus_search()

    panel.runChosen.connect(lambda path: runs.choose(Path(path)))
    panel.runs.markWanted.connect(lambda path, on: runs.mark(Path(path), on))
    panel.actionWanted.connect(lambda path, action: actions.act(Path(path), action))
    panel.runs.seen.connect(runs.see)
    panel.searched.connect(lambda query: store.change("run_list", query=query))
    panel.tags.clicked.connect(runs.choose_tag)
    panel.order.changed.connect(lambda order: store.change("run_list", order=order))
    panel.compare.clicked.connect(runs.compare)
    panel.attach.clicked.connect(attach)
    panel.foldersDropped.connect(runs.attach)
    panel.detail.renamed.connect(lambda path, title: runs.rename(Path(path), title))
    panel.detail.tagAdded.connect(lambda path, tag: runs.add_tag(Path(path), tag))
    panel.detail.tagRemoved.connect(lambda path, tag: runs.remove_tag(Path(path), tag))
    panel.detail.machinesChanged.connect(lambda some, many: store.change("run_list", devices=some, nodes=many))
    table.closeWanted.connect(lambda: store.change("run_list", table=None))
    table.copy.clicked.connect(runs.copy_table)
    table.runChosen.connect(lambda path: runs.choose(Path(path)))
    return {
        "train.pause": actions.pause_shown,
        "train.stop": actions.stop_shown,
        "runs.find": find,
        "runs.attach": attach,
        "runs.mark": actions.with_shown("mark"),
        "runs.compare": runs.compare,
        "runs.duplicate": actions.with_shown("duplicate"),
        "runs.continue": actions.with_shown("continue"),
        "runs.torchrun": actions.with_shown("torchrun"),
        "runs.folder": actions.with_shown("folder"),
        "runs.delete": actions.with_shown("delete"),
        "runs.undo": runs.undo_delete,
    }
