"""The birthday test as a game: two pictures, one question, and at the end what the answers say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from app.diagnosis.findings import words
from app.theme import set_kind
from app.train.birthday.state import BirthdayState
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, scrolled, stacked, vbox
from app.widgets.pair import AnswerDots, PairView
from engine.diagnostics import PAIRS, Game, Kind, Support, outcome, over, rounded, rounds_sentence, support_sentence

QUESTION: Final = "Is this the same picture twice?"
HELP: Final = (
    "These are the nearest two of a batch. Small changes of light or blur still count as the same; another person, "
    "pose or expression does not. Some batches are real images, as a control: which ones, you learn at the end."
)
KEYS: Final = (Qt.Key.Key_S, Qt.Key.Key_D, Qt.Key.Key_Z, Qt.Key.Key_Backspace, Qt.Key.Key_N, Qt.Key.Key_Escape)


class BirthdayView(QWidget):
    """Pairs, answers by S and D, undo by Z, and the result."""

    answered = Signal(str)
    undoWanted = Signal()
    skipWanted = Signal()
    finishWanted = Signal()
    againWanted = Signal()
    leaveWanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Birthday test")
        title = kind_label("title", "Birthday test")
        self.line = kind_label("muted")
        self.back = button("Back", "Back to the report; the test is kept (Esc)", kind="quiet")
        self.pair, self.dots = PairView(), AnswerDots()
        self.question = kind_label("name", QUESTION)
        self.question.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.same = button("Same  S", "The same picture twice (S)", kind="primary")
        self.different = button("Different  D", "Two different pictures (D)", kind="primary")
        self.undo = button("Undo", "Take the last answer back (Z)")
        self.skip = button("Next batch", "This batch has shown its duplicate: go on to the next (N)")
        self.finish = button("Result", "End the test here and see what the answers say")
        self.again = button("New test", "Another test, on the run's newest checkpoint", kind="primary")
        self.undo_end = button("Undo last answer", "Take the last answer back and go on (Z)")
        for push in (self.again, self.undo_end):
            push.setParent(self)
            push.hide()  # Until there is a result to stand under.
        self.message = words("")
        set_kind(self.message, "warn")
        for push, act in (
            (self.back, self.leaveWanted.emit),
            (self.same, lambda: self.answered.emit("same")),
            (self.different, lambda: self.answered.emit("different")),
            (self.undo, self.undoWanted.emit),
            (self.undo_end, self.undoWanted.emit),
            (self.skip, self.skipWanted.emit),
            (self.finish, self.finishWanted.emit),
            (self.again, self.againWanted.emit),
        ):
            # A click must not take S and D away from the view.
            push.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            push.clicked.connect(lambda _checked=False, call=act: call())
        self._result = scrolled(QWidget())
        self._pages = stacked(self._play_page(), self._result)
        head = hbox(vbox(title, self.line, gap_px=2), None, self.back)
        self.setLayout(vbox(head, self.message, self._pages, gap_px=8, stretch={2: 1}))
        self.result: QLabel | None = None
        self._told: Game | None = None

    def _play_page(self) -> QWidget:
        answers = hbox(self.same, self.different, stretch={0: 1, 1: 1})
        others = hbox(self.undo, None, self.skip, self.finish)
        column = vbox(self.pair, self.dots, self.question, answers, others, 4, words(HELP), None, gap_px=8)
        column.setStretch(0, 20)
        column.setStretch(column.count() - 1, 1)
        return held(column)

    def show_state(self, state: BirthdayState) -> None:
        if not state.open:
            return
        game = state.game
        self.message.setText(state.message)
        self.message.setVisible(bool(state.message))
        at_end = game is not None and over(game)
        self._pages.setCurrentIndex(1 if at_end else 0)
        if game is not None and at_end:
            self.line.setText(f"step {state.step:,} · {_count(len(game.rounds), 'batch', 'batches')}, told apart below")
            if game is not self._told:
                self._told = game
                self._show_result(game)
            return
        self._told = None
        self._show_play(state, game)

    def _show_play(self, state: BirthdayState, game: Game | None) -> None:
        item = game.current if game is not None else None
        number = len(game.rounds) + 1 if game is not None else 1
        size = f" · the nearest pairs of {item.plan.size:,} pictures" if item is not None else ""
        self.line.setText(f"batch {number}{size} · step {state.step:,}" if state.game is not None else "")
        ready = item is not None and state.left is not None and state.right is not None and not state.drawing
        if ready and item is not None and state.left is not None and state.right is not None:
            at = min(len(item.answers), len(state.left) - 1)
            self.pair.show_pair(state.left[at], state.right[at])
        else:
            self.pair.show_words("" if not state.drawing else "reading the model…" if game is None else "drawing…")
        answers = tuple(answer == "same" for answer in item.answers) if item is not None else ()
        self.dots.set_answers(answers, len(item.pairs) if item is not None else PAIRS)
        for push in (self.same, self.different):
            push.setEnabled(ready)
        self.undo.setEnabled(game is not None and game.answered > 0)
        self.skip.setEnabled(item is not None and item.same > 0)
        self.finish.setEnabled(game is not None and (bool(game.rounds) or (item is not None and item.same > 0)))

    def _show_result(self, game: Game) -> None:
        found = outcome(game)
        self.result = QLabel(result_text(game))
        self.result.setWordWrap(True)
        self.result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = vbox(self.result, gap_px=12)
        column.addWidget(_estimates(found.samples, found.real))
        column.addWidget(_rounds(game))
        column.addLayout(hbox(self.again, self.undo_end, None))
        column.addWidget(
            words(
                "Where pictures are not equally likely, this is the effective number: a lower bound of how many "
                "there are. Very blurred samples look alike although they differ."
            )
        )
        column.addStretch(1)
        column.setContentsMargins(0, 0, 8, 8)
        old = self._result.takeWidget()
        body = held(column)
        self._result.setWidget(body)
        self.again.show()
        self.undo_end.show()
        body.setAutoFillBackground(False)
        if old is not None:
            old.deleteLater()

    # keys
    def event(self, event: QEvent) -> bool:
        return paint.keeps_key(event, KEYS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pushes: dict[int, QPushButton] = {
            Qt.Key.Key_S: self.same,
            Qt.Key.Key_D: self.different,
            Qt.Key.Key_N: self.skip,
            Qt.Key.Key_Escape: self.back,
        }
        at_end = self._pages.currentIndex() == 1
        for key in (Qt.Key.Key_Z, Qt.Key.Key_Backspace):
            pushes[key] = self.undo_end if at_end else self.undo
        push = pushes.get(event.key())
        if push is None or event.modifiers() not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
            super().keyPressEvent(event)
        elif push.isEnabled() and not event.isAutoRepeat():
            # One press is one answer: a key that is held down must not answer pairs that nobody saw.
            push.click()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)


def result_text(game: Game) -> str:
    """What the answers say, in two or three sentences."""
    found = outcome(game)
    if found.samples.batches == 0:
        return "No batch of samples was looked through, so nothing is known yet."
    seen = rounds_sentence(game, "samples")
    sentence = f"{seen[0].upper()}{seen[1:]}. The generator draws {support_sentence(found.samples)}."
    if game.of("real"):
        control = rounds_sentence(game, "real")
        sentence += f" The control: {control}."
        if any(item.same for item in game.of("real")):
            sentence += " You have called different real images the same, or the data has copies: read this with care."
    return sentence


def _estimates(samples: Support, real: Support) -> QWidget:
    rows = [
        ("", "samples", "real images"),
        ("s²/(2 ln 2)", _number(samples.exact), _number(real.exact)),
        ("s²", _number(samples.squared), _number(real.squared)),
        ("95 % interval", _interval(samples), _interval(real)),
        ("s with even chances", _number(samples.half_size), _number(real.half_size)),
    ]
    return _table(rows, ("muted", "value", "value"), gap_px=4)


def _table(rows: Sequence[tuple[str, ...]], kinds: tuple[str, ...], *, gap_px: int) -> QWidget:
    """Rows under the first one, which holds their heads; `kinds` are the looks of the columns."""
    table = QWidget()
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(gap_px)
    grid.setColumnStretch(len(kinds), 1)
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            grid.addWidget(kind_label(kinds[column] if row else "small", text), row, column)
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else rounded(value)


def _interval(support: Support) -> str:
    if support.batches == 0:
        return "–"
    return (
        f"from {rounded(support.low)}" if support.high is None else f"{rounded(support.low)} to {rounded(support.high)}"
    )


def _rounds(game: Game) -> QWidget:
    """One row a batch, now that it may be told what it was."""
    names: dict[Kind, str] = {"samples": "samples", "real": "real images"}
    rows: list[tuple[str, ...]] = [("batch", "s", "of", "called the same")]
    for number, item in enumerate(game.rounds, start=1):
        same = f"{item.same} of {len(item.answers)}" if item.answers else "none"
        rows.append((str(number), f"{item.plan.size:,}", names[item.plan.kind], same))
    return _table(rows, ("readout", "readout", "muted", "readout"), gap_px=2)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
