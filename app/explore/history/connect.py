"""What bookmarks and steps of the history lead to."""

from __future__ import annotations

from app.core.workspace import Actions
from app.explore.history.bookmarks import BookmarksController
from app.explore.history.bookmarks_view import BookmarksPanel
from app.explore.single.view import SingleView


def connect(marks: BookmarksController, panel: BookmarksPanel, *, single: SingleView) -> Actions:
    """Connects the bookmarks, and the comparison of two states over one picture."""
    panel.chosen.connect(marks.go)
    panel.renamed.connect(marks.rename)
    panel.removed.connect(marks.remove)
    panel.splitWanted.connect(marks.split_bookmark)
    single.picture.shareChanged.connect(marks.set_share)
    steps = single.steps
    steps.splitWanted.connect(marks.split_entry)
    steps.splitBefore.connect(marks.split_before)
    steps.splitToggled.connect(marks.toggle_split)
    steps.keepWanted.connect(marks.keep)
    steps.keepEntryWanted.connect(marks.keep_entry)
    return {"bookmark.keep": marks.keep, "view.split": marks.toggle_split}
