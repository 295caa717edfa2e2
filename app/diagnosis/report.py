"""A report as a page that scrolls: the verdict first, then what was found, then what was not made and why."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.diagnosis.findings import FindingCard, OfferRow, words
from app.diagnosis.state import DiagnosticCard, Running
from app.theme import set_kind
from app.widgets.labels import kind_label
from app.widgets.layout import hairline, hbox, held, scrolled, vbox
from app.widgets.level_icon import LevelIcon
from app.words import duration
from engine.diagnostics import BY_EYE, BY_EYE_TITLE, Report

SIGN_PX: Final = 24


class ReportView(QWidget):
    """Shows a report, or what could be reported. `runWanted` names diagnostics to be made with all samples."""

    runWanted = Signal(object)
    folded = Signal(str, bool)

    def __init__(self, none_yet: str) -> None:
        super().__init__()
        self._none_yet = none_yet
        self.cards: dict[str, FindingCard] = {}
        self.offers: dict[str, OfferRow] = {}
        self.verdict: QLabel | None = None
        self.busy_line: QLabel | None = None
        self._scroll = scrolled(QWidget())
        self.setLayout(vbox(self._scroll, gap_px=0))
        self._key: tuple[object, ...] | None = None

    def show_report(
        self,
        report: Report | None,
        *,
        cards: tuple[DiagnosticCard, ...],
        opened: frozenset[str],
        message: str = "",
        running: Running | None = None,
        busy: bool = False,
        empty: bool = True,
    ) -> None:
        """Shows the state. `running` is the diagnosis of this very subject, `busy` that one of any is at work;
        `empty` that there is no report at all, and not only none to show."""
        at_work = None if running is None else (running.names, running.quick)
        key = (report, cards, opened, message, at_work, busy, empty)
        # Cards are made anew only when what they show has changed: a tick of progress must not scroll or fold anything.
        if self._key is None or any(a is not b and a != b for a, b in zip(key, self._key, strict=True)):
            self._key = key
            self._make(report, cards, opened, message=message, running=running, busy=busy, empty=empty)
        if running is not None and self.busy_line is not None:
            self.busy_line.setText(_busy_text(running))

    def _make(
        self,
        report: Report | None,
        cards: tuple[DiagnosticCard, ...],
        opened: frozenset[str],
        *,
        message: str,
        running: Running | None,
        busy: bool,
        empty: bool,
    ) -> None:
        at = self._scroll.verticalScrollBar().value()
        column = vbox(gap_px=8, margins=(0, 0, 8, 8))
        self.cards, self.offers, self.verdict, self.busy_line = {}, {}, None, None
        if running is not None:
            self.busy_line = words(_busy_text(running))
            column.addWidget(self.busy_line)
        if message:
            label = words(message)
            set_kind(label, "error")
            column.addWidget(label)
        if report is not None:
            self._add_verdict(column, report, cards)
            self._add_findings(column, report, cards, opened)
        elif empty and running is None:
            column.addWidget(words(self._none_yet))
            column.addWidget(hairline())
        self._add_offers(column, report, cards)
        runs = [card.run for card in self.cards.values() if card.run is not None]
        for push in (*runs, *(offer.run for offer in self.offers.values())):
            push.setEnabled(not busy)
        column.addStretch(1)
        body = held(column)
        old = self._scroll.takeWidget()
        self._scroll.setWidget(body)
        # `setWidget` turns it on again, and the panel behind should show through.
        body.setAutoFillBackground(False)
        if old is not None:
            old.deleteLater()
        self._scroll.verticalScrollBar().setValue(at)

    def _add_verdict(self, column: QVBoxLayout, report: Report, cards: tuple[DiagnosticCard, ...]) -> None:
        card = QWidget()
        set_kind(card, "card")
        card.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        sign = LevelIcon(report.verdict.level, side_px=SIGN_PX)
        title = kind_label("title", report.verdict.title)
        title.setWordWrap(True)
        # The paragraph can stand alone, so it begins with its title, which stands above it here.
        self.verdict = QLabel(report.verdict.paragraph.removeprefix(f"{report.verdict.title}.").lstrip())
        self.verdict.setVisible(bool(self.verdict.text()))
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        small = kind_label("small", _about(report, cards))
        small.setWordWrap(True)
        head = hbox(sign, title, stretch={1: 1})
        card.setLayout(vbox(head, self.verdict, small, gap_px=8, margins=(12, 12, 12, 12)))
        column.addWidget(card)
        column.addSpacing(4)

    def _add_findings(
        self, column: QVBoxLayout, report: Report, cards: tuple[DiagnosticCard, ...], opened: frozenset[str]
    ) -> None:
        known = {item.name for item in cards}
        for finding in report.findings:
            name = finding.diagnostic
            made = FindingCard(finding, opened=name in opened, can_run=name in known)
            made.folded.connect(self.folded)
            made.runWanted.connect(lambda wanted: self.runWanted.emit((wanted,)))
            self.cards[name] = made
            column.addWidget(made)

    def _add_offers(self, column: QVBoxLayout, report: Report | None, cards: tuple[DiagnosticCard, ...]) -> None:
        skipped = report.skipped if report is not None else {}
        for item in cards:
            if item.name in self.cards:
                continue
            why = skipped.get(item.name, "")
            row = OfferRow(item.name, item.title, why or item.help, tried=bool(why))
            row.runWanted.connect(lambda wanted: self.runWanted.emit((wanted,)))
            self.offers[item.name] = row
            column.addWidget(row)


def _busy_text(running: Running) -> str:
    share = "" if running.fraction is None else f" ({running.fraction:.0%})"
    return f"Diagnosing: {running.text or 'starting'}{share}…"


def _about(report: Report, cards: tuple[DiagnosticCard, ...]) -> str:
    """What the report is about: data, step, time, and what the verdict rests on."""
    titles = {item.name: item.title for item in cards} | {BY_EYE: BY_EYE_TITLE}
    rests = ", ".join(titles.get(name, name) for name in report.verdict.evidence)
    parts = [
        report.data,
        "" if report.step is None else f"step {report.step:,}",
        f"took {duration(report.seconds)}" if report.seconds >= 1 else "",
    ]
    line = " · ".join(part for part in parts if part)
    return f"{line}\nRests on: {rests}" if rests else line
