"""What a picture looks like beyond its pixels: how strongly its edges stand in each direction and at each scale.

A pixel loss punishes a wrinkle drawn one pixel aside twice and so prefers none. The energy of a quadrature pair of
Gabor filters does not depend on where exactly the edge stands (Adelson & Bergen 1985, "Spatiotemporal energy models
for the perception of motion", section 3). The bank is fixed: the same loss for every model, and no file.
"""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

ORIENTATIONS = 4
SCALES = 3
KERNEL_PX = 7
WAVELENGTH_PX = 4.0
SIGMA_PX = 2.0
_FLOOR = 1e-4


@cache
def _bank() -> Tensor:
    """Kernels (2 x orientations, 1, K, K) of unit length, even and odd in turn, without an answer to flat grey."""
    at = torch.arange(KERNEL_PX) - KERNEL_PX // 2
    y, x = torch.meshgrid(at.float(), at.float(), indexing="ij")
    window = torch.exp(-(x * x + y * y) / (2 * SIGMA_PX**2))
    kernels = []
    for i in range(ORIENTATIONS):
        angle = math.pi * i / ORIENTATIONS
        phase = 2 * math.pi * (x * math.cos(angle) + y * math.sin(angle)) / WAVELENGTH_PX
        even = window * torch.cos(phase)
        even = even - window * (even.sum() / window.sum())
        odd = window * torch.sin(phase)
        kernels += [even / even.norm(), odd / odd.norm()]
    return torch.stack(kernels)[:, None]


def energies(images: Tensor) -> list[Tensor]:
    """Local energies (B, orientations, S', S') of the grey values of images (B, C, S, S), finest scale first.

    Three scales, fewer where the image gets smaller than the filter.
    """
    # A caller in inference mode may have made the bank, and such tensors cannot take part in a gradient.
    with torch.inference_mode(False):
        bank = _bank().clone().to(images)
    grey, found = images.mean(1, keepdim=True), []
    for _ in range(SCALES):
        if min(grey.shape[-2:]) < KERNEL_PX:
            break
        margin = KERNEL_PX // 2
        answers = F.conv2d(F.pad(grey, (margin,) * 4, mode="reflect"), bank)
        pairs = answers.unflatten(1, (ORIENTATIONS, 2))
        # The floor keeps the root's gradient finite where nothing is seen.
        found.append((pairs.square().sum(2) + _FLOOR).sqrt())
        grey = F.avg_pool2d(grey, 2)
    return found
