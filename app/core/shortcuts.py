"""Every key of the window in one table: actions, tooltips and the help page are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget


@dataclass(frozen=True)
class Shortcut:
    """One action of the window; ``keys`` in Qt's portable text, the first is the one shown to the user."""

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    group: str


SHORTCUTS: Final[tuple[Shortcut, ...]] = (
    Shortcut("workspace.explore", ("Ctrl+1",), "Explore", "Go to pictures, sliders and photos.", "Workspaces"),
    Shortcut("workspace.train", ("Ctrl+2",), "Train", "Go to training runs and their curves.", "Workspaces"),
    Shortcut("workspace.lab", ("Ctrl+3",), "Lab", "Go to the two-dimensional laboratory.", "Workspaces"),
    Shortcut("photo.open", ("Ctrl+O",), "Open photo…", "Choose a photo and encode it.", "Photos"),
    Shortcut("photo.paste", ("Ctrl+V",), "Paste photo", "Encode the picture on the clipboard.", "Photos"),
    Shortcut("photo.frame", ("Ctrl+F",), "Frame photo…", "Choose a face of the photo, or click its eyes.", "Photos"),
    Shortcut("photo.face_next", ("Alt+Right",), "Next face", "Take the next face of the photo.", "Photos"),
    Shortcut("photo.face_previous", ("Alt+Left",), "Face before", "Take the face before this one.", "Photos"),
    Shortcut("photo.improve", ("Ctrl+I",), "Improve code", "Look for a code that is nearer to the photo.", "Photos"),
    Shortcut("picture.copy", ("Ctrl+Shift+C",), "Copy picture", "Copy the current picture.", "Photos"),
    Shortcut("picture.save", ("Ctrl+S",), "Save picture…", "Save the current picture as a file.", "Photos"),
    Shortcut("code.copy", ("Ctrl+Alt+C",), "Copy code", "Copy the current code as text, to be pasted.", "Photos"),
    Shortcut("session.open", ("Ctrl+Shift+O",), "Open session…", "Open a saved session instead of this.", "Session"),
    Shortcut("session.save", ("Ctrl+Shift+S",), "Save session…", "Keep history, photos and codes.", "Session"),
    Shortcut("session.previous", ("Ctrl+Alt+O",), "Session before", "Back to the session before this one.", "Session"),
    Shortcut("edit.undo", ("Ctrl+Z",), "Undo", "Go one step back in the history.", "Explore"),
    Shortcut("edit.redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Redo", "Go one step forward in the history.", "Explore"),
    Shortcut("levels.show", ("Alt+L",), "Levels", "Unfold or fold the levels of the code.", "Explore"),
    Shortcut("levels.swap", ("Alt+B",), "Swap levels", "Take every level from the second picture, or none.", "Explore"),
    Shortcut("levels.double", ("Alt+D",), "float64", "Compute in double precision, or in single again.", "Explore"),
    Shortcut("levels.reset", ("Alt+0",), "Reset levels", "Take the code as it comes, every level of it.", "Explore"),
    Shortcut("grid.kind", ("Alt+G",), "Kind of grid", "Samples, neighbours, manifold: the next one.", "Explore"),
    Shortcut("sample.random", ("R",), "Random seed", "Draw a new code at this temperature.", "Explore"),
    Shortcut(
        "sliders.reset",
        ("Ctrl+0",),
        "Reset sliders",
        "Put every attribute and direction back to zero.",
        "Explore",
    ),
    Shortcut("bookmark.keep", ("Ctrl+D",), "Keep as bookmark", "Keep the current picture and its sliders.", "Explore"),
    Shortcut("view.split", ("S",), "Split", "Show two states over one square, with a handle between them.", "Explore"),
    Shortcut(
        "attribute.new",
        ("Ctrl+Shift+A",),
        "New attribute…",
        "Make a slider from two groups of your photos, or a CSV of labels.",
        "Explore",
    ),
    Shortcut("model.import", ("Ctrl+Shift+I",), "Import model…", "Open a model that others made.", "Explore"),
    Shortcut("model.diagnose", ("Ctrl+Shift+J",), "Diagnose this model…", "Judge it against a data set.", "Explore"),
    Shortcut("morph.play", ("Space",), "Play morph", "Play or halt the morph between the photos.", "Explore"),
    Shortcut("morph.take", ("Ctrl+U",), "Use this place", "Make the morph's code here the current one.", "Explore"),
    Shortcut("morph.corner", ("Ctrl++", "Ctrl+="), "Add a corner", "Add another face to the morph.", "Explore"),
    Shortcut("morph.pad", ("Ctrl+Shift+D",), "Path or pad", "Switch the morph between path and pad.", "Explore"),
    Shortcut("morph.export", ("Ctrl+E",), "Export morph…", "Write the morph as GIF, WebP, MP4 or PNG.", "Explore"),
    Shortcut("train.start", ("Ctrl+Return",), "Start training", "Start a run with the form's knobs.", "Train"),
    Shortcut("train.pause", ("Ctrl+P",), "Pause training", "Pause or continue the run.", "Train"),
    Shortcut("train.stop", ("Ctrl+.",), "Stop training", "Stop the run and keep its checkpoint.", "Train"),
    Shortcut("train.host", ("Ctrl+Alt+P",), "Own process", "Train in this window, or in its own process.", "Train"),
    Shortcut("runs.find", ("Ctrl+Shift+F",), "Find a run", "Search the runs by words, tags, family or data.", "Runs"),
    Shortcut("runs.attach", ("Ctrl+Alt+R",), "Attach runs…", "Show runs of another folder or mounted disk.", "Runs"),
    Shortcut("runs.mark", ("Ctrl+M",), "Mark run", "Take the run on show into the comparison.", "Runs"),
    Shortcut("runs.compare", ("Ctrl+Shift+M",), "Compare runs", "Put the marked runs side by side.", "Runs"),
    Shortcut("runs.duplicate", ("Ctrl+Shift+N",), "Duplicate run…", "Fill the form with this run's knobs.", "Runs"),
    Shortcut("runs.continue", ("Ctrl+Alt+N",), "Continue run…", "A new run from one of its checkpoints.", "Runs"),
    Shortcut("runs.torchrun", ("Ctrl+Alt+T",), "Copy torchrun line", "To go on with the run on more GPUs.", "Runs"),
    Shortcut("runs.folder", ("Ctrl+Alt+F",), "Open run folder", "Show the run in the file manager.", "Runs"),
    Shortcut("runs.delete", ("Ctrl+Shift+Backspace",), "Delete run", "Move the run on show to the trash.", "Runs"),
    Shortcut("runs.undo", ("Ctrl+Alt+Z",), "Undo delete", "Bring the run back that was deleted last.", "Runs"),
    Shortcut("pictures.tab", ("Alt+T",), "Next pictures", "Samples, pinned photos, yours: the next one.", "Train"),
    Shortcut("pictures.pin", ("Ctrl+Shift+P",), "Pin photo…", "Show a photo inside the run at every preview.", "Train"),
    Shortcut("pictures.play", ("Alt+P",), "Play history", "Play the run's previews, or halt.", "Train"),
    Shortcut("pictures.back", ("Alt+,",), "Preview before", "One preview back in the run's history.", "Train"),
    Shortcut("pictures.on", ("Alt+.",), "Preview after", "One preview on in the run's history.", "Train"),
    Shortcut("pictures.film", ("Ctrl+Shift+E",), "Export time-lapse…", "Write the run's history as a film.", "Train"),
    Shortcut("curves.log", ("Alt+Y",), "Logarithmic curves", "Every plot on a logarithmic axis, or not.", "Curves"),
    Shortcut("curves.axis", ("Alt+X",), "Next x axis", "Step, training time or images seen.", "Curves"),
    Shortcut("curves.whole", ("Alt+W",), "Whole run", "Show all of the run in the curves.", "Curves"),
    Shortcut("curves.note", ("Alt+N",), "Note on the curves", "Write a note at the cursor or newest step.", "Curves"),
    Shortcut("curves.compare", ("Alt+V",), "Compare curves…", "Draw other runs over the one on show.", "Curves"),
    Shortcut("curves.csv", ("Alt+E",), "Export curves as CSV…", "Write what is shown as a table.", "Curves"),
    Shortcut("curves.png", ("Alt+Shift+E",), "Export curves as PNG…", "Write the plots as a picture.", "Curves"),
    Shortcut("collapse.show", ("Alt+K",), "Curves or Collapse", "Switch the right side of Train.", "Train"),
    Shortcut("collapse.quick", ("Ctrl+G",), "Quick diagnosis", "Judge the run on show with few samples.", "Train"),
    Shortcut("collapse.full", ("Ctrl+Shift+G",), "Full diagnosis", "Judge the run on show with all samples.", "Train"),
    Shortcut("collapse.birthday", ("Alt+S",), "Birthday test", "Judge nearest pairs of the run by eye.", "Train"),
    Shortcut("view.theme", ("Ctrl+T",), "Light or dark", "Switch between the light and the dark theme.", "Window"),
    Shortcut("view.fullscreen", ("F11",), "Full screen", "Fill the screen or go back to a window.", "Window"),
    Shortcut("help.palette", ("Ctrl+K",), "Commands", "Find and do anything by typing.", "Window"),
    Shortcut("help.shortcuts", ("F1",), "Keys", "List every key of the window.", "Window"),
    Shortcut("app.quit", ("Ctrl+Q",), "Quit", "Stop the work, keep the checkpoint and close.", "Window"),
)


def _assert_unique(rows: tuple[Shortcut, ...]) -> None:
    """Raises ValueError when two actions share an id or a key: Qt would then fire neither."""
    ids = [row.id for row in rows]
    keys = [QKeySequence(key).toString() for row in rows for key in row.keys]
    doubled = sorted({item for group in (ids, keys) for item in group if group.count(item) > 1})
    if doubled:
        raise ValueError(f"The shortcut table names {', '.join(doubled)} more than once.")
    if "" in keys:
        raise ValueError("The shortcut table holds a key that Qt does not know.")


_assert_unique(SHORTCUTS)
_BY_ID: Final = {row.id: row for row in SHORTCUTS}


def by_id(action_id: str) -> Shortcut:
    """The row of ``action_id``; raises KeyError when there is none."""
    return _BY_ID[action_id]


def keys_text(action_id: str) -> str:
    """The first key in the platform's own spelling, for tooltips (``Ctrl+O``, on a Mac ``⌘O``)."""
    return QKeySequence(by_id(action_id).keys[0]).toString(QKeySequence.SequenceFormat.NativeText)


def help_rows() -> list[tuple[str, str, str]]:
    """Rows (group, title and help, keys) of the help page, in table order."""
    native = QKeySequence.SequenceFormat.NativeText
    return [
        (
            row.group,
            f"{row.title}: {row.help}",
            ", ".join(QKeySequence(key).toString(native) for key in row.keys),
        )
        for row in SHORTCUTS
    ]


class _SpaceForButtons(QObject):
    """Leaves Space to a focused button: without it the window's Space shortcut would take its only key."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_space = (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
        )
        if is_space and isinstance(QApplication.focusWidget(), QAbstractButton):
            event.accept()
            return True
        return super().eventFilter(watched, event)


def make_actions(parent: QWidget, slots: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """Make a QAction for each id in ``slots`` and add it to ``parent``; raises KeyError for an unknown id.

    The actions work anywhere in the parent's window except in a text field, which keeps its own keys.
    """
    actions: dict[str, QAction] = {}
    for action_id, slot in slots.items():
        row = by_id(action_id)
        action = QAction(row.title, parent)
        action.setObjectName(action_id)
        action.setShortcuts([QKeySequence(key) for key in row.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setToolTip(f"{row.help} ({keys_text(action_id)})")
        # `triggered` carries a bool that a plain slot must not take for an argument.
        action.triggered.connect(lambda _checked=False, call=slot: call())
        parent.addAction(action)
        actions[action_id] = action
    parent.installEventFilter(_SpaceForButtons(parent))
    return actions
