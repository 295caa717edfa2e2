"""The bar under the stages: learn, halt, step, how fast, and back through what was."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.lab.shortcuts import keys_text
from app.lab.state import NOW, LabState
from app.theme import set_kind
from app.widgets.buttons import button, menu_button
from app.widgets.labels import kind_label
from app.widgets.layout import hbox
from app.widgets.scrubber import Scrubber
from app.widgets.segmented import Segmented

HEIGHT_PX: Final = 48
PACES: Final = (("1", "Slow"), ("10", "10/s"), ("100", "100/s"), ("0", "Max"))
PLAY_PX: Final = 92
BEST: Final = (("lab.best_d", "Of the discriminator"), ("lab.best_g", "Of the generator"))
EXPORTS: Final = (
    ("lab.picture", "Picture of the stages (PNG)\u2026"),
    ("lab.loop", "Loop through what was kept (GIF, WebP, MP4)\u2026"),
    ("lab.curves", "All curves (CSV)\u2026"),
    ("lab.numbers", "Set-up and numbers (JSON)\u2026"),
    ("lab.keep", "Keep as a run"),
)


class Transport(QWidget):
    """Emits what is wanted."""

    playClicked = Signal()
    stepClicked = Signal(str)
    restartClicked = Signal()
    paceChosen = Signal(float)
    exportWanted = Signal(str)
    bestWanted = Signal(str)
    seedClicked = Signal()
    seedsToggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        set_kind(self, "bottombar")
        self.setFixedHeight(HEIGHT_PX)
        self.play = button("Train", f"Let the stages learn ({keys_text('lab.play')} or Space)", kind="primary")
        self.play.setFixedWidth(PLAY_PX)
        self.step = button("Step", f"One step of every stage ({keys_text('lab.step')})")
        self.step_d = button("D", f"One step of the discriminators alone ({keys_text('lab.step_d')})")
        self.step_g = button("G", f"One step of the generators alone ({keys_text('lab.step_g')})")
        self.best, self.best_menu = menu_button("Best", "One network's best response: the other one is held")
        for action, words in BEST:
            entry = self.best_menu.addAction(f"{words}\t{keys_text(action)}")
            entry.triggered.connect(lambda _checked=False, name=action: self.bestWanted.emit(name))
        self.restart = button("Restart", f"The same seed from the first step ({keys_text('lab.restart')})")
        self.seed = button("New seed", f"The same set-up with the next seed ({keys_text('lab.seed')})")
        self.seeds = button(
            "5 seeds",
            f"This set-up with five seeds on one clock: how much is luck ({keys_text('lab.seeds')})",
            checkable=True,
        )
        self.pace = Segmented(PACES, tooltip="Steps a second; Slow is one, and tells its parts.")
        self.pace.set_current("0")
        self.past = Scrubber(
            tooltip=f"Moments that were kept; the last is now ({keys_text('lab.back')} and {keys_text('lab.on')})."
        )
        self.count = kind_label("muted", "steps")
        self.rate = kind_label("readout", "")
        for one in (self.step_d, self.step_g):
            one.setFixedWidth(34)
        self.rate.setMinimumWidth(64)
        self.export, self.export_menu = menu_button("Export", "What is on show, as files")
        for action, words in EXPORTS:
            if action == "lab.keep":
                self.export_menu.addSeparator()
            entry = self.export_menu.addAction(f"{words}\t{keys_text(action)}")
            entry.triggered.connect(lambda _checked=False, name=action: self.exportWanted.emit(name))
        self.setLayout(
            hbox(
                self.play,
                self.step,
                self.step_d,
                self.step_g,
                self.best,
                self.restart,
                self.seed,
                self.seeds,
                8,
                self.pace,
                8,
                self.past,
                self.count,
                self.rate,
                self.export,
                margins=(16, 0, 16, 0),
                stretch={11: 1},
            )
        )
        self.play.clicked.connect(lambda: self.playClicked.emit())
        self.step.clicked.connect(lambda: self.stepClicked.emit(""))
        self.step_d.clicked.connect(lambda: self.stepClicked.emit("discriminator"))
        self.step_g.clicked.connect(lambda: self.stepClicked.emit("generator"))
        self.seed.clicked.connect(lambda: self.seedClicked.emit())
        self.seeds.clicked.connect(self.seedsToggled)
        self.restart.clicked.connect(lambda: self.restartClicked.emit())
        self.pace.changed.connect(lambda key: self.paceChosen.emit(float(key)))

    def show_lab(self, state: LabState) -> None:
        """What can be done now, and where the clock stands."""
        networks = {name for stage in state.stages if stage.info is not None for name in stage.info.networks}
        self.play.setText("Pause" if state.playing else "Train")
        self.play.setEnabled(state.made and (state.playing or not state.done))
        self.step.setEnabled(state.made and not state.done)
        for one, name in ((self.step_d, "discriminator"), (self.step_g, "generator")):
            one.setVisible(name in networks)
            one.setEnabled(not state.done)
        self.best.setVisible("generator" in networks)
        self.best.setEnabled(state.made and not state.done)
        self.best_menu.actions()[0].setEnabled("discriminator" in networks)
        self.seed.setEnabled(state.made)
        self.seeds.setEnabled(bool(state.stages))
        self.seeds.setChecked(state.seeded)
        self.restart.setEnabled(state.made and state.clock > 0)
        self.past.set_steps(state.kept)
        self.past.set_index(len(state.kept) - 1 if state.at == NOW else state.at)
        self.count.setText("step" if state.clock_shown == 1 else "steps")
        rate = f"{state.rate:,.0f}/s" if state.rate >= 10 else f"{state.rate:.1f}/s"
        ended = "all done" if state.done and state.clock else ""
        self.rate.setText(rate if state.rate else ended)
