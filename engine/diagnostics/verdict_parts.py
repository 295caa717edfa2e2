"""What the rules of a verdict share: their shape, what one finds, and how a figure is told with its interval."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.diagnostics.facts import Facts
from engine.report import Figure, Level


@dataclass(frozen=True)
class Match:
    """What a rule found: how bad, the title, the sentences of its evidence, the names of it, and a short clause."""

    level: Level
    title: str
    sentences: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    short: str = ""


@dataclass(frozen=True)
class Rule:
    """A row: `needs` and `because` are for readers; `own_data` says that it means something only on the model's own."""

    kind: str
    needs: str
    because: str
    test: Callable[[Facts], Match | None]
    own_data: bool = False


def told(figure: Figure, *, scale: float = 1.0, digits: int = 2, unit: str = "") -> str:
    """The figure as "0.52 [0.47, 0.57] (n = 500)", without what is not known."""
    text = f"{scale * figure.value:.{digits}f}{unit}"
    if figure.low is not None and figure.high is not None and math.isfinite(figure.low) and math.isfinite(figure.high):
        text += f" [{scale * figure.low:.{digits}f}, {scale * figure.high:.{digits}f}]"
    return text if figure.n is None else f"{text} (n = {figure.n:,})"


def upper(figure: Figure) -> float:
    """The upper end of the interval, the value itself where there is none."""
    return figure.value if figure.high is None else figure.high


def lower(figure: Figure) -> float:
    return figure.value if figure.low is None else figure.low
