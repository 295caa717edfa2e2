"""L-BFGS on one code, without the second that torch's own takes to load its compiler before the first step."""

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

Slope = Callable[[Tensor], tuple[float, Tensor]]
"""A code -> (loss, its gradient, of the code's shape)."""

HISTORY = 24
ENOUGH_DECREASE = 1e-4
ENOUGH_FLATTER = 0.9
TRIALS = 12
FIRST_STEP = 0.05
SMALLEST_CHANGE = 1e-10


@torch.no_grad()
def descend(slope: Slope, start: Tensor) -> None:
    """Calls `slope` on better and better codes from `start` on; returns when none better is found.

    The caller sees every code that is tried, keeps the best, and ends the search by an exception of its own. The
    direction is that of L-BFGS (Nocedal & Wright 2006, "Numerical Optimization", algorithm 7.4), the step length that
    of bisection to the weak Wolfe conditions (Lewis & Overton 2013, "Nonsmooth optimization via quasi-Newton methods",
    algorithm 4.6), which copes with the sharp bends that rectifiers put into a loss. A loss that is not a number counts
    as too long a step.
    """
    code = start
    loss, gradient = slope(code)
    pairs: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=HISTORY)
    while True:
        direction = _direction(gradient, pairs)
        downhill = float((direction * gradient).sum())
        if not downhill < 0:
            return
        found = _line_search(slope, code, direction, loss, downhill)
        if found is None:
            if not pairs:
                return
            # The remembered curvature misleads here: forget it, and try once straight down.
            pairs.clear()
            continue
        new, new_loss, new_gradient = found
        step, change = new - code, new_gradient - gradient
        curvature = float((step * change).sum())
        if curvature > 0:
            pairs.append((step, change, curvature))
        if loss - new_loss < SMALLEST_CHANGE:
            return
        code, loss, gradient = new, new_loss, new_gradient


def _direction(gradient: Tensor, pairs: deque[tuple[Tensor, Tensor, float]]) -> Tensor:
    """Minus the approximate inverse Hessian times the gradient; with no pairs a first step of modest length."""
    if not pairs:
        length = float(gradient.norm())
        first: Tensor = gradient * (-FIRST_STEP * gradient.numel() ** 0.5 / max(length, 1e-30))
        return first
    q: Tensor = gradient.clone()
    shares: list[float] = []
    for step, change, curvature in reversed(pairs):
        share = float((step * q).sum()) / curvature
        q -= share * change
        shares.append(share)
    _, change, curvature = pairs[-1]
    q *= curvature / float((change * change).sum())
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        q += (share - float((change * q).sum()) / curvature) * step
    return -q


def _line_search(
    slope: Slope, code: Tensor, direction: Tensor, loss: float, downhill: float
) -> tuple[Tensor, float, Tensor] | None:
    """(code, loss, gradient) a step along the direction; None where no step is lower."""
    low, high, length = 0.0, float("inf"), 1.0
    best: tuple[Tensor, float, Tensor] | None = None
    for _ in range(TRIALS):
        new = code + length * direction
        new_loss, gradient = slope(new)
        if not new_loss <= loss + ENOUGH_DECREASE * length * downhill:
            high = length
        else:
            best = new, new_loss, gradient
            if float((gradient * direction).sum()) >= ENOUGH_FLATTER * downhill:
                break
            low = length
        length = (low + high) / 2 if high < float("inf") else 2 * low
    return best
