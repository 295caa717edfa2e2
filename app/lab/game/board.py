"""Games of two numbers side by side: where both players are, and which way they came."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab.stage.dots import polygon
from app.lab.state import GameState, LabState
from app.theme import color, mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, vbox
from app.widgets.slider import ValueSlider
from engine.lab import GameSeen

COLUMNS: Final = 2
GAP_PX, HEAD_PX, PAD_PX = 12.0, 40.0, 10.0
LEAST: Final = 0.62
"""Half of what is seen at least, so that the square of both players' numbers is there."""
ROOM: Final = 1.12
LEGEND: Final = (
    "x to the right, y upwards. Blue: both players now; ring: the average of all rounds; green: the middle, where "
    "neither has a slope. The square is where both numbers are between 0 and 1."
)


class GameBoard(QWidget):
    """Emits the round that is wanted, and that it is to be played."""

    roundMoved = Signal(int)
    playPressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.games = _Games()
        self.along = ValueSlider("Round", 0.0, 1.0, value=0.0, default=0.0, decimals=0, step=1.0, label_px=56)
        self.play = button("Play", "Play the rounds (K or Space)", kind="primary")
        legend = kind_label("small", LEGEND, wordWrap=True)
        bar = hbox(self.along, self.play, gap_px=8, stretch={0: 1})
        self.setLayout(vbox(self.games, legend, bar, gap_px=6, stretch={0: 1}))
        self.along.changed.connect(lambda value: self.roundMoved.emit(round(value)))
        self.play.clicked.connect(lambda: self.playPressed.emit())
        self._last = 0

    def show_lab(self, state: LabState) -> None:
        """The games up to the round on show."""
        game = state.game
        if game is None:
            return
        last = len(game.seen[0].places[:: game.seen[0].moves]) - 1
        if last != self._last:
            self._last = last
            self.along.set_range(0.0, float(last))
        self.along.set_value(float(game.at))
        self.play.setText("Pause" if game.playing else "Play")
        self.games.show_game(game)


class _Games(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._game: GameState | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(560, 480)

    def show_game(self, game: GameState) -> None:
        """What is shown; repaints only when it differs."""
        if game is not self._game:
            self._game = game
            self.setAccessibleName("; ".join(f"{one.title}: {_words(one, game.at)}" for one in game.seen))
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint.smooth(self)
        game = self._game
        if game is not None:
            rows = -(-len(game.seen) // COLUMNS)
            wide = (self.width() - GAP_PX * (COLUMNS - 1)) / COLUMNS
            high = (self.height() - GAP_PX * (rows - 1)) / rows
            for index, one in enumerate(game.seen):
                row, column = divmod(index, COLUMNS)
                rect = QRectF(column * (wide + GAP_PX), row * (high + GAP_PX), wide, high)
                _paint_game(painter, rect, one, game.at)
        painter.end()


def so_far(game: GameSeen, number: int) -> NDArray[np.float64]:
    """The places (N, 2) of all moves up to a round."""
    return game.places[: number * game.moves + 1]


def average(game: GameSeen, number: int) -> NDArray[np.float64]:
    """The mean place (2,) after the rounds up to this one, without the start where any was played."""
    ends = so_far(game, number)[:: game.moves]
    found: NDArray[np.float64] = (ends[1:] if number else ends).mean(0)
    return found


def _words(game: GameSeen, number: int) -> str:
    here = float(np.linalg.norm(so_far(game, number)[-1] - game.middle))
    mean = float(np.linalg.norm(average(game, number) - game.middle))
    return f"{here:.3g} from the middle, its average {mean:.2g}"


def _paint_game(painter: QPainter, rect: QRectF, game: GameSeen, number: int) -> None:
    theme, places = tokens(), so_far(game, number)
    paint.box(painter, rect, fill=theme.stage, line=theme.line, radius_px=theme.picture_radius_px)
    head = rect.adjusted(PAD_PX, 4, -PAD_PX, 0)
    head.setHeight(18)
    paint.text(painter, head, game.title, font=ui_font(bold=True), ink=theme.text)
    paint.text(painter, head.translated(0, 17), _words(game, number), font=mono_font(theme.small_px), ink=theme.muted)
    room = rect.adjusted(PAD_PX, HEAD_PX, -PAD_PX, -PAD_PX)
    half = max(LEAST, ROOM * float(np.abs(places - game.middle).max()))
    unit = min(room.width(), room.height()) / (2 * half)
    centre = room.center()

    def at(place: NDArray[np.float64]) -> QPointF:
        x, y = (place - game.middle) * unit
        return QPointF(centre.x() + x, centre.y() - y)

    painter.save()
    painter.setClipRect(room)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color(theme.faint), 1.0, Qt.PenStyle.DashLine))
    painter.drawRect(QRectF(at(np.array([0.0, 1.0])), at(np.array([1.0, 0.0]))))
    painter.setPen(paint.pen(theme.muted, 1.2))
    way = (places - game.middle) * (unit, -unit) + (centre.x(), centre.y())
    painter.drawPolyline(polygon(np.ascontiguousarray(way)))
    # A round of now, stronger: what both have just done.
    last = way[-(game.moves + 1) :]
    painter.setPen(paint.pen(theme.accent_line, 2.0))
    painter.drawPolyline(polygon(np.ascontiguousarray(last)))
    paint.dot(painter, at(np.array([game.middle, game.middle])), theme.ok, 3.5)
    paint.dot(painter, at(places[-1]), theme.accent_line, 4.5)
    painter.setPen(QPen(color(theme.warn), 1.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(at(average(game, number)), 4.5, 4.5)
    painter.restore()
    for value, align in ((0.0, Qt.AlignmentFlag.AlignRight), (1.0, Qt.AlignmentFlag.AlignLeft)):
        corner = at(np.array([value, 0.0]))
        if room.contains(corner) and unit > 40:
            box = QRectF(corner.x() - 34 if value == 0.0 else corner.x() + 4, corner.y() - 8, 30, 16)
            paint.text(painter, box, f"{value:.0f}", font=mono_font(theme.small_px), ink=theme.faint, align=align)
