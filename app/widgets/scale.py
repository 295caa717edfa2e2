"""The arithmetic of a slider's track: value to place and back, linear or logarithmic."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Values from ``low`` to ``high``; raises ValueError when empty, or not above zero on a log scale."""

    low: float
    high: float
    decimals: int = 2
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"A slider cannot run from {self.low} to {self.high}.")

    def clamped(self, value: float) -> float:
        """The nearest value in range."""
        return min(self.high, max(self.low, float(value)))

    def fraction(self, value: float) -> float:
        """Where ``value`` lies, 0 at ``low`` and 1 at ``high``."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def at(self, fraction: float) -> float:
        """The value at ``fraction`` of the track, rounded to what is shown: so what is seen is what is sent."""
        fraction = min(1.0, max(0.0, fraction))
        if self.log:
            return self.clamped(float(f"{self.low * (self.high / self.low) ** fraction:.1e}"))
        return self.clamped(round(self.low + fraction * (self.high - self.low), self.decimals))

    def stepped(self, value: float, steps: int) -> float:
        """``steps`` key presses away, each a hundredth of the range (log: a fiftieth)."""
        if self.log:
            return self.at(self.fraction(value) + steps / 50)
        step = max(10.0**-self.decimals, (self.high - self.low) / 100)
        return self.clamped(round(value + steps * step, self.decimals))
