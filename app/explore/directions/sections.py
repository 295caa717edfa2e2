"""The inspector's sections of directions: attributes with one's own beneath, and main axes of a chosen kind."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal

from app.explore.shortcuts import keys_text
from app.look import SLIDER_SIGMAS
from app.state import AppState
from app.widgets.buttons import button
from app.widgets.direction_slider import DirectionSlider
from app.widgets.form import Section
from app.widgets.labels import kind_label
from app.widgets.layout import discard, held, vbox
from app.widgets.segmented import Segmented
from app.words import AXES, auc_figure, direction_note, lost_note, nice
from engine.api import DirectionInfo, ModelInfo

LABEL_PX: Final = 104
VALUE_PX: Final = 52
WEAK_AUC: Final = 0.7
OWN_ACTIONS: Final = (("rename", "Rename"), ("export", "Export…"), ("reset", "Reset to zero"), ("delete", "Delete"))
UNITS: Final = "In standard deviations, −3 to +3."


class AttributesSection(Section):
    """Sliders of attributes; "+ New" makes one."""

    def __init__(self) -> None:
        super().__init__("Attributes", action="Reset")
        self.new = button(
            "+ New", f"Make an attribute from your own photos ({keys_text('attribute.new')})", kind="quiet"
        )
        self.add_action(self.new)
        self._heading = kind_label("small", "Yours")
        self._heading.setToolTip("Attributes that you made; the right button or the Menu key renames or deletes one.")
        self._none = kind_label("muted", "None yet: make one from two groups of your photos.", wordWrap=True)

    def fill(self, info: ModelInfo | None, sliders: dict[str, DirectionSlider]) -> None:
        """Puts the model's sliders in, the user's own last."""
        rows = info.attributes if info is not None else ()
        for row in rows:
            if not row.user_made:
                self.add(sliders[row.name])
        user_made = [row for row in rows if row.user_made]
        self.add(self._heading)
        for row in user_made:
            self.add(sliders[row.name])
        self.add(self._none)
        self._heading.setVisible(bool(user_made))
        self._none.setVisible(not rows)
        self.setVisible(info is not None)


class AxesSection(Section):
    """Sliders of main axes, of one kind at a time: Codes, Features, and Weights (or, without a first layer, Slope)."""

    axesChosen = Signal(str)

    def __init__(self) -> None:
        super().__init__("Main axes")
        self.switch: Segmented | None = None
        self._place = vbox()
        self._holder = held(self._place)
        self._kinds: tuple[str, ...] = ()
        self._rows: dict[str, list[DirectionSlider]] = {}
        self._hint = kind_label("muted", wordWrap=True)
        self.add(self._holder)
        self.add(self._hint)

    def fill(self, info: ModelInfo | None, sliders: dict[str, DirectionSlider]) -> None:
        """Puts the model's sliders in; `show_kind` says which are seen."""
        self._rows = {}
        for row in info.components if info is not None else ():
            self._rows.setdefault(row.method if row.method in AXES else "pca", []).append(sliders[row.name])
            self.add(sliders[row.name])
        self.add(self._hint)
        self._offer(info.axes if info is not None else ())
        self.setVisible(info is not None)

    def _offer(self, kinds: tuple[str, ...]) -> None:
        if kinds == self._kinds:
            return
        self._kinds = kinds
        if self.switch is not None:
            discard([self.switch])
            self.switch = None
        if kinds:
            tip = "\n".join(f"{AXES[kind][0]}: {AXES[kind][2]}" for kind in kinds)
            self.switch = Segmented([(kind, AXES[kind][0]) for kind in kinds], tooltip=f"Left and Right choose.\n{tip}")
            self.switch.changed.connect(self.axesChosen)
            self._place.addWidget(self.switch)

    def show_kind(self, kind: str, busy: str) -> None:
        """Shows the axes of one kind; while others are being found, it says so."""
        for other, rows in self._rows.items():
            for slider in rows:
                slider.setVisible(other == kind)
        if self.switch is not None and (busy or kind) in self._kinds:
            self.switch.set_current(busy or kind)
        none = kind not in self._rows
        text = f"Finding {AXES[busy][1]}…" if busy else "Not found yet: choose a kind above." if none else ""
        self._hint.setText(text)
        self._hint.setVisible(bool(text))


def direction_slider(info: DirectionInfo) -> DirectionSlider:
    """A slider for a direction, with its AUC on the row; the caller connects it."""
    slider = DirectionSlider(
        nice(info.name),
        -SLIDER_SIGMAS,
        SLIDER_SIGMAS,
        value=0.0,
        default=0.0,
        decimals=1,
        unit="σ",
        origin=0.0,
        signed=True,
        lockable=info.kind == "attribute",
        tooltip=f"{direction_note(info)}.\n{UNITS}",
        label_px=LABEL_PX,
        value_px=VALUE_PX,
    )
    slider.set_note(auc_figure(info))
    if info.auc is not None and info.auc < WEAK_AUC:
        slider.set_warning(f"Weak direction: {direction_note(info)}")
    if info.user_made:
        slider.set_actions(OWN_ACTIONS)
    return slider


def show_losses(sliders: dict[str, DirectionSlider], now: AppState) -> None:
    """What the locked directions take away of each slider, in its tooltip; a slider with nothing left is disabled."""
    if now.info is None:
        return
    locked = tuple(name for name in (now.look.locked if now.look is not None else ()) if name in sliders)
    lost = dict(now.lost) if locked else {}
    for info in (*now.info.attributes, *now.info.components):
        slider = sliders.get(info.name)
        if slider is None:
            continue
        share = lost.get(info.name, 0.0)
        note = lost_note(info.name, share, locked)
        slider.set_help("\n".join(part for part in (note, f"{direction_note(info)}.", UNITS) if part))
        slider.setEnabled(not share > 0.999)
