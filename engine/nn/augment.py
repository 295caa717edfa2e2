"""Differentiable augmentation for small data (Zhao et al. 2020, "DiffAugment", arXiv:2006.10738)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def differentiable_augment(x: Tensor, generator: torch.Generator, *, shift: float = 0.125) -> Tensor:
    """Random brightness, saturation, contrast and translation of each image (B, C, H, W), with gradients.

    Real and generated images go through the same kinds of change, so the discriminator cannot learn the training
    images by heart from their exact pixels. Random numbers come from the CPU: the same on every device.
    """
    n, _, height, width = x.shape
    uniform = torch.rand(3, n, 1, 1, 1, generator=generator).to(x)
    x = x + (uniform[0] - 0.5)
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (2.0 * uniform[1]) + grey
    middle = x.mean((1, 2, 3), keepdim=True)
    x = (x - middle) * (uniform[2] + 0.5) + middle
    reach = max(1, round(height * shift))
    offsets = torch.randint(0, 2 * reach + 1, (2, n), generator=generator).tolist()
    padded = pad(x, (reach, reach, reach, reach))
    shifted = [
        padded[i, :, dy : dy + height, dx : dx + width]
        for i, (dy, dx) in enumerate(zip(*offsets, strict=True))
    ]
    return torch.stack(shifted).contiguous(memory_format=torch.channels_last)
