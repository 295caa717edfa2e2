"""The right panel of Explore: sampling, attributes, components and the readout."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.explore.directions import sections
from app.explore.directions.sections import LABEL_PX, VALUE_PX
from app.explore.inspector.readout import PhotoReadout
from app.explore.levels.view import LevelsSection
from app.explore.shortcuts import keys_text
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.direction_slider import DirectionSlider
from app.widgets.form import FormRows, IntField, Section
from app.widgets.layout import discard, hbox, held, scrolled, vbox
from app.widgets.slider import ValueSlider
from app.words import percentile
from engine.api import DirectionInfo, ModelInfo, Sampled

WIDTH_PX: Final = 316
HOTTEST: Final = 1.5
STRENGTH_TIP: Final = "How much of the face's change is blended into the photo; what the model sees stays as it is."
TEMPERATURE_TIP: Final = "How far samples reach from the middle (0 to 1.5)."


class Inspector(QWidget):
    """Sliders and figures of the current code."""

    temperatureChanged = Signal(object, float)
    editChanged = Signal(str, float)
    lockChanged = Signal(str, bool)
    resetWanted = Signal()
    settled = Signal()
    axesChosen = Signal(str)
    actionWanted = Signal(str, str)
    renamed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "panel-right")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH_PX)
        self.sliders: dict[str, DirectionSlider] = {}
        self._made_for: ModelInfo | None = None
        self.temperature = ValueSlider(
            "Temperature", 0.0, HOTTEST, default=1.0, tooltip=TEMPERATURE_TIP, label_px=LABEL_PX, value_px=VALUE_PX
        )
        self.temperature.changed.connect(lambda value: self.temperatureChanged.emit(None, value))
        self.temperature.released.connect(self.settled)
        self.seed = IntField(0, 99_999, 1)
        self.seed.setToolTip("Which sample: the same seed gives the same face (0 to 99999).")
        self.roll = button("Roll", f"Another seed ({keys_text('sample.random')})")
        self.levels = LevelsSection()
        self.levels.heated.connect(lambda index, value: self.temperatureChanged.emit(index, value))
        self.levels.settled.connect(self.settled)
        self.attributes, self._components = sections.AttributesSection(), sections.AxesSection()
        self._components.axesChosen.connect(self.axesChosen)
        for section in (self.attributes, self._components):
            section.actionClicked.connect(self.resetWanted)
        column = vbox(
            self._sample_section(),
            self.levels,
            self.attributes,
            self._photo_section(),
            self._components,
            self._readout_section(),
            None,
            gap_px=12,
            margins=(16, 8, 16, 12),
        )
        self.setLayout(vbox(scrolled(held(column))))

    def _sample_section(self) -> Section:
        section = Section("Sample")
        section.add(self.temperature)
        label = QLabel("Seed")
        label.setFixedWidth(LABEL_PX)
        section.add_layout(hbox(label, self.seed, self.roll, None))
        return section

    def _photo_section(self) -> Section:
        self.into_photo = Section("Into the photo")
        self.strength = ValueSlider(
            "Strength",
            0.0,
            100.0,
            value=100.0,
            default=100.0,
            decimals=0,
            unit="%",
            step=5.0,
            tooltip=STRENGTH_TIP,
            label_px=LABEL_PX,
            value_px=VALUE_PX,
        )
        self.strength.released.connect(self.settled)
        self.into_photo.add(self.strength)
        return self.into_photo

    def _readout_section(self) -> Section:
        section, rows = Section("Readout"), FormRows(label_px=104)
        self.norm = rows.add_value(
            "|z| / √D", "–", "Length of the code over that of a typical one: 1 is typical, more is far out."
        )
        self.bits = rows.add_value(
            "Likelihood",
            "–",
            "Bits per dimension of this picture under the model, lower is likelier (a VAE gives a bound).",
        )
        self.percentile = rows.add_value(
            "Percentile", "–", "How many held-out images need fewer bits than this picture; smooth pictures need few."
        )
        self.round_trip = rows.add_value(
            "Round trip",
            "–",
            "Largest pixel difference after encoding and decoding again (range −1 to 1), in float32 and, where that is "
            "switched on among the levels, in float64 (f64).",
        )
        self.decode = rows.add_value("Decode", "–", "Median time of the last pictures, in milliseconds.")
        self._rows = rows
        section.add(rows)
        self.photo = PhotoReadout()
        section.add(self.photo)
        return section

    def show_state(self, now: AppState, before: AppState | None) -> None:
        self.levels.show_state(now, before)
        if moved(now, before, "info"):
            self._rebuild(now.info)
        sampled = now.look is not None and isinstance(now.look.source, Sampled)
        if moved(now, before, "look", "view", "info"):
            useful = now.info is not None and (sampled or now.view == "grid")
            why = "" if useful else "A photo's code has no temperature: roll a seed to sample."
            self.temperature.setEnabled(useful)
            self.temperature.setToolTip(why or TEMPERATURE_TIP)
        if moved(now, before, "temperature", "info"):
            self.temperature.set_value(sum(now.temperature) / len(now.temperature))
        if moved(now, before, "seed"):
            self.seed.set_value(now.seed)
        if moved(now, before, "look", "info"):
            self._show_edits(now)
        if moved(now, before, "look", "full", "view"):
            photo = now.look is not None and now.look.photo is not None and now.view == "single"
            self.into_photo.setVisible(photo and now.full.wanted == "photo" and not now.full.why)
        if moved(now, before, "info", "axes", "axes_busy"):
            self._components.show_kind(now.axes, now.axes_busy)
        if moved(now, before, "info", "lost"):
            sections.show_losses(self.sliders, now)
        if moved(now, before, "readout", "drawn", "decode_ms", "info"):
            self._show_readout(now)
        self.photo.show_state(now, before)

    def show_slider(self, name: str) -> None:
        """Opens the section of a direction and puts the keyboard on its slider."""
        slider = self.sliders.get(name)
        if slider is None:
            return
        for section in (self.attributes, self._components):
            if section.isAncestorOf(slider):
                section.set_collapsed(False)
        info = self._made_for
        kind = next((row.method for row in info.components if row.name == name), "") if info is not None else ""
        if kind:
            self.axesChosen.emit(kind)
        slider.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _show_edits(self, now: AppState) -> None:
        edits = dict(now.look.edits) if now.look is not None else {}
        locked = now.look.locked if now.look is not None else ()
        for name, slider in self.sliders.items():
            slider.set_value(edits.get(name, 0.0))
            slider.set_locked(name in locked)
        strength = now.look.strength if now.look is not None else 1.0
        self.strength.set_value(100 * strength)
        self.attributes.set_action_enabled(bool(edits) or strength != 1.0)

    def _show_readout(self, now: AppState) -> None:
        ratio = now.drawn.norm_ratio if now.drawn is not None else None
        self.norm.set_text("–" if ratio is None else f"{ratio:.3f}")
        read = now.readout
        bits = None if read is None else read.bits_per_dim
        sign = "≤ " if now.info is not None and now.info.density == "bound" else ""
        self.bits.set_text("–" if bits is None else f"{sign}{bits:.2f} bits/dim")
        share = None if read is None else read.percentile
        self.percentile.set_text("–" if share is None else percentile(share))
        trip = None if read is None else read.round_trip
        double = None if read is None else read.round_trip_double
        words = "–" if trip is None else f"{trip:.0e}"
        self.round_trip.set_text(words if double is None else f"{words} · f64 {double:.0e}")
        self.decode.set_text("–" if now.decode_ms is None else f"{now.decode_ms:.1f} ms median")
        info = now.info
        self._rows.set_row_visible(self.bits, info is not None and info.density != "none")
        self._rows.set_row_visible(self.percentile, share is not None)
        self._rows.set_row_visible(self.round_trip, info is not None and info.encode == "exact")

    def _rebuild(self, info: ModelInfo | None) -> None:
        """Sliders for another model; the same model again (a run's next checkpoint) keeps those that fit."""
        if info is not None and self._made_for is not None and _same_sliders(info, self._made_for):
            self._made_for = info
            return
        other = info is None or self._made_for is None or info.key != self._made_for.key
        discard(self.sliders.values())
        self.sliders, self._made_for = {}, info
        if info is not None:
            self.temperature.set_default(info.default_temperature)
            rows = (*info.attributes, *info.components)
            self.sliders = {row.name: self._direction_slider(row) for row in rows}
        self.attributes.fill(info, self.sliders)
        self._components.fill(info, self.sliders)
        if other:
            only_axes = info is not None and bool(info.components) and not info.attributes
            self._components.set_collapsed(not only_axes)
            self._components.set_action("Reset" if only_axes else "")

    def _direction_slider(self, info: DirectionInfo) -> DirectionSlider:
        slider = sections.direction_slider(info)
        slider.changed.connect(lambda value: self.editChanged.emit(info.name, value))
        slider.released.connect(self.settled)
        slider.lockToggled.connect(lambda locked: self.lockChanged.emit(info.name, locked))
        slider.actionTriggered.connect(lambda action: self._act(action, info.name))
        slider.renamed.connect(lambda name: self.renamed.emit(info.name, name))
        return slider

    def _act(self, action: str, name: str) -> None:
        if action == "rename":
            self.sliders[name].begin_rename()
        elif action == "reset":
            self.sliders[name].reset()
        else:
            self.actionWanted.emit(action, name)


def _same_sliders(a: ModelInfo, b: ModelInfo) -> bool:
    return (a.key, a.groups, a.attributes, a.components) == (b.key, b.groups, b.attributes, b.components)
