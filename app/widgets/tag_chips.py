"""Tags as small buttons: to filter by, or to take away."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.widgets.layout import FlowLayout

CHIP_PX = 24


class TagChips(QWidget):
    """One button a tag. With ``removable`` a click takes a tag away, otherwise it chooses it."""

    clicked = Signal(str)

    def __init__(self, *, removable: bool = False) -> None:
        super().__init__()
        self._removable = removable
        self._tags: tuple[str, ...] = ()
        self._chips: dict[str, QPushButton] = {}
        self._flow = FlowLayout(gap_px=4)
        self.setLayout(self._flow)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.hide()

    def tags(self) -> tuple[str, ...]:
        """The tags on show."""
        return self._tags

    def chip(self, tag: str) -> QPushButton:
        """The button of a tag; raises KeyError when there is none."""
        return self._chips[tag]

    def set_tags(self, tags: Sequence[str], chosen: str = "") -> None:
        """Shows ``tags``; hidden without any."""
        if tuple(tags) != self._tags:
            self._tags = tuple(tags)
            for chip in self._chips.values():
                self._flow.removeWidget(chip)
                chip.hide()
                chip.deleteLater()
            self._chips = {tag: self._made(tag) for tag in tags}
            self.updateGeometry()
        for tag, chip in self._chips.items():
            chip.setChecked(tag == chosen)
        self.setVisible(bool(tags))

    def _made(self, tag: str) -> QPushButton:
        words = f"{tag}  ×" if self._removable else tag
        chip = QPushButton(words.replace("&", "&&"))
        chip.setCheckable(not self._removable)
        chip.setProperty("kind", "chip")
        chip.setFixedHeight(CHIP_PX)
        chip.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        chip.setToolTip(f"Take the tag {tag} away" if self._removable else f"Only the runs tagged {tag}")
        chip.setAccessibleName(chip.toolTip())
        chip.clicked.connect(lambda _checked=False, name=tag: self.clicked.emit(name))
        self._flow.addWidget(chip)
        chip.show()
        return chip

    def heightForWidth(self, width_px: int) -> int:
        return self._flow.heightForWidth(width_px)

    def sizeHint(self) -> QSize:
        return QSize(200, self._flow.heightForWidth(max(120, self.width())))
