"""Glow: a multi-scale flow of invertible 1x1 convolutions (Kingma & Dhariwal 2018, arXiv:1807.03039)."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pixel_unshuffle

from engine.errors import UsageError
from engine.knobs import knob
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps
from engine.nn.actnorm import ActNorm
from engine.nn.coupling import Coupling, Precision, ZeroConv, bounded
from engine.nn.invertible import InvertibleConv, matrices
from engine.nn.multiscale import Levels, ScaleLevel
from engine.nn.recompute import Recomputed
from engine.objectives.likelihood import bits_per_dim, dequantise, standard_normal_log_density

PRIOR_LOG_STD_BOUND = 3.0


@dataclass(frozen=True, kw_only=True)
class GlowConfig:
    """The architecture of a Glow."""

    depth: int = knob(6, "Depth", "Flow steps at the finest level.", low=1, high=48)
    extra_depth: int = knob(
        3, "Extra depth", "More steps at each coarser level, where they are cheap and carry the face.", low=0, high=32
    )
    hidden: int = knob(128, "Width", "Channels inside the coupling networks.", low=8, high=1024)
    levels: int = knob(0, "Levels", "Scales; 0 goes down to 4 x 4 pixels.", low=0, high=6, advanced=True)
    coupling: str = knob(
        "affine",
        "Coupling",
        "Affine scales and shifts; additive only shifts.",
        choices=("affine", "additive"),
        advanced=True,
    )
    bits: int = knob(5, "Bits", "Grey values as a power of two; bits/dim of 5 and 8 do not compare.", choices=(5, 8))


class FlowStep(Recomputed):
    """Actnorm, invertible 1x1 convolution, coupling, on (B, C, H, W).

    Actnorm and the 1x1 convolution are both linear for each pixel, so they run as one convolution; backward likewise.
    """

    def __init__(self, channels: int, config: GlowConfig, *, height: int, width: int) -> None:
        super().__init__()
        self.norm = ActNorm(channels)
        self.mix = InvertibleConv(channels)
        self.coupling = Coupling(
            channels, config.hidden, height=height, width=width, affine=config.coupling == "affine"
        )

    def forward(self, x: Tensor, precision: Precision) -> tuple[Tensor, Tensor]:
        weight, bias, log_det = pointwise([self], x.shape[2] * x.shape[3])
        y, change = self.after(x, weight[0], bias[0], precision)
        return y, log_det + change

    def after(self, x: Tensor, weight: Tensor, bias: Tensor, precision: Precision) -> tuple[Tensor, Tensor]:
        """(y, the coupling's log-determinant (B,)), given the step's row of `pointwise`."""
        return self.held(self._after, x, weight, bias, precision)

    def _after(self, x: Tensor, weight: Tensor, bias: Tensor, precision: Precision) -> tuple[Tensor, Tensor]:
        y: tuple[Tensor, Tensor] = self.coupling(conv2d(x, weight[:, :, None, None], bias), precision)
        return y

    def inverse(self, y: Tensor) -> Tensor:
        weight, bias = self.inverse_weights()
        x: Tensor = conv2d(self.coupling.inverse(y), weight, bias)
        return x

    def inverse_weights(self) -> tuple[Tensor, Tensor]:
        """The inverse of actnorm and 1x1 convolution as one convolution's weight and bias, computed in float64."""
        matrix = self.mix.matrix().double() * self.norm.log_scale.double().exp()
        inverse = torch.linalg.inv(matrix.cpu()).to(matrix.device)
        dtype = self.norm.shift.dtype
        return inverse.to(dtype)[:, :, None, None].contiguous(), -self.norm.shift


def pointwise(steps: Sequence[FlowStep], pixels: int) -> tuple[Tensor, Tensor, Tensor]:
    """Actnorm and 1x1 convolution of steps of one level as one convolution each: weights (N, C, C), biases (N, C) and,
    for images of so many pixels, the sum of all their log-determinants (0-d).

    All in one go, since a level has many steps and each takes many operations on very few numbers.
    """
    log_scale = torch.stack([step.norm.log_scale for step in steps])
    shift = torch.stack([step.norm.shift for step in steps])
    log_diagonal = torch.stack([step.mix.log_diagonal for step in steps])
    weight = matrices([step.mix for step in steps]) * log_scale.exp()[:, None]
    return weight, (weight @ shift[:, :, None]).squeeze(2), pixels * (log_scale.sum() + log_diagonal.sum())


class Level(ScaleLevel):
    """The leaving half's mean and scale are predicted from the half that stays (Glow, section 3.6 "learned prior") and
    from the pixel's place.
    """

    def __init__(self, channels: int, config: GlowConfig, *, depth: int, size: tuple[int, int], last: bool) -> None:
        super().__init__()
        height, width = size
        self.last = last
        self.steps = nn.ModuleList(FlowStep(4 * channels, config, height=height, width=width) for _ in range(depth))
        leaving = 4 * channels if last else 2 * channels
        self.code_shape = (leaving, height, width)
        self.prior = None if last else ZeroConv(2 * channels, 2 * leaving)
        self.prior_places = nn.Parameter(torch.zeros(1, 2 * leaving, height, width))

    def flow_steps(self) -> list[FlowStep]:
        return [step for step in self.steps if isinstance(step, FlowStep)]

    def flow(self, x: Tensor, *more: Any) -> tuple[Tensor, Tensor]:
        (precision,) = more
        steps = self.flow_steps()
        weights, biases, log_det = pointwise(steps, x.shape[2] * x.shape[3])
        changes = []
        for step, weight, bias in zip(steps, weights.unbind(), biases.unbind(), strict=True):
            x, change = step.after(x, weight, bias, precision)
            changes.append(change)
        return x, log_det + torch.stack(changes).sum(0)

    def prior_of(self, kept: Tensor | None, n: int) -> tuple[Tensor, Tensor]:
        raw = self.prior_places.expand(n, -1, -1, -1)
        if self.prior is not None:
            assert kept is not None
            raw = raw + self.prior(kept)
        mean, log_std = raw.chunk(2, 1)
        return mean, bounded(log_std, PRIOR_LOG_STD_BOUND)


class Glow(LatentModel):
    """encode and decode are exact inverses; the codes of all levels, finest first, make up the flat code."""

    abilities = Abilities(encode="exact", density="exact")

    def __init__(self, config: GlowConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = image_shape
        count = config.levels or max(1, int(math.log2(min(height, width) // 4)))
        if min(height, width) % 2**count or max(height, width) % 2**count:
            raise UsageError(
                f"levels must let {height} x {width} pixels be halved each time, got {count}: choose fewer."
            )
        self.config = config
        self.bins = 2**config.bits
        stack: list[Level] = []
        groups: list[Group] = []
        start = 0
        for i in range(count):
            height, width = height // 2, width // 2
            level = Level(
                channels, config, depth=config.depth + i * config.extra_depth, size=(height, width), last=i == count - 1
            )
            stack.append(level)
            stop = start + math.prod(level.code_shape)
            name = f"Level {i + 1}" + (" (fine)" if i == 0 < count - 1 else " (coarse)" if i == count - 1 > 0 else "")
            groups.append(Group(name, start, stop, (height, width)))
            start, channels = stop, 2 * channels
        self.stack = Levels(stack)
        self.spec = LatentSpec(size=start, groups=tuple(groups), image_shape=image_shape)

    def encode(self, x: Tensor) -> Tensor:
        return self.stack.encode(x, nullcontext)[0]

    def decode(self, z: Tensor) -> Tensor:
        return self.stack.decode(z)

    def decoder_features(self, z: Tensor) -> Tensor:
        return self.stack.layout(z)

    def log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self.stack.encode(x, nullcontext)
        return standard_normal_log_density(z) + log_det

    def likelihood_parts(self, x: Tensor, *, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        z, log_det = self.stack.encode(dequantise(x, self.bins, generator), nullcontext)
        return self._parts(standard_normal_log_density(z), log_det)

    def _parts(self, prior: Tensor, log_det: Tensor) -> dict[str, Tensor]:
        """Bits/dim, and its two terms: the code's density under the prior, and how far the flow squeezes space.

        The grey values' scale is itself a linear map, so it belongs to the second.
        """
        dimensions = self.spec.dimensions
        return {
            "bits_per_dim": bits_per_dim(prior + log_det, dimensions, self.bins),
            "prior_bits_per_dim": -prior / (dimensions * math.log(2.0)),
            "log_det_bits_per_dim": bits_per_dim(log_det, dimensions, self.bins),
        }

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        x = dequantise(batch, self.bins, noise=steps.rand(*batch.shape, like=batch))
        # Only the coupling networks may run in a lower precision: the flow's own arithmetic stays float32,
        # so the density is that of an exactly invertible function whatever the precision.
        z, log_det = self.stack.encode(x, steps.autocast)
        prior = standard_normal_log_density(z)
        bpd = bits_per_dim(prior + log_det, self.spec.dimensions, self.bins).mean()
        norm = steps.update("model", bpd)
        return {
            "loss": bpd.detach(),
            **self._parts(prior.detach().mean(), log_det.detach().mean()),
            "code_norm": (z.detach().norm(dim=1) / math.sqrt(self.spec.size)).mean(),
            "gradient_norm": norm,
        }

    @torch.no_grad()
    def prepare(self, batch: Tensor) -> None:
        """Initialises every actnorm from this batch, level by level (Glow, section 3.1)."""
        x = dequantise(batch[:128], self.bins, torch.Generator().manual_seed(0))
        for level in self.stack:
            assert isinstance(level, Level)
            x = pixel_unshuffle(x, 2)
            for step in level.flow_steps():
                step.norm.initialise(x)
                x, _ = step(x, nullcontext)
            if not level.last:
                x = x.chunk(2, 1)[0]
