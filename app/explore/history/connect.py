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
    single.picture.shareChanged.connect(lambda share: marks.split(share=share))
    steps = single.steps
    steps.splitWanted.connect(lambda number: marks.split(on=True, entry=number, bookmark=None))
    # Always the state before the current one, as at the start.
    steps.splitBefore.connect(lambda: marks.split(on=True, entry=None, bookmark=None))
    steps.split.clicked.connect(marks.toggle_split)
    steps.star.clicked.connect(marks.keep)
    steps.keepEntryWanted.connect(marks.keep_entry)
    return {"bookmark.keep": marks.keep, "view.split": marks.toggle_split}
