"""A picture with small controls in its caption line, and a cover that can take the picture's place."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.widgets import paint
from app.widgets.layout import hbox
from app.widgets.picture import CAPTION_PX, Picture

_GAP_PX: Final = 8
FOOTER_GAP_PX: Final = 4


class FooterPicture(Picture):
    """Places `footer` widgets at the right end of the caption, whose words give way, and a cover over the picture."""

    def __init__(self, caption_left: str = "", caption_right: str = "") -> None:
        super().__init__(caption_left, caption_right)
        self._footer = QWidget(self)
        self._row = hbox(gap_px=0)
        self._footer.setLayout(self._row)
        self._footer.hide()
        self._cover: QWidget | None = None

    def add_footer(self, *widgets: QWidget) -> None:
        """Small controls, at most as high as the caption line."""
        for widget in widgets:
            widget.setFixedHeight(CAPTION_PX - 2)
            self._row.addWidget(widget)
        self.fit_footer()

    def fit_footer(self) -> None:
        """Makes room again after a control was shown, hidden or given another text."""
        shown = any(
            item is not None and (widget := item.widget()) is not None and not widget.isHidden()
            for item in map(self._row.itemAt, range(self._row.count()))
        )
        self._footer.setVisible(shown)
        self._row.invalidate()
        self._place()
        self.update()

    def set_cover(self, cover: QWidget | None) -> None:
        """A widget over the picture's place, or None to see the picture again."""
        if cover is self._cover:
            return
        if self._cover is not None:
            self._cover.hide()
        self._cover = cover
        if cover is not None:
            cover.setParent(self)
            cover.show()
        self._place()

    def _caption_rect(self) -> QRectF:
        line = super()._caption_rect()
        taken = self._foot_px()
        return line.adjusted(0, 0, -(taken + _GAP_PX) if taken else 0, 0)

    def _foot_px(self) -> int:
        return 0 if self._footer.isHidden() else self._row.sizeHint().width()

    def _place(self) -> None:
        rect = self.picture_rect().toRect()
        if self._cover is not None:
            self._cover.setGeometry(rect)
        width = min(self._foot_px(), rect.width())
        self._footer.setGeometry(rect.right() + 1 - width, rect.bottom() + FOOTER_GAP_PX, width, CAPTION_PX - 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, event: QPaintEvent) -> None:
        # A picture of another shape moves the caption line without a resize.
        rect = self.picture_rect()
        if self._footer.geometry().top() != rect.toRect().bottom() + FOOTER_GAP_PX:
            self._place()
        if self._cover is None:
            super().paintEvent(event)
            return
        painter = paint.smooth(self)
        self._paint_captions(painter, rect)
        painter.end()
