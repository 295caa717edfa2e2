"""The bottom bar: what the program works on, how far it is, and how to pause or stop it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from app.job import JobView
from app.theme import tokens
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.labels import ElidedLabel
from app.widgets.layout import hbox

BAR_PX: Final = 40
_TICK_MS: Final = 40


class ProgressLine(QWidget):
    """A thin bar; it moves to and fro while the end is unknown."""

    def __init__(self) -> None:
        super().__init__()
        self._fraction: float | None = 0.0
        self._paused = False
        self._phase = 0.5
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._wander)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMaximumWidth(320)

    def set_fraction(self, fraction: float | None, *, paused: bool = False) -> None:
        """0..1, or None for an unknown end."""
        self._fraction, self._paused = fraction, paused
        self._run()
        self.update()

    def _run(self) -> None:
        wanders = self._fraction is None and not self._paused and self.isVisible()
        if wanders != self._timer.isActive():
            self._timer.start() if wanders else self._timer.stop()

    def _wander(self) -> None:
        self._phase = (self._phase + 0.015) % 1.0
        self.update()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._run()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def sizeHint(self) -> QSize:
        return QSize(240, 16)

    def minimumSizeHint(self) -> QSize:
        return QSize(64, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        line = QRectF(0, self.height() / 2 - 3, self.width(), 6)
        paint.box(painter, line, fill=theme.track, radius_px=3)
        if self._fraction is None:
            start = line.width() * (1.3 * self._phase - 0.3)
            done = QRectF(start, line.y(), line.width() * 0.3, 6).intersected(line)
        else:
            share = min(1.0, max(0.0, self._fraction))
            done = QRectF(0, line.y(), max(6.0, line.width() * share) if share else 0.0, 6)
        paint.box(painter, done, fill=theme.warn if self._paused else theme.ok, radius_px=3)
        painter.end()


class _Dot(QWidget):
    """Green while a job runs, amber while it is paused, grey when there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._state = "idle"
        self.setFixedSize(12, 16)

    def set_state(self, state: str) -> None:
        self._state = state
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        ink = {"run": theme.ok, "paused": theme.warn}.get(self._state, theme.track)
        paint.dot(painter, QPointF(5, 8), ink)
        painter.end()


class JobsBar(QFrame):
    """Shows one job of the list; a button goes to the next when there are several."""

    pauseClicked = Signal(str)
    resumeClicked = Signal(str)
    stopClicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "bottombar")
        self.setFixedHeight(BAR_PX)
        self._jobs: tuple[JobView, ...] = ()
        self._key = ""
        self._dot, self._line = _Dot(), ProgressLine()
        self._text, self._detail, self._status = ElidedLabel(), ElidedLabel(), ElidedLabel()
        self._detail.setProperty("kind", "readout")
        self._status.setProperty("kind", "muted")
        self._status.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._pause = button("Pause", "Pause this job", do=self._flip)
        self._stop = button("Stop", "Stop this job; finished work is kept", do=lambda: self.stopClicked.emit(self._key))
        self._more = button("", "Show the next job", kind="quiet", do=self._next)
        row = hbox(
            self._dot, self._text, self._line, self._detail, self._pause, self._stop, self._more, None, self._status
        )
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(12)
        row.setStretch(2, 2)
        row.setStretch(7, 1)
        self.setLayout(row)
        self.set_jobs(())

    def set_jobs(self, jobs: Sequence[JobView]) -> None:
        """Show ``jobs``; the one on show stays as long as it is in the list."""
        self._jobs = tuple(jobs)
        keys = [job.key for job in jobs]
        if self._key not in keys:
            self._key = keys[0] if keys else ""
        job = self._shown()
        for widget in (self._line, self._detail):
            widget.setVisible(job is not None)
        self._pause.setVisible(job is not None and job.can_pause)
        self._stop.setVisible(job is not None and job.can_cancel)
        self._more.setVisible(len(jobs) > 1)
        self._more.setText(f"{len(jobs) - 1} more")
        self._dot.set_state("idle" if job is None else "paused" if job.paused else "run")
        self._text.setText(job.text if job else "Ready")
        self._detail.setText(job.detail if job else "")
        if job is not None:
            self._line.set_fraction(job.fraction, paused=job.paused)
            self._pause.setText("Resume" if job.paused else "Pause")
            self._pause.setToolTip(f"{self._pause.text()} this job")
        else:
            self._line.set_fraction(0.0)

    def set_status(self, text: str) -> None:
        """The words at the right end: what was saved, what is on."""
        self._status.setText(text)

    def _shown(self) -> JobView | None:
        return next((job for job in self._jobs if job.key == self._key), None)

    def _flip(self) -> None:
        job = self._shown()
        if job is not None:
            (self.resumeClicked if job.paused else self.pauseClicked).emit(job.key)

    def _next(self) -> None:
        keys = [job.key for job in self._jobs]
        if keys:
            self._key = keys[(keys.index(self._key) + 1) % len(keys)]
            self.set_jobs(self._jobs)
