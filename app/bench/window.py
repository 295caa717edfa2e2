"""Measures the real window: how soon a picture follows the mouse, and how long the window ever stands still.

The window is the one that `latent-loom` opens, off screen, with the models of the library and a run of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QCoreApplication, QTimer, qVersion
from PySide6.QtGui import QGuiApplication

from app.__main__ import application, open_window
from app.bench import tools
from app.bench.compare import measure_compare
from app.bench.morph import measure_morph
from app.bench.photo import measure_photo
from app.conductor import Conductor
from app.explore.workspace import Explore
from app.settings import Settings
from app.shot import close, wait_until
from app.train.workspace import Train
from engine.api import ModelCard, TrainRequest
from engine.errors import UserError
from engine.measuring import peak_memory_mib, percentiles

TRAINING_AIMS: Final = {"p50_ms": 50.0}
GAP_AIMS: Final = {"p99_ms": 33.0, "max_ms": 200.0}
SIZE_PX: Final = 64
WARM_UP_MS: Final = 1500
EVERY: Final = {"steps": 1_000_000, "preview_every": 50, "save_every": 100}
"""Previews and checkpoints five times as often as usual: their cost belongs to what is measured."""


@dataclass(frozen=True)
class Extent:
    """How much is measured; counts are for each model."""

    moves: int
    rests: int
    flood: int
    gap_ms: int
    trained: int
    starts: int
    compare: int = 0
    """Moves in Compare for each model; it needs the search of a GAN first, which takes half a minute."""
    photo: int = 0
    """Moves over a photo of 12 megapixels, for each model and zoom; with the search of a GAN, too."""
    morph: int = 0
    """Moves along a morph of two photos, for each model; with two searches of a GAN."""


FULL: Final = Extent(
    moves=500, rests=20, flood=200, gap_ms=60_000, trained=3, starts=3, compare=150, photo=200, morph=100
)
QUICK: Final = Extent(moves=24, rests=1, flood=25, gap_ms=2_000, trained=1, starts=1, compare=0, photo=0, morph=0)


def measure_sliders(
    conductor: Conductor, watcher: tools.PaintWatcher, card: ModelCard, extent: Extent, *, training: bool
) -> dict[str, Any]:
    """All slider figures of one model, as the machine is now: with or without a training run."""
    open_model(conductor, watcher, card)
    conductor.of(Explore).show_view("single")
    mice = {kind: tools.Mouse(conductor.window, slider) for kind, slider in tools.sliders(conductor).items()}
    tools.run_for(tools.SETTLE_MS)
    tools.drag(watcher, next(iter(mice.values())), 5)
    step, start = _step(conductor), time.perf_counter()
    times = {kind: tools.drag(watcher, mouse, extent.moves // len(mice)) for kind, mouse in mice.items()}
    seconds = time.perf_counter() - start
    info = conductor.state.info
    assert info is not None
    aims = TRAINING_AIMS if training else tools.drag_aims(info)
    found: dict[str, Any] = percentiles([ms for some in times.values() for ms in some], aims=aims)
    found["median_by_slider_ms"] = {kind: round(statistics.median(some), 2) for kind, some in times.items()}
    if training:
        found["training_steps_meanwhile"] = _step(conductor) - step
        found["seconds"] = round(seconds, 1)
    mouse = next(iter(mice.values()))
    found["after_rest"] = percentiles(tools.drag_after_rest(watcher, mouse, extent.rests))
    found["flood"] = tools.flood(watcher, mouse, extent.flood)
    return found


def open_model(conductor: Conductor, watcher: tools.PaintWatcher, card: ModelCard) -> None:
    """Opens a model as the library does and waits for its first picture."""
    conductor.store.update(workspace="explore")
    conductor.of(Explore).looks.open_model(card.key)
    wait_until(lambda: conductor.state.model == card.key and conductor.state.opening is None, conductor)
    watcher.wait()


def start_training(conductor: Conductor, family: str, folder: Path) -> bool:
    """Starts the family's smallest preset on the data set in the box; False where there is none.

    Raises:
        UserError: it did not start.
    """
    wait_until(lambda: conductor.state.catalogue is not None, conductor)
    catalogue = conductor.state.catalogue
    assert catalogue is not None
    if not catalogue.data_sets:
        return False
    knobs = next(iter(next(row for row in catalogue.families if row.name == family).presets.values())).knobs
    request = TrainRequest(family, catalogue.data_sets[0][0], model=knobs, training=EVERY, folder=folder / family)
    conductor.of(Train).run_actions.start(request)
    wait_until(lambda: conductor.state.training is None or _step(conductor) > 0, conductor)
    if conductor.state.training is None:
        raise UserError(conductor.window.notice.text() or "The training run did not start: see the log.")
    tools.run_for(WARM_UP_MS)
    return True


def stop_training(conductor: Conductor) -> None:
    """Stops the run and waits for its checkpoint."""
    conductor.of(Train).training.stop()
    wait_until(lambda: conductor.state.training is None, conductor)


def _step(conductor: Conductor) -> int:
    training = conductor.state.training
    return 0 if training is None else training.step


def measure(*, quick: bool) -> dict[str, Any]:
    """Every figure of the window, with its aim where it has one.

    Uses the models that are there (those in the box come first), one of each family, and trains in a temporary folder.

    Raises:
        UserError: a picture or a run did not come.
        RuntimeError: the last picture was not that of the last value.
    """
    extent = QUICK if quick else FULL
    app = application()
    # Closing the window would otherwise end every event loop that is made after it, a test's for instance.
    quits = app.quitOnLastWindowClosed()
    app.setQuitOnLastWindowClosed(False)
    try:
        with tempfile.TemporaryDirectory(prefix="latent-loom-bench-") as folder:
            values = _measure_window(extent, Path(folder))
    finally:
        app.setQuitOnLastWindowClosed(quits)
    if values["slider_to_picture"]:
        values["start_up"] = measure_start_up(extent.starts)
    values["aims_met"] = all(_met(values))
    return values


def _measure_window(extent: Extent, folder: Path) -> dict[str, Any]:
    conductor = open_window(Settings(), remember=False)
    watcher = tools.PaintWatcher(conductor)
    try:
        conductor.window.show()
        conductor.start()
        wait_until(lambda: conductor.state.models is not None, conductor)
        cards = one_of_each(conductor.state.models or ())
        slider_to_picture: dict[str, Any] = {
            family: {"model": card.title, "idle": measure_sliders(conductor, watcher, card, extent, training=False)}
            for family, card in cards.items()
        }
        compare = measure_compare(conductor, cards, extent.compare) if extent.compare else {}
        portrait = next((item.source for item in conductor.state.photos if isinstance(item.source, Path)), None)
        photo = measure_photo(conductor, cards, portrait, extent.photo) if extent.photo and portrait else {}
        morph = measure_morph(conductor, cards, extent.morph) if extent.morph else {}
        heart = tools.Heartbeat()
        gaps: dict[str, Any] = {"idle": percentiles(heart.listen(extent.gap_ms / 10))}
        wait_until(lambda: conductor.state.catalogue is not None, conductor)
        catalogue = conductor.state.catalogue
        families = [row.name for row in catalogue.families] if catalogue is not None else []
        for index, family in enumerate(families[: extent.trained]):
            if not start_training(conductor, family, folder):
                break
            step = _step(conductor)
            gaps[f"training {family}"] = percentiles(heart.listen(extent.gap_ms), aims=GAP_AIMS)
            gaps[f"training {family}"]["steps"] = _step(conductor) - step
            if index == 0:
                for name, card in cards.items():
                    slider_to_picture[name]["training"] = measure_sliders(
                        conductor, watcher, card, extent, training=True
                    )
            stop_training(conductor)
    finally:
        watcher.close()
        close(conductor)
    return {
        "qt": qVersion(),
        "platform": QGuiApplication.platformName(),
        "slider_to_picture": slider_to_picture,
        "compare": compare,
        "photo_at_full_size": photo,
        "morph_at_full_size": morph,
        "gui_gap": gaps,
    }


def one_of_each(cards: tuple[ModelCard, ...]) -> dict[str, ModelCard]:
    """For each family the largest model of 64 pixels, or of any size; the first of those that are equally large."""
    ordered = sorted(cards, key=lambda card: (card.image_size != SIZE_PX, -card.parameters))
    found = {card.family: card for card in reversed(ordered)}
    return {card.family: card for card in cards if found[card.family] is card}


def _met(values: dict[str, Any]) -> list[bool]:
    inner = [met for value in values.values() if isinstance(value, dict) for met in _met(value)]
    return [*inner, values["met"]] if "met" in values else inner


def measure_start_up(starts: int) -> dict[str, Any]:
    """Medians over fresh processes: seconds until the window and the first picture are painted, and peak memory.

    A first start is not counted: it compiles what an installed program has compiled already.

    Raises:
        UserError: a process did not come so far.
    """
    rows: list[dict[str, float]] = []
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for _ in range(1 + starts):
        program = f"import gc; gc.disable(); from app.bench.window import start_up; start_up({time.time()!r})"
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False, env=environment
        )
        if done.returncode != 0:
            why = " ".join(done.stderr.strip().splitlines()[-1:])
            raise UserError(f"A fresh window did not start ({why}): run latent-loom doctor.")
        rows.append(json.loads(done.stdout.strip().splitlines()[-1]))
    counted = rows[1:]
    medians = {name: round(statistics.median(row[name] for row in counted), 2) for name in counted[0]}
    return {"starts": starts, **medians}


def start_up(born: float) -> None:
    """In a fresh process: opens the window as `main` does and prints, as JSON, when it and its picture were painted.

    `born` is when the process was started (seconds since 1970).
    """
    application().setQuitOnLastWindowClosed(False)
    conductor = open_window(Settings(), remember=False)
    watcher, marks = tools.PaintWatcher(conductor), dict[str, float]()
    conductor.window.show()
    QTimer.singleShot(50, conductor, lambda: conductor.start())
    QCoreApplication.processEvents()
    marks["window_painted_seconds"] = time.time() - born
    wait_until(lambda: conductor.state.info is not None, conductor)
    watcher.wait()
    marks["first_picture_seconds"] = time.time() - born
    tools.run_for(tools.SETTLE_MS)
    marks["peak_memory_mib"] = peak_memory_mib()
    watcher.close()
    close(conductor)
    sys.stdout.write(json.dumps(marks) + "\n")
