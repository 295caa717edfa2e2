"""Palette, fonts and style sheet: one set of tokens per theme fills one QSS template."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files
from string import Template
from typing import Final, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

ThemeName = Literal["dark", "light"]
GRID_PX: Final = 8


@dataclass(frozen=True)
class Tokens:
    """Every colour and size that the window uses; colours are ``#rrggbb`` strings, sizes are in pixels."""

    name: ThemeName
    window: str
    panel: str
    raised: str
    hover: str
    selected: str
    segment: str
    line: str
    track: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    accent_line: str
    accent_text: str
    knob: str
    ok: str
    warn: str
    error: str
    notice_info: str
    notice_warn: str
    notice_error: str
    stage: str
    points: str
    series: tuple[str, ...]
    radius_px: int = 6
    picture_radius_px: int = 8
    text_px: int = 13
    small_px: int = 11


DARK: Final = Tokens(
    name="dark",
    window="#17181c",
    panel="#1c1e23",
    raised="#262930",
    hover="#30343d",
    selected="#27303f",
    segment="#424754",
    line="#2a2d34",
    track="#383c45",
    text="#e6e8ec",
    muted="#a0a5af",
    faint="#7f858f",
    accent="#3672cf",
    accent_hover="#4280de",
    accent_line="#5b9bf0",
    accent_text="#ffffff",
    knob="#eceef2",
    ok="#52c476",
    warn="#d9a443",
    error="#ef7d78",
    notice_info="#1f2836",
    notice_warn="#2d281c",
    notice_error="#332022",
    stage="#111216",
    points="#c4c9d4",
    series=("#5b9bf0", "#ee9350", "#52c476", "#d9608a", "#a88be6", "#4cc3c7", "#d3bd55", "#9aa3b2"),
)

LIGHT: Final = Tokens(
    name="light",
    window="#f4f5f7",
    panel="#fbfbfc",
    raised="#e9ebef",
    hover="#dfe2e8",
    selected="#dfe9f8",
    segment="#ffffff",
    line="#dcdfe5",
    track="#cdd2da",
    text="#1c1f25",
    muted="#525964",
    faint="#6c7380",
    accent="#2662bf",
    accent_hover="#1f56ab",
    accent_line="#2f71d6",
    accent_text="#ffffff",
    knob="#ffffff",
    ok="#218a47",
    warn="#966204",
    error="#bf2f2c",
    notice_info="#e3ecf9",
    notice_warn="#f8eed7",
    notice_error="#fae3e1",
    stage="#ffffff",
    points="#434a57",
    series=("#2f71d6", "#c8661b", "#218a47", "#b8326a", "#7453c4", "#13858c", "#8c7410", "#5b6472"),
)

THEMES: Final[dict[str, Tokens]] = {"dark": DARK, "light": LIGHT}
_current: Tokens = DARK


def tokens() -> Tokens:
    """The tokens of the theme in use; own-painted widgets read them in every paint event."""
    return _current


def color(value: str, alpha: float = 1.0) -> QColor:
    """A QColor from a token; ``alpha`` in 0..1."""
    out = QColor(value)
    out.setAlphaF(alpha)
    return out


@lru_cache(maxsize=1)
def _sans_families() -> tuple[str, ...]:
    """The desktop's own sans first; a machine with a serif or no system face gets DejaVu Sans."""
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
    return (system, "DejaVu Sans") if system else ("DejaVu Sans",)


@lru_cache(maxsize=1)
def _mono_families() -> tuple[str, ...]:
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    return (system, "DejaVu Sans Mono") if system else ("DejaVu Sans Mono",)


@lru_cache(maxsize=1)
def _width_correction_px() -> int:
    """DejaVu and Verdana run a tenth wider than other system faces, so they are set one pixel smaller."""
    probe = QFont(list(_sans_families()))
    return -1 if QFontInfo(probe).family().startswith(("DejaVu", "Verdana", "Bitstream")) else 0


def ui_font(px: int | None = None, bold: bool = False) -> QFont:
    """The interface face at ``px`` pixels (default: the theme's text size)."""
    font = QFont(list(_sans_families()))
    font.setPixelSize((px or _current.text_px) + _width_correction_px())
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def mono_font(px: int | None = None) -> QFont:
    """The face of figures: monospaced, so that a changing number does not move its neighbours."""
    font = QFont(list(_mono_families()))
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize((px or _current.text_px) - 1)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def heading_font() -> QFont:
    """Small, bold, spaced: the upper-case section headers."""
    font = ui_font(_current.small_px, bold=True)
    font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.9)
    return font


def style_sheet(theme: Tokens) -> str:
    """The QSS template filled from ``theme``; raises KeyError when the template names an unknown token."""
    template = Template(files("resources").joinpath("styles", "app.qss").read_text(encoding="utf-8"))
    values = {f.name: getattr(theme, f.name) for f in fields(theme)}
    values["sans"] = ", ".join(f'"{name}"' for name in _sans_families())
    values["mono"] = ", ".join(f'"{name}"' for name in _mono_families())
    shift = _width_correction_px()
    values |= {"text_px": theme.text_px + shift, "small_px": theme.small_px + shift, "mono_px": theme.text_px - 1}
    values |= {"title_px": theme.text_px + 3 + shift}
    return template.substitute(values)


def palette(theme: Tokens) -> QPalette:
    """The Fusion palette of ``theme``, so that standard dialogs and menus agree with the style sheet."""
    role = QPalette.ColorRole
    table = (
        (theme.window, (role.Window, role.Shadow)),
        (theme.panel, (role.Base,)),
        (theme.raised, (role.AlternateBase, role.Button, role.ToolTipBase)),
        (theme.hover, (role.Light, role.Midlight)),
        (theme.line, (role.Mid, role.Dark)),
        (theme.text, (role.WindowText, role.Text, role.ButtonText, role.ToolTipText)),
        (theme.faint, (role.PlaceholderText,)),
        (theme.error, (role.BrightText,)),
        (theme.accent, (role.Highlight, role.Accent)),
        (theme.accent_text, (role.HighlightedText,)),
        (theme.accent_line, (role.Link,)),
    )
    out = QPalette()
    for value, roles in table:
        for key in roles:
            out.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        out.setColor(QPalette.ColorGroup.Disabled, key, QColor(theme.faint))
    return out


def apply_theme(app: QApplication, name: str) -> Tokens:
    """Dress the whole application; every living widget repaints.

    Raises:
        KeyError: ``name`` is neither ``dark`` nor ``light``.
    """
    # One sheet in place of another costs five times as much as none first: 1.1 s of processor for the whole window,
    # and not 0.24 s.
    app.setStyleSheet("")
    _set_tokens(app, name)
    app.setStyleSheet(style_sheet(_current))
    return _current


@contextmanager
def dressed_last(app: QApplication, name: str) -> Iterator[None]:
    """As ``apply_theme``, but widgets that are made within get the style sheet once, at the end.

    Under a sheet every layout and every new parent polishes all that lies beneath: making the whole window then takes
    three times as long (0.6 s instead of 0.2 s of processor).
    """
    app.setStyleSheet("")
    _set_tokens(app, name)
    yield
    app.setStyleSheet(style_sheet(_current))


def _set_tokens(app: QApplication, name: str) -> None:
    """Colours and font of a theme, all but its style sheet."""
    global _current
    _current = THEMES[name]
    if app.style() is None or app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    scheme = Qt.ColorScheme.Dark if name == "dark" else Qt.ColorScheme.Light
    QGuiApplication.styleHints().setColorScheme(scheme)
    app.setFont(ui_font())
    app.setPalette(palette(_current))


def set_kind(widget: QWidget, kind: str) -> None:
    """Give ``widget`` the look named ``kind`` in the style sheet, also after it has been shown."""
    if widget.property("kind") == kind:
        return
    widget.setProperty("kind", kind)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()
