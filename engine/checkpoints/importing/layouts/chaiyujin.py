"""Glow as chaiyujin/glow-pytorch names it: `flow.layers.{i}.f.{0,2,4}`; pixels 0 to 1, a batch baked into `prior_h`."""

from __future__ import annotations

from typing import Final

from engine.checkpoints.importing.layouts.common import Candidate, Found
from engine.checkpoints.importing.layouts.openai_like import Names, match_named

NAMES: Final = Names(
    title="Glow of chaiyujin/glow-pytorch",
    pixels="unit",
    network="f",
    inner="",
    linear_inner="",
    lower="l",
    upper="u",
    top="learn_top",
)


def match(candidate: Candidate) -> Found | None:
    """The flow in these weights, or None where they are named otherwise; raises as `match_named`."""
    return match_named(candidate, NAMES)
