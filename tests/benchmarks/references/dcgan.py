"""The textbook DCGAN (Radford et al. 2016, arXiv:1511.06434), written plainly as its well-known example is.

A step is one update of each network; the generator's update also computes gradients of the discriminator's weights and
throws them away, as the example does. With `ours` the discriminator is the program's own: no batch norm, a layer that
sees the spread over the batch, under the same names of weights.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, leaky_relu


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Generator(nn.Module):
    """(B, D) -> (B, 3, 64, 64) in [-1, 1] by transposed convolutions alone; smaller sides have fewer of them."""

    def __init__(self, *, code: int = 100, width: int = 64, side: int = 64, channels: int = 3) -> None:
        super().__init__()
        widths = stages(width, side)[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose2d(code, widths[0], 4, 1, 0, bias=False)]
        for before, after in pairwise(widths):
            layers += [nn.BatchNorm2d(before), nn.ReLU(True), nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
        layers += [
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(True),
            nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=False),
            nn.Tanh(),
        ]
        self.main = nn.Sequential(*layers)
        self.code = code
        self.apply(_initialise)

    def forward(self, z: Tensor) -> Tensor:
        return self.main(z[:, :, None, None])


def stages(width: int, side: int) -> list[int]:
    """Channels at half the side, a quarter, ... down to 4 pixels."""
    return [width * min(2**i, 8) for i in range((side // 4).bit_length() - 1)]


class Discriminator(nn.Module):
    """(B, 3, S, S) -> (B,) logits."""

    def __init__(self, *, width: int = 64, side: int = 64, channels: int = 3) -> None:
        super().__init__()
        widths = stages(width, side)
        layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2, True)]
        layers.append(nn.Conv2d(widths[-1], 1, 4, 1, 0, bias=False))
        self.main = nn.Sequential(*layers)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x).flatten()


class OurDiscriminator(nn.Module):
    """The program's discriminator, plainly: (B, 3, S, S) -> (B,) logits."""

    def __init__(self, *, width: int = 64, side: int = 64, channels: int = 3) -> None:
        super().__init__()
        widths = stages(width, side)
        self.body = nn.ModuleList(
            nn.Conv2d(before, after, 4, 2, 1) for before, after in zip([channels, *widths[:-1]], widths, strict=True)
        )
        self.mix = nn.Conv2d(widths[-1] + 1, widths[-1], 3, padding=1)
        self.head = nn.Linear(16 * widths[-1], 1)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.body:
            x = leaky_relu(conv(x), 0.2)
        spread = torch.sqrt(x.var(0, unbiased=False) + 1e-8).mean()
        x = torch.cat([x, spread.expand(len(x), 1, 4, 4)], 1)
        return self.head(leaky_relu(self.mix(x), 0.2).flatten(1)).squeeze(1)


def step(
    generator: Generator,
    discriminator: nn.Module,
    adams: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
    real: Tensor,
) -> tuple[Tensor, Tensor]:
    """One update of each network from images; `adams` are the generator's and the discriminator's."""
    ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
    discriminator.zero_grad()
    on_real = binary_cross_entropy_with_logits(discriminator(real), ones)
    on_real.backward()
    fake = generator(torch.randn(len(real), generator.code))
    on_fake = binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros)
    on_fake.backward()
    adams[1].step()
    generator.zero_grad()
    loss = binary_cross_entropy_with_logits(discriminator(fake), ones)
    loss.backward()
    adams[0].step()
    return on_real + on_fake, loss
