"""The keys of the Lab. Plain letters act while it is on show."""

from __future__ import annotations

from typing import Final

from app.core.shortcuts import Shortcut, ShortcutTable

LAYERS: Final = (
    ("data", "1", "Data", "Points of the truth."),
    ("samples", "2", "Samples", "What the model draws, from the same codes all the time."),
    ("density", "3", "Density", "How dense the model's points lie: exact for flows, of 8,192 samples for others."),
    ("truth", "4", "Truth", "Lines that hold 50 and 95 % of the truth's mass."),
    ("critic", "5", "Critic", "What the discriminator says of each place."),
    ("grid", "6", "Grid", "Straight lines of the code, every half sigma, as the model bends them."),
    ("difference", "7", "Difference", "Where the model is denser than the truth, and where thinner."),
    ("gradient", "8", "Gradient", "Where the generator's loss would have its samples go."),
    ("trajectories", "9", "Trajectories", "The ways of 60 points from code to data."),
    ("mass", "0", "Quarters", "Samples by the quarter of the code they come from: each holds 25 % of the mass."),
    ("field", "V", "Field", "The velocities with which points flow there."),
)
"""(name, key, title, what it shows), in the order of the list."""

ROWS: Final = (
    Shortcut("lab.play", ("K",), "Train or pause", "Let the stages learn, or halt them (also Space).", "Lab"),
    Shortcut("lab.step", (".",), "One step", "One step of every stage.", "Lab"),
    Shortcut("lab.step_d", ("D",), "Discriminator step", "One step of the discriminators alone.", "Lab"),
    Shortcut("lab.step_g", ("G",), "Generator step", "One step of the generators alone.", "Lab"),
    Shortcut("lab.restart", ("Shift+R",), "Start again", "The same seed from the first step.", "Lab"),
    Shortcut("lab.back", ("J",), "A moment back", "One kept moment back.", "Lab"),
    Shortcut("lab.on", ("L",), "A moment on", "One kept moment on; the last is now.", "Lab"),
    Shortcut("lab.compare", ("C",), "Compare", "A second stage on the same clock and batches, or one alone.", "Lab"),
    Shortcut("lab.seeds", ("X",), "5 seeds", "The chosen set-up with five seeds on one clock, or one alone.", "Lab"),
    Shortcut("lab.take_seed", ("Shift+X",), "Take this seed", "The chosen one of five seeds alone.", "Lab"),
    Shortcut("lab.other", ("B",), "Next stage", "Choose the other stage, or the next of five.", "Lab"),
    Shortcut("lab.layers", ("Y",), "Play layers", "Move the points through the layers, from code to data.", "Lab"),
    Shortcut("lab.draw", ("P",), "Draw data", "Draw a distribution by hand, and let the stages learn it.", "Lab"),
    Shortcut("lab.csv", ("Ctrl+O",), "Open a CSV file", "Your own numbers, in one or two columns.", "Lab"),
    Shortcut("lab.lessons", ("H",), "Lessons", "Show the lessons, or only their head.", "Lab"),
    Shortcut("lab.next_lesson", ("N",), "Next lesson", "Open the next lesson.", "Lab"),
    Shortcut("lab.last_lesson", ("Shift+N",), "Lesson before", "Open the lesson before.", "Lab"),
    Shortcut("lab.measure", ("M",), "Measure", "Measure the numbers of the open lesson, or stop.", "Lab"),
    Shortcut("lab.best_d", ("Shift+D",), "Best discriminator", "Train it alone until its loss is still.", "Lab"),
    Shortcut("lab.best_g", ("Shift+G",), "Best generator", "Train it alone until its loss is still.", "Lab"),
    Shortcut("lab.seed", ("Ctrl+R",), "Another seed", "The same set-up with the next seed.", "Lab"),
    Shortcut("lab.undo", ("Ctrl+Z",), "Undo set-up", "The set-up before this one.", "Lab"),
    Shortcut("lab.redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Redo set-up", "The set-up that was undone.", "Lab"),
    Shortcut("lab.copy", ("Ctrl+Shift+C",), "Copy set-up", "All stages as one line of text.", "Lab"),
    Shortcut("lab.paste", ("Ctrl+V",), "Paste set-up", "Stages of a line that was copied.", "Lab"),
    Shortcut("lab.picture", ("Ctrl+S",), "Save picture\u2026", "The stages as they are drawn, as PNG.", "Lab"),
    Shortcut("lab.loop", ("Ctrl+E",), "Save loop\u2026", "All that was kept, as GIF, WebP, MP4 or PNG.", "Lab"),
    Shortcut("lab.curves", ("Alt+E",), "Save curves\u2026", "Every curve as CSV.", "Lab"),
    Shortcut("lab.numbers", ("Ctrl+J",), "Save numbers\u2026", "Set-up and numbers with their floors, as JSON.", "Lab"),
    Shortcut("lab.keep", ("Ctrl+D",), "Keep as run", "The stage as a run, which Train goes on with.", "Lab"),
    *(Shortcut(f"lab.show_{name}", (key,), title, words, "Lab") for name, key, title, words in LAYERS),
)
SHORTCUTS: Final = ShortcutTable(*ROWS, when_shown=[row.id for row in ROWS])
keys_text: Final = SHORTCUTS.keys_text
