"""Curves: bounded memory, honest means, and a redraw rate that the window can afford."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.series import empty_trace, trace_of
from app.theme import apply_theme
from app.widgets.curves import STEPS, TIME, Clock, Curves, Line, Mark, Span
from app.widgets.inline_edit import NameEdit
from app.widgets.plot.inks import LIGHT

NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def curves(qtbot: QtBot) -> Curves:
    made = Curves("Losses", "nats")
    qtbot.addWidget(made)
    made.resize(400, 240)
    made.show()
    qtbot.waitExposed(made)
    return made


def show(curves: Curves, name: str, xs: Sequence[float], ys: Sequence[float]) -> None:
    curves.set_lines([Line(name, name, trace_of(xs, ys))])


def test_a_flood_of_points_is_drawn_a_few_times(curves: Curves, qtbot: QtBot):
    before, trace = curves.redraws, empty_trace(np.float64)
    for index in range(5000):
        trace = trace.extended(np.array([float(index)]), np.array([1.0 / (index + 1)]))
        curves.set_lines([Line("loss", "loss", trace)])
    qtbot.waitUntil(lambda: curves.redraws > before and not curves._timer.isActive(), timeout=60_000)
    assert curves.redraws - before <= 3
    assert curves._plot.lines["loss"].line.trace.steps.array[-1] == 4999


def test_hidden_curves_do_not_draw_and_catch_up_when_shown(curves: Curves, qtbot: QtBot):
    curves.hide()
    before = curves.redraws
    show(curves, "loss", [1], [2])
    assert not curves._timer.isActive(), "only the timer draws"
    QApplication.processEvents()
    assert curves.redraws == before
    curves.show()
    assert curves.redraws == before + 1


def test_empty_state_gives_way_to_the_plot(curves: Curves):
    assert curves._empty.isVisible()
    show(curves, "loss", [1], [float("nan")])
    curves.flush()
    assert curves._empty.isVisible()
    show(curves, "loss", [1, 2], [float("nan"), 0.5])
    curves.flush()
    assert curves._plot.isVisible()
    assert not curves._empty.isVisible()
    assert curves.legend_rows()[0][::2] == ("loss", "0.5")
    curves.set_lines([])
    curves.flush()
    assert curves._empty.isVisible()


def test_log_axis_leaves_out_what_has_no_logarithm(curves: Curves, qtbot: QtBot):
    show(curves, "norm", [0, 1, 2, 3], [0.0, 10.0, -1.0, 100.0])
    with qtbot.waitSignal(curves.logToggled):
        curves._log_button.click()
    curves.flush()
    qtbot.waitUntil(lambda: curves._plot.getPlotItem().getViewBox().viewRange()[1][1] > 1.5)
    low, high = curves._plot.getPlotItem().getViewBox().viewRange()[1]
    assert 0.8 < low < 1.0
    assert 2.0 < high < 2.2


def press(curves: Curves, kind: QEvent.Type, x: float, y: float = 40, *, keys: Qt.KeyboardModifier = NONE) -> None:
    """One mouse event on the plot itself, as the window system sends it."""
    view = curves._plot.viewport()
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    spot = QPointF(x, y)
    QApplication.sendEvent(view, QMouseEvent(kind, spot, QPointF(view.mapToGlobal(spot)), button, held, keys))


def hover(curves: Curves, x: float) -> None:
    view, spot = curves._plot.viewport(), QPointF(x, 40)
    away = Qt.MouseButton.NoButton
    move = QMouseEvent(QEvent.Type.MouseMove, spot, QPointF(view.mapToGlobal(spot)), away, away, NONE)
    QApplication.sendEvent(view, move)


def drag(curves: Curves, start: float, end: float, keys: Qt.KeyboardModifier = NONE) -> None:
    press(curves, QEvent.Type.MouseButtonPress, start, keys=keys)
    press(curves, QEvent.Type.MouseMove, (start + end) / 2, keys=keys)
    press(curves, QEvent.Type.MouseMove, end, keys=keys)
    press(curves, QEvent.Type.MouseButtonRelease, end, keys=keys)


@pytest.fixture
def line(curves: Curves) -> Curves:
    """y = 2 x for 0 to 100."""
    show(curves, "twice", range(101), [2.0 * x for x in range(101)])
    curves.flush()
    curves._plot.viewport().repaint()
    return curves


def test_the_room_is_where_the_lines_are(line: Curves):
    drawn = line._plot.getPlotItem().getViewBox().sceneBoundingRect()
    room = line._plot.room()
    assert (room.left(), room.right()) == (drawn.left(), drawn.right())
    assert (room.top(), room.bottom()) == (drawn.top(), drawn.bottom())
    assert room.width() > line._plot.width() - 70
    scene = line._plot.getPlotItem().getViewBox().mapViewToScene(QPointF(50, 100))
    assert scene.x() == pytest.approx(line._plot.px_of(50), abs=0.6)
    assert scene.y() == pytest.approx(line._plot._py_of(100), abs=0.6)


def test_hovering_tells_the_values_there_and_redraws_nothing(line: Curves, qtbot: QtBot):
    renders = line._plot.renders
    with qtbot.waitSignal(line.hovered) as told:
        hover(line, line._plot.px_of(25.2))
    assert told.args == [25.0]
    assert line.legend_rows()[0][::2] == ("twice", "50")
    assert line._readout.text() == "step 25"
    line._plot.viewport().repaint()
    assert line._plot.renders == renders, "the cursor is painted over a picture of the lines"
    QApplication.sendEvent(line._plot, QEvent(QEvent.Type.Leave))
    assert line.cursor_x() is None
    assert line.legend_rows()[0][2] == "200"


def test_hovering_a_smoothed_line_tells_both_values(line: Curves):
    line.set_smoothing(0.9)
    line.flush()
    line.set_cursor(50.0)
    calm, raw = line.legend_rows()[0][2].split(" ")
    assert raw == "(100)"
    assert float(calm) < 100


def test_dragging_zooms_and_shift_moves_and_zero_shows_all(line: Curves, qtbot: QtBot):
    with qtbot.waitSignal(line.spanned) as told:
        drag(line, line._plot.px_of(20), line._plot.px_of(60))
    span = told.args[0]
    assert (span.low, span.high) == (pytest.approx(20, abs=1), pytest.approx(60, abs=1))
    low, high = line._plot._y
    assert 30 < low < 45, "y follows what is on show"
    assert 115 < high < 130
    drag(line, line._plot.px_of(50), line._plot.px_of(40), keys=Qt.KeyboardModifier.ShiftModifier)
    assert line.span().low == pytest.approx(30, abs=1)
    drag(line, line._plot.px_of(40), line._plot.px_of(40) + 1e5, keys=Qt.KeyboardModifier.ShiftModifier)
    assert line.span().low == 0, "not beyond the run"
    qtbot.keyClick(line, Qt.Key.Key_0)
    assert line.span() is None
    line.flush()
    assert line.shown_span().high == 100


def test_a_click_is_no_zoom(line: Curves):
    drag(line, 200, 202)
    assert line.span() is None


def test_ctrl_and_wheel_zooms_and_the_plain_wheel_is_left_to_the_column(line: Curves):
    view = line._plot.viewport()

    def turn(keys: Qt.KeyboardModifier) -> bool:
        spot = QPointF(line._plot.px_of(50), 40)
        event = QWheelEvent(
            spot,
            view.mapToGlobal(spot),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            keys,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(view, event)
        return event.isAccepted()

    assert not turn(NONE)
    assert line.span() is None
    assert turn(Qt.KeyboardModifier.ControlModifier)
    assert line.span().high - line.span().low == pytest.approx(80, rel=0.02)


def test_keys_move_the_cursor_and_zoom(line: Curves, qtbot: QtBot):
    qtbot.keyClick(line, Qt.Key.Key_Left)
    assert line.cursor_x() == 100, "it begins at the newest point"
    qtbot.keyClick(line, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert line.cursor_x() == 90
    qtbot.keyClick(line, Qt.Key.Key_Home)
    assert line.cursor_x() == 0
    qtbot.keyClick(line, Qt.Key.Key_Plus)
    assert line.span().low == 0
    assert line.span().high < 70
    qtbot.keyClick(line, Qt.Key.Key_End)
    assert line.span().high == 100, "the part on show goes along"
    qtbot.keyClick(line, Qt.Key.Key_L)
    assert line.is_log()
    qtbot.keyClick(line, Qt.Key.Key_Escape)
    assert line.cursor_x() is None


def test_a_double_click_writes_a_note_and_delete_removes_it(line: Curves, qtbot: QtBot):
    press(line, QEvent.Type.MouseButtonDblClick, line._plot.px_of(40.3))
    editor = line.findChild(NameEdit)
    assert editor.isVisible()
    qtbot.keyClicks(editor, "rate halved")
    with qtbot.waitSignal(line.noteMade) as told:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert told.args == [40.0, "rate halved"]
    line.set_marks((Mark(40.0, "rate halved", "note", 40), Mark(80.0, "diverged", "error")))
    line.set_cursor(40.0)
    with qtbot.waitSignal(line.noteRemoved) as gone:
        qtbot.keyClick(line, Qt.Key.Key_Delete)
    assert gone.args == [40]
    line.set_cursor(80.0)
    with qtbot.assertNotEmitted(line.noteRemoved):
        qtbot.keyClick(line, Qt.Key.Key_Delete)
    assert line._plot.mark_at(line._plot.px_of(80) + 3).text == "diverged"
    assert line._plot.mark_at(line._plot.px_of(60)) is None


def test_an_escaped_note_is_none(line: Curves, qtbot: QtBot):
    editor = line.begin_note(10.0)
    qtbot.keyClicks(editor, "no")
    with qtbot.assertNotEmitted(line.noteMade):
        qtbot.keyClick(editor, Qt.Key.Key_Escape)


def test_the_menu_offers_what_is_there(line: Curves):
    line.set_marks((Mark(40.0, "here", "note", 40),))
    words = [entry.text() for entry in line.menu_for(40.0).actions() if entry.text()]
    assert words == ["Change the note…", "Remove the note", "Show the whole run", "Logarithmic axis"]
    assert line.menu_for(90.0).actions()[0].text() == "Note at step 90…"


def test_marks_are_painted(line: Curves):
    bare = line._plot.grab().toImage()
    line.set_marks((Mark(50.0, "x", "error"),))
    line._plot.viewport().repaint()
    assert line._plot.grab().toImage() != bare


def test_a_long_run_hands_few_points_to_the_painter(curves: Curves):
    count = 1_000_000
    ys = np.random.default_rng(0).standard_normal(count)
    curves.set_smoothing(0.6)
    show(curves, "loss", np.arange(count), ys)
    curves.flush()
    width = curves._plot.room().width()
    assert curves.points_drawn() <= 4 * width + 8
    assert curves.points_drawn() == sum(
        len(item.getData()[0]) for drawn in curves._plot.lines.values() for item in drawn.items
    )


def test_only_what_changed_is_drawn_again(curves: Curves):
    trace = trace_of(range(50), range(50))
    other = Line("b", "b", trace_of(range(50), range(50)), ink=1)
    curves.set_x(STEPS, log=False, whole=Span(0, 100))
    curves.set_lines([Line("a", "a", trace), other])
    curves.flush()
    handed = []
    for drawn in curves._plot.lines.values():
        drawn.bold.sigPlotChanged.connect(handed.append)
    curves.set_lines([Line("a", "a", trace.extended(np.array([50.0]), np.array([3.0]))), other])
    curves.flush()
    assert handed == [curves._plot.lines["a"].bold]
    redraws = curves.redraws
    curves.set_lines([Line("a", "a", curves.lines()[0].trace), other])
    curves.flush()
    assert curves.redraws == redraws


def test_a_spike_among_faint_points_does_not_flatten_the_line(curves: Curves):
    ys = np.ones(1000)
    ys[::2] = 2.0
    ys[500] = 1e6
    curves.set_smoothing(0.5)
    show(curves, "loss", np.arange(1000), np.minimum(ys, 1e6))
    curves.flush()
    drawn = curves._plot.lines["loss"]
    assert drawn.high < 1e6


def test_a_clock_turns_steps_into_time(curves: Curves):
    clock = Clock(np.array([0.0, 100.0]), np.array([0.0, 50.0]))
    curves.set_x(TIME, log=False)
    curves.set_lines([Line("a", "a", trace_of(range(101), range(101)), clock=clock)])
    curves.flush()
    assert curves.shown_span().high == 50
    curves.set_cursor(25.0)
    assert curves.legend_rows()[0][2] == "50"
    assert curves._readout.text() == "time 25 s"


def test_a_logarithmic_x_axis_leaves_out_what_is_not_positive(curves: Curves):
    curves.set_x(STEPS, log=True)
    show(curves, "a", [0, 1, 10, 100, 1000], [5, 4, 3, 2, 1])
    curves.flush()
    xs, ys = curves._plot.lines["a"].bold.getData()
    assert np.allclose(xs, [0, 1, 2, 3])
    assert np.allclose(ys, [4, 3, 2, 1])


def test_dashes_are_gaps_in_the_line(curves: Curves):
    curves.set_lines([Line("a", "a", trace_of([0, 100], [0, 100]), dash=1)])
    curves.flush()
    xs, ys = curves._plot.lines["a"].bold.getData()
    assert 0.2 < np.isnan(ys).mean() < 0.6
    assert np.allclose(ys[np.isfinite(ys)], xs[np.isfinite(ys)])


def test_compared_runs_are_grouped_in_the_legend(curves: Curves):
    def of(run: str, metric: str, ink: int, dash: int, value: float) -> Line:
        return Line(run + metric, metric, trace_of([0, 1], [value, value]), ink=ink, dash=dash, group=run)

    curves.set_lines(
        [
            of("A", "train", 0, 0, 1),
            of("A", "held-out", 0, 1, 2),
            of("B", "train", 1, 0, 3),
            of("B", "held-out", 1, 1, 4),
        ]
    )
    curves.flush()
    assert [row[::2] for row in curves.legend_rows()] == [
        ("train", ""),
        ("held-out", ""),
        ("A", "1 · 2"),
        ("B", "3 · 4"),
    ]


def test_the_theme_changes_the_lines(line: Curves, qapp: QApplication):
    before = line._plot.lines["twice"].bold.opts["pen"].color().name()
    apply_theme(qapp, "light")
    try:
        assert line._plot.lines["twice"].bold.opts["pen"].color().name() == LIGHT[0] != before
    finally:
        apply_theme(qapp, "dark")


def test_a_sharper_picture_shows_the_same(line: Curves):
    """As on a screen with two pixels to a point, and in an export."""
    plain = line._plot._rendered(400, 120, 1.0).toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    sharp = line._plot._rendered(800, 240, 2.0)
    sharp.setDevicePixelRatio(1.0)
    smooth = Qt.TransformationMode.SmoothTransformation
    small = sharp.toImage().scaled(400, 120, mode=smooth).convertToFormat(QImage.Format.Format_Grayscale8)
    a, b = (np.array(image.constBits()).reshape(120, -1)[:, :400].astype(float) for image in (plain, small))
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.8


WILD = st.floats(allow_nan=True, allow_infinity=True, width=64)


@example([(0, 1.7e308)], False, False)
@example([(0, -1.7e308), (1, 1.7e308)], True, False)
@given(st.lists(st.tuples(st.integers(0, 2**53), WILD), max_size=30), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_numbers_a_run_writes_are_drawn_or_left_out(
    curves: Curves, points: list[tuple[int, float]], log_x: bool, log_y: bool
):
    points = sorted({step: value for step, value in points}.items())
    curves.set_x(STEPS, log=log_x)
    curves.set_log(log_y)
    show(curves, "wild", [step for step, _ in points], [value for _, value in points])
    curves.flush()
    curves._plot._rendered(300, 100, 1.0)
    curves.set_cursor(1.0)
    curves._plot.viewport().repaint()
    assert np.isfinite(curves._plot._y).all()
