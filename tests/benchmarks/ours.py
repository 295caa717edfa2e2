"""The program's own way to train, draw and encode, as the contestants of every case share it."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.device import placed
from engine.frozen import freeze_model
from engine.models.base import Frozen, LatentModel
from engine.training.config import TrainConfig
from engine.training.optimisers import Optimisers
from tests.benchmarks.contestant import Operation


def pictures(n: int, side: int, *, channels: int = 3, seed: int = 0) -> Tensor:
    """Smooth random pictures (n, C, side, side) with some noise, on the grid of 256 grey values in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, channels, 4, 4, generator=generator)
    smooth = interpolate(coarse, size=(side, side), mode="bilinear")
    noisy = smooth + 0.05 * torch.randn(smooth.shape, generator=generator)
    return (noisy.clamp(0, 1) * 255).round() / 127.5 - 1.0


def count(module: nn.Module) -> int:
    """Numbers that are learned."""
    return sum(parameter.numel() for parameter in module.parameters())


@torch.no_grad()
def stir(module: nn.Module, *, amount: float = 0.01, seed: int = 1) -> None:
    """Fills the kernels that start at zero: they would prove nothing and some processors take them faster.

    Not more than a little: a deep flow of random couplings is no longer invertible in float32.
    """
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.dim() == 4 and not bool(parameter.any()):
            parameter.add_(amount * torch.randn(parameter.shape, generator=generator))


def training(model: LatentModel, images: Tensor, precision: str) -> Operation:
    """A step of the training loop: batch in memory, all networks updated; without the average, which peers lack."""
    trained = placed(copy.deepcopy(model), torch.device("cpu")).train()
    images = images.contiguous(memory_format=torch.channels_last)
    optimisers = Optimisers(trained, TrainConfig(precision=precision), torch.device("cpu"))

    def step() -> None:
        optimisers.begin(optimisers.index + 1, optimisers.index, 1e-4)
        optimisers.advance(trained, images, len(images))

    return step


def frozen(model: LatentModel) -> Frozen:
    """The object that the program infers with."""
    return freeze_model(placed(copy.deepcopy(model), torch.device("cpu")).eval().requires_grad_(False))


def sampling(model: LatentModel, n: int) -> Operation:
    """Draws n codes and their pictures."""
    ready = frozen(model)

    @torch.inference_mode()
    def draw() -> Tensor:
        return ready.decode(model.sample_codes(n))

    return draw


def encoding(model: LatentModel, side: int) -> Operation:
    """Encodes one picture."""
    ready, picture = frozen(model), pictures(1, side)

    @torch.inference_mode()
    def encode() -> Tensor:
        return ready.encode(picture)

    return encode


def drawing(model: LatentModel, codes: Tensor) -> Callable[[], Tensor]:
    """The pictures of fixed codes."""

    @torch.inference_mode()
    def draw() -> Tensor:
        return frozen(model).decode(codes)

    return draw


def inverse_error(model: LatentModel, side: int) -> Callable[[], float]:
    """What a round trip through the codes loses, of pictures in [-1, 1]."""

    @torch.inference_mode()
    def error() -> float:
        ready, images = frozen(model), pictures(16, side)
        return float((ready.decode(ready.encode(images)) - images).abs().max())

    return error
