"""The slider under hand and keyboard: what is shown is what is sent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.widgets.figures import compact, format_value, parse_value
from app.widgets.slider import ValueSlider


@pytest.fixture
def slider(qtbot: QtBot) -> ValueSlider:
    made = ValueSlider("Smiling", -3, 3, origin=0, decimals=1, unit="σ", signed=True, lockable=True)
    qtbot.addWidget(made)
    made.resize(320, 28)
    made.show()
    return made


def _spot(slider: ValueSlider, fraction: float) -> QPoint:
    track = slider.track_rect()
    return QPoint(round(track.left() + fraction * track.width()), round(track.center().y()))


def test_drag_emits_while_moving_and_ends_at_the_shown_value(slider: ValueSlider, qtbot: QtBot):
    heard: list[object] = []
    slider.pressed.connect(lambda: heard.append("pressed"))
    slider.changed.connect(heard.append)
    slider.released.connect(lambda: heard.append("released"))
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=_spot(slider, 0.5))
    for step in range(1, 9):
        qtbot.mouseMove(slider, _spot(slider, 0.5 + step / 20))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=_spot(slider, 0.9))
    values = [item for item in heard if isinstance(item, float)]
    assert heard[0] == "pressed"
    assert heard[-1] == "released"
    assert len(values) >= 6
    assert values == sorted(values)
    assert values[-1] == slider.value() == pytest.approx(2.4, abs=0.11)


def test_shift_makes_a_step_by_key_ten_times_as_large(slider: ValueSlider, qtbot: QtBot):
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    step = slider.value()
    assert step > 0
    qtbot.keyClick(slider, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert slider.value() == pytest.approx(11 * step)
    qtbot.keyClick(slider, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert slider.value() == pytest.approx(step)


def test_drag_beyond_the_end_stops_at_the_end(slider: ValueSlider, qtbot: QtBot):
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=_spot(slider, 0.5))
    qtbot.mouseMove(slider, QPoint(5000, 10))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=QPoint(5000, 10))
    assert slider.value() == 3


def test_origin_is_easy_to_find_again(slider: ValueSlider, qtbot: QtBot):
    slider.set_value(2)
    near = _spot(slider, 0.5) + QPoint(2, 0)
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=near)
    assert slider.value() == 0


@pytest.mark.parametrize(("typed", "value"), [("1.5", 1.5), ("-0,9 σ", -0.9), ("\u22122", -2.0), ("99", 3.0)])
def test_typed_value(slider: ValueSlider, qtbot: QtBot, typed: str, value: float):
    qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(slider.width() - 20, 14))
    editor = slider.editor()
    assert editor is not None
    editor.setText(typed)
    with qtbot.waitSignals([slider.changed, slider.released]):
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert slider.value() == value
    assert slider.editor() is None


def test_bad_text_is_marked_and_escape_keeps_the_value(slider: ValueSlider, qtbot: QtBot):
    slider.set_value(1)
    slider.begin_edit("much")
    editor = slider.editor()
    assert editor is not None
    with qtbot.assertNotEmitted(slider.changed):
        qtbot.keyClick(editor, Qt.Key.Key_Return)
        assert editor.property("invalid") == "true"
        qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert slider.editor() is None
    assert slider.value() == 1


def test_keyboard_reset_and_lock(slider: ValueSlider, qtbot: QtBot):
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert slider.value() == pytest.approx(0.1)
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    assert slider.value() > 0.6
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert slider.value() == 3
    with qtbot.waitSignal(slider.lockToggled) as signal:
        qtbot.keyClick(slider, Qt.Key.Key_L)
    assert signal.args == [True]
    qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(10, 14))
    assert slider.value() == 0


def test_setting_a_value_is_silent_and_clamped(slider: ValueSlider, qtbot: QtBot):
    with qtbot.assertNotEmitted(slider.changed):
        slider.set_value(7)
    assert slider.value() == 3


def test_warning_is_told_in_the_tooltip(slider: ValueSlider):
    slider.set_warning("Weak direction")
    assert "Weak direction" in slider.toolTip()
    slider.set_warning("")
    assert "Weak" not in slider.toolTip()


def test_log_track_puts_the_geometric_mean_in_the_middle(qtbot: QtBot):
    slider = ValueSlider("Rate", 1e-5, 1e-1, log=True)
    qtbot.addWidget(slider)
    slider.resize(400, 28)
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=_spot(slider, 0.5))
    assert slider.value() == pytest.approx(1e-3, rel=0.15)
    with pytest.raises(ValueError, match="cannot run"):
        slider.set_range(0, 1)


@given(st.floats(-1000, 1000), st.integers(0, 4), st.booleans())
@settings(max_examples=80, deadline=None)
def test_shown_figures_read_back_as_the_rounded_value(value: float, decimals: int, signed: bool):
    shown = format_value(value, decimals=decimals, unit="σ", signed=signed)
    assert parse_value(shown, "σ") == pytest.approx(round(value, decimals), abs=1e-9)
    assert not shown.lstrip("+").startswith("\u22120 ")


@given(st.floats(1e-9, 1e9))
@settings(max_examples=80, deadline=None)
def test_compact_figures_are_short_and_close(value: float):
    assert len(compact(value)) <= 7
    assert float(compact(value)) == pytest.approx(value, rel=0.06)
