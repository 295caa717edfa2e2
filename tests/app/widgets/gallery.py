"""Renders every widget in both themes to PNG files, so that a person can judge the look.

python -m tests.app.widgets.gallery OUT_DIR [PICTURE_DIR]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.job import JobView
from app.series import trace_of
from app.theme import dressed_last
from app.widgets.buttons import button
from app.widgets.cards import Card, CardList, DropZone, Thumb, ThumbGrid
from app.widgets.curves import Curves, Line
from app.widgets.empty import EmptyState
from app.widgets.form import Combo, FloatField, FormRows, IntField, PathField, Section, Toggle
from app.widgets.grid import PictureGrid
from app.widgets.jobs import JobsBar
from app.widgets.labels import ElidedLabel
from app.widgets.layout import FlowLayout, hairline, hbox, scrolled, vbox
from app.widgets.notice import NoticeLine
from app.widgets.picture import Picture
from app.widgets.segmented import Segmented
from app.widgets.slider import ValueSlider
from app.widgets.stage import PictureStage
from app.widgets.strip import Frame, Strip
from app.widgets.topbar import TopBar

Pictures = list[NDArray[np.uint8]]


def _lines(steps: NDArray[np.float64], **series: NDArray[np.float64]) -> list[Line]:
    return [Line(name, name, trace_of(steps, ys), ink=ink) for ink, (name, ys) in enumerate(series.items())]


def made_pictures(count: int = 16, side_px: int = 64) -> Pictures:
    """Soft colour fields, different for each index, (side, side, 3)."""
    rows, columns = np.mgrid[0:side_px, 0:side_px] / side_px
    pictures = []
    for index in range(count):
        waves = [np.sin(6 * (rows * (c + 1) + columns * (index % 5 + 1)) + index + c) for c in range(3)]
        pictures.append((127 + 120 * np.stack(waves, axis=2)).astype(np.uint8))
    return pictures


def read_pictures(folder: Path, side_px: int = 256) -> Pictures:
    """The pictures in ``folder`` as squares."""
    names = sorted(folder.glob("*.webp"))[:25]
    return [np.asarray(Image.open(name).convert("RGB").resize((side_px, side_px))) for name in names]


def explore(pictures: Pictures) -> QWidget:
    """The Explore workspace as it may look, with every widget of it."""
    top = TopBar("Latent Loom", [("explore", "Explore"), ("train", "Train"), ("lab", "Lab")])
    top.set_models([("glow", "Faces · Glow 64"), ("vae", "Faces · VAE 64")])
    top.set_readout("CPU · 14 ms")

    cards = CardList()
    cards.set_cards(
        [
            Card("vae", "Faces · VAE 64", "3.1 M · encodes in 2 ms", pictures[1]),
            Card("gan", "Faces · GAN 64", "4.8 M · encodes by search", pictures[2], badge="new"),
            Card("glow", "Faces · Glow 64", "6.3 M · exact", pictures[0]),
        ]
    )
    cards.set_selected("glow")
    runs = CardList()
    runs.set_cards(
        [
            Card("r1", "cartoons-gan", "step 1,840 · training", pictures[3], live=True),
            Card("r2", "faces-vae-beta4", "20,000 · 2 h ago"),
        ]
    )
    thumbs = ThumbGrid()
    thumbs.set_thumbs([Thumb(str(i), p) for i, p in enumerate(pictures[:8])])
    thumbs.set_selected("0")
    library = QWidget()
    column = QVBoxLayout(library)
    column.setContentsMargins(12, 8, 12, 12)
    for title, widgets in (
        ("Models", (cards,)),
        ("Runs", (runs,)),
        ("Photos", (thumbs, DropZone("Drop photos, folders or checkpoints"))),
    ):
        section = Section(title, action="+ Add" if title == "Runs" else "")
        for widget in widgets:
            section.add(widget)
        column.addWidget(section)
    column.addStretch(1)
    left = scrolled(library)
    left.setProperty("kind", "panel-left")
    left.setFixedWidth(232)

    views = Segmented([("single", "Single"), ("compare", "Compare models"), ("grid", "Grid"), ("morph", "Morph")])
    views.set_option_enabled("morph", False, "Add a second photo first.")
    hint = ElidedLabel("drag on the picture to wander · wheel changes the reach")
    hint.setProperty("kind", "muted")
    small = np.asarray(Image.fromarray(pictures[0]).resize((64, 64)))
    current = Picture(
        "Current · photo + Smiling +1.6 σ, Young −0.9 σ", "2.41 bits/dim · 63rd percentile", draggable=True
    )
    current.set_picture(small)
    photo = Picture("Photo", "aligned")
    photo.set_picture(pictures[0])
    error = Picture("|error| × 5", "PSNR 41.2 dB")
    error.set_picture(255 - small)
    stage = PictureStage(current, (photo, error))
    path = Strip(thumb_px=64)
    path.set_pictures(pictures[:12])
    path.set_selected(2)
    history = Strip(thumb_px=56, linked=True)
    history.set_frames([Frame(p, f"edit {i}", branch=i == 4) for i, p in enumerate(pictures[3:9])])
    history.set_selected(3)
    notice = NoticeLine()
    notice.show_notice("The photo was turned upright as its camera said.", details="Exif orientation 6")
    play = hbox(path, button("Play", "Play the morph (Space)", kind="primary"), button("Export…", "Export"))
    play.setStretch(0, 1)
    canvas = QWidget()
    canvas.setProperty("kind", "canvas")
    middle = vbox(hbox(views, None, hint), stage, play, history, gap_px=12)
    middle.setContentsMargins(24, 16, 24, 12)
    middle.setStretch(1, 1)
    outer = vbox(notice, middle, gap_px=0)
    outer.setStretch(1, 1)
    canvas.setLayout(outer)

    inspector = QWidget()
    form = QVBoxLayout(inspector)
    form.setContentsMargins(16, 8, 16, 12)
    sample = Section("Sample")
    sample.add(ValueSlider("Temperature", 0, 1.5, value=0.7, default=0.7))
    sample.add(ValueSlider("Level 1 · coarse", 0, 1, value=0.85))
    sample.add(ValueSlider("Level 3 · fine and long", 0, 1, value=0.45))
    seed = FormRows(label_px=96)
    seed.add_row("Seed", IntField(0, 99999, 1729))
    seed.add_row("Sharp pixels", Toggle(checked=True))
    sample.add(seed)
    attributes = Section("Attributes", action="+ New")
    values = (
        ("Smiling", 1.6),
        ("Eyeglasses", 0.0),
        ("Young", -0.9),
        ("Blond hair", 0.0),
        ("Male", 0.0),
        ("Pale skin", 0.0),
    )
    for name, value in values:
        slider = ValueSlider(name, -3, 3, value=value, origin=0, decimals=1, unit="σ", signed=True, lockable=True)
        slider.set_locked(name == "Male")
        slider.set_warning("Weak direction, held-out AUC 0.66" if name == "Pale skin" else "")
        attributes.add(slider)
    readout = Section("Readout")
    figures = FormRows(label_px=96)
    for label, text in (("|z| / √D", "1.012"), ("Round trip", "8e-7 · float32"), ("Decode", "14 ms p50 · 19 ms p99")):
        figures.add_value(label, text)
    readout.add(figures)
    for section in (sample, hairline(), attributes, hairline(), readout, Section("Directions", collapsed=True)):
        form.addWidget(section)
    form.addStretch(1)
    right = scrolled(inspector)
    right.setProperty("kind", "panel-right")
    right.setFixedWidth(320)

    jobs = JobsBar()
    jobs.set_jobs(
        [JobView("a", "Training cartoons-gan", 0.092, "1,840 / 20,000 · 4 min left", True), JobView("b", "x", None)]
    )
    jobs.set_status("Saved · autosave on")
    return _window(top, [left, canvas, right], jobs)


def _window(top: QWidget, panels: list[QWidget], bottom: QWidget) -> QWidget:
    window = QWidget()
    window.setProperty("kind", "canvas")
    row = hbox(*panels, gap_px=0)
    row.setStretch(1, 1)
    outer = vbox(top, row, bottom, gap_px=0)
    outer.setStretch(1, 1)
    window.setLayout(outer)
    return window


def train(pictures: Pictures) -> QWidget:
    """The Train workspace as it may look, with every widget of it."""
    top = TopBar("Latent Loom", [("explore", "Explore"), ("train", "Train"), ("lab", "Lab")])
    top.set_workspace("train")
    top.set_readout("CPU · 96 img/s", ok=False)
    form = QWidget()
    column = QVBoxLayout(form)
    column.setContentsMargins(12, 8, 12, 12)
    new = Section("New run")
    rows = FormRows(label_px=80)
    rows.add_row("Data", PathField(placeholder="Folder or zip"))
    rows.add_row("Family", Combo([("gan", "GAN"), ("vae", "VAE")]))
    rows.add_row("Preset", Combo([("s", "Small · 12 min here, and a long name")]))
    rows.add_row("Batch", IntField(1, 1024, 64))
    rows.add_row("Rate G", FloatField(1e-7, 1, 2e-4), "Learning rate of the generator")
    bad = FloatField(0, 1, 0.999)
    bad.setText("1.5")
    bad._commit()
    rows.add_row("EMA", bad)
    rows.add_row("Mirror", Toggle("left and right", checked=True))
    rows.add_wide(ValueSlider("R1 weight", 0.01, 100, value=1.0, log=True, label_px=80))
    new.add(rows)
    flow = QWidget()
    layout = FlowLayout(flow)
    for words, kind in (("Start", "primary"), ("Duplicate", ""), ("On N GPUs…", "")):
        layout.addWidget(button(words, words, kind=kind))
    new.add(flow)
    column.addWidget(new)
    column.addWidget(Section("Advanced (14)", collapsed=True))
    column.addStretch(1)
    left = scrolled(form)
    left.setProperty("kind", "panel-left")
    left.setFixedWidth(288)

    grid = PictureGrid(0, caption="Samples, fixed codes")
    grid.set_caption("Samples, fixed codes", "step 1,840")
    grid.set_pictures(np.stack((pictures * 2)[:25]))
    grid.set_selected(6)
    empty = PictureGrid(5, empty_text="Samples appear here while a model trains.")
    message = Picture(empty_text="Drop a photo to pin it.")
    wrong = Picture("Photo", "not read")
    wrong.set_picture(pictures[2])
    wrong.set_message("The photo cannot be opened because it is cut off; choose another one.")
    nothing = EmptyState(
        "No run yet", "Choose data and a family, then press Start; samples and curves appear here.", "Start"
    )
    low = hbox(empty, message, wrong, nothing, gap_px=12)
    notices = NoticeLine()
    notices.show_notice(
        "The run stopped because the loss is not finite; it goes on from step 1,500.", level="error", details="x"
    )
    warning = NoticeLine()
    warning.show_notice("Samples are narrow: two of 24 styles were never drawn.", level="warning")
    middle = vbox(notices, warning, grid, low, gap_px=12)
    middle.setContentsMargins(24, 16, 24, 16)
    middle.setStretch(2, 3)
    middle.setStretch(3, 1)
    canvas = QWidget()
    canvas.setProperty("kind", "canvas")
    canvas.setLayout(middle)

    rng = np.random.default_rng(1)
    steps = np.arange(0, 1840, 10.0)
    losses = Curves("Losses", smoothing=0.8)
    judge = 1.2 * np.exp(-steps / 900) + 0.1 * rng.normal(size=len(steps)) + 0.4
    maker = 1.8 - np.exp(-steps / 600) + 0.1 * rng.normal(size=len(steps))
    losses.set_lines(_lines(steps, discriminator=judge, generator=maker))
    losses.set_note("step 1,840")
    norms = Curves("Gradient norm", log_y=True)
    judge = np.exp(np.sin(steps / 300) + 0.1 * rng.normal(size=len(steps)))
    maker = 0.02 * np.exp(np.cos(steps / 300) + 0.1 * rng.normal(size=len(steps)))
    norms.set_lines(_lines(steps, D=judge, G=maker))
    figures = QWidget()
    figures.setProperty("kind", "panel-right")
    stack = vbox(losses, norms, Curves("Diversity"), gap_px=12)
    stack.setContentsMargins(12, 12, 12, 12)
    figures.setLayout(stack)
    figures.setFixedWidth(416)
    jobs = JobsBar()
    jobs.set_jobs([JobView("a", "Reading 12,000 pictures", None, "", paused=False)])
    jobs.set_status("checkpoint 1,800 saved and verified")
    return _window(top, [left, canvas, figures], jobs)


def render(folder: Path, pictures: Pictures, *, size: tuple[int, int] = (1440, 900)) -> list[Path]:
    """Write explore and train in both themes; returns the files."""
    app = QApplication.instance() or QApplication(["gallery"])
    assert isinstance(app, QApplication)
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for theme in ("dark", "light"):
        for build in (explore, train):
            with dressed_last(app, theme):
                window = build(pictures)
            window.resize(*size)
            window.show()
            for _ in range(3):
                app.processEvents()
            file = folder / f"{build.__name__}-{theme}.png"
            window.grab().save(str(file))
            files.append(file)
            window.close()
            window.deleteLater()
            # Without an event loop of its own, a deferred deletion has to be asked for.
            app.sendPostedEvents(window, QEvent.Type.DeferredDelete)
    return files


if __name__ == "__main__":
    chosen = read_pictures(Path(sys.argv[2])) if len(sys.argv) > 2 else made_pictures()
    for written in render(Path(sys.argv[1]), chosen):
        print(written)
