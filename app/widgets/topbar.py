"""The top bar: name, workspaces, the model on show, device and speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QMenu, QSizePolicy, QWidget

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.buttons import button, tick
from app.widgets.fields import Combo
from app.widgets.labels import kind_label
from app.widgets.layout import hbox

BAR_PX: Final = 44


class _Tab(QAbstractButton):
    """One workspace; number and name."""

    def __init__(self, text: str, tooltip: str) -> None:
        super().__init__()
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(tooltip)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(round(paint.width_of(self.text(), ui_font())) + 28, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        rect = QRectF(self.rect())
        if self.isChecked() or self.underMouse():
            fill = theme.hover if self.isChecked() else theme.raised
            paint.box(painter, rect, fill=fill, radius_px=theme.radius_px)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, rect)
        number, _, name = self.text().partition(" ")
        font = ui_font()
        x = rect.x() + 14
        paint.text(painter, QRectF(x, 0, 20, rect.height()), number, font=font, ink=theme.muted)
        x += paint.width_of(f"{number} ", font)
        ink = theme.text if self.isChecked() or self.underMouse() else theme.muted
        paint.text(painter, QRectF(x, 0, rect.right() - x, rect.height()), name, font=font, ink=ink)
        painter.end()


class _ThemeButton(QAbstractButton):
    """A half-filled disc: light or dark."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("Light or dark (Ctrl+T)")
        self.setAccessibleName("Light or dark")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedSize(28, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        if self.underMouse():
            paint.box(painter, QRectF(self.rect()), fill=theme.hover)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, QRectF(self.rect()))
        ink = theme.text if self.underMouse() else theme.muted
        disc = QRectF(8, 8, 12, 12)
        painter.setPen(paint.pen(ink, 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(disc)
        painter.setBrush(color(ink))
        painter.drawPie(disc, 90 * 16, 180 * 16)
        painter.end()


class _Light(QWidget):
    """The state of the device: green when all is well."""

    def __init__(self) -> None:
        super().__init__()
        self.good = True
        self.setFixedSize(10, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        paint.dot(painter, QPointF(5, 8), theme.ok if self.good else theme.warn, 3.5)
        painter.end()


class TopBar(QFrame):
    """Tabs at the left, the model chooser and the readout at the right."""

    workspaceChanged = Signal(str)
    helpClicked = Signal()
    paletteClicked = Signal()
    themeClicked = Signal()
    deviceChanged = Signal(str)

    def __init__(self, app_name: str, workspaces: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setProperty("kind", "topbar")
        self.setFixedHeight(BAR_PX)
        name = kind_label("name", app_name)
        self._tabs: dict[str, _Tab] = {}
        group = QButtonGroup(self)
        for number, (key, label) in enumerate(workspaces, start=1):
            tab = _Tab(f"{number} {label}", f"{label} (Ctrl+{number})")
            tab.clicked.connect(lambda _checked=False, name=key: self.workspaceChanged.emit(name))
            group.addButton(tab)
            self._tabs[key] = tab
        self.models = Combo(tooltip="The model on show")
        self.models.setAccessibleName("The model on show")
        self.models.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.models.setMaximumWidth(280)
        self._light = _Light()
        self._readout = button("", "Device and time of the last picture; press to choose another device", kind="quiet")
        self._readout.setAccessibleName("Device")
        self._readout.setMinimumWidth(112)
        # Beside its light, and without a jump when the figure grows by a digit.
        self._readout.setStyleSheet("text-align: left;")
        self.devices = QMenu(self._readout)
        self.devices.triggered.connect(lambda action: self.deviceChanged.emit(action.data()))
        self._readout.clicked.connect(self._offer_devices)
        help_button = button("Keys", "List every key (F1)", kind="quiet", do=self.helpClicked.emit)
        palette_button = button("Ctrl K", "Find and do anything by typing (Ctrl+K)", do=self.paletteClicked.emit)
        theme_button = _ThemeButton()
        theme_button.clicked.connect(lambda: self.themeClicked.emit())
        self.live = kind_label("muted")
        self.live.hide()
        device = hbox(self._light, self._readout, gap_px=6)
        buttons = (theme_button, help_button, palette_button)
        row = hbox(name, 16, *self._tabs.values(), None, self.live, self.models, 8, device, *buttons)
        row.setContentsMargins(16, 0, 12, 0)
        self.setLayout(row)
        self.set_models(())
        if workspaces:
            self.set_workspace(workspaces[0][0])

    def set_workspace(self, key: str) -> None:
        """Show ``key`` as the open workspace without emitting; raises KeyError when there is none."""
        self._tabs[key].setChecked(True)

    def workspace(self) -> str:
        """The key of the open workspace."""
        return next((key for key, tab in self._tabs.items() if tab.isChecked()), "")

    def tab(self, key: str) -> QAbstractButton:
        """The button of a workspace."""
        return self._tabs[key]

    def set_models(self, models: Sequence[tuple[str, str]]) -> None:
        """The models (key, label) to choose from; hidden when there are none."""
        self.models.set_options(models)
        self.models.setVisible(bool(models))

    def set_devices(self, devices: Sequence[tuple[str, str]], chosen: str) -> None:
        """The devices (key, label) that a press on the readout offers, with a tick at the chosen one."""
        self.devices.clear()
        for key, label in devices:
            tick(self.devices, label, on=key == chosen).setData(key)

    def _offer_devices(self) -> None:
        # popup() and not exec(): no event loop within the event loop.
        self.devices.popup(self._readout.mapToGlobal(QPoint(0, self._readout.height())))

    def set_live(self, text: str, tooltip: str = "") -> None:
        """What is said beside the model of a run, such as ``step 12,500, live``; empty hides it."""
        if self.live.text() != text:
            self.live.setText(text)
            self.live.setVisible(bool(text))
        self.live.setToolTip(tooltip)

    def set_readout(self, text: str, ok: bool = True) -> None:
        """Device and speed, such as ``CPU · 14 ms``; ``ok=False`` turns the light amber."""
        if self._readout.text() != text:
            self._readout.setText(text)
        if self._light.good != ok:
            self._light.good = ok
            self._light.update()
