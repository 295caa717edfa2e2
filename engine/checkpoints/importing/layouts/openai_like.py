"""Glow as chaiyujin/glow-pytorch and y0ast/Glow-PyTorch name it: one list `flow.layers`, counting squeezes and splits.

Both put scale and shift in alternating channels and see zeros beyond the picture; they differ in names and pixels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from engine.checkpoints.importing.layouts import common
from engine.checkpoints.importing.layouts.flows import FlowWeights, StepWeights, even_depth, zero_conv
from engine.checkpoints.importing.report import Question, ask
from engine.knobs import Value

Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Names:
    """How an implementation calls the parts. `inner` is what a wrapped convolution or linear layer adds to a name."""

    title: str
    pixels: str
    network: str
    inner: str
    linear_inner: str
    lower: str
    upper: str
    top: str


CHAIYUJIN: Final = Names("Glow of chaiyujin/glow-pytorch", "unit", "f", "", "", "l", "u", "learn_top")
"""`flow.layers.{i}.f.{0,2,4}`; pixels 0 to 1, a batch baked into `prior_h`."""
Y0AST: Final = Names(
    "Glow of y0ast/Glow-PyTorch", "centred", "block", "conv.", "linear.", "lower", "upper", "learn_top_fn"
)
"""`flow.layers.{i}.block.{0,2,4}.conv`; pixels -0.5 to 0.5, hparams.json."""


def match_named(candidate: common.Candidate, names: Names) -> common.Found | None:
    """The flow in these weights, or None where they are named otherwise.

    Raises:
        CheckpointError: it is this layout, and a tensor is missing, misshapen or unknown.
    """
    mark = re.compile(rf"(.*?)flow\.layers\.1\.{names.network}\.0\.{names.inner}weight")
    first = next((found for name in candidate.state if (found := mark.fullmatch(name))), None)
    if first is None:
        return None
    reader = _Reader(candidate, common.Taker(candidate, first[1]), names)
    return reader.read()


class _Reader:
    def __init__(self, candidate: common.Candidate, taker: common.Taker, names: Names) -> None:
        self.candidate, self.taker, self.names = candidate, taker, names
        self.permuted = False

    def read(self) -> common.Found:
        taker, candidate, names = self.taker, self.candidate, self.names
        step_at = common.indices(taker.names(), r"flow\.layers\.(\d+)\.actnorm\.")
        split_at = common.indices(taker.names(), r"flow\.layers\.(\d+)\.conv\.")
        levels = len(split_at) + 1
        depth = even_depth(candidate, [len(step_at) // levels])
        expected = [i * (depth + 2) + 1 + k for i in range(levels) for k in range(depth)]
        if step_at != expected or split_at != [i * (depth + 2) + depth + 1 for i in range(levels - 1)]:
            raise candidate.refused("its layers are not levels of equally many steps with a split between")
        squeezed = taker.shape("flow.layers.1.actnorm.bias")[1]
        channels, left = divmod(squeezed, 4)
        if left or channels not in (1, 3):
            raise candidate.refused(f"its pictures would have {squeezed / 4:g} channels, and 1 or 3 can be shown")
        out, hidden = taker.shape(f"flow.layers.1.{names.network}.4.{names.inner}weight")[:2]
        affine = out == squeezed
        steps, priors = [], []
        inside = squeezed
        for i in range(levels):
            first = i * (depth + 2) + 1
            steps.append([self._step(first + k, inside, hidden, affine) for k in range(depth)])
            if i < levels - 1:
                priors.append(self._zeros(f"flow.layers.{first + depth}.conv.", inside // 2, inside, first_half=0))
                inside *= 2
        last = inside
        batch, _, side, _ = shape = taker.shape("prior_h")
        if len(shape) != 4 or shape[1:] != (2 * last, side, side) or batch < 1:
            raise candidate.refused(f"its prior is {shape} where (batch, {2 * last}, side, side) belongs")
        hidden_prior = taker.take("prior_h", *shape)[:1]
        if names.top + f".{names.inner}weight" in taker:
            weight, bias = self._zeros(f"{names.top}.", 2 * last, 2 * last, first_half=None)
            hidden_prior = conv2d(hidden_prior, weight, bias, padding=1)
        labels = self._labels(2 * last)
        taker.finish()
        prior = hidden_prior[0]

        def top(code_shape: tuple[int, int, int], answers: Mapping[str, Value]) -> Tensor:
            moved = prior
            if labels is not None:
                table, bias, scale = labels
                chosen = str(answers["label"])
                logits = bias if chosen == "none" else bias + table[:, int(chosen)]
                moved = prior + (logits * scale)[:, None, None]
            return torch.stack(moved.chunk(2))

        flow = FlowWeights(steps, priors, top)
        size = side * 2**levels
        config: dict[str, Value] = {
            "coupling": "affine" if affine else "additive",
            "edge": "zeros",
            "pixels": names.pixels,
            "bits": 8,
        }

        def build(answers: Mapping[str, Value]) -> common.Built:
            return flow.built((channels, size, size), config, answers)

        return common.Found(
            names.title,
            "imported_glow",
            channels,
            size,
            channels * size * size,
            build,
            facts=(
                ("Levels", str(levels)),
                ("Flow steps a level", str(depth)),
                ("Coupling", f"{'affine' if affine else 'additive'}, {hidden} wide"),
                ("Bits", "8"),
            ),
            questions=self._questions(0 if labels is None else labels[0].shape[1]),
            unused=(*candidate.others, *taker.skipped),
        )

    def _questions(self, labels: int) -> tuple[Question, ...]:
        asked = []
        if self.permuted:
            said = self._setting("flow_permutation")
            if said == "shuffle":
                raise self.candidate.refused("it shuffles channels in an order that its file does not keep")
            words = (
                "Its file has no mixing matrices: channels were reversed (known), or shuffled (cannot be recovered)."
            )
            asked.append(
                ask("permutation", "Permutation", words, "reverse", choices=("reverse",), known=said == "reverse")
            )
        if labels:
            choices = ("none", *(str(i) for i in range(labels)))
            words = "It was trained with labels: which one its pictures should have; none leaves it out."
            asked.append(ask("label", "Label", words, "none", choices=choices))
        return tuple(asked)

    def _setting(self, name: str) -> object:
        config = self.candidate.source.config
        inner = config.get("Glow")
        return (inner if isinstance(inner, Mapping) else config).get(name)

    def _zeros(self, prefix: str, into: int, out: int, *, first_half: int | None) -> Pair:
        """A zero convolution as a plain one; `first_half` 0 or 1 puts even or odd outputs first."""
        inner = prefix + self.names.inner
        weight, bias = zero_conv(
            self.taker.take(f"{inner}weight", out, into, 3, 3),
            self.taker.take(f"{inner}bias", out),
            self.taker.take(f"{prefix}logs", out, 1, 1),
        )
        return (
            (weight, bias)
            if first_half is None
            else (common.interleaved(weight, first_half), common.interleaved(bias, first_half))
        )

    def _normed(self, prefix: str, into: int, out: int, side: int) -> Pair:
        """A convolution with an actnorm behind it, or with a bias, as a plain one."""
        weight = self.taker.take(f"{prefix}{self.names.inner}weight", out, into, side, side)
        if f"{prefix}{self.names.inner}bias" in self.taker:
            return weight, self.taker.take(f"{prefix}{self.names.inner}bias", out)
        shift, scale = self._actnorm(f"{prefix}actnorm.", out)
        return common.scaled(weight, None, scale, shift * scale)

    def _actnorm(self, prefix: str, channels: int) -> Pair:
        """(shift, scale) of y = scale * (x + shift)."""
        shift = self.taker.take(f"{prefix}bias", 1, channels, 1, 1).flatten()
        return shift, self.taker.take(f"{prefix}logs", 1, channels, 1, 1).flatten().exp()

    def _step(self, index: int, channels: int, hidden: int, affine: bool) -> StepWeights:
        prefix, c, half = f"flow.layers.{index}.", channels, channels // 2
        network = f"{prefix}{self.names.network}."
        shift, scale = self._actnorm(f"{prefix}actnorm.", c)
        return StepWeights(
            scale,
            shift,
            self._matrix(f"{prefix}invconv.", c),
            self._normed(f"{network}0.", half, hidden, 3),
            self._normed(f"{network}2.", hidden, hidden, 1),
            # Even outputs are the shift, odd ones the raw scale; ours come the other way round.
            self._zeros(f"{network}4.", hidden, c if affine else half, first_half=1 if affine else None),
        )

    def _matrix(self, prefix: str, channels: int) -> Tensor:
        taker, c = self.taker, channels
        if f"{prefix}weight" in taker:
            shape = taker.shape(f"{prefix}weight")
            return taker.take(f"{prefix}weight", *((c, c) if len(shape) == 2 else (c, c, 1, 1))).reshape(c, c)
        if f"{prefix}log_s" not in taker:
            self.permuted = True
            return torch.eye(c, dtype=torch.float64).flip(0)
        matrices, vectors = ("p", self.names.lower, self.names.upper), ("sign_s", "log_s")
        matrix = common.lu_matrix(taker, prefix, c, matrices=matrices, vectors=vectors)
        for name in ("l_mask", "eye"):
            taker.drop(prefix + name)
        return matrix

    def _labels(self, outs: int) -> tuple[Tensor, Tensor, Tensor] | None:
        """(table (2C, labels), bias, scale) of the layer that moves the prior by a label."""
        for name in self.taker.names():
            if name.startswith("project_class."):
                self.taker.drop(name)
        prefix = f"project_ycond.{self.names.linear_inner}"
        if f"{prefix}weight" not in self.taker:
            return None
        count = self.taker.shape(f"{prefix}weight")[-1]
        table = self.taker.take(f"{prefix}weight", outs, count)
        return table, self.taker.take(f"{prefix}bias", outs), self.taker.take("project_ycond.logs", outs).mul(3.0).exp()
