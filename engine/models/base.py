"""The one contract that every family keeps; everything else in the program is written against it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from engine.charts import Chart
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


def are_points(image_shape: tuple[int, int, int]) -> bool:
    """Whether images of this shape (C, H, W) are points of R^C: no picture is one pixel."""
    return image_shape[1:] == (1, 1)


@dataclass(frozen=True)
class LatentSpec:
    """What a code and an image of this model look like.

    Images are pictures (C, H, W) with values in `range`, or, where that is None, points of R^d: (d, 1, 1), any numbers.
    """

    size: int
    groups: tuple[Group, ...]
    image_shape: tuple[int, int, int]
    range: tuple[float, float] | None = (-1.0, 1.0)

    def __post_init__(self) -> None:
        if self.range is None and not are_points(self.image_shape):
            raise ValueError(f"points have the shape (d, 1, 1), got {self.image_shape}")

    def clamp(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) cut to their range; points are left as they are."""
        return x if self.range is None else x.clamp(*self.range)

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
    """What `training_step` receives: it owns the optimisers and all randomness of the step.

    A step's batch may be shared out among processes, and each share among parts that are gone through one after
    another (gradient accumulation). `training_step` then gets one part at a time and need not know.
    """

    index: int

    def rand(self, *shape: int, like: Tensor) -> Tensor:
        """Uniform numbers in [0, 1) on `like`'s device and in its type, one row for each image of this part.

        They are drawn for the whole batch and cut to this part's rows, so that however the batch is shared out, an
        image meets the same noise. `shape[0]` is the number of images of the part.
        """
        ...

    def randn(self, *shape: int, like: Tensor) -> Tensor:
        """Standard normal numbers, else as `rand`."""
        ...

    def wants(self, name: str) -> bool:
        """Whether this pass is to update network `name`: what serves only another one may be left out.

        True but for accumulation, which goes through all parts once for each network in turn, so that the second
        network learns from the first one's finished update.
        """
        ...

    def update(self, name: str, loss: Tensor) -> Tensor:
        """Backward from `loss`; after a batch's last part also averages over processes, clips and steps.

        Gives the gradient norm, or NaN before the last part and for a network that is not wanted. At most once for
        each network and `training_step`; every parameter of the network must get a gradient.
        """
        ...

    def autocast(self) -> torch.autocast:
        """The precision that the run asks for, as a context."""
        ...


class LatentModel(nn.Module, ABC):
    """A generative model of images with a code that has a standard normal prior in every family.

    Shapes: a code is (B, D) float; an image is (B, C, H, W) float in the range of `spec`, or a
    point where the spec has none.
    """

    spec: LatentSpec
    abilities: Abilities
    training_only: tuple[str, ...] = ()
    """Prefixes of weights that only training needs; a model file may leave them out."""
    added_later: tuple[str, ...] = ()
    """Names of tensors that files of earlier versions lack; as built, they leave such a model what it was."""
    statistics: tuple[str, ...] = ()
    """Names of buffers that follow the batches, besides the running statistics of batch norms."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Images (B, C, H, W), in the spec's range, of codes (B, D)."""

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

    def log_weights(self, x: Tensor, noise: Tensor) -> Tensor:
        """log p(x, z) - log q(z|x) in nats, (K, B), of images (B, C, H, W) and the codes that standard normal `noise`
        (K, B, D) makes of their posteriors: their mean is an ELBO, and log mean exp over K a tighter bound (IWAE).

        Raises:
            Unsupported: where `abilities.density` is not "bound".
        """
        raise Unsupported("This family has no posterior over codes: importance weights are not defined for it.")

    def first_layer(self) -> Tensor | None:
        """The matrix (F, D) that every code is multiplied by first, or None where no one linear layer sees it whole."""
        return None

    def decoder_features(self, z: Tensor) -> Tensor:
        """The output (B, ...) of an early or middle layer of the decoder for codes (B, D), differentiable in `z`.

        A family that does not override this gives its pictures.
        """
        return self.decode(z)

    def draw(self, z: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Images (B, C, H, W) of codes (B, D) as the model's density has them: with the noise of a decoder that has
        any. A family whose density is not that of noisy images gives what it decodes.
        """
        return self.decode(z)

    def trace(self, z: Tensor) -> tuple[Tensor, ...]:
        """What decoding goes through, as images (B, C, H, W): the code where it has their shape, what each layer makes
        of it, and last the decoded image. A family whose layers change the shape gives the image alone.
        """
        return (self.decode(z),)

    def trace_words(self) -> tuple[str, ...]:
        """A word or two for each step between what `trace` gives."""
        return ()

    def critic(self, x: Tensor) -> Tensor | None:
        """What the network that judges says of images (B, C, H, W), (B,); None where nothing judges."""
        return None

    def pull(self, x: Tensor, batch: Tensor) -> Tensor | None:
        """Where the generator's loss would have its images x (B, C, H, W) go: minus B times its gradient by them, so
        that each has that of its own loss. `batch` is of the data, (N, C, H, W). None where no generator learns.
        """
        return None

    def velocity(self, x: Tensor, depth: float) -> Tensor | None:
        """The velocity (B, C, H, W) of points x on their way at a depth of 0 (code) to 1 (data), a unit of time being
        one layer; None where they do not flow there.
        """
        return None

    critic_even: float | None = None
    """What `critic` says where it cannot tell images from samples; None where only its differences mean anything."""

    def bits_per_dim(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Bits/dim of each image, (B,), at the model's own bit depth (5- and 8-bit figures do not compare).

        The images are dequantised with noise from `generator`, so a seeded one gives a repeatable figure.

        Raises:
            Unsupported: where `abilities.density` is "none", and for points, which have no grey values.
        """
        return _bits(self, x, generator)

    def likelihood_parts(self, x: Tensor, *, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """First `bits_per_dim` of each image, (B,), then the parts that add up to it, by the names of training
        metrics; for points `nats`, -log density.

        Empty where `abilities.density` is "none".
        """
        if self.abilities.density == "none":
            return {}
        if self.spec.range is None:
            return {"nats": -self.log_prob(x)}
        return {"bits_per_dim": self.bits_per_dim(x, generator=generator)}

    def landmarks(self) -> dict[str, float]:
        """What to hold the figures of a training run against, by name; see `engine.training.guards`."""
        return {}

    def examine(
        self, shown: LatentModel, *, training: Tensor, heldout: Tensor, codes: Tensor
    ) -> tuple[dict[str, Tensor], tuple[Chart, ...]]:
        """Figures (0-d) and charts of a run at a preview, on images (N, C, H, W) and codes (M, D) that stay the same.

        Called in eval mode and without gradients on the model that is trained; `shown` is its averaged twin, which
        lacks the weights of `training_only`. Leaves no trace: no buffer and no random state changes.
        """
        return {}, ()

    bins: int = 256
    """Values of a pixel that the density tells apart: 2 ** bits."""

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
        """One update from images (B, C, H, W); losses and metrics as 0-d tensors that stay on the device.

        A metric is a mean over the images; one that has no value in this pass is NaN or left out.
        """

    def training_networks(self) -> dict[str, nn.Module]:
        """The networks that have an optimiser of their own, in the order in which a step updates them.

        Their parameters are all that is trained.
        """
        return {"model": self}

    def prepare(self, batch: Tensor) -> None:
        """Data-dependent initialisation from the first images (B, C, H, W), once before step 0 of a new run."""


class Frozen(ABC):
    """Decodes and encodes as `LatentModel` does, without gradients, from any one thread at a time.

    What a family does not override stays the module's own.
    """

    def __init__(self, model: LatentModel) -> None:
        self.model = model

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Images (B, C, H, W) of codes (B, D)."""

    def encode(self, x: Tensor) -> Tensor:
        """Codes (B, D) of images (B, C, H, W).

        Raises:
            Unsupported: as the module's.
        """
        with torch.inference_mode():
            return self.model.encode(x)

    def log_prob(self, x: Tensor) -> Tensor:
        """Nats of images, (B,).

        Raises:
            Unsupported: as the module's.
        """
        with torch.inference_mode():
            return self.model.log_prob(x)

    def bits_per_dim(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Bits/dim of images, (B,), with noise from `generator`; the same noise as the module's.

        Raises:
            Unsupported: as the module's.
        """
        return _bits(self, x, generator)


def _bits(of: LatentModel | Frozen, x: Tensor, generator: torch.Generator | None) -> Tensor:
    model = of.model if isinstance(of, Frozen) else of
    if model.spec.range is None:
        raise Unsupported("Points have no grey values, so no bits are counted: take the logarithm of their density.")
    return bits_per_dim(of.log_prob(dequantise(x, model.bins, generator)), model.spec.dimensions, model.bins)


class Plain(Frozen):
    """The module itself."""

    def decode(self, z: Tensor) -> Tensor:
        with torch.inference_mode():
            return self.model.decode(z)
