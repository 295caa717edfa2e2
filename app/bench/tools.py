"""What the benchmark of the window is made of: a watcher of the picture, a mouse on a slider, a heartbeat.

The mouse is events through the window system; a picture counts when its widget has painted it, not when it came.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, QPoint, Qt, QTimer
from PySide6.QtWidgets import QScrollArea, QWidget

from app.conductor import Conductor
from app.explore.workspace import Explore
from app.widgets.form import Section
from app.widgets.slider import ValueSlider
from engine.api import ModelInfo
from engine.errors import UserError
from engine.measuring import percentiles

BEAT_MS: Final = 5
MOVE_MS: Final = 8
STRIDE_PX: Final = 7
RESTS_MS: Final = (150, 400)
"""Between drags; the readout of a picture begins 180 ms after it, so some drags meet it."""
SETTLE_MS: Final = 300
LIMIT_MS: Final = 10_000


def drag_aims(info: ModelInfo) -> dict[str, float]:
    """What is aimed at from the mouse to the picture; an exact model inverts every layer of its own."""
    return {"p99_ms": 50.0 if info.encode == "exact" else 33.0}


class Watcher(QObject):
    """Runs the event loop until what is watched for has come; who sees it tells by `loop.quit()`."""

    def __init__(self, conductor: Conductor) -> None:
        super().__init__()
        self._controller = conductor
        self.loop = QEventLoop(self)
        self._limit = QTimer(self, interval=LIMIT_MS, singleShot=True)
        self._limit.timeout.connect(self.loop.quit)

    def wait_for(self, there: Callable[[], bool], late: str) -> float:
        """Runs the event loop until then; gives that time (`perf_counter`).

        Raises:
            UserError: it did not come in ten seconds; says what the window says, or `late`.
        """
        if not there():
            self._limit.start()
            self.loop.exec()
            self._limit.stop()
            if not there():
                raise UserError(self._controller.window.notice.text() or f"{late}: see the log.")
        return time.perf_counter()


class PaintWatcher(Watcher):
    """Watches the current picture, or what else is `watched`; what it has painted last is `seen`."""

    def __init__(self, conductor: Conductor, *, watched: QWidget | None = None) -> None:
        super().__init__(conductor)
        self._picture = conductor.of(Explore).view.single.picture
        self._watched = watched or self._picture
        self.seen: Any = None
        self.pictures = 0
        self._watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            drawn, array = self._controller.state.drawn, self._picture.picture()
            if drawn is not None and array is not None and np.array_equal(array, drawn.picture):
                self._saw(drawn.request)
        return False

    def _saw(self, request: Any) -> None:
        self.pictures += request != self.seen
        self.seen = request
        if self.caught_up():
            # The loop ends when this event, and so the painting of the whole window, is over.
            self.loop.quit()

    def wanted(self) -> Any:
        """What the picture of the current look is asked for with."""
        look = self._controller.state.look
        return None if look is None else look.request()

    def caught_up(self) -> bool:
        """Whether the picture of the current look has been painted."""
        return self.seen is not None and self.seen == self.wanted()

    def wait(self) -> float:
        """Runs the event loop until the picture of the current look is painted; gives that time (`perf_counter`).

        Raises:
            UserError: it did not come in ten seconds.
        """
        return self.wait_for(self.caught_up, f"No picture came within {LIMIT_MS / 1000:.0f} s of a slider's move")

    def close(self) -> None:
        """Watches no longer."""
        self._watched.removeEventFilter(self)


class Mouse:
    """A mouse that drags one slider to and fro along its whole track."""

    def __init__(self, window: QWidget, slider: ValueSlider) -> None:
        self._window, self._slider = window, slider
        self._x, self._way = 0.0, 1
        reveal(slider)

    def press(self) -> None:
        """Takes the knob where it is."""
        track, slider = self._slider.track_rect(), self._slider
        share = (slider.value() - slider.minimum()) / (slider.maximum() - slider.minimum())
        self._x = track.left() + share * track.width()
        self._mouse().mousePress(*self._at(), self._spot())

    def move(self) -> None:
        """The next spot at which the value is another one.

        Raises:
            UserError: the slider follows no mouse.
        """
        before, track = self._slider.value(), self._slider.track_rect()
        for _ in range(20):
            if not track.left() <= self._x + self._way * STRIDE_PX <= track.right():
                self._way = -self._way
            self._x += self._way * STRIDE_PX
            self._mouse().mouseMove(self._window.windowHandle(), self._spot())
            if self._slider.value() != before:
                return
        raise UserError(f"The slider {self._slider.label()} does not follow the mouse: see the log.")

    def release(self) -> None:
        """Lets go."""
        self._mouse().mouseRelease(*self._at(), self._spot())

    def _at(self) -> tuple[Any, Qt.MouseButton, Qt.KeyboardModifier]:
        return self._window.windowHandle(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier

    def _spot(self) -> QPoint:
        return self._slider.mapTo(self._window, QPoint(round(self._x), self._slider.height() // 2))

    @staticmethod
    def _mouse() -> Any:
        # Here and not above: a window that is only started must not load Qt's test module.
        from PySide6.QtTest import QTest

        return QTest


class Heartbeat(QObject):
    """A timer that notes how long the GUI thread kept it waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps_ms: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def listen(self, milliseconds: float) -> list[float]:
        """Gaps between beats, in ms, over so long."""
        self.gaps_ms, self._last = [], time.perf_counter()
        self._timer.start()
        run_for(milliseconds)
        self._timer.stop()
        return self.gaps_ms

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps_ms.append(1000 * (now - self._last))
        self._last = now


def reveal(slider: ValueSlider) -> None:
    """Unfolds and scrolls until the slider can be reached by a mouse."""
    parent = slider.parentWidget()
    while parent is not None:
        if isinstance(parent, Section):
            parent.set_collapsed(False)
        parent = parent.parentWidget()
    QCoreApplication.processEvents()
    parent = slider.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(slider)
        parent = parent.parentWidget()
    QCoreApplication.processEvents()


def run_for(milliseconds: float) -> None:
    """Runs the event loop for so long."""
    loop = QEventLoop()
    timer = QTimer(loop, interval=max(0, round(milliseconds)), singleShot=True, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(loop.quit)
    timer.start()
    loop.exec()


def drag(watcher: PaintWatcher, mouse: Mouse, moves: int) -> list[float]:
    """Closed loop: milliseconds from each mouse event to the painted picture of its value, one after the other."""
    times = []
    mouse.press()
    for _ in range(moves):
        start = time.perf_counter()
        mouse.move()
        times.append(1000 * (watcher.wait() - start))
    mouse.release()
    return times


def drag_after_rest(watcher: PaintWatcher, mouse: Mouse, count: int) -> list[float]:
    """The first move of each of `count` drags, after rests of different lengths."""
    times = []
    for rest_ms in np.linspace(*RESTS_MS, count):
        run_for(float(rest_ms))
        times += drag(watcher, mouse, 1)
    return times


def flood(watcher: PaintWatcher, mouse: Mouse, moves: int) -> dict[str, Any]:
    """Open loop: a move each 8 ms whatever is painted. A picture's age is how long ago the mouse was at its value.

    Raises:
        RuntimeError: the last picture is not that of the last value.
    """
    moved_at: dict[Any, float] = {}
    ages, before = [], watcher.pictures
    mouse.press()
    begin = time.perf_counter()
    for index in range(moves):
        run_for(1000 * (begin - time.perf_counter()) + index * MOVE_MS)
        now = time.perf_counter()
        if watcher.seen in moved_at:
            ages.append(1000 * (now - moved_at[watcher.seen]))
        mouse.move()
        moved_at[watcher.wanted()] = now
    seconds = time.perf_counter() - begin
    mouse.release()
    watcher.wait()
    run_for(SETTLE_MS / 2)
    if not watcher.caught_up():
        raise RuntimeError("After a flood of moves the last picture is not that of the last value.")
    return {
        "moves": moves,
        "moves_per_second": round(moves / seconds, 1),
        "pictures": watcher.pictures - before,
        "age": percentiles(ages or [1000 * seconds]),
        "last_is_newest": True,
    }


def sliders(conductor: Conductor) -> dict[str, ValueSlider]:
    """One of each kind that the model on show has."""
    inspector, info = conductor.of(Explore).view.inspector, conductor.state.info
    assert info is not None
    first = {"attribute": info.attributes[:1], "component": info.components[:1]}
    found = {kind: inspector.sliders[d.name] for kind, directions in first.items() for d in directions}
    return {**found, "temperature": inspector.temperature}
