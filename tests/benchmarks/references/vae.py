"""A textbook convolutional VAE (Kingma & Welling 2014, arXiv:1312.6114): strided convolutions with batch norm.

32, 64, 128, 256 and 512 channels and a code of 128 numbers, as in the public collections; plainly written.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 128, 256, 512)


class Encoder(nn.Module):
    """(B, 3, S, S) -> mean and log variance, both (B, D)."""

    def __init__(self, *, code: int = 128, side: int = 64, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *widths[:-1]), widths, strict=True):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU()]
        self.body = nn.Sequential(*layers)
        flat = widths[-1] * (side >> len(widths)) ** 2
        self.mean, self.log_variance = nn.Linear(flat, code), nn.Linear(flat, code)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(x).flatten(1)
        return self.mean(h), self.log_variance(h)


class Decoder(nn.Module):
    """(B, D) -> (B, 3, S, S) in [-1, 1]."""

    def __init__(self, *, code: int = 128, side: int = 64, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.shape = (widths[-1], side >> len(widths), side >> len(widths))
        self.stem = nn.Linear(code, self.shape[0] * self.shape[1] ** 2)
        layers: list[nn.Module] = []
        back = widths[::-1]
        for before, after in zip(back, (*back[1:], back[-1]), strict=True):
            layers += [
                nn.ConvTranspose2d(before, after, 3, 2, 1, output_padding=1),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(),
            ]
        self.body = nn.Sequential(*layers, nn.Conv2d(back[-1], 3, 3, padding=1), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.body(self.stem(z).view(-1, *self.shape))


class Vae(nn.Module):
    """The two, and the loss: half the squared error and the KL divergence to N(0, I)."""

    def __init__(self, *, code: int = 128, side: int = 64, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.code = code
        self.encoder = Encoder(code=code, side=side, widths=widths)
        self.decoder = Decoder(code=code, side=side, widths=widths)

    def loss(self, x: Tensor) -> Tensor:
        mean, log_variance = self.encoder(x)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        error = 0.5 * (self.decoder(z) - x).square().flatten(1).sum(1)
        kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1)
        return (error + kl).mean()


def step(model: Vae, adam: torch.optim.Optimizer, x: Tensor) -> Tensor:
    """One update from images."""
    adam.zero_grad()
    loss = model.loss(x)
    loss.backward()
    adam.step()
    return loss
