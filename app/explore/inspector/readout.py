"""What is known of the current photo inside the model: how near, how long it took, how likely it is."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.state import AppState, moved
from app.theme import GRID_PX
from app.widgets.form import ValueLabel
from app.widgets.labels import kind_label
from app.widgets.layout import vbox
from app.widgets.sparkline import Sparkline
from app.words import decibels, milliseconds, ordinal
from engine.api import Encoded

LABEL_PX: Final = 104
CURVE_PX: Final = 44
BITS_TIP: Final = "Bits per dimension of the photo under the model: lower is smoother or likelier, and says no more."
SHARE_TIP: Final = (
    "Percentile: how many of the training images and of the held-out images need fewer bits than this photo.\n"
    "Lower means smoother or likelier, and nothing else: it tells no photo from a made picture."
)


class PhotoReadout(QWidget):
    """Only the rows that apply; hidden while there is no encoded photo."""

    def __init__(self) -> None:
        super().__init__()
        self.title = kind_label("name", "Photo")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GRID_PX)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnMinimumWidth(0, LABEL_PX)
        self._grid.setColumnStretch(1, 1)
        self._labels: dict[ValueLabel, QLabel] = {}
        self.psnr = self._row("PSNR", "How near the reconstruction is to the photo, in dB: more is nearer.")
        self.ssim = self._row("SSIM", "How alike their structure is, up to 1.")
        self.time = self._row("Encoded in", "How long finding the code took.")
        self.norm = self._row(
            "|z| / √D", "Length of the photo's code over that of a typical one: 1 lies on the shell of the prior."
        )
        self.bits = self._row("Likelihood", BITS_TIP)
        self.shares = self._row("Train / held-out", SHARE_TIP)
        self.curve = Sparkline("RMS error", framed=False)
        self.curve.setFixedHeight(CURVE_PX)
        self._curve_line = kind_label("small")
        self.setLayout(vbox(8, self.title, self._grid, self.curve, self._curve_line, gap_px=6))
        self.hide()

    def _row(self, words: str, tooltip: str) -> ValueLabel:
        """A row lower than a form's: nothing is typed here."""
        label, value = kind_label("muted", words), ValueLabel()
        for widget in (label, value):
            widget.setToolTip(tooltip)
        value.setAccessibleName(words)
        row = self._grid.rowCount()
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(value, row, 1)
        self._labels[value] = label
        return value

    def _show_row(self, value: ValueLabel, text: str) -> None:
        value.set_text(text)
        value.setVisible(bool(text))
        self._labels[value].setVisible(bool(text))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if not moved(now, before, "encoded", "info", "photo"):
            return
        found = now.encoded
        self.setVisible(found is not None and now.photo is not None)
        if found is not None:
            self._show(found, bound=now.info is not None and now.info.density == "bound")

    def _show(self, found: Encoded, *, bound: bool) -> None:
        self.title.setText(f"{found.name or 'Photo'}{', improved' if found.improved else ''}")
        sign = "≤ " if bound else ""
        self._show_row(self.psnr, decibels(found.psnr_db))
        self._show_row(self.ssim, f"{found.ssim:.3f}")
        self._show_row(self.time, milliseconds(found.milliseconds))
        self._show_row(self.norm, "" if found.norm_ratio is None else f"{found.norm_ratio:.3f}")
        self._show_row(self.bits, "" if found.bits_per_dim is None else f"{sign}{found.bits_per_dim:.2f} bits/dim")
        self._show_row(self.shares, shares(found.percentile_training, found.percentile))
        searched = len(found.errors) > 1
        self.curve.setVisible(searched)
        self._curve_line.setVisible(searched)
        self.curve.set_curve(range(len(found.errors)), found.errors)
        self._curve_line.setText(self.curve.summary())


def shares(training: float | None, held_out: float | None) -> str:
    """``12th / 15th`` among training and held-out images, a dash for what is not known; empty without both."""
    if training is None and held_out is None:
        return ""
    return " / ".join("–" if share is None else ordinal(share) for share in (training, held_out))
