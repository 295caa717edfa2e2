"""Parts of the new run's form: the run that it was filled from, and where the run is trained."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from app.train.runs.state import HOSTS, ON_CLOSE, Draft
from app.train.shortcuts import keys_text
from app.widgets.fields import Combo
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, vbox
from app.widgets.notice import CloseButton


class DraftBanner(QFrame):
    """Says what the form was filled from, how many knobs differ, and from which checkpoint the run starts."""

    dropped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "notice-info")
        self.words = QLabel(wordWrap=True)
        self.step = Combo(tooltip="The checkpoint whose weights and optimiser state the new run starts from.")
        self.step.setAccessibleName("Checkpoint")
        self._close = CloseButton("Make it a new run of its own; the knobs stay as they are")
        self._close.clicked.connect(lambda: self.dropped.emit())
        top = hbox(self.words, self._close, stretch={0: 1})
        self.setLayout(vbox(top, self.step, gap_px=4, margins=(12, 6, 8, 8)))
        self.hide()

    def show_draft(self, draft: Draft | None, differing: int) -> None:
        """The draft, or nothing."""
        self.setVisible(draft is not None)
        if draft is None:
            return
        knobs = "1 knob differs" if differing == 1 else f"{differing} knobs differ"
        told = knobs if differing else "no knob differs yet"
        self.step.setVisible(draft.start is not None)
        if draft.start is None:
            self.words.setText(f"Like {draft.name}: {told}")
            return
        self.words.setText(f"Starts from the weights of {draft.name}: {told}")
        self.step.set_options([(str(one.step), f"from step {one.step:,}") for one in draft.checkpoints])
        self.step.set_current(str(draft.start.step))


class HostRow(QWidget):
    """Where runs are trained, and what the window's closing means for those in their own process."""

    def __init__(self, start: QWidget) -> None:
        super().__init__()
        self.host = Combo(
            HOSTS,
            tooltip="In this window, or in its own process, which goes on when the window closes or fails "
            f"({keys_text('train.host')})",
        )
        self.on_close = Combo(ON_CLOSE, tooltip="What becomes of it when this window closes.")
        words = kind_label("small", "When the window closes")
        self._closing = held(hbox(words, self.on_close, stretch={1: 1}))
        row = hbox(start, self.host, stretch={0: 1, 1: 1})
        self.setLayout(vbox(row, self._closing, gap_px=6, margins=(16, 8, 16, 8)))

    def show_choice(self, host: str, on_close: str) -> None:
        """The choices as they are."""
        self.host.set_current(host)
        self.on_close.set_current(on_close)
        self._closing.setVisible(host == "process")
