"""The lessons over the stages: their head, the strip of cards, and the words and numbers of the one that is open."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.lab.lessons.dots import LessonDots
from app.lab.lessons.strip import LessonStrip
from app.lab.shortcuts import keys_text
from app.lab.state import LabState, LessonState
from app.theme import set_kind
from app.widgets.buttons import button
from app.widgets.labels import kind_label
from app.widgets.layout import discard, hbox, held, scrolled, vbox
from engine.lab import CheckInfo, LessonInfo, Proof

OPEN_PX: Final = 112
NUMBERS_PX: Final = 348
GOOD: Final = "\u2713"
BAD: Final = "\u2717"


class LessonsView(QWidget):
    """Emits what is wanted; `show_lab` shows how it stands."""

    foldPressed = Signal()
    answerPressed = Signal()
    measurePressed = Signal()
    closePressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        set_kind(self, "topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.strip = LessonStrip()
        self.count = kind_label("small")
        self.fold = button("Hide", f"Only this line, or all lessons ({keys_text('lab.lessons')})", kind="quiet")
        self.dots = LessonDots()
        head = hbox(kind_label("name", "Lessons"), self.count, self.dots, None, self.fold, gap_px=12)
        self.words = _Words(self)
        column = vbox(head, self.strip, self.words, gap_px=6, margins=(16, 4, 16, 8))
        self.setLayout(column)
        self.fold.clicked.connect(lambda: self.foldPressed.emit())
        self._shown: object = None

    def show_lab(self, state: LabState) -> None:
        """The strip, and the lesson that is open."""
        catalogue, lessons = state.catalogue, state.lessons
        if catalogue is None or self._shown is lessons:
            return
        self._shown = lessons
        proved = [one.name for one in catalogue.lessons if lessons.proved(one)]
        self.strip.set_lessons(catalogue.lessons, opened=lessons.open, proved=proved)
        self.dots.set_lessons(catalogue.lessons, opened=lessons.open, proved=proved)
        # The cards give way to the words of one: the stages need the height.
        self.strip.setVisible(not lessons.folded and not lessons.open)
        self.dots.setVisible(lessons.folded or bool(lessons.open))
        self.fold.setText("Show" if lessons.folded else "Hide")
        self.count.setText(f"{len(proved)} of {len(catalogue.lessons)} proved here")
        opened = bool(lessons.open) and not lessons.folded
        self.words.setVisible(opened)
        if opened:
            self.words.show_lesson(catalogue.lesson(lessons.open), lessons)


class _Words(QWidget):
    """A lesson's words at the left, its question beside them, its numbers at the right."""

    def __init__(self, view: LessonsView) -> None:
        super().__init__()
        self.title, self.source = kind_label("title"), kind_label("small")
        self.text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.erratum = kind_label("warn", wordWrap=True)
        self.question = kind_label("name", wordWrap=True)
        self.reply = QLabel(wordWrap=True)
        self.answer = button("Answer", "Think first; then see the answer", do=view.answerPressed.emit)
        self.measure = button("Measure", "Measure these numbers now", do=view.measurePressed.emit)
        self.close_button = button("Close", "Close the lesson; the stages stay", kind="quiet")
        self.close_button.clicked.connect(lambda: view.closePressed.emit())
        self.problem = kind_label("error", wordWrap=True)
        self.grid = QGridLayout()
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(12)
        self.grid.setVerticalSpacing(2)
        self.grid.setColumnStretch(0, 1)
        self._rows: list[tuple[QLabel, ...]] = []
        asked = hbox(self.question, self.answer, gap_px=12, stretch={0: 1})
        left, middle = vbox(self.text, None), vbox(asked, self.reply, self.erratum, None, gap_px=6)
        right = vbox(self.grid, self.problem, None, gap_px=6)
        numbers = scrolled(held(right))
        numbers.setFixedWidth(NUMBERS_PX)
        head = hbox(self.title, self.source, None, self.measure, self.close_button, gap_px=12)
        body = hbox(scrolled(held(left)), scrolled(held(middle)), numbers, gap_px=24, stretch={0: 1, 1: 1})
        self.setLayout(vbox(head, body, gap_px=4, stretch={1: 1}))
        self.setFixedHeight(OPEN_PX)
        self._lesson = ""

    def show_lesson(self, lesson: LessonInfo, state: LessonState) -> None:
        """The words once, the numbers as they are measured."""
        if lesson.name != self._lesson:
            self._lesson = lesson.name
            self.title.setText(f"{lesson.number[1:]}  {lesson.title}")
            self.source.setText(f"{lesson.deck}, \u201c{lesson.slide}\u201d")
            self.text.setText(" ".join(lesson.sentences))
            self.question.setText(lesson.question)
            self.reply.setText(lesson.answer)
            self.erratum.setText(f"On the slide: {lesson.erratum}")
            self.erratum.setVisible(bool(lesson.erratum))
            self._fill(lesson)
        answered = lesson.name in state.answered
        self.reply.setVisible(answered)
        self.answer.setVisible(not answered)
        busy = state.proving == lesson.name
        self.measure.setText("Stop" if state.proving else "Measure")
        self.problem.setText(state.problem)
        self.problem.setVisible(bool(state.problem))
        for check, (_, value, mark) in zip(lesson.checks, self._rows, strict=True):
            proof = state.proofs.get((lesson.name, check.name))
            now = busy and state.number == check.name
            value.setText(shown(proof, check) if proof else f"{100 * state.share:.0f} %" if now else "")
            mark.setText("" if proof is None else GOOD if proof.holds else BAD)
            mark.setToolTip("" if proof is None else "As the lesson says" if proof.holds else "Not as the lesson says")

    def _fill(self, lesson: LessonInfo) -> None:
        discard(label for row in self._rows for label in row)
        self._rows = []
        for index, check in enumerate(lesson.checks):
            name = QLabel(f"{check.title}: {wanted(check)}", wordWrap=True)
            name.setToolTip("Takes up to some minutes" if check.slow else "Takes seconds")
            row = (name, kind_label("value"), QLabel())
            for column, label in enumerate(row):
                self.grid.addWidget(label, index, column, Qt.AlignmentFlag.AlignTop)
            self._rows.append(row)


def wanted(check: CheckInfo) -> str:
    """What a number ought to be, with its unit."""
    sense = "" if check.sense == "about" else f"{check.sense} "
    return f"{sense}{_number(check.target)} {check.unit}".rstrip()


def shown(proof: Proof, check: CheckInfo) -> str:
    """A measured value with its unit."""
    return f"{_number(proof.value)} {check.unit}".rstrip()


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "\u2212")
