"""Figures as they are shown and typed: true minus signs, signs where they matter, no minus zero."""

import math
from typing import Final

_MINUS: Final = "\u2212"


def format_value(value: float, *, decimals: int = 2, unit: str = "", signed: bool = False, log: bool = False) -> str:
    """``value`` as it is shown: a true minus sign, a plus where signs matter, no minus zero."""
    if log:
        words = compact(value)
    else:
        rounded = round(value, decimals) + 0.0
        words = f"{rounded:+.{decimals}f}" if signed and rounded else f"{rounded:.{decimals}f}"
    return f"{words.replace('-', _MINUS, 1) if value < 0 else words} {unit}".rstrip()


def parse_value(words: str, unit: str = "") -> float:
    """The number in typed text: comma or point, either minus sign, unit optional; raises ValueError."""
    plain = words.strip().replace(_MINUS, "-").replace(",", ".")
    plain = plain.removesuffix(unit).strip() if unit else plain
    number = float(plain)
    if not math.isfinite(number):
        raise ValueError("A slider's value must be a finite number.")
    return number


def compact(value: float) -> str:
    """Two significant digits, short: ``0.05``, ``2e-4``, ``1.5e-4``, ``120``."""
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
