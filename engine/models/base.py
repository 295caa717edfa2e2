"""The one contract that every family keeps; everything else in the program is written against it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from engine.errors import Unsupported
from engine.objectives.likelihood import bits_per_dim, dequantise

ENCODE = Literal["exact", "amortised", "search"]
DENSITY = Literal["exact", "bound", "none"]


@dataclass(frozen=True)
class Group:
    """A named stretch `[start, stop)` of the code (a flow has one a level; VAE and GAN have one).

    `grid` is the rows and columns of pixels that its numbers stand on, None where they stand on none.
    """

    name: str
    start: int
    stop: int
    grid: tuple[int, int] | None = None


@dataclass(frozen=True)
class LatentSpec:
    """What a code and an image of this model look like. Images are (C, H, W) with values in [-1, 1]."""

    size: int
    groups: tuple[Group, ...]
    image_shape: tuple[int, int, int]

    @property
    def dimensions(self) -> int:
        """Numbers in an image, the "dim" of bits/dim."""
        channels, height, width = self.image_shape
        return channels * height * width


@dataclass(frozen=True)
class Abilities:
    """What a family can do; the window reads this and never the family's name."""

    encode: ENCODE
    density: DENSITY


class Steps(Protocol):
    """What `training_step` receives: it owns the optimisers and all randomness of the step."""

    index: int
    generator: torch.Generator

    def update(self, name: str, loss: Tensor) -> Tensor:
        """Clears the gradients of parameter group `name`, goes backward, clips, steps; gives the gradient norm."""
        ...

    def autocast(self) -> torch.autocast:
        """The precision that the run asks for, as a context."""
        ...


class LatentModel(nn.Module, ABC):
    """A generative model of images with a code that has a standard normal prior in every family.

    Shapes: a code is (B, D) float; an image is (B, C, H, W) float in [-1, 1].
    """

    spec: LatentSpec
    abilities: Abilities
    training_only: tuple[str, ...] = ()
    """Prefixes of weights that only training needs; a model file may leave them out."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] of codes (B, D)."""

    def encode(self, x: Tensor) -> Tensor:
        """Codes (B, D) of images (B, C, H, W).

        Raises:
            Unsupported: where `abilities.encode` is "search"; use `engine.latent.inversion` there.
        """
        raise Unsupported("This family has no encoder: find the code by search instead.")

    def log_prob(self, x: Tensor) -> Tensor:
        """Natural logarithm of the density of each image, (B,), in nats; a lower bound where `density` is "bound".

        The density is over continuous images; `bits_per_dim` dequantises and converts.

        Raises:
            Unsupported: where `abilities.density` is "none".
        """
        raise Unsupported("This family has no density: likelihood is not defined for it.")

    def first_layer(self) -> Tensor | None:
        """The matrix (F, D) that every code is multiplied by first, or None where no one linear layer sees it whole."""
        return None

    def decoder_features(self, z: Tensor) -> Tensor:
        """What an early or middle layer of the decoder makes of codes (B, D): (B, ...), differentiable in `z`.

        A family that does not say gives its pictures.
        """
        return self.decode(z)

    def bits_per_dim(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Bits/dim of each image, (B,), at the model's own bit depth (5- and 8-bit figures do not compare).

        The images are dequantised with noise from `generator`, so a seeded one gives a repeatable figure.

        Raises:
            Unsupported: where `abilities.density` is "none".
        """
        nats = self.log_prob(dequantise(x, self.levels, generator))
        return bits_per_dim(nats, self.spec.dimensions, self.levels)

    levels: int = 256
    """Grey levels that the density counts: 2 ** bits."""

    def sample_codes(
        self, n: int, *, temperature: float | Sequence[float] = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """`n` codes (n, D) from the prior, scaled by `temperature` (one number, or one a group).

        The temperature is an argument and never model state: two threads may ask for different ones.
        The numbers are drawn on the CPU so that one seed gives one picture on every device.
        """
        z = torch.randn(n, self.spec.size, generator=generator)
        if not isinstance(temperature, int | float):
            scale = torch.ones(self.spec.size)
            for group, value in zip(self.spec.groups, temperature, strict=True):
                scale[group.start : group.stop] = value
            z = z * scale
        else:
            z = z * temperature
        return z.to(next(self.parameters()).device)

    @abstractmethod
    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        """One update from images (B, C, H, W); losses and metrics as 0-d tensors that stay on the device."""

    def training_networks(self) -> dict[str, nn.Module]:
        """The networks that have an optimiser of their own, by name; their parameters are all that is trained."""
        return {"model": self}

    def prepare(self, batch: Tensor) -> None:
        """Data-dependent initialisation from the first images (B, C, H, W), once before step 0 of a new run."""

    def freeze(self) -> None:
        """Precomputes what decoding can reuse, after the weights are final; `thaw` forgets it."""

    def thaw(self) -> None:
        """Forgets what `freeze` precomputed: the weights are about to change."""
