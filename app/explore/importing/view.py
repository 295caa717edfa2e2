"""The panel of an import: what the file holds, what it leaves open, and the button that takes it in."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.core.knob_forms import LABEL_PX as FORM_LABEL_PX
from app.core.knob_forms import KnobForm
from app.explore.importing.state import ImportState
from app.state import AppState, moved
from app.theme import set_kind
from app.widgets.buttons import button
from app.widgets.form import FormRows, Section, TextField
from app.widgets.jobs import ProgressLine
from app.widgets.labels import kind_label
from app.widgets.layout import discard, hbox, held, scrolled, vbox
from app.widgets.leavable import Leavable
from app.words import encodes, millions
from engine.api import Value
from engine.checkpoints import ImportReport
from engine.errors import UsageError

WIDTH_PX: Final = 560
LABEL_PX: Final = 144
DENSITIES: Final = {"exact": "exact, in bits/dim", "bound": "a bound, in bits/dim", "none": "none"}
HEADINGS: Final = {
    "reading": "Looking into the file…",
    "asking": "Import this model?",
    "importing": "Building and verifying…",
    "refused": "Not imported",
}
ENCODES: Final = {"exact": "a photo exactly", "amortised": "a photo at once", "search": "a photo by search"}
READING: Final = "It is read in a process of its own, where nothing in it can run."
ASKED: Final = "The file does not say these. The usual answer is set; change what you know better."
KNOWN: Final = "What the file or its layout says; change it only if you know better."
TITLE_TIP: Final = "The name of the model in the library."


class ImportPanel(Leavable):
    """Stands in the place of the canvas. Emits the answers by name when Import is pressed."""

    accepted = Signal(object)
    titleChanged = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._report: ImportReport | None = None
        self._forms: list[KnobForm] = []
        self.heading, self.file, self.message = kind_label("title"), kind_label("muted"), QLabel(wordWrap=True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.line = ProgressLine()
        self.line.set_fraction(None)
        self.asked, self.known = Section("Asked", collapsible=False), Section("Known", collapsed=True)
        self.found = Section("Found", collapsible=False)
        self.summary, self.warnings = QLabel(wordWrap=True), kind_label("warn", wordWrap=True)
        self._rows = FormRows(label_px=LABEL_PX)
        self.found.add(self._rows)
        for section, words in ((self.asked, ASKED), (self.known, KNOWN)):
            explained = kind_label("muted", words, wordWrap=True)
            section.add(explained)
        self.title = TextField()
        self.title.setToolTip(TITLE_TIP)
        self.title.changed.connect(self.titleChanged)
        self._title_rows = FormRows(label_px=FORM_LABEL_PX)
        self._title_rows.add_row("Title", self.title, TITLE_TIP)
        self.accept = button("Import", "Build the model, verify it, and open it (Enter)", kind="primary")
        self.close_button = button("Cancel", "Leave the file alone (Escape)", do=self.closeWanted.emit)
        self.accept.clicked.connect(self.submit)
        inner = QWidget()
        inner.setMaximumWidth(WIDTH_PX)
        inner.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        column = vbox(
            vbox(self.heading, self.file, gap_px=4),
            self.line,
            self.summary,
            self.warnings,
            self.asked,
            self.known,
            self._title_rows,
            self.message,
            hbox(self.accept, self.close_button, None),
            self.found,
            None,
            gap_px=16,
            margins=(24, 32, 24, 24),
        )
        inner.setLayout(column)
        middle = held(hbox(None, inner, None, stretch={1: 8}))
        self.setLayout(vbox(scrolled(middle)))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if not moved(now, before, "importing") or now.importing is None:
            return
        shown = now.importing
        self.heading.setText(HEADINGS[shown.stage])
        self.file.setText(shown.path.name)
        self.file.setToolTip(str(shown.path))
        self.message.setText(READING if shown.stage == "reading" else shown.message)
        self.message.setVisible(bool(self.message.text()))
        self.line.setVisible(shown.stage in ("reading", "importing"))
        if shown.report is not self._report:
            self._show_report(shown.report)
        if self.title.text() != shown.title:
            self.title.set_text(shown.title)
        self._show_parts(shown, before)

    def _show_parts(self, shown: ImportState, before: AppState | None) -> None:
        report, asking = shown.report, shown.stage == "asking"
        self.found.setVisible(report is not None)
        self.summary.setVisible(report is not None)
        self.warnings.setVisible(report is not None and bool(report.warnings))
        message_kind = "muted" if shown.stage == "reading" else "" if shown.stage == "refused" else "warn"
        if self.message.property("kind") != message_kind:
            set_kind(self.message, message_kind)
        self.asked.setVisible(report is not None and bool(report.open_questions()))
        self.known.setVisible(report is not None and len(report.questions) > len(report.open_questions()))
        self._title_rows.setVisible(report is not None)
        self.accept.setVisible(report is not None)
        for widget in (self.accept, self.asked, self.known, self._title_rows):
            widget.setEnabled(asking)
        self.close_button.setText("Close" if shown.stage == "refused" else "Cancel")
        changed = before is None or before.importing is None or before.importing.stage != shown.stage
        if changed and self.isVisible():
            (self.accept if asking else self.close_button).setFocus()

    def _show_report(self, report: ImportReport | None) -> None:
        self._report = report
        self._rows.clear()
        discard(self._forms)
        self._forms = []
        if report is None:
            return
        for words, value in report_rows(report):
            self._rows.add_value(words, value)
        colours, kind = "colour" if report.channels == 3 else "grey", report.family_title.removesuffix(" (imported)")
        self.summary.setText(
            f"{report.layout}: a {kind} with {millions(report.parameters)} numbers that draws {colours} pictures "
            f"and encodes {ENCODES[report.encode]}."
        )
        self.warnings.setText("\n".join(report.warnings))
        open_knobs = [q.knob for q in report.open_questions()]
        known = [q.knob for q in report.questions if q.known]
        for section, knobs in ((self.asked, open_knobs), (self.known, known)):
            form = KnobForm(knobs, {})
            section.add(form)
            self._forms.append(form)

    def submit(self) -> None:
        """Import, with what the forms say; a value out of range is said instead."""
        try:
            answers: dict[str, Value] = {}
            for form in self._forms:
                answers |= form.values()
        except UsageError as error:
            self.message.setText(str(error))
            self.message.show()
            return
        self.titleChanged.emit(self.title.text())
        self.accepted.emit(answers)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and self.accept.isVisible() and self.accept.isEnabled():
            self.submit()
        else:
            super().keyPressEvent(event)


def report_rows(report: ImportReport) -> list[tuple[str, str]]:
    """What was found, as (words, value)."""
    size = "as chosen above" if report.image_size is None else f"{report.image_size} × {report.image_size} px"
    colours = "colour" if report.channels == 3 else "grey"
    code = "follows from the size" if report.code_size is None else f"{report.code_size:,} numbers"
    rows = [
        ("Format", report.format),
        ("Layout", report.layout),
        ("Family", report.family_title),
        ("Pictures", f"{size}, {colours}"),
        ("Code", code),
        ("Parameters", millions(report.parameters)),
        ("A photo", encodes(report.encode)),
        ("Likelihood", DENSITIES[report.density]),
        *report.facts,
    ]
    if report.unused:
        rows.append(("Left out", f"{len(report.unused)} tensors that a model does not need"))
    return rows
