"""How a GAN grows to pictures of twice the size: what it has learned stays, and a stage that adds nothing yet is added.

Generator and discriminator keep all stages of the smaller size. The generator's picture is enlarged and the new stage
adds to it; the discriminator's stages see the picture made smaller, and the new one adds what it sees in the whole.
Both begin by adding zero, so that a grown model is the smaller one to begin with (the skip connections of Karras et
al. 2020, arXiv:1912.04958, in place of the faded layers of Karras et al. 2018, arXiv:1710.10196).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, leaky_relu

from engine.errors import UsageError
from engine.models.gan.config import DcganConfig
from engine.models.gan.layers import doubled, initialise

SMALLEST = 8
"""Pixels a side of the picture that the first stages draw."""
FADE_STEPS = 1500
"""In which pictures of the new size take the place of enlarged ones, at most a tenth of all steps."""
CRITIC_STEPS = 500
"""In which a new discriminator gets to know a generator that is there already, at most a twelfth of all steps."""


def enlarged(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, 2H, 2W), linearly between the middles of pixels, as they are at the edges.

    Of plain operations: the gradient of torch's own is not the same twice on a GPU.
    """
    return _enlarged(_enlarged(x, 2), 3)


def _enlarged(x: Tensor, axis: int) -> Tensor:
    count = x.shape[axis]
    before = torch.cat([x.narrow(axis, 0, 1), x.narrow(axis, 0, count - 1)], axis)
    after = torch.cat([x.narrow(axis, 1, count - 1), x.narrow(axis, count - 1, 1)], axis)
    return torch.stack([torch.lerp(x, before, 0.25), torch.lerp(x, after, 0.25)], axis + 1).flatten(axis, axis + 1)


class GrownPicture(nn.Module):
    """The generator's new stage: features (B, F, H, W) -> (B, `channels`, 2H, 2W), and what they add to the picture."""

    def __init__(self, config: DcganConfig, before: int, colours: int) -> None:
        super().__init__()
        self.channels = config.fine or max(8, config.width // 2)
        self.up = nn.Sequential(
            *doubled(config, before, self.channels, bias=False), nn.BatchNorm2d(self.channels), nn.ReLU()
        )
        self.paint = nn.Sequential(
            *(
                [nn.Conv2d(self.channels, colours, 3, padding=1)]
                if config.fine
                else doubled(config, self.channels, colours, bias=True)
            )
        )
        initialise(self.up)
        for parameter in self.paint.parameters():
            nn.init.zeros_(parameter)


class GrownSight(nn.Module):
    """The discriminator's new stage: a picture (B, C, H, W), with what a newer stage adds to its first features, ->
    what it adds (B, `out`, H/4, W/4) to the first features of the next smaller size.
    """

    def __init__(self, config: DcganConfig, colours: int, out: int) -> None:
        super().__init__()
        self.see = nn.Conv2d(colours, config.discriminator_width, 4, 2, 1)
        self.add = nn.Conv2d(config.discriminator_width, out, 4, 2, 1, bias=False)
        initialise(self.see)
        nn.init.zeros_(self.add.weight)

    def forward(self, x: Tensor, added: Tensor | None) -> Tensor:
        y = self.see(x)
        found: Tensor = self.add(leaky_relu(y if added is None else y + added, 0.2))
        return found


def faded_in(real: Tensor, config: DcganConfig, step: int) -> Tensor:
    """Real pictures (B, C, H, W) as a grown discriminator is shown them at `step`: the smaller ones enlarged at first,
    then more and more themselves.

    Else it would tell every sample by its lack of detail before the generator has any, and teach it nothing else.
    """
    since = step - config.critic_first
    if not (config.grown and config.fade) or since >= config.fade:
        return real
    return torch.lerp(enlarged(avg_pool2d(real, 2)), real, max(since, 0) / config.fade)


def grown_config(config: DcganConfig, *, steps: int, complete: bool) -> DcganConfig:
    """The config of the model that one of `config` grows into; `complete` says whether its discriminator is there.

    Raises:
        UsageError: it cannot grow.
    """
    return replace(
        config,
        grown=config.grown + 1,
        fade=min(FADE_STEPS, steps // 10),
        critic_first=0 if complete else min(CRITIC_STEPS, steps // 12),
    )


def check_grown(config: DcganConfig, size: int) -> None:
    """Whether a model of pictures of `size` pixels can have grown as `config` says.

    Raises:
        UsageError: it cannot.
    """
    if config.grown and size >> config.grown < SMALLEST:
        raise UsageError(
            f"grown must leave at least {SMALLEST} of {size} pixels to begin with, got {config.grown} doublings: "
            "choose fewer."
        )
    if config.grown and config.regulariser == "spectral":
        raise UsageError(
            "Spectral norm bounds every layer, and a new one that begins at zero has no bound: "
            "a GAN grows with the regulariser r1 or none."
        )
