"""Glow as rosinality/glow-pytorch names it: `blocks.{b}.flows.{f}.{actnorm,invconv,coupling}` and `blocks.{b}.prior`.

Its zero convolutions see ones beyond the picture, its pixels are -0.5 to 0.5, and the file says neither bits nor size.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from engine.checkpoints.importing.layouts.common import Built, Candidate, Found, Taker, indices, lu_matrix, sizes_for
from engine.checkpoints.importing.layouts.flows import FlowWeights, StepWeights, even_depth, zero_conv
from engine.checkpoints.importing.report import ask
from engine.knobs import Value

MARK = "blocks.0.flows.0.actnorm.loc"
TITLE = "Glow of rosinality/glow-pytorch"


def match(candidate: Candidate) -> Found | None:
    """The flow in these weights, or None where they are named otherwise.

    Raises:
        CheckpointError: it is this layout, and a tensor is missing, misshapen or unknown.
    """
    mark = next((name for name in candidate.state if name.endswith(MARK)), None)
    if mark is None:
        return None
    taker = Taker(candidate, mark.removesuffix(MARK))
    blocks = len(indices(taker.names(), r"blocks\.(\d+)\."))
    depths = [len(indices(taker.names(), rf"blocks\.{b}\.flows\.(\d+)\.")) for b in range(blocks)]
    even_depth(candidate, depths)
    squeezed = taker.shape(MARK)[1]
    channels, left = divmod(squeezed, 4)
    if left or channels not in (1, 3):
        raise candidate.refused(f"its pictures would have {squeezed / 4:g} channels, and 1 or 3 can be shown")
    net = taker.shape("blocks.0.flows.0.coupling.net.0.weight")
    out = taker.shape("blocks.0.flows.0.coupling.net.4.conv.weight")[0]
    affine, hidden = out == squeezed, net[0]
    fresh: list[bool] = []
    steps, priors = [], []
    inside = squeezed
    for b in range(blocks):
        level = []
        for f in range(depths[b]):
            level.append(_step(taker, f"blocks.{b}.flows.{f}.", inside, hidden=hidden, affine=affine, fresh=fresh))
        steps.append(level)
        last = b == blocks - 1
        into, outs = (inside, 2 * inside) if last else (inside // 2, inside)
        prior = zero_conv(
            taker.take(f"blocks.{b}.prior.conv.weight", outs, into, 3, 3),
            taker.take(f"blocks.{b}.prior.conv.bias", outs),
            taker.take(f"blocks.{b}.prior.scale", 1, outs, 1, 1),
        )
        priors.append(prior)
        inside *= 2
    taker.finish()
    top_weight, top_bias = priors.pop()

    def top(shape: tuple[int, int, int], answers: Mapping[str, Value]) -> Tensor:
        # The prior convolves zeros, but sees ones beyond the border: it is constant only inside.
        zeros = pad(torch.zeros(1, *shape, dtype=top_weight.dtype), (1, 1, 1, 1), value=1.0)
        return torch.stack(conv2d(zeros, top_weight, top_bias)[0].chunk(2))

    flow = FlowWeights(steps, priors, top)
    sizes = sizes_for(blocks)

    def build(answers: Mapping[str, Value]) -> Built:
        side = int(answers["image_size"])
        config: dict[str, Value] = {
            "coupling": "affine" if affine else "additive",
            "edge": "ones",
            "pixels": "centred",
            "bits": answers["bits"],
        }
        return flow.built((channels, side, side), config, answers)

    warnings = ("Its actnorm was never initialised: this is a fresh model, not a trained one.",) if any(fresh) else ()
    return Found(
        TITLE,
        "imported_glow",
        channels,
        None,
        None,
        build,
        facts=(
            ("Blocks", str(blocks)),
            ("Flow steps a block", str(depths[0])),
            ("Coupling", f"{'affine' if affine else 'additive'}, {hidden} wide"),
        ),
        questions=(
            ask(
                "image_size",
                "Image size",
                "Side of the pictures that it was trained on, in pixels; its file does not say.",
                64 if 64 in sizes else sizes[0],
                choices=sizes,
            ),
            ask(
                "bits",
                "Bits",
                "Grey values as a power of two (its --n_bits); bits/dim depends on it.",
                5,
                low=1,
                high=8,
            ),
        ),
        warnings=warnings,
        unused=candidate.others,
    )


def _step(taker: Taker, prefix: str, channels: int, *, hidden: int, affine: bool, fresh: list[bool]) -> StepWeights:
    c, half = channels, channels // 2
    out = c if affine else half
    scale = taker.take(f"{prefix}actnorm.scale", 1, c, 1, 1).flatten()
    shift = taker.take(f"{prefix}actnorm.loc", 1, c, 1, 1).flatten()
    if f"{prefix}actnorm.initialized" in taker:
        fresh.append(not bool((scale != 1).any()) and not bool((shift != 0).any()))
        taker.drop(f"{prefix}actnorm.initialized")
    if f"{prefix}invconv.weight" in taker:
        matrix = taker.take(f"{prefix}invconv.weight", c, c, 1, 1)[:, :, 0, 0]
    else:
        matrices, vectors = ("w_p", "w_l", "w_u"), ("s_sign", "w_s")
        matrix = lu_matrix(taker, f"{prefix}invconv.", c, matrices=matrices, vectors=vectors)
        for name in ("u_mask", "l_mask", "l_eye"):
            taker.drop(f"{prefix}invconv.{name}")
    net = f"{prefix}coupling.net."
    last = zero_conv(
        taker.take(f"{net}4.conv.weight", out, hidden, 3, 3),
        taker.take(f"{net}4.conv.bias", out),
        taker.take(f"{net}4.scale", 1, out, 1, 1),
    )
    first = (taker.take(f"{net}0.weight", hidden, half, 3, 3), taker.take(f"{net}0.bias", hidden))
    second = (taker.take(f"{net}2.weight", hidden, hidden, 1, 1), taker.take(f"{net}2.bias", hidden))
    return StepWeights(scale, shift, matrix, first, second, last)
