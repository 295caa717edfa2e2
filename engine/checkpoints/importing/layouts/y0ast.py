"""Glow as y0ast/Glow-PyTorch names it: `flow.layers.{i}.block.{0,2,4}.conv`; pixels -0.5 to 0.5, hparams.json."""

from __future__ import annotations

from typing import Final

from engine.checkpoints.importing.layouts.common import Candidate, Found
from engine.checkpoints.importing.layouts.openai_like import Names, match_named

NAMES: Final = Names(
    title="Glow of y0ast/Glow-PyTorch",
    pixels="centred",
    network="block",
    inner="conv.",
    linear_inner="linear.",
    lower="lower",
    upper="upper",
    top="learn_top_fn",
)


def match(candidate: Candidate) -> Found | None:
    """The flow in these weights, or None where they are named otherwise; raises as `match_named`."""
    return match_named(candidate, NAMES)
