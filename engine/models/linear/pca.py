"""Principal components as a latent-variable model: a flat sheet through the mean picture, found without training.

The density is that of probabilistic PCA (Tipping and Bishop 1999, "Probabilistic Principal Component Analysis",
J. R. Statist. Soc. B 61, section 3): a Gaussian whose variances are those of the data along the components and one
small number in every direction off the sheet.
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from engine.errors import Unsupported, UsageError
from engine.knobs import knob
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps
from engine.objectives.likelihood import LOG_2PI

MAX_NUMBERS: Final = 1_000_000_000
LEAST_STD: Final = 1e-6
"""No component and no direction off the sheet is flatter, in units of [-1, 1]: a file's zeros must not divide."""


@dataclass(frozen=True, kw_only=True)
class PcaConfig:
    """How many directions of the pictures are kept."""

    components: int = knob(128, "Components", "Numbers in a code, one a direction.", low=1, high=8192)


class Pca(LatentModel):
    """(B, D) -> (B, C, H, W) in [-1, 1]: mean + components * (standard deviations * code), cut to the range.

    A code is the orthogonal projection of a picture onto the components, each in its standard deviations, so that
    codes of real pictures have mean 0 and covariance I. Decoding gives the point on the sheet and adds no noise.
    """

    abilities = Abilities(encode="amortised", density="exact")

    def __init__(self, config: PcaConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        size = math.prod(image_shape)
        if config.components >= size:
            raise UsageError(
                f"components must be fewer than the {size} numbers of a picture, got {config.components}: keep fewer."
            )
        if config.components * size > MAX_NUMBERS:
            raise UsageError(f"components hold {config.components * size:,} numbers, over {MAX_NUMBERS:,}: keep fewer.")
        self.config = config
        count = config.components
        self.spec = LatentSpec(size=count, groups=(Group("code", 0, count),), image_shape=image_shape)
        # Not orthonormal until they are loaded or set, which `set_components` does.
        self.axes = nn.Parameter(torch.eye(count, size))
        self.mean = nn.Parameter(torch.zeros(size))
        self.deviations = nn.Parameter(torch.ones(count))
        self.noise = nn.Parameter(torch.ones(()))

    @torch.no_grad()
    def set_components(self, *, mean: Tensor, axes: Tensor, deviations: Tensor, noise: float) -> None:
        """Takes in a PCA of images in [-1, 1]: `mean` (C*H*W,), orthonormal `axes` (D, C*H*W) and `deviations` (D,).

        `noise` is the standard deviation in each direction off the sheet: the root of the mean of the variances that
        were left out, which is its most likely value (Tipping and Bishop 1999, eq. 8).
        """
        self.mean.copy_(mean)
        self.axes.copy_(axes)
        self.deviations.copy_(deviations)
        self.noise.fill_(noise)

    def _spread(self) -> Tensor:
        return self.deviations.clamp(min=LEAST_STD)

    def decode(self, z: Tensor) -> Tensor:
        flat = torch.addmm(self.mean, z * self._spread(), self.axes)
        return flat.view(len(z), *self.spec.image_shape).clamp(-1.0, 1.0)

    def encode(self, x: Tensor) -> Tensor:
        return self._values(x)[0] / self._spread()

    def _values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of images (B, C, H, W): values along the components (B, D), and centred pixels (B, C*H*W)."""
        centred = x.flatten(1) - self.mean
        return centred @ self.axes.T, centred

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact: N(mean, U diag(deviations^2) U' + noise^2 (I - U U')), U the components (Tipping and Bishop, eq. 4 to
        8, with the rotation left out and their sigma^2 I taken into the deviations)."""
        values, centred = self._values(x)
        spread, noise = self._spread(), self.noise.clamp(min=LEAST_STD)
        off = centred - values @ self.axes
        squares = (values / spread).square().sum(1) + (off / noise).square().sum(1)
        count, size = self.axes.shape
        log_volume = spread.log().sum() + (size - count) * noise.log()
        return -0.5 * squares - log_volume - 0.5 * size * LOG_2PI

    def first_layer(self) -> Tensor:
        """The one layer's matrix (C*H*W, D)."""
        return (self.axes * self._spread()[:, None]).T

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        raise Unsupported("Principal components are computed at once, not trained: train one of the families instead.")
