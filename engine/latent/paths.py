"""Paths between codes: straight lines, arcs, and a pad between four corners.

Every function takes float arrays or tensors and gives back the same kind, dtype and device; the sums in
between run in float64. A path method sees two stacks of codes (B, D) and fractions (B, 1) in [0, 1]; with
`groups` (and by the method "levels"), arcs are followed in each group of the code separately, so that a flow's
coarse and fine levels each keep their own norm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.errors import UsageError
from engine.measures import norm_ratios
from engine.models.base import Group

FloatArray = npt.NDArray[np.floating]
Codes = TypeVar("Codes", npt.NDArray[np.floating], Tensor)
Fractions = float | Sequence[float] | FloatArray | Tensor
Step = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(from (B, D), to (B, D), fractions (B, 1)) -> (B, D), all float64."""

# Two unit vectors whose perpendicular part is shorter than this count as parallel or antipodal: float32 codes
# cannot tell their plane from rounding.
_FLAT = 1e-6


def _lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return a * (1 - t) + b * t


def _length(x: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return length


def _unit(x: Tensor, length: Tensor) -> Tensor:
    return x / torch.where(length > 0, length, 1.0)


def _slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    length_a, length_b = _length(a), _length(b)
    u, v = _unit(a, length_a), _unit(b, length_b)
    # A zero code has no direction: it borrows the other's, and the arc becomes a straight line.
    u, v = torch.where(length_a > 0, u, v), torch.where(length_b > 0, v, u)
    # Kahan's angle keeps its digits near 0 and near pi, where acos loses half of them.
    angle = 2 * torch.atan2(_length(u - v), _length(u + v))
    across = v - (u * v).sum(1, keepdim=True) * u
    width = _length(across)
    across = torch.where(width > _FLAT, _unit(across, width), _perpendicular(u))
    return (torch.cos(t * angle) * u + torch.sin(t * angle) * across) * _lerp(length_a, length_b, t)


def _perpendicular(u: Tensor) -> Tensor:
    """A unit vector perpendicular to each row, near the coordinate axis that the row uses least."""
    axis = u.abs().argmin(dim=1, keepdim=True)
    across = torch.zeros_like(u).scatter_(1, axis, 1.0) - u.gather(1, axis) * u
    return _unit(across, _length(across))


def _norm_preserving(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    straight = _lerp(a, b, t)
    length = _length(straight)
    wanted = _lerp(_length(a), _length(b), t)
    # Where the line runs through zero (antipodal codes) there is no direction to stretch: it stays at zero.
    return torch.where(length > _FLAT * wanted, _unit(straight, length) * wanted, straight)


PATHS: Mapping[str, Step] = {"lerp": _lerp, "slerp": _slerp, "norm": _norm_preserving, "levels": _slerp}
"""A new way between two codes is one function and one row here."""
BY_GROUP = frozenset({"levels"})
"""Followed in each group of the code separately, so that a flow's coarse and fine levels each keep their own length."""


def lerp(a: Codes, b: Codes, t: Fractions) -> Codes:
    """The straight line: `(1 - t) a + t b`.

    Codes are (B, D) or (D,); `t` is one number or one a row, in [0, 1]. Between two independent codes of the
    prior the middle of the line is shorter than either by a factor of about sqrt(2): fine for a VAE, washed
    out for a GAN.
    """
    return _between(a, b, t, _lerp, ())


def slerp(a: Codes, b: Codes, t: Fractions, *, groups: Sequence[Group] = ()) -> Codes:
    """The great-circle arc at constant angular speed (Shoemake 1985), of the whole code or of each group.

    The norm goes linearly from |a| to |b|. Parallel codes give the straight line. Antipodal codes have no
    single arc: the one through the coordinate axis that `a` uses least is taken, so the answer is always the
    same (and in one dimension the path runs through zero). A zero code gives the straight line from or to
    zero. Codes are (B, D) or (D,).
    """
    return _between(a, b, t, _slerp, groups)


def path(
    codes: Codes, fractions: Fractions, *, method: str = "slerp", loop: bool = False, groups: Sequence[Group] = ()
) -> Codes:
    """Codes (N, D) at `fractions` (N,) of the way through two to four codes (K, D).

    Every leg takes the same share of the way. Fractions are held to 0 and 1; with `loop` a last leg leads back to the
    first code and fractions wrap, so that 0 and 1 are the same picture. `groups` matter to the methods in `BY_GROUP`
    alone; all others take the code as a whole.

    Raises:
        UsageError: an unknown method, or not two to four codes.
    """
    step = _named(PATHS, method, "path")
    if codes.ndim != 2 or not 2 <= codes.shape[0] <= 4:
        count = codes.shape[0] if codes.ndim == 2 else 1
        raise UsageError(f"A path needs two to four codes, got {count}: choose two to four pictures.")
    stops = _lift(codes)
    legs = stops.shape[0] if loop else stops.shape[0] - 1
    way = torch.atleast_1d(_numbers(fractions))
    way = (way % 1.0 if loop else way.clamp(0.0, 1.0)) * legs
    leg = way.floor().clamp(max=legs - 1)
    start = leg.long()
    end = (start + 1) % stops.shape[0]
    t = (way - leg)[:, None]
    spans = groups if method in BY_GROUP else ()
    return _lower(_grouped(step, stops[start], stops[end], t, spans), codes)


def pad(corners: Codes, x: float, y: float, *, method: str = "slerp", groups: Sequence[Group] = ()) -> Codes:
    """The code (D,) at `x`, `y` in [0, 1] (rightwards, downwards) between corners (K, D), K two to four.

    The order is top left, top right, bottom left, bottom right. With three codes the bottom edge is the third
    one; with two `y` moves nothing. The two edges are walked by `x`, then the way between them by `y`; and as
    arcs do not commute, also by `y` first, and the middle between both is taken. So no side of the pad is
    favoured, edges are the paths between their corners, and for a line it is the bilinear mean.

    Raises:
        UsageError: an unknown method, or not two to four corners.
    """
    step, spans = _named(PATHS, method, "path"), groups if method in BY_GROUP else ()
    if corners.ndim != 2 or not 2 <= corners.shape[0] <= 4:
        raise UsageError("The pad needs two to four codes, one a corner: choose two to four pictures.")
    stops = _lift(corners)
    order = {2: (0, 1, 0, 1), 3: (0, 1, 2, 2), 4: (0, 1, 2, 3)}[stops.shape[0]]
    four = stops[list(order)]
    across, down, half = (_numbers([min(max(at, 0.0), 1.0)] * 2)[:, None] for at in (x, y, 0.5))
    rows = _grouped(step, four[0::2], four[1::2], across, spans)
    found = _grouped(step, rows[:1], rows[1:], down[:1], spans)
    if stops.shape[0] > 2:
        columns = _grouped(step, four[:2], four[2:], down, spans)
        other = _grouped(step, columns[:1], columns[1:], across[:1], spans)
        # At the corners and on the edges both ways agree, and an arc of no length would only round.
        found = found if torch.equal(found, other) else _grouped(step, found, other, half[:1], spans)
    return _lower(found[0], corners)


def path_norms(
    codes: npt.NDArray[np.floating], count: int, *, loop: bool = False, groups: Sequence[Group] = ()
) -> Mapping[str, npt.NDArray[np.float64]]:
    """`norm_ratios` at `count` even places of the path, by method: (1, count), with several groups (1 + G, count)."""
    groups = groups if len(groups) > 1 else ()
    at = np.linspace(0, 1, count)
    if loop:
        # 1 is the first code again: the path wraps there.
        at[-1] = 0.0
    methods = [name for name in PATHS if groups or name not in BY_GROUP]
    sizes = [group.stop - group.start for group in groups]
    found = {name: path(codes, at, method=name, loop=loop, groups=groups) for name in methods}
    return {name: norm_ratios(way, sizes) for name, way in found.items()}


def _between(a: Codes, b: Codes, t: Fractions, step: Step, groups: Sequence[Group]) -> Codes:
    if a.shape != b.shape or a.ndim not in (1, 2):
        raise ValueError(f"codes must have one shape, (B, D) or (D,), got {tuple(a.shape)} and {tuple(b.shape)}")
    start, end = torch.atleast_2d(_lift(a)), torch.atleast_2d(_lift(b))
    way = _numbers(t).reshape(-1, 1).expand(start.shape[0], 1)
    return _lower(_grouped(step, start, end, way, groups).reshape(tuple(a.shape)), a)


def _grouped(step: Step, a: Tensor, b: Tensor, t: Tensor, groups: Sequence[Group]) -> Tensor:
    if groups:
        spans = [slice(group.start, group.stop) for group in groups]
        out = torch.cat([step(a[:, span], b[:, span], t) for span in spans], dim=1)
        if out.shape != a.shape:
            raise ValueError("the groups do not cover the code")
    else:
        out = step(a, b, t)
    # The ends are the codes themselves, to the last bit: a morph must start and stop on the photos.
    return torch.where(t == 0, a, torch.where(t == 1, b, out))


def _numbers(t: Fractions) -> Tensor:
    if isinstance(t, Tensor):
        return t.detach().cpu().double()
    return torch.from_numpy(np.array(t, dtype=np.float64))


def _lift(x: npt.NDArray[np.floating] | Tensor) -> Tensor:
    # On the CPU: codes are small, and some accelerators have no float64.
    if isinstance(x, Tensor):
        return x.detach().cpu().double()
    return torch.from_numpy(np.array(x, dtype=np.float64))


def _lower(x: Tensor, like: Codes) -> Codes:
    if isinstance(like, Tensor):
        return x.to(like.device, like.dtype)
    return x.numpy().astype(like.dtype)


Row = TypeVar("Row")


def _named(table: Mapping[str, Row], name: str, what: str) -> Row:
    if name not in table:
        raise UsageError(f"There is no {what} called {name!r}: choose one of {', '.join(table)}.")
    return table[name]
