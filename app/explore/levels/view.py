"""The levels of the code, one row each: what it drives, its strength, held, swapped, alone; and the second code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QIcon, QPixmap
from PySide6.QtWidgets import QLabel, QMenu, QPushButton, QWidget

from app.look import Look
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.form import Section, Toggle
from app.widgets.key_picture import KeyPicture
from app.widgets.labels import ElidedLabel, kind_label
from app.widgets.layout import discard, hbox, held, vbox
from app.widgets.picture import Picture
from app.widgets.pixels import to_qimage
from app.widgets.slider import ValueSlider
from app.words import group_label, source_text
from engine.api import Coded, GroupInfo, LevelMap, LevelRule, ModelInfo, Sampled

MAP_PX: Final = 56
HOTTEST: Final = 1.5
STRONGEST: Final = 2.0
TEMPERATURE_TIP: Final = "How far samples of this level reach from the middle (0 to 1.5)."
STRENGTH_TIP: Final = "This level of the given code, scaled about the middle: 0 takes it away, 1 leaves it (0 to 2)."
HELD_TIP: Final = "This level is frozen: it stays as it is."
PLACE_TIP: Final = "Drop a photo here: its levels can take the place of those of the picture."
SLIDER_LABEL_PX: Final = 74
VALUE_PX: Final = 34


class LevelRow(QWidget):
    """One level. The map at the left shows which pixels it drives, and a click there shows the level alone."""

    scaled = Signal(float)
    heated = Signal(float)
    soloToggled = Signal(bool)

    def __init__(self, group: GroupInfo, default_temperature: float) -> None:
        super().__init__()
        self._default, self._strength = default_temperature, False
        self._shown: tuple[object, ...] | None = None
        name = group_label(group.name)
        self.name = QLabel(name)
        self.name.setToolTip(f"{name}: {size_text(group)} of the code")
        self.extent = ElidedLabel(size_text(group, short=True))
        self.extent.setProperty("kind", "muted")
        self.norm = kind_label("readout", "–")
        self.norm.setToolTip("|z| / √d of this level: 1 is typical for a sample at temperature 1.")
        self.map = Picture("", empty_text="")
        self.map.setFixedSize(MAP_PX, MAP_PX)
        self.map.set_accepts(files=False, images=False)
        self.map.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider = ValueSlider(
            "Temperature",
            0.0,
            HOTTEST,
            value=default_temperature,
            default=default_temperature,
            tooltip=TEMPERATURE_TIP,
            label_px=SLIDER_LABEL_PX,
            value_px=VALUE_PX,
        )
        self.slider.changed.connect(lambda value: (self.scaled if self._strength else self.heated).emit(value))
        self.freeze = _chip("Freeze", "Sliders, wandering, temperature and other seeds leave this level as it is")
        self.swap = _chip("From B", "Take this level from the second picture")
        self.solo = _chip("Solo", "Show this level alone, the others at zero")
        self.solo.clicked.connect(self.soloToggled)
        self.map.clicked.connect(lambda: self.soloToggled.emit(not self.solo.isChecked()))
        self.roll = button("Roll", "Draw this level alone anew, the others stay", kind="quiet")
        head = hbox(self.name, self.extent, self.norm, stretch={1: 1})
        for chip in (self.freeze, self.swap, self.solo):
            # A click changes the chip before the state has agreed: the next state is shown in any case.
            chip.clicked.connect(self._forget_shown)
        chips = hbox(self.freeze, self.swap, self.solo, self.roll, None, gap_px=0)
        side = vbox(self.slider, chips, gap_px=4)
        self.setLayout(vbox(head, hbox(self.map, side), gap_px=2))

    def _forget_shown(self) -> None:
        self._shown = None

    def show_norm(self, value: float | None) -> None:
        """|z| / sqrt(d), or a dash."""
        self.norm.setText("–" if value is None else f"{value:.2f}")

    def show_map(self, found: LevelMap | None) -> None:
        """Which pixels the level drives."""
        self.map.set_picture(None if found is None else found.picture)
        words = (
            "Which pixels this level drives; worked out while the picture rests."
            if found is None
            else "Which pixels this level drives: the spread when it alone is drawn anew eight times, "
            f"{found.mean:.1f} grey values of 255 on average and {found.largest:.0f} at most."
        )
        self.map.setToolTip(f"{words} A click shows the level alone.")

    def show_rule(
        self, rule: LevelRule, *, given: bool, temperature: float, alone: bool, second: Sampled | Coded | None
    ) -> None:
        """The rule; `given`: the level comes from a given code, which has a strength and no temperature."""
        shown = (rule, given, temperature, alone, second)
        if shown == self._shown:
            return
        self._shown = shown
        self._show_kind(given or rule.taken is not None)
        self.slider.set_value(rule.strength if self._strength else temperature)
        held = rule.held is not None
        self.slider.setEnabled(not held)
        self.slider.set_help(HELD_TIP if held else STRENGTH_TIP if self._strength else TEMPERATURE_TIP)
        self.freeze.setChecked(held)
        self.swap.setChecked(rule.taken is not None)
        self.swap.setEnabled(second is not None or rule.taken is not None)
        self.swap.setText("From B" if rule.taken is None or rule.taken is second else "Swapped")
        self.swap.setToolTip(_swap_tip(rule, second))
        self.solo.setChecked(alone)

    def _show_kind(self, strength: bool) -> None:
        if strength == self._strength:
            return
        self._strength = strength
        self.slider.set_label("Strength" if strength else "Temperature")
        self.slider.set_range(0.0, STRONGEST if strength else HOTTEST)
        self.slider.set_default(1.0 if strength else self._default)


class LevelsSection(Section):
    """Emits what is wanted of level 0 to n-1, and of the second code."""

    heated = Signal(int, float)
    scaled = Signal(int, float)
    settled = Signal()
    freezeToggled = Signal(int, bool)
    swapToggled = Signal(int, bool)
    soloToggled = Signal(int, bool)
    rollWanted = Signal(int)
    secondKeyChosen = Signal(str)
    secondBookmarkChosen = Signal(int)

    def __init__(self) -> None:
        super().__init__("Levels", collapsed=True, action="Reset")
        self.rows: list[LevelRow] = []
        self._body_rows = held(vbox(gap_px=12))
        self.add(self._body_rows)
        self._second_box = self._make_second()
        self.add(self._second_box)
        self.double = Toggle("Compute in float64")
        self.add(self.double)

    @property
    def sliders(self) -> list[ValueSlider]:
        """The slider of each level, in the order of the code."""
        return [row.slider for row in self.rows]

    def _make_second(self) -> QWidget:
        self.second = KeyPicture("", empty_text="B")
        self.second.setFixedSize(MAP_PX, MAP_PX)
        self.second.setToolTip(PLACE_TIP)
        self.second.keyDropped.connect(self.secondKeyChosen)
        self.second_name = ElidedLabel("B: drop a photo, or choose")
        self.second_name.setProperty("kind", "muted")
        self.choose = button("Choose", "A photo of the library or a bookmark as second picture", kind="quiet")
        self._menu = QMenu(self.choose)
        self.choose.setMenu(self._menu)
        self.second.clicked.connect(self.choose.showMenu)
        self.seed = button("Seed", "Another sample as second picture", kind="quiet")
        self.current = button("Current", "The picture on show as second picture", kind="quiet")
        self.swap_all = button("All", "Take every level from the second picture, or none", kind="quiet")
        box = QWidget()
        chips = hbox(self.choose, self.seed, self.current, self.swap_all, None, gap_px=0)
        side = vbox(None, self.second_name, chips, None, gap_px=4)
        box.setLayout(hbox(self.second, side, margins=(0, 8, 0, 4)))
        return box

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "info"):
            self._rebuild(now.info, before.info if before is not None else None)
        if not self.rows:
            return
        if moved(now, before, "look", "temperature", "levels", "info"):
            self._show_rules(now)
        if moved(now, before, "drawn", "info"):
            norms = now.drawn.level_norms if now.drawn is not None else ()
            for index, row in enumerate(self.rows):
                row.show_norm(norms[index] if len(norms) == len(self.rows) else None)
        if moved(now, before, "levels", "info"):
            self.set_collapsed(not now.levels.open)
            self._show_second(now)
            for index, row in enumerate(self.rows):
                row.show_map(now.levels.maps[index] if index < len(now.levels.maps) else None)
        if moved(now, before, "photos", "bookmarks"):
            self._fill_menu(now)
        if moved(now, before, "info", "models"):
            self.double.setToolTip(_double_tip(now))
            self.double.setVisible(now.info is not None and now.info.encode == "exact")

    def _rebuild(self, info: ModelInfo | None, old: ModelInfo | None) -> None:
        groups = info.groups if info is not None and len(info.groups) > 1 else ()
        self.setVisible(bool(groups))
        if old is not None and info is not None and self.rows and old.groups == groups:
            return
        discard(self.rows)
        self.rows = []
        if info is None:
            return
        self.rows = [self._row(index, group, info.default_temperature) for index, group in enumerate(groups)]
        layout = self._body_rows.layout()
        assert layout is not None
        # The coarsest first: it carries most of the picture.
        for index in coarse_first(groups):
            layout.addWidget(self.rows[index])

    def _row(self, index: int, group: GroupInfo, default: float) -> LevelRow:
        row = LevelRow(group, default)
        row.heated.connect(lambda value: self.heated.emit(index, value))
        row.scaled.connect(lambda value: self.scaled.emit(index, value))
        row.slider.released.connect(self.settled)
        row.freeze.clicked.connect(lambda on: self.freezeToggled.emit(index, on))
        row.swap.clicked.connect(lambda on: self.swapToggled.emit(index, on))
        row.soloToggled.connect(lambda on: self.soloToggled.emit(index, on))
        row.roll.clicked.connect(lambda: self.rollWanted.emit(index))
        return row

    def _show_rules(self, now: AppState) -> None:
        look = now.look
        if look is None:
            return
        second = now.levels.second.code if now.levels.second is not None else None
        for index, row in enumerate(self.rows):
            row.show_rule(
                look.rule(index),
                given=not isinstance(look.source, Sampled),
                temperature=now.temperature[index] if index < len(now.temperature) else 1.0,
                alone=look.solo == index,
                second=second,
            )
        self.double.setChecked(look.precision != "float32")
        self.swap_all.setEnabled(second is not None)
        self.set_action_enabled(bool(look.levels) or look.solo >= 0)
        self.set_title("Levels" if not marks(look) else f"Levels · {marks(look)}")

    def _show_second(self, now: AppState) -> None:
        second = now.levels.second
        self.second.set_picture(None if second is None else second.picture)
        self.second.set_busy(second is not None and second.code is None)
        self.second_name.setText("B: drop a photo, or choose" if second is None else f"B: {second.name}")

    def _fill_menu(self, now: AppState) -> None:
        self._menu.clear()
        for photo in now.photos:
            action = QAction(QIcon(QPixmap.fromImage(to_qimage(photo.thumb))), photo.name, self._menu)
            action.triggered.connect(lambda _checked=False, key=photo.key: self.secondKeyChosen.emit(key))
            self._menu.addAction(action)
        for index, bookmark in enumerate(now.bookmarks):
            action = QAction(QIcon(QPixmap.fromImage(to_qimage(bookmark.picture))), bookmark.name, self._menu)
            action.triggered.connect(lambda _checked=False, at=index: self.secondBookmarkChosen.emit(at))
            self._menu.addAction(action)
        self.choose.setEnabled(not self._menu.isEmpty())


def coarse_first(groups: Sequence[GroupInfo]) -> list[int]:
    """The groups in the order in which they are listed: those of fewest pixels first."""
    return sorted(range(len(groups)), key=lambda i: (groups[i].grid or (0, 0))[0] * (groups[i].grid or (0, 0))[1])


def size_text(group: GroupInfo, *, short: bool = False) -> str:
    """``1,536 numbers on 4 × 4 pixels``, or short ``4 × 4 · 1,536``."""
    if group.grid is None:
        return f"{group.size:,}" if short else f"{group.size:,} numbers"
    rows, columns = group.grid
    if short:
        return f"{rows} × {columns} · {group.size:,}"
    return f"{group.size:,} numbers on {rows} × {columns} pixels"


def marks(look: Look) -> str:
    """``2 changed``: what the folded section still says."""
    count = sum(rule != LevelRule() or look.solo == index for index, rule in enumerate(look.levels))
    count += look.solo >= len(look.levels)
    return f"{count} changed" if count else ""


def _chip(text: str, tooltip: str) -> QPushButton:
    return button(text, tooltip, kind="quiet", checkable=True)


def _swap_tip(rule: LevelRule, second: Sampled | Coded | None) -> str:
    if rule.taken is not None:
        return f"This level comes from {source_text(rule.taken)}; off: from the picture's own code again"
    return "Take this level from the second picture" if second is not None else "Choose a second picture below first"


def _double_tip(now: AppState) -> str:
    card = next((card for card in now.models or () if now.info is not None and card.key == now.info.key), None)
    memory = "" if card is None else f" ({card.parameters * 8 / 1e6:.0f} MB more)"
    return (
        f"Draws with a copy of the model in double precision{memory}, about twice as slowly, and measures the round "
        "trip in both: an exact model's error is rounding alone."
    )
