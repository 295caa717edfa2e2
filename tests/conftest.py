"""For every test: no display, an own home, one torch thread, and nothing left behind."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

JOIN_SECONDS = 3.0
# No deadline: how long an example takes says how busy the machine is.
settings.register_profile("all", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=25)


def pytest_configure(config: pytest.Config) -> None:
    """Fewer examples of each property where slow tests are left out, too."""
    settings.load_profile("quick" if "not slow" in (config.getoption("markexpr") or "") else "all")


def pytest_collection_finish() -> None:
    """Half a million objects of modules and tests, which stay to the end: no collection need look at them again."""
    gc.freeze()


Place = list[tuple[str, int, str]]


def _place() -> Place:
    """The three innermost frames outside the standard library. No source line is read: most places are never told."""
    place: Place = []
    frame = sys._getframe(1)
    while frame is not None and len(place) < 3:
        code = frame.f_code
        if not code.co_filename.endswith(("threading.py", "conftest.py")):
            place.append((code.co_filename, frame.f_lineno, code.co_name))
        frame = frame.f_back
    return place[::-1]


def _told(place: Place) -> str:
    return "".join(traceback.format_list([traceback.FrameSummary(*frame) for frame in place])) or "an unknown place"


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Paths for homes: counted here, for pytest finds a free number by listing all that it ever gave away."""
    root = tmp_path_factory.mktemp("homes")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def own_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No test reads or writes the models, runs, caches or settings of the person who runs it."""
    home = next(homes)
    home.mkdir()
    for name in ("HOME", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"LATENT_LOOM_{name}", str(home / name.lower()))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(autouse=True)
def one_torch_thread() -> None:
    """More threads would make small models slower, and pictures differ in their last bit. Figures repeat."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def no_leaked_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A thread left behind holds up the end of the whole run: it fails the test that started it."""
    before = set(threading.enumerate())
    places: dict[threading.Thread, Place] = {}
    start = threading.Thread.start

    def remember(thread: threading.Thread) -> None:
        places[thread] = _place()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", remember)
    yield
    end = time.monotonic() + JOIN_SECONDS
    left = [t for t in threading.enumerate() if t not in before and not t.daemon]
    for thread in left:
        thread.join(max(0.0, end - time.monotonic()))
    alive = [t for t in left if t.is_alive()]
    if alive:
        where = "\n".join(f"{t.name}, started at\n{_told(places.get(t, []))}" for t in alive)
        pytest.fail(f"The test left {len(alive)} thread(s) running; close their lanes:\n{where}", pytrace=False)


@pytest.fixture(autouse=True)
def no_leaked_widgets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Running timers and open windows fail the test that left them; only for tests that use Qt."""
    if not {"qapp", "qtbot"} & set(request.fixturenames):
        yield
        return
    from PySide6.QtCore import QEvent, QTimer
    from PySide6.QtWidgets import QApplication
    from shiboken6 import getCppPointer, isValid

    request.getfixturevalue("qapp")
    timers: list[tuple[QTimer, Place]] = []
    start = QTimer.start

    def remember(timer: QTimer, *args: object) -> None:
        timers.append((timer, _place()))
        start(timer, *args)

    monkeypatch.setattr(QTimer, "start", remember)
    windows = {getCppPointer(widget) for widget in QApplication.topLevelWidgets()}
    yield
    QApplication.sendPostedEvents()
    QApplication.processEvents()
    # Outside a running loop nobody else deletes what pytest-qt closed: every later style sheet is applied to it.
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    new = [widget for widget in QApplication.topLevelWidgets() if getCppPointer(widget) not in windows]
    open_now = [widget for widget in new if widget.isVisible()]
    left = Counter(type(widget).__name__ for widget in new if type(widget).__module__.startswith("app."))
    for window in open_now:
        window.hide()
        window.deleteLater()
    running = {_told(place) for timer, place in timers if isValid(timer) and timer.isActive()}
    # Widgets that pytest-qt closes later may still run a timer of their own: it stops when they are hidden.
    if open_now:
        names = ", ".join(f"{type(w).__name__} {w.windowTitle()!r}" for w in open_now)
        pytest.fail(f"The test left windows open: {names}. Close them, or give them to qtbot.", pytrace=False)
    # Ours alone: popups of lists go with their owners, some by the garbage collector.
    if left:
        pytest.fail(f"The test left widgets behind, to which each later style sheet is applied: {left}", pytrace=False)
    if running:
        pytest.fail("The test left timers running, started at\n" + "\n".join(running), pytrace=False)
