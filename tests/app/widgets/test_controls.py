"""Fields, bars, notices and sections as a person uses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.job import JobView
from app.widgets.empty import EmptyState
from app.widgets.form import Combo, FloatField, FormRows, IntField, PathField, Section, Toggle
from app.widgets.jobs import JobsBar
from app.widgets.layout import FlowLayout
from app.widgets.notice import NoticeLine
from app.widgets.segmented import Segmented
from app.widgets.topbar import TopBar


def _shown(qtbot: QtBot, widget: QWidget, width: int = 400) -> QWidget:
    qtbot.addWidget(widget)
    widget.resize(width, widget.sizeHint().height())
    widget.show()
    return widget


def _wheel(widget: QWidget) -> bool:
    none = Qt.KeyboardModifier.NoModifier
    spot = QPointF(widget.rect().center())
    down = QPoint(0, -120)
    phase = Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(spot, spot, QPoint(), down, Qt.MouseButton.NoButton, none, phase, False)
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_segmented_by_mouse_and_keys_passes_over_what_is_off(qtbot: QtBot):
    control = Segmented([("single", "Single"), ("compare", "Compare"), ("grid", "Grid")])
    _shown(qtbot, control)
    control.set_option_enabled("compare", False, "One model only.")
    with qtbot.assertNotEmitted(control.changed):
        qtbot.mouseClick(control, Qt.MouseButton.LeftButton, pos=control.segment_rect("compare").center().toPoint())
    with qtbot.waitSignal(control.changed) as signal:
        qtbot.keyClick(control, Qt.Key.Key_Right)
    assert signal.args == ["grid"]
    with qtbot.assertNotEmitted(control.changed):
        control.set_current("single")
    assert control.current() == "single"


def test_number_fields_emit_only_good_numbers(qtbot: QtBot):
    rate, batch = FloatField(1e-6, 1, 2e-4), IntField(1, 4096, 64)
    for field in (rate, batch):
        _shown(qtbot, field, 120)
    assert rate.text() == "2e-4"
    rate.setFocus()
    rate.selectAll()
    with qtbot.waitSignal(rate.changed) as signal:
        qtbot.keyClicks(rate, "3e-3")
        qtbot.keyClick(rate, Qt.Key.Key_Return)
    assert signal.args == [0.003]
    for words in ("7", "abc", "nan", ""):
        rate.setText(words)
        with qtbot.assertNotEmitted(rate.changed):
            qtbot.keyClick(rate, Qt.Key.Key_Return)
        assert not rate.is_valid()
        assert rate.toolTip()
        qtbot.keyClick(rate, Qt.Key.Key_Escape)
        assert rate.is_valid()
        assert rate.value() == 0.003
    with qtbot.waitSignal(batch.changed) as signal:
        qtbot.keyClick(batch, Qt.Key.Key_Up)
    assert signal.args == [65]
    batch.setText("1,024")
    with qtbot.waitSignal(batch.changed) as signal:
        qtbot.keyClick(batch, Qt.Key.Key_Return)
    assert signal.args == [1024]


@pytest.mark.parametrize(
    "make", [lambda: IntField(0, 9, 5), lambda: FloatField(0, 1, 0.5), lambda: Combo([("a", "A"), ("b", "B")])]
)
def test_the_wheel_scrolls_the_panel_and_not_the_field(make, qtbot: QtBot):
    field = make()
    _shown(qtbot, field, 100)
    with qtbot.assertNotEmitted(field.changed):
        assert not _wheel(field)


def test_combo_keeps_its_choice_and_sets_in_silence(qtbot: QtBot):
    combo = Combo([("vae", "VAE"), ("gan", "GAN")])
    _shown(qtbot, combo)
    with qtbot.assertNotEmitted(combo.changed):
        combo.set_current("gan")
        combo.set_options([("flow", "Glow"), ("gan", "GAN")])
    assert combo.current() == "gan"
    with qtbot.waitSignal(combo.changed) as signal:
        qtbot.keyClick(combo, Qt.Key.Key_Up)
    assert signal.args == ["flow"]
    with pytest.raises(KeyError):
        combo.set_current("none")


def test_toggle_by_click_and_space(qtbot: QtBot):
    toggle = Toggle("EMA")
    _shown(qtbot, toggle)
    with qtbot.assertNotEmitted(toggle.changed):
        toggle.setChecked(True)
    with qtbot.waitSignal(toggle.changed) as signal:
        qtbot.mouseClick(toggle, Qt.MouseButton.LeftButton)
    assert signal.args == [False]
    with qtbot.waitSignal(toggle.changed) as signal:
        qtbot.keyClick(toggle, Qt.Key.Key_Space)
    assert signal.args == [True]


def test_path_field_takes_a_drop(qtbot: QtBot, tmp_path: Path):
    field = PathField()
    _shown(qtbot, field)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    none = Qt.KeyboardModifier.NoModifier
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    QApplication.sendEvent(field, QDragEnterEvent(QPoint(5, 5), copy, mime, left, none))
    drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, none)
    with qtbot.waitSignal(field.changed) as signal:
        QApplication.sendEvent(field, drop)
    assert signal.args == [str(tmp_path)]
    assert field.path() == str(tmp_path)


def test_section_folds_and_gives_its_room_back(qtbot: QtBot):
    section = Section("Advanced", action="Reset")
    section.add(QLabel("inside"))
    _shown(qtbot, section)
    tall = section.sizeHint().height()
    with qtbot.waitSignal(section.toggled) as signal:
        section._header.click()
    assert signal.args == [True]
    assert section.sizeHint().height() < tall
    with qtbot.waitSignal(section.actionClicked):
        section._action.click()


def test_form_rows_hide_label_and_field_together(qtbot: QtBot):
    rows = FormRows()
    field = IntField(0, 9, 5)
    label = rows.add_row("Batch", field, "Pictures in a step")
    _shown(qtbot, rows)
    assert field.toolTip() == label.toolTip() == "Pictures in a step"
    rows.set_row_visible(field, False)
    assert not label.isVisible()
    assert not field.isVisible()


def test_jobs_bar_speaks_of_the_job_on_show(qtbot: QtBot):
    bar = JobsBar()
    _shown(qtbot, bar, 900)
    bar.set_jobs([JobView("t", "Training", 0.5, "step 5", can_pause=True), JobView("e", "Encoding", None)])
    with qtbot.waitSignal(bar.pauseClicked) as signal:
        bar._pause.click()
    assert signal.args == ["t"]
    bar.set_jobs([JobView("t", "Training", 0.5, "step 5", can_pause=True, paused=True), JobView("e", "Encoding", None)])
    with qtbot.waitSignal(bar.resumeClicked):
        bar._pause.click()
    bar._more.click()
    assert bar._key == "e"
    assert bar._line._timer.isActive()
    with qtbot.waitSignal(bar.stopClicked) as signal:
        bar._stop.click()
    assert signal.args == ["e"]
    bar.set_jobs([])
    assert bar._key == ""
    assert not bar._stop.isVisible()
    assert not bar._line._timer.isActive()


def test_infos_leave_and_errors_stay(qtbot: QtBot):
    host = QWidget()
    qtbot.addWidget(host)
    host.resize(600, 600)
    # away from wherever the pointer of this screen rests: pointing at an info keeps it
    line = NoticeLine(host)
    line.setGeometry(20, 400, 500, 160)
    host.move(400, 100)
    host.show()
    line.show_notice("Saved.", hide_after_ms=30)
    assert line.isVisible()
    qtbot.waitUntil(lambda: not line.isVisible(), timeout=60_000)
    line.show_notice("The photo is cut off.", level="error", details="bytes", hide_after_ms=30)
    qtbot.wait(80)
    assert line.isVisible()
    line._more.click()
    assert line._details.isVisible()
    with qtbot.waitSignal(line.dismissed):
        line._close.click()
    assert line.text() == ""
    assert not line.isVisible()


def test_top_bar_tells_and_obeys(qtbot: QtBot):
    bar = TopBar("Latent Loom", [("explore", "Explore"), ("train", "Train")])
    _shown(qtbot, bar, 900)
    with qtbot.waitSignal(bar.workspaceChanged) as signal:
        qtbot.mouseClick(bar.tab("train"), Qt.MouseButton.LeftButton)
    assert signal.args == ["train"]
    with qtbot.assertNotEmitted(bar.workspaceChanged):
        bar.set_workspace("explore")
    assert bar.workspace() == "explore"
    assert not bar.models.isVisible()
    bar.set_models([("a", "A"), ("b", "B")])
    bar.models.set_current("b")
    assert bar.models.isVisible()
    assert bar.models.current() == "b"


def test_empty_state_offers_one_action(qtbot: QtBot):
    state = EmptyState("No run yet", "Press Start.", "Start")
    _shown(qtbot, state)
    with qtbot.waitSignal(state.actionClicked):
        state._button.click()


def test_flow_layout_wraps(qtbot: QtBot):
    place = QWidget()
    flow = FlowLayout(place, gap_px=8)
    for _ in range(6):
        label = QLabel("x")
        label.setFixedSize(50, 20)
        flow.addWidget(label)
    _shown(qtbot, place)
    assert flow.heightForWidth(400) == 20
    assert flow.heightForWidth(120) == 3 * 20 + 2 * 8
