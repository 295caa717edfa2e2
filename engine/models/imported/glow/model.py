"""An imported Glow (Kingma & Dhariwal 2018, arXiv:1807.03039), in one form for all public implementations.

The importer folds actnorm into the 1x1 convolution next to it, and the scale of a "zero convolution" into its weights;
both are the same function with fewer numbers. What remains different between the implementations is in the config.
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad, relu

from engine.errors import Unsupported, UsageError
from engine.knobs import knob
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps
from engine.nn.multiscale import Levels, ScaleLevel
from engine.objectives.likelihood import standard_normal_log_density

MAX_PARAMETERS: Final = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class ImportedGlowConfig:
    """What its file says by shapes, and what had to be asked."""

    levels: int = knob(3, "Levels", "Scales.", low=1, high=8)
    depth: int = knob(32, "Depth", "Flow steps a level.", low=1, high=128)
    hidden: int = knob(512, "Width", "Channels inside the coupling networks.", low=1, high=4096)
    coupling: str = knob("affine", "Coupling", "Affine or additive.", choices=("affine", "additive"))
    edge: str = knob("zeros", "Edge", "What the last convolutions see beyond the picture.", choices=("zeros", "ones"))
    pixels: str = knob("centred", "Pixels", "Centred: -0.5 to 0.5; unit: 0 to 1.", choices=("centred", "unit"))
    bits: int = knob(8, "Bits", "Grey values as a power of two.", low=1, high=8)


class EdgeConv(nn.Module):
    """A 3x3 convolution that sees `edge` beyond the picture, (B, C, H, W) -> (B, C', H, W)."""

    def __init__(self, channels: int, out_channels: int, edge: float) -> None:
        super().__init__()
        self.edge = edge
        self.weight = nn.Parameter(torch.zeros(out_channels, channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        if self.edge == 0.0:
            return conv2d(x, self.weight, self.bias, padding=1)
        return conv2d(pad(x, (1, 1, 1, 1), value=self.edge), self.weight, self.bias)


class FlowStep(nn.Module):
    """A 1x1 convolution with a bias, then a coupling; (B, C, H, W) <-> (B, C, H, W).

    Affine coupling: b -> (b + shift) * sigmoid(raw + 2); the network gives [raw, shift].
    """

    def __init__(self, channels: int, config: ImportedGlowConfig) -> None:
        super().__init__()
        half = channels // 2
        self.affine = config.coupling == "affine"
        self.weight = nn.Parameter(torch.eye(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.first = nn.Conv2d(half, config.hidden, 3, padding=1)
        self.second = nn.Conv2d(config.hidden, config.hidden, 1)
        self.last = EdgeConv(config.hidden, channels if self.affine else half, float(config.edge == "ones"))

    def scale_and_shift(self, kept: Tensor) -> tuple[Tensor | None, Tensor]:
        """(log scale or None, shift) for the other half."""
        out = self.last(relu(self.second(relu(self.first(kept)))))
        if not self.affine:
            return None, out
        raw, shift = out.chunk(2, 1)
        return nn.functional.logsigmoid(raw + 2.0), shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(y, log-determinant (B,))."""
        y = conv2d(x, self.weight[:, :, None, None], self.bias)
        kept, changed = y.chunk(2, 1)
        log_scale, shift = self.scale_and_shift(kept)
        changed = changed + shift
        log_det = (self.matrix_log_det() * (x.shape[2] * x.shape[3])).expand(len(x))
        if log_scale is not None:
            changed = changed * torch.exp(log_scale)
            log_det = log_det + log_scale.flatten(1).sum(1)
        return torch.cat([kept, changed], 1), log_det

    def inverse(self, y: Tensor) -> Tensor:
        kept, changed = y.chunk(2, 1)
        log_scale, shift = self.scale_and_shift(kept)
        if log_scale is not None:
            changed = changed * torch.exp(-log_scale)
        x = torch.cat([kept, changed - shift], 1) - self.bias[:, None, None]
        return conv2d(x, self.inverse_matrix()[:, :, None, None])

    def inverse_matrix(self) -> Tensor:
        """The inverse of the 1x1 convolution, computed in float64."""
        inverse: Tensor = torch.linalg.inv(self.weight.double().cpu())
        return inverse.to(self.weight)

    def matrix_log_det(self) -> Tensor:
        """log|det| of the 1x1 convolution, computed in float64."""
        log_det: Tensor = torch.linalg.slogdet(self.weight.double().cpu())[1]
        return log_det.to(self.weight)


class Level(ScaleLevel):
    """At the last level the prior does not depend on the picture, so it is stored as a mean and a log standard
    deviation a pixel.
    """

    def __init__(self, channels: int, side: int, config: ImportedGlowConfig, *, last: bool) -> None:
        super().__init__()
        inside = 4 * channels
        leaving = inside if last else inside // 2
        self.last = last
        self.code_shape = (leaving, side, side)
        self.steps = nn.ModuleList(FlowStep(inside, config) for _ in range(config.depth))
        self.prior = None if last else EdgeConv(inside // 2, inside, float(config.edge == "ones"))
        self.top = nn.Parameter(torch.zeros(2, *self.code_shape)) if last else None

    def flow_steps(self) -> list[FlowStep]:
        return [step for step in self.steps if isinstance(step, FlowStep)]

    def prior_of(self, kept: Tensor | None, n: int) -> tuple[Tensor, Tensor]:
        if self.prior is None or kept is None:
            assert self.top is not None
            return self.top[0], self.top[1]
        mean, log_std = self.prior(kept).chunk(2, 1)
        return mean, log_std


class ImportedGlow(LatentModel):
    """encode and decode are inverses; the codes of all levels, finest first, make up the flat code."""

    abilities = Abilities(encode="exact", density="exact")

    def __init__(self, config: ImportedGlowConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, side, _ = image_shape
        if side % 2**config.levels:
            raise UsageError(f"levels must let {side} pixels be halved each time, got {config.levels}: ask for larger.")
        inside = [4 * channels * 2**i for i in range(config.levels)]
        h = config.hidden
        count = sum(config.depth * (c * c + 9 * h * c // 2 + h * h + 9 * h * c) for c in inside)
        if count > MAX_PARAMETERS:
            raise UsageError(f"this flow holds {count:,} numbers, over {MAX_PARAMETERS:,}: import a smaller model.")
        self.config = config
        self.bins = 2**config.bits
        stack: list[Level] = []
        groups: list[Group] = []
        start = 0
        for i in range(config.levels):
            side //= 2
            last = i == config.levels - 1
            level = Level(channels, side, config, last=last)
            stack.append(level)
            stop = start + math.prod(level.code_shape)
            word = " (fine)" if i == 0 and not last else " (coarse)" if last and i > 0 else ""
            groups.append(Group(f"Level {i + 1}{word}", start, stop, (side, side)))
            start, channels = stop, 2 * channels
        self.stack = Levels(stack)
        self.spec = LatentSpec(size=start, groups=tuple(groups), image_shape=image_shape)
        self.offset = 0.5 if config.pixels == "unit" else 0.0

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(codes (B, D), log|det df/dx| (B,)) of images in [-1, 1]; the model itself knows pixels half as wide."""
        codes, log_det = self.stack.encode(0.5 * x + self.offset)
        return codes, log_det - self.spec.dimensions * math.log(2.0)

    def encode(self, x: Tensor) -> Tensor:
        return self._forward(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        return 2.0 * (self.stack.decode(z) - self.offset)

    def decoder_features(self, z: Tensor) -> Tensor:
        return self.stack.layout(z)

    def log_prob(self, x: Tensor) -> Tensor:
        z, log_det = self._forward(x)
        return standard_normal_log_density(z) + log_det

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        raise Unsupported("An imported model is explored, not trained: train one of the families here instead.")
