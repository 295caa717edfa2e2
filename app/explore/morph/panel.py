"""Beside a morph: how the path is walked and the norm of the code along it, its timing, and its export."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from app.explore.morph.path import LETTERS, filled, marks_of, timeline_of
from app.explore.morph.shown import whole_shows
from app.explore.morph.state import MorphState
from app.explore.shortcuts import keys_text
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.fields import Combo
from app.widgets.form import FormRows, IntField, Section
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, scrolled, vbox
from app.widgets.norm_plot import NormPlot
from app.widgets.segmented import Segmented
from app.widgets.tiles import Tiles
from app.words import group_label
from engine.api import Pictures
from engine.exploring import GIF_FASTEST, mp4_missing

WIDTH_PX: Final = 316
LABEL_PX: Final = 72
METHODS: Final = (
    ("slerp", "Arc", "Slerp: turns at an even speed and keeps to the shell where codes live."),
    ("levels", "Arc per level", "Each level of the flow turns on a shell of its own, coarse and fine apart."),
    ("lerp", "Line", "Lerp: straight through the middle, where codes are too short and faces wash out."),
    ("norm", "Line at length", "The straight line pushed back out to the shell: quick in the middle of the way."),
)
EASINGS: Final = (("linear", "Even"), ("smooth", "Smooth"), ("smoother", "Smoother"), ("sine", "Sine"))
LOOPS: Final = (("once", "Once"), ("loop", "Loop"), ("there-and-back", "To and fro"))
BACKGROUNDS: Final = (
    ("first", "A", "What is behind A stays behind every head; what a head hid is guessed."),
    ("last", "B", "What is behind the last corner stays behind every head; what a head hid is guessed."),
    ("faded", "Faded", "One background fades into the next."),
)
SIDES: Final = (256, 384, 512, 768, 1024, 1536, 2048)
LARGE_GIF_PX: Final = 768
"""From this side on a GIF is many times as large as a film."""
SPEEDS: Final = (("24", "24"), ("30", "30"), ("60", "60"))
KINDS: Final = ((".gif", "GIF"), (".webp", "WebP"), (".mp4", "MP4"), ("", "PNG files in a folder"))
LOOP_TIP: Final = (
    "Once: from A to the last corner. Loop: after the last corner a leg of its own leads back to A. "
    "To and fro: the same way back."
)


class MorphPanel(QWidget):
    """Emits (field, value) of the timing and of the export, and the place on the path that was chosen."""

    timingChanged = Signal(str, object)
    exportChanged = Signal(str, object)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "panel-right")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH_PX)
        self._offered: tuple[str, ...] = ()
        self._tiles: tuple[Pictures, ...] | None = None
        self.behind = self._background_section()
        sections = (self._path_section(), self.behind, self._timing_section(), self._export_section())
        self.setLayout(vbox(scrolled(held(vbox(*sections, None, gap_px=12, margins=(16, 8, 16, 12))))))

    def _path_section(self) -> Section:
        section = Section("Way")
        self.method = Combo([(key, title) for key, title, _ in METHODS], tooltip="How the code gets from face to face")
        self.method.setAccessibleName("Kind of path")
        self.explanation = kind_label("muted", wordWrap=True)
        # Two lines for every sentence, so that choosing moves nothing.
        self.explanation.setMinimumHeight(36)
        self.explanation.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.plot = NormPlot()
        for widget in (self.method, self.explanation, self.plot):
            section.add(widget)
        return section

    def _background_section(self) -> Section:
        section = Section("Background")
        self.background = Tiles(BACKGROUNDS)
        self.background.setAccessibleName("What is behind the heads")
        section.add(self.background)
        section.hide()
        return section

    def _timing_section(self) -> Section:
        section, rows = Section("Timing"), FormRows(label_px=LABEL_PX)
        self.frames = IntField(10, 600, 120, step=10)
        self.frames.changed.connect(lambda value: self.timingChanged.emit("frames", value))
        self.hold = IntField(0, 60, 0, step=5)
        self.easing = Combo(EASINGS)
        self.easing.changed.connect(lambda key: self.timingChanged.emit("easing", key))
        self.loop = Segmented(LOOPS, tooltip=LOOP_TIP)
        self.loop.changed.connect(lambda key: self.timingChanged.emit("loop", key))
        self.speed = Segmented(SPEEDS, tooltip="Pictures per second, in the window and in the file")
        self.speed.changed.connect(lambda key: self.timingChanged.emit("fps", int(key)))
        rest = QLabel("Rest")
        rest.setBuddy(self.hold)
        counts = held(hbox(self.frames, 4, rest, self.hold))
        self.frames.setAccessibleName("Frames")
        self.frames.setToolTip("Pictures in all, rests and the way back included (10 to 600)")
        self.hold.setAccessibleName("Rest")
        self.hold.setToolTip("Frames that corners stand still (0 to 60); for one alone: Up, Down in the strip")
        rows.add_row("Frames", counts)
        rows.add_row("Easing", self.easing, "How each leg starts and ends: evenly, or slowing down at the corners")
        rows.add_row("Speed", self.speed, "Pictures per second, in the window and in the file")
        section.add(rows)
        section.add_layout(hbox(self.loop, None))
        self.length = kind_label("muted")
        section.add(self.length)
        return section

    def _export_section(self) -> Section:
        section, rows = Section("Export"), FormRows(label_px=LABEL_PX)
        self.kind = Combo(KINDS)
        self.kind.changed.connect(lambda key: self.exportChanged.emit("kind", key))
        self.scale = Combo([(str(n), f"×{n}") for n in range(1, 9)])
        self.scale.changed.connect(lambda key: self.exportChanged.emit("scale", int(key)))
        self.smooth = Combo((("smooth", "Smooth"), ("square", "Square")), tooltip="Bicubic, or each pixel as a square")
        self.smooth.setAccessibleName("How frames are enlarged")
        self.smooth.changed.connect(lambda key: self.exportChanged.emit("smooth", key == "smooth"))
        rows.add_row("Format", self.kind, "What is written; the name you give may say otherwise")
        self.side = Combo([(str(n), f"{n:,} × {n:,}") for n in SIDES])
        self.side.setAccessibleName("Size")
        self.side.setToolTip("Pixels of a frame (256 to 2,048)")
        self.side.changed.connect(lambda key: self.exportChanged.emit("side", int(key)))
        size = held(hbox(self.scale, self.smooth, self.side))
        self.scale.setAccessibleName("Enlarge")
        self.scale.setToolTip("Times the model's own size (1 to 8)")
        rows.add_row("Size", size)
        self.about = kind_label("muted", wordWrap=True)
        self.about.setMinimumHeight(36)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.export = button("Export…", f"Choose where it goes, then write it ({keys_text('morph.export')})")
        section.add(rows)
        section.add(self.about)
        section.add_layout(hbox(self.export, None))
        return section

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "info"):
            self._offer(now)
        if not moved(now, before, "morph", "info", "jobs", "full"):
            return
        morph, old = now.morph, before.morph if before is not None else None
        self.plot.set_fraction(morph.fraction)
        whole = whole_shows(now)
        self._show_background(morph, whole=whole)
        same = before is not None and whole == whole_shows(before) and not moved(now, before, "info", "jobs")
        if old is not None and same and _parts(morph) == _parts(old):
            return
        if self.method.current() != morph.method:
            self.method.set_current(morph.method)
        self.explanation.setText(next(text for key, _, text in METHODS if key == morph.method))
        self.plot.set_shown(morph.method)
        if old is None or morph.norms is not old.norms or moved(now, before, "info"):
            groups = now.info.groups if now.info is not None and len(now.info.groups) > 1 else ()
            names = {key: title for key, title, _ in METHODS}
            self.plot.set_curves(morph.norms, names, [group_label(group.name) for group in groups])
        self.plot.set_marks(marks_of(morph) if morph.norms is not None else ())
        if old is None or morph.timing != old.timing or morph.slots is not old.slots or morph.export != old.export:
            self._show_timing(morph)
        self._show_export(now, morph, whole=whole)

    def _show_background(self, morph: MorphState, *, whole: bool) -> None:
        if self.behind.isHidden() == whole:
            self.behind.setVisible(whole)
        if not whole:
            return
        letters = [LETTERS[i] for i in filled(morph)]
        self.background.set_words((letters[0], letters[-1], "Faded") if len(letters) > 1 else ("A", "B", "Faded"))
        if self._tiles is not morph.tiles:
            self._tiles = morph.tiles
            self.background.set_pictures(morph.tiles)
        if self.background.current() != morph.background:
            self.background.set_current(morph.background)

    def _offer(self, now: AppState) -> None:
        """Levels are offered where the code has several."""
        several = now.info is not None and len(now.info.groups) > 1
        offered = tuple(key for key, _, _ in METHODS if several or key != "levels")
        if offered != self._offered:
            self._offered = offered
            self.method.set_options([(key, title) for key, title, _ in METHODS if key in offered])

    def _show_timing(self, morph: MorphState) -> None:
        timing, line = morph.timing, timeline_of(morph)
        self.frames.set_value(timing.frames)
        self.easing.set_current(timing.easing)
        self.loop.set_current(timing.loop)
        self.speed.set_current(str(timing.fps))
        slots = [morph.slots[i] for i in filled(morph)]
        self.hold.set_value(max((slot.hold for slot in slots if slot is not None), default=0))
        holds = [line.hold(i) for i in range(line.corners)]
        alike = len(set(holds)) == 1
        rests = "" if not any(holds) else f" · rests {holds[0] if alike else ' / '.join(map(str, holds))}"
        self.length.setText(f"{line.frames} frames · {line.frames / timing.fps:.1f} s{rests}")

    def _show_export(self, now: AppState, morph: MorphState, *, whole: bool) -> None:
        choice = morph.export
        self.kind.set_current(choice.kind)
        self.scale.set_current(str(choice.scale))
        self.smooth.set_current("smooth" if choice.smooth else "square")
        self.side.set_current(str(choice.side if choice.side in SIDES else SIDES[2]))
        self.side.setVisible(whole)
        for widget in (self.scale, self.smooth):
            widget.setVisible(not whole)
        missing = mp4_missing() if choice.kind == ".mp4" else ""
        words = missing
        if not missing and now.info is not None:
            side = choice.side if whole else now.info.image_size * choice.scale
            words = f"{side:,} × {side:,} px, {morph.timing.fps} pictures/s"
            if choice.kind == ".gif" and morph.timing.fps > GIF_FASTEST:
                words += f"; GIF plays at most {GIF_FASTEST}, WebP and MP4 keep {morph.timing.fps}"
            elif choice.kind == ".gif" and side >= LARGE_GIF_PX:
                words += "; a GIF of that size is very large, WebP and MP4 are not"
        self.about.setText(words)
        busy = any(job.key == "export" for job in now.jobs)
        self.export.setEnabled(morph.strip is not None and not missing and not busy)
        self.export.setText("Exporting…" if busy else "Export…")


def _parts(morph: MorphState) -> tuple[object, ...]:
    """All that this panel shows besides the fraction, by identity: while a morph plays, nothing here is repainted."""
    return (id(morph.slots), id(morph.norms), morph.method, morph.timing, morph.export, morph.strip is None)
