"""The themes: every token reaches the style sheet, text can be read, letters are really drawn."""

from __future__ import annotations

from dataclasses import fields

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app import theme
from app.theme import DARK, LIGHT, Tokens, apply_theme


@pytest.fixture(autouse=True)
def _dark_again(qapp: QApplication):
    yield
    apply_theme(qapp, "dark")


def _luminance(name: str) -> float:
    channels = [value / 255 for value in QColor(name).getRgb()[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: str, b: str) -> float:
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _colours(image: QImage) -> int:
    return len({image.pixel(x, y) for x in range(image.width()) for y in range(image.height())})


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda t: t.name)
def test_text_reaches_wcag_contrast_on_every_ground(tokens: Tokens):
    for ground in (tokens.window, tokens.panel, tokens.raised, tokens.selected):
        assert _contrast(tokens.text, ground) >= 7, ground
        assert _contrast(tokens.muted, ground) >= 4.5, ground
    for ink in (tokens.warn, tokens.error, tokens.ok, *tokens.series):
        assert _contrast(ink, tokens.panel) >= 3, ink
    assert _contrast(tokens.accent_text, tokens.accent) >= 4.5


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda t: t.name)
def test_tokens_are_colours_and_the_sheet_is_complete(tokens: Tokens):
    for field in fields(tokens):
        value = getattr(tokens, field.name)
        if isinstance(value, str) and field.name != "name":
            assert QColor(value).isValid(), field.name
    sheet = theme.style_sheet(tokens)
    assert "$" not in sheet.replace("$token", "")
    assert sheet.count("{") == sheet.count("}")


def test_switching_the_theme_repaints_a_living_label(qapp: QApplication, qtbot: QtBot):
    label = QLabel("Temperature 0.70")
    qtbot.addWidget(label)
    apply_theme(qapp, "dark")
    label.setProperty("kind", "panel")
    label.show()
    dark = label.grab().toImage()
    apply_theme(qapp, "light")
    light = label.grab().toImage()
    assert theme.tokens() is LIGHT
    assert dark != light


def test_letters_are_drawn_and_not_boxes(qapp: QApplication, qtbot: QtBot):
    apply_theme(qapp, "dark")
    words, other = QLabel("Reconstruction 41.2 dB σ"), QLabel("Aeconstruction 41.2 dB σ")
    for label in (words, other):
        qtbot.addWidget(label)
        label.resize(240, 24)
    image = words.grab().toImage()
    assert _colours(image) > 10
    assert image != other.grab().toImage()


def test_unknown_theme_is_refused_and_changes_nothing(qapp: QApplication):
    before = apply_theme(qapp, "light")
    with pytest.raises(KeyError):
        apply_theme(qapp, "sepia")
    assert theme.tokens() is before
