"""The keys of Train."""

from typing import Final

from app.core.shortcuts import Shortcut, ShortcutTable

SHORTCUTS: Final = ShortcutTable(
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
    Shortcut(
        "pictures.timelapse", ("Ctrl+Shift+E",), "Export time-lapse…", "Write the run's history as a film.", "Train"
    ),
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
    when_shown=(
        "train.start",
        *(f"pictures.{action}" for action in ("tab", "pin", "play", "back", "on", "timelapse")),
        *(f"curves.{action}" for action in ("log", "axis", "whole", "note", "compare")),
    ),
)
keys_text: Final = SHORTCUTS.keys_text
