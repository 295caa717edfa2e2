"""Differentiable augmentation for small data (Zhao et al. 2020, "DiffAugment", arXiv:2006.10738)."""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import pad


class Rand(Protocol):
    """Draws uniform numbers in [0, 1) of a shape, one row for each image, like another tensor."""

    def __call__(self, *shape: int, like: Tensor) -> Tensor: ...


def differentiable_augment(x: Tensor, rand: Rand, *, shift: float = 0.125) -> Tensor:
    """Random brightness, saturation, contrast and translation of each image (B, C, H, W), with gradients.

    Real and generated images go through the same kinds of change, so the discriminator cannot learn the training
    images by heart from their exact pixels. `rand` draws the five numbers of each image.
    """
    n, _, height, width = x.shape
    reach = max(1, round(height * shift))
    uniform = rand(n, 5, like=x)
    brightness, saturation, contrast = uniform[:, :3].T.reshape(3, n, 1, 1, 1)
    x = x + (brightness - 0.5)
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (2.0 * saturation) + grey
    middle = x.mean((1, 2, 3), keepdim=True)
    x = (x - middle) * (contrast + 0.5) + middle
    # In float32, since a lower precision rounds 0.999 to 1, which would be one place too far.
    places = 2 * reach + 1
    offsets = (uniform[:, 3:].float() * places).long().clamp_max(places - 1)
    # Gathered on the device, whatever the places: to read them here would wait for all that a GPU still has to do.
    padded = pad(x, (reach, reach, reach, reach))
    rows = offsets[:, :1] + torch.arange(height, device=x.device)
    columns = offsets[:, 1:] + torch.arange(width, device=x.device)
    moved = padded.gather(2, rows[:, None, :, None].expand(-1, x.shape[1], -1, padded.shape[3]))
    moved = moved.gather(3, columns[:, None, None, :].expand(-1, x.shape[1], height, -1))
    return moved.contiguous(memory_format=torch.channels_last)
