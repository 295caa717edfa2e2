"""A data set at a glance: its pictures, copies and broken files, and figures beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.state import AppState, moved
from app.train.data.state import PAGE, SHOWS, DataState
from app.widgets.buttons import button
from app.widgets.empty import EmptyState
from app.widgets.form import FormRows, Section
from app.widgets.grid import PictureGrid
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, scrolled, stacked, vbox
from app.widgets.segmented import Segmented
from app.widgets.share_list import Share, ShareList
from app.words import nice

if TYPE_CHECKING:
    from engine.session import Survey

FACTS_PX: Final = 320
SIZES_SHOWN: Final = 4
BROKEN_SHOWN: Final = 500


class DataPage(QWidget):
    """Emits what to show, which attribute to narrow to, and which page."""

    pageWanted = Signal(int)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.line = kind_label("title"), kind_label("muted")
        self.show_what = Segmented(SHOWS, tooltip="What is seen of the data; Left and Right choose.")
        self.grid = PictureGrid(columns=0, centred=True, room_for=PAGE, empty_text="There are none.")
        self.broken = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.back, self.next = button("‹", "The page before"), button("›", "The next page")
        self.where = kind_label("muted")
        self._page = 0
        self.back.clicked.connect(lambda: self.pageWanted.emit(self._page - 1))
        self.next.clicked.connect(lambda: self.pageWanted.emit(self._page + 1))
        self.facts = FormRows(label_px=96)
        self._values = {
            name: self.facts.add_value(name)
            for name in ("Images", "Not readable", "Sizes, px", "Formats", "Split", "Split by", "Copies")
        }
        for value in self._values.values():
            value.setWordWrap(True)
        self.attributes = ShareList()
        self._attributes = Section("Attributes", collapsible=False)
        self._attributes.add(self.attributes)
        empty = EmptyState(
            "Look before you train",
            "Choose a data set at the left and press Look: how many images, of which sizes, what their labels say, "
            "how they are split, and which of them are copies of others.",
        )
        self._pages = stacked(empty, self._looked_page())
        self.setLayout(vbox(self._pages))

    def _looked_page(self) -> QWidget:
        turn = hbox(self.where, self.back, self.next, gap_px=4)
        head = hbox(vbox(self.title, self.line, gap_px=2), None)
        self._seen = stacked(self.grid, scrolled(held(vbox(self.broken, None))))
        left = vbox(hbox(self.show_what, None, turn), self._seen, gap_px=8, stretch={1: 1})
        figures = Section("Figures", collapsible=False)
        figures.add(self.facts)
        inner = held(vbox(figures, self._attributes, None, gap_px=16))
        facts = scrolled(inner)
        facts.setFixedWidth(FACTS_PX)
        body = hbox(left, facts, gap_px=24, stretch={0: 1})
        return held(vbox(head, body, gap_px=16, margins=(24, 16, 24, 12), stretch={1: 1}))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if not moved(now, before, "data"):
            return
        data, survey = now.data, now.data.survey
        self._pages.setCurrentIndex(0 if survey is None else 1)
        if survey is None:
            return
        if before is None or before.data.survey is not survey:
            self._show_survey(survey)
        self._show_pictures(data, survey)

    def _show_survey(self, survey: Survey) -> None:
        data = survey.data
        channels, size, _ = data.image_shape
        self.title.setText(data.name)
        colours = "colour" if channels == 3 else "grey"
        self.line.setText(f"{survey.count:,} images · {size} px · {colours} · {len(survey.attributes)} attributes")
        sizes = [f"{s.width} x {s.height}: {s.count:,}" for s in survey.sizes[:SIZES_SHOWN]]
        if len(survey.sizes) > SIZES_SHOWN:
            sizes.append(f"and {len(survey.sizes) - SIZES_SHOWN:,} others")
        train, validation, test = survey.splits
        copies = sum(len(same.rows) - 1 for same in survey.duplicates)
        values = {
            "Images": f"{survey.count:,}",
            "Not readable": f"{len(data.skipped):,}",
            "Sizes, px": "\n".join(sizes),
            "Formats": ", ".join(f"{name} {count:,}" for name, count in survey.formats),
            "Split": f"{train:,} training\n{validation:,} validation\n{test:,} test",
            "Split by": f"{survey.groups:,} groups" if survey.groups else "picture",
            "Copies": f"{copies:,}" + (f", {survey.leaks:,} across the split" if survey.leaks else ""),
        }
        for name, text in values.items():
            self._values[name].set_text(text)
        self._attributes.setVisible(bool(survey.attributes))
        self.attributes.set_rows(
            [
                Share(
                    a.name,
                    nice(a.name),
                    a.share,
                    f"{a.share:.1%}",
                    f"{nice(a.name)}: {a.yes:,} have it, {a.no:,} do not, {a.unknown:,} do not say.",
                )
                for a in sorted(survey.attributes, key=lambda a: -a.share)
            ]
        )

    def _show_pictures(self, data: DataState, survey: Survey) -> None:
        self.show_what.set_current(data.show)
        self.attributes.set_selected(data.attribute)
        self.grid.set_pictures(data.pictures)
        self._seen.setCurrentIndex(1 if data.show == "broken" else 0)
        names = list(survey.data.skipped[:BROKEN_SHOWN])
        if len(survey.data.skipped) > BROKEN_SHOWN:
            names.append(f"and {len(survey.data.skipped) - BROKEN_SHOWN:,} others")
        self.broken.setText("\n".join(names) or "All files could be read.")
        self._page = data.page
        first = data.page * PAGE + 1 if data.total else 0
        last = min(data.total, (data.page + 1) * PAGE)
        self.where.setText(f"{first:,} to {last:,} of {data.total:,}" if data.show != "broken" else "")
        self.back.setEnabled(data.page > 0 and data.show != "broken")
        self.next.setEnabled(data.page + 1 < data.pages and data.show != "broken")
