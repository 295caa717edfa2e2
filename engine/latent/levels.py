"""The levels of a code, each with its own rule: scaled, taken from another code, held, or shown alone.

A level is a named group of the code; a flow has one a scale (Glow, arXiv:1807.03039, section 3.6 and figure 9, samples
the levels separately). A recipe is one `LevelRule` a level, or none at all, and is applied in two steps:
`before` changes what a code starts from (another code's level, then its strength), the edits and the wander follow, and
`after` puts the held levels back as they were, to the bit.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from engine.api import Coded, Codes, LevelMap, LevelRule, Pictures, Sampled
from engine.errors import UsageError, UserError
from engine.measures import heat_colours
from engine.models.base import Group
from engine.progress import SILENT, Progress

Resolve = Callable[[Sampled | Coded], Codes]
"""A source -> its code (D,)."""

RESAMPLES = 8
"""So many pictures a level are enough to see where it acts: the spread is then known to a quarter."""


def checked(rules: Sequence[LevelRule], groups: Sequence[Group]) -> Sequence[LevelRule]:
    """The rules, one a group; an empty recipe is a plain rule for each.

    Raises:
        UsageError: there are more or fewer rules than groups.
    """
    if not rules:
        return (LevelRule(),) * len(groups)
    if len(rules) != len(groups):
        raise UsageError(f"A recipe of {len(rules)} levels does not fit this model, which has {len(groups)}.")
    return rules


def before(code: Codes, rules: Sequence[LevelRule], groups: Sequence[Group], *, resolve: Resolve) -> Codes:
    """A new code (D,): each level from where its rule takes it, then times its strength. `code` stays as it is.

    Raises:
        UserError: a rule takes from a code of another size.
    """
    if all(rule.taken is None and rule.strength == 1.0 for rule in rules):
        return code
    mixed = code.copy()
    for rule, group in zip(checked(rules, groups), groups, strict=True):
        part = slice(group.start, group.stop)
        if rule.taken is not None:
            mixed[part] = fitting(resolve(rule.taken), code.size)[part]
        if rule.strength != 1.0:
            mixed[part] *= np.float32(rule.strength)
    return mixed


def after(code: Codes, rules: Sequence[LevelRule], groups: Sequence[Group], *, solo: int = -1) -> Codes:
    """A new code (D,) with the held levels as they were held; with `solo` every other level is zero.

    Raises:
        UserError: a level is held from a code of another size.
        UsageError: there is no level `solo`.
    """
    if not -1 <= solo < len(groups):
        raise UsageError(f"There is no level {solo + 1}: the model has {len(groups)}.")
    if solo < 0 and all(rule.held is None for rule in rules):
        return code
    kept = code.copy()
    for rule, group in zip(checked(rules, groups), groups, strict=True):
        if rule.held is not None:
            part = slice(group.start, group.stop)
            kept[part] = fitting(rule.held.code, code.size)[part]
    if solo >= 0:
        alone = np.zeros_like(kept)
        part = slice(groups[solo].start, groups[solo].stop)
        alone[part] = kept[part]
        return alone
    return kept


def fitting(code: Codes, size: int) -> Codes:
    """The code, if it has `size` numbers.

    Raises:
        UserError: it belongs to another model.
    """
    if code.shape != (size,):
        raise UserError(f"A level comes from a code of {code.size} numbers, not {size}: take it again in this model.")
    return code


def free_numbers(rules: Sequence[LevelRule], groups: Sequence[Group]) -> npt.NDArray[np.bool_]:
    """For each number of the code (D,) whether it may change: held levels may not."""
    free = np.ones(groups[-1].stop, bool)
    for rule, group in zip(checked(rules, groups), groups, strict=True):
        free[group.start : group.stop] = rule.held is None
    return free


def resampled(code: Codes, group: Group, *, temperature: float = 1.0, count: int = RESAMPLES, seed: int = 0) -> Codes:
    """`count` codes (count, D) that differ from `code` (D,) in one level alone, drawn anew from the prior."""
    codes: Codes = np.repeat(code[None], count, axis=0)
    drawn = np.random.default_rng(seed).standard_normal((count, group.stop - group.start))
    codes[:, group.start : group.stop] = (temperature * drawn).astype(np.float32)
    return codes


def spread(pictures: Pictures) -> npt.NDArray[np.float32]:
    """Standard deviation of each pixel (H, W) over pictures (N, H, W, 3), mean of the channels, in grey values."""
    found: npt.NDArray[np.float32] = pictures.astype(np.float32).std(axis=0).mean(axis=2)
    return found


def level_maps(
    code: Codes,
    groups: Sequence[Group],
    decode: Callable[[Codes], Pictures],
    *,
    temperature: float,
    progress: Progress = SILENT,
) -> tuple[LevelMap, ...]:
    """For each group which pixels it drives: the spread of the pictures in which it alone is drawn anew."""
    maps = []
    for group in groups:
        codes = resampled(code, group, temperature=temperature)
        pictures = []
        for start in range(0, len(codes), 2):
            progress.check()
            pictures.append(decode(codes[start : start + 2]))
        maps.append(level_map(np.concatenate(pictures)))
    return tuple(maps)


def level_map(pictures: Pictures) -> LevelMap:
    """Which pixels a level drives, from pictures (N, H, W, 3) in which it alone was drawn anew.

    The heat map is scaled to its own largest value, so that a level of faint effect shows its place too; `mean` and
    `largest` say how strong it is, in grey values of 255.
    """
    deviation = spread(pictures)
    largest = float(deviation.max())
    heat: Pictures = heat_colours()[np.rint(255 * deviation / max(largest, 1e-6)).astype(np.intp)]
    return LevelMap(heat, float(deviation.mean()), largest)
