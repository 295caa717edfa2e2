"""The curves in the real window, over runs that the test writes: hover, zoom, notes, other runs, and what goes out."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app.train.curves.view import TrainCurves
from app.widgets.curves import Curves
from app.widgets.inline_edit import NameEdit
from engine.charts import Chart
from engine.runs import directory as runs
from engine.runs.line_files import NoticeRow, append_figures, append_notice
from engine.runs.notes import read_notes
from tests.gui.conftest import SIZE, App

ELBO = "ELBO, bits/dim"
STEPS = 400


def make_run(home: Path, name: str, *, title: str, shift: float = 0.0, steps: int = STEPS, alive: bool = False) -> Path:
    """A VAE's run as training writes it, with a null, torn ends and a preview every hundred steps."""
    run = home / "runs" / name
    runs.create(run, runs.RunConfig("vae", {}, {"batch": 4}, "data", None, "0", (3, SIZE, SIZE), title))
    with (run / "metrics.jsonl").open("w") as file:
        for step in range(1, steps + 1):
            loss = None if step == 50 else 5 - step / steps + shift
            row = {
                "step": step,
                "time": 1e9 + step / 2,
                "elbo_bits_per_dim": loss,
                "psnr_db": 10 + step / 100,
                "gradient_norm": 10.0 / step,
                "images_per_second": 8.0,
                "odd_thing": float(step),
            }
            file.write(json.dumps(row) + "\n")
        file.write('{"step": 100000, "elbo_bits')
    for step in range(100, steps + 1, 100):
        Image.fromarray(np.full((5 * SIZE, 5 * SIZE, 3), step % 250, np.uint8)).save(run / f"previews/{step:06}.webp")
        values = tuple(step / 100 * math.exp(-index) for index in range(8))
        append_figures(run, step, [Chart("heldout/kl_per_dimension", "bars", values)])
    notice = NoticeRow(1e9, steps - 20, "warning", "The codes are ignored.", "posterior-collapse", {}, "Lower beta.")
    append_notice(run, notice)
    runs.write_status(run, "running" if alive else "stopped", steps, steps)
    return run


@pytest.fixture
def run(home: Path) -> Path:
    return make_run(home, "00000-vae-x", title="First run")


def opened(app: App, run: Path) -> TrainCurves:
    app.show_workspace("train")
    app.wait(lambda: any(card.info.path == run for card in app.state.runs))
    app.train.training.show_run(run)
    app.wait(
        lambda: app.state.run_view is not None and app.state.run_view.path == run and bool(app.state.run_view.series)
    )
    app.settle()
    app.wait(lambda: ELBO in app.train_view.curves.plots)
    return drawn(app)


def drawn(app: App) -> TrainCurves:
    """All that came in is on screen."""
    app.settle()
    curves = app.train_view.curves
    for plot in curves.plots.values():
        plot.flush()
    QApplication.processEvents()
    return curves


def point(plot: Curves, x: float, kind: QEvent.Type = QEvent.Type.MouseMove, *, held: bool = False) -> None:
    """One mouse event where the plot shows x."""
    view, spot = plot._plot.viewport(), QPointF(plot._plot.px_of(x), 30)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    event = QMouseEvent(
        kind, spot, QPointF(view.mapToGlobal(spot)), button, left if held else none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view, event)


def test_one_cursor_and_one_zoom_for_all_plots(app: App, run: Path) -> None:
    curves = opened(app, run)
    app.train_view.curves.head.smoothing.changed.emit(0.0)
    drawn(app)
    first, second = curves.plots[ELBO], curves.plots["Reconstruction, dB"]
    point(first, 200)
    assert first.legend_rows()[0][2] == "4.5"
    assert second.legend_rows()[0][2] == "12"
    assert second.cursor_x() == 200
    point(first, 50)
    assert first.cursor_x() in (49, 51), "a value that was no number is no point"
    ends = first._plot.px_of(100), first._plot.px_of(300)
    point(first, 100, QEvent.Type.MouseButtonPress, held=True)
    view = first._plot.viewport()
    for px in (*ends,):
        spot = QPointF(px, 30)
        QApplication.sendEvent(
            view,
            QMouseEvent(
                QEvent.Type.MouseMove,
                spot,
                QPointF(view.mapToGlobal(spot)),
                Qt.MouseButton.NoButton,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            ),
        )
    point(first, 300, QEvent.Type.MouseButtonRelease)
    assert second.span() == first.span()
    assert first.span().low == pytest.approx(100, abs=2)
    assert curves.head.whole.isVisible()
    curves.head.whole.click()
    assert second.span() is None
    assert not curves.head.whole.isVisible()


@pytest.mark.slow
def test_notes_and_notices_mark_every_plot(app: App, run: Path, qtbot: QtBot) -> None:
    curves = opened(app, run)
    first, second = curves.plots[ELBO], curves.plots["Reconstruction, dB"]
    point(first, 120, QEvent.Type.MouseButtonDblClick, held=True)
    editor = first.findChild(NameEdit)
    qtbot.keyClicks(editor, "beta was too high")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    app.wait(lambda: bool(app.state.curves.notes))
    assert [(note.step, note.text) for note in read_notes(run)] == [(120, "beta was too high")]
    assert second.mark_near(120.0, notes_only=True).text == "beta was too high"
    second.set_cursor(120.0)
    second.setFocus()
    qtbot.keyClick(second, Qt.Key.Key_Delete)
    app.wait(lambda: not app.state.curves.notes)
    assert read_notes(run) == ()
    assert first.mark_near(120.0, notes_only=True) is None
    app.wait(lambda: bool(app.state.curves.notices))
    drawn(app)
    mark = curves.plots["Reconstruction, dB"].mark_near(float(STEPS - 20))
    assert mark.text == f"Step {STEPS - 20:,}: The codes are ignored. Lower beta."
    assert mark.kind == "warning"
    assert not mark.is_note


@pytest.mark.slow
def test_other_runs_lie_over_this_one(app: App, home: Path, run: Path) -> None:
    other = make_run(home, "00001-vae-x", title="Second run", shift=1.0)
    app.train.runs.refresh()
    curves = opened(app, run)
    app.wait(lambda: any(card.info.path == other for card in app.state.runs))
    entry = next(entry for entry in curves.head.compare_menu.actions() if entry.text() == "Second run")
    entry.trigger()
    app.wait(lambda: bool(app.state.curves.overlays) and bool(app.state.curves.overlays[0].series))
    drawn(app)
    plot = curves.plots[ELBO]
    names = [row[0] for row in plot.legend_rows()]
    assert names == ["First run", "Second run"]
    assert len({line.ink for line in plot.lines()}) == 2
    assert curves.head.compare.text() == "Compare 2 ▾"
    app.train.curves.compare(other, False)
    drawn(app)
    assert [row[0] for row in plot.legend_rows()] == ["each batch"]


@pytest.mark.slow
def test_at_most_five_runs_and_a_damaged_one_is_a_sentence(app: App, home: Path, run: Path) -> None:
    others = [make_run(home, f"0000{index}-vae-x", title=f"Run {index}", steps=100) for index in range(1, 7)]
    app.train.runs.refresh()
    opened(app, run)
    app.wait(lambda: len(app.state.runs) == 7)
    for path in others[:5]:
        app.train.curves.compare(path, True)
    assert len(app.state.curves.overlays) == 4
    assert "take one away" in app.said
    app.settle()
    app.train.curves.compare(others[0], False)
    (others[5] / "config.json").write_text("{")
    app.train.curves.compare(others[5], True)
    app.wait(lambda: others[5] not in [one.path for one in app.state.curves.overlays])
    assert "damaged" in app.said


@pytest.mark.slow
def test_x_counts_images_and_keeps_its_notes(app: App, run: Path) -> None:
    curves = opened(app, run)
    app.train.curves.set_note(100, "here")
    app.wait(lambda: bool(app.state.curves.notes))
    app.conductor.store.change("curves", axis="images")
    drawn(app)
    plot = curves.plots[ELBO]
    assert plot.shown_span().high == STEPS * 4
    assert plot.mark_near(400.0, notes_only=True).text == "here"
    with_x = curves.head.axis.text()
    assert with_x == "Images ▾"
    app.conductor.store.change("curves", axis="time")
    drawn(app)
    assert plot.shown_span().high == pytest.approx(STEPS / 2, rel=0.02)
    app.conductor.store.change("curves", log_x=True)
    drawn(app)
    assert plot.shown_span().log


@pytest.mark.slow
def test_charts_scales_and_further_metrics(app: App, run: Path) -> None:
    curves = opened(app, run)
    entry = next(entry for entry in curves.more_menu.actions() if entry.text() == "Odd thing")
    entry.trigger()
    app.wait(lambda: "Odd thing" in curves.plots)
    drawn(app)
    assert curves.plots["Odd thing"].lines()[0].trace.values[-1] == STEPS
    curves._folds["Speed"]._header.click()
    drawn(app)
    assert "Speed" in curves.plots, "made when its section is unfolded"
    tops = [plot.mapTo(curves, QPoint(0, 0)).y() for plot in curves.plots.values()]
    assert tops == sorted(tops), "in the order of the column, whatever was made first"
    curves.plots["Odd thing"].hideWanted.emit()
    app.wait(lambda: "Odd thing" not in curves.plots)
    app.wait(lambda: "KL of each code dimension" in curves.charts)
    card = curves.charts["KL of each code dimension"]
    app.wait(lambda: card.readout().endswith("step 400"))
    app.train_view.pictures.scrubber.moved.emit(0)
    app.wait(lambda: card.readout().endswith("step 100"))
    assert card.drawing.charts[0].values[0] == pytest.approx(1.0)
    assert card.readout() == "5 of 8 in use · step 100"
    plot, norms = curves.plots[ELBO], curves.plots["Gradient norm"]
    assert not plot.is_log()
    assert norms.is_log()
    norms._log_button.click()
    app.conductor.store.change("curves", smoothing=0.95)
    drawn(app)
    assert not norms.is_log(), "what was chosen for one plot stays when the rest is drawn anew"
    assert plot._plot.lines[next(iter(plot._plot.lines))].faint.getData()[0].size
    app.train.curves.toggle_log()
    drawn(app)
    assert plot.is_log()
    assert norms.is_log()


def chosen(app: App, path: Path) -> None:
    """Takes a place in the file dialog that is open."""
    dialog = app.window.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(path))
    dialog.close()


@pytest.mark.slow
def test_what_is_shown_is_exported(app: App, run: Path, tmp_path: Path) -> None:
    curves = opened(app, run)
    curves._zoom_all(type(curves.plots[ELBO].shown_span())(100.0, 200.0))
    app.press("curves.csv")
    chosen(app, tmp_path / "Kurven å.csv")
    app.wait(lambda: (tmp_path / "Kurven å.csv").exists() and "Saved" in app.said)
    with (tmp_path / "Kurven å.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(100, 201))
    assert float(rows[0]["elbo_bits_per_dim"]) == 5 - 100 / STEPS
    assert float(rows[0]["images"]) == 400
    app.press("curves.png")
    chosen(app, tmp_path / "curves.png")
    app.wait(lambda: (tmp_path / "curves.png").exists())
    app.settle()
    with Image.open(tmp_path / "curves.png") as image:
        assert image.width == 2 * curves._inner.width()
        assert len(set(image.convert("L").tobytes())) > 20


def test_nothing_to_export_is_a_sentence(app: App) -> None:
    app.show_workspace("train")
    app.press("curves.csv")
    assert app.said.startswith("There are no curves yet")


def test_a_resumed_run_goes_on_from_its_step(app: App, run: Path) -> None:
    runs.write_status(run, "running", STEPS, 2 * STEPS)
    curves = opened(app, run)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('"}\n')
        for step in range(300, 360):
            file.write(json.dumps({"step": step, "elbo_bits_per_dim": 9.0}) + "\n")
    app.wait(lambda: curves.plots[ELBO].lines()[0].trace.steps[-1] == 359)
    drawn(app)
    trace = curves.plots[ELBO].lines()[0].trace
    assert trace.steps.array.tolist() == [*(step for step in range(1, 300) if step != 50), *range(300, 360)]
    assert trace.values[-1] == 9.0


@pytest.mark.slow
def test_a_long_run_comes_in_pieces_and_costs_few_points(app: App, home: Path) -> None:
    long = make_run(home, "00009-vae-long", title="Long", steps=100)
    lines = [f'{{"step": {step}, "elbo_bits_per_dim": {4 + math.sin(step)}}}\n' for step in range(101, 60_001)]
    (long / "metrics.jsonl").write_text(
        (long / "metrics.jsonl").read_text().rpartition("\n")[0] + "\n" + "".join(lines)
    )
    app.train.runs.refresh()
    curves = opened(app, long)
    plot = curves.plots[ELBO]
    app.wait(lambda: len(plot.lines()[0].trace.steps) == 59_999)
    drawn(app)
    assert plot.points_drawn() <= 4 * plot._plot.room().width() + 8
    assert plot._plot.lines[f"{long}\nelbo_bits_per_dim"].value(59_998) == pytest.approx(4, abs=1)


@pytest.mark.slow
def test_the_column_fits_the_window(app: App, run: Path) -> None:
    for size, count in (((1280, 720), 2), ((1440, 900), 3)):
        app.window.resize(*size)
        curves = opened(app, run)
        app.wait(lambda: app.window.width() == size[0])  # noqa: B023
        QApplication.processEvents()
        top = curves._area.viewport()
        whole = [
            plot
            for plot in (*curves.plots.values(), *curves.charts.values())
            if plot.isVisible() and top.rect().contains(plot.rect().translated(plot.mapTo(top, plot.rect().topLeft())))
        ]
        assert len(whole) >= count, size
