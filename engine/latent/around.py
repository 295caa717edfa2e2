"""Codes around a code: wandered to, grids of neighbours on its shell, and the plane of a two-dimensional code."""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from engine.api import Codes, Wander

EDGE = 1e-3
"""The inverse normal is infinite at 0 and 1: places are kept this far from the ends (3.1 sigmas)."""


def wandered(code: Codes, wander: Wander) -> Codes:
    """The code moved within a random plane through it, along its own shell: |z| stays.

    The plane's two axes are random unit vectors, orthogonal to the code; x and y are angles in radians.
    """
    angle = math.hypot(wander.x, wander.y)
    length = float(np.linalg.norm(code))
    if angle == 0.0 or length == 0.0:
        return code
    axes = np.random.default_rng(wander.plane).standard_normal((2, code.size))
    unit = code.astype(np.float64) / length
    axes -= np.outer(axes @ unit, unit)
    axes[0] /= np.linalg.norm(axes[0])
    axes[1] -= (axes[1] @ axes[0]) * axes[0]
    axes[1] /= np.linalg.norm(axes[1])
    towards = (wander.x * axes[0] + wander.y * axes[1]) / angle
    moved = math.cos(angle) * unit + math.sin(angle) * towards
    result: Codes = (length * moved).astype(np.float32)
    return result


def neighbour_angle(index: int, side: int, radius: float) -> float:
    """The angle (radians) of cell `index` of a `side` x `side` grid: 0 in the middle, `radius` in the outer ring."""
    row, column = divmod(index, side)
    middle = side // 2
    ring = max(abs(row - middle), abs(column - middle))
    return radius * ring / max(1, middle)


def neighbour(
    code: Codes, index: int, *, side: int, radius: float, seed: int, free: npt.NDArray[np.bool_] | None = None
) -> Codes:
    """The code (D,) in cell `index` of a `side` x `side` grid around `code` (D,), which is in the middle.

    Each cell turns the code in its own random direction, so |z| stays; `radius` is in radians. Only the numbers marked
    in `free` (D,) turn, the others stay as they are to the bit. The same seed gives the same directions.
    """
    angle = neighbour_angle(index, side, radius)
    where = np.ones(code.size, bool) if free is None else free
    part = code[where].astype(np.float64)
    length = float(np.linalg.norm(part))
    if angle == 0.0 or length == 0.0 or part.size < 2:
        return code
    unit = part / length
    axis = np.random.default_rng((seed, index)).standard_normal(part.size)
    axis -= (axis @ unit) * unit
    axis /= np.linalg.norm(axis)
    turned = code.copy()
    turned[where] = (length * (math.cos(angle) * unit + math.sin(angle) * axis)).astype(np.float32)
    return turned


def offsets(index: int, side: int) -> tuple[float, float]:
    """(right, up) of cell `index` of a `side` x `side` grid, from -1 to 1 at the middles of the outermost cells."""
    row, column = divmod(index, side)
    half = max(1, side - 1) / 2
    return (column - (side - 1) / 2) / half, ((side - 1) / 2 - row) / half


def manifold_code(index: int, side: int, *, centre: tuple[float, float] = (0.5, 0.5), span: float = 1.0) -> Codes:
    """The code (2,) of a cell of the manifold (Kingma & Welling 2014, arXiv:1312.6114, figure 4).

    Cells stand evenly in the unit square, a window of width `span` around `centre`, and go through the inverse of the
    normal distribution, so that equal areas of the picture have equal mass under the prior.
    """
    row, column = divmod(index, side)
    u = centre[0] + span * ((column + 0.5) / side - 0.5)
    v = centre[1] + span * (0.5 - (row + 0.5) / side)
    normal = NormalDist()
    return np.array([normal.inv_cdf(min(1 - EDGE, max(EDGE, place))) for place in (u, v)], np.float32)
