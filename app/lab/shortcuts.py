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

SHORTCUTS: Final = ShortcutTable(
    Shortcut("lab.play", ("K",), "Train or pause", "Let the stages learn, or halt them (also Space).", "Lab"),
    Shortcut("lab.step", (".",), "One step", "One step of every stage.", "Lab"),
    Shortcut("lab.step_d", ("D",), "Discriminator step", "One step of the discriminators alone.", "Lab"),
    Shortcut("lab.step_g", ("G",), "Generator step", "One step of the generators alone.", "Lab"),
    Shortcut("lab.restart", ("Shift+R",), "Start again", "The same seed from the first step.", "Lab"),
    Shortcut("lab.back", ("J",), "A moment back", "One kept moment back.", "Lab"),
    Shortcut("lab.on", ("L",), "A moment on", "One kept moment on; the last is now.", "Lab"),
    Shortcut("lab.compare", ("C",), "Compare", "A second stage on the same clock and batches, or one alone.", "Lab"),
    Shortcut("lab.other", ("B",), "Set up A or B", "Show the other stage's set-up.", "Lab"),
    Shortcut("lab.layers", ("Y",), "Play layers", "Move the points through the layers, from code to data.", "Lab"),
    Shortcut("lab.lessons", ("H",), "Lessons", "Show the lessons, or only their head.", "Lab"),
    Shortcut("lab.next_lesson", ("N",), "Next lesson", "Open the next lesson.", "Lab"),
    Shortcut("lab.last_lesson", ("Shift+N",), "Lesson before", "Open the lesson before.", "Lab"),
    Shortcut("lab.measure", ("M",), "Measure", "Measure the numbers of the open lesson, or stop.", "Lab"),
    *(Shortcut(f"lab.show_{name}", (key,), title, words, "Lab") for name, key, title, words in LAYERS),
    when_shown=(
        *(f"lab.{name}" for name in ("play", "step", "step_d", "step_g", "restart", "back", "on", "compare", "other")),
        *(f"lab.{name}" for name in ("layers", "lessons", "next_lesson", "last_lesson", "measure")),
        *(f"lab.show_{name}" for name, *_ in LAYERS),
    ),
)
keys_text: Final = SHORTCUTS.keys_text
