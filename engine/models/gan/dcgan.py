"""A DCGAN-class generator and discriminator (Radford et al. 2016, arXiv:1511.06434) with today's stabilisers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu
from torch.nn.utils.parametrizations import spectral_norm

from engine.knobs import knob
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps
from engine.nn.augment import differentiable_augment
from engine.objectives.adversarial import discriminator_loss, generator_loss, r1_penalty


@dataclass(frozen=True, kw_only=True)
class DcganConfig:
    """The architecture and objective of a GAN."""

    code: int = knob(128, "Code size", "Numbers in a code.", low=2, high=1024)
    width: int = knob(64, "Width", "Channels at half resolution; deeper stages have more.", low=8, high=256)
    discriminator_width: int = knob(
        64, "Critic width", "The same for the discriminator.", low=8, high=256, advanced=True
    )
    upsampling: str = knob(
        "nearest",
        "Upsampling",
        "Nearest then convolve draws evenly; transposed convolution is faster and leaves a grid early in training.",
        choices=("nearest", "transposed"),
        advanced=True,
    )
    regulariser: str = knob(
        "r1",
        "Regulariser",
        "R1 punishes steep discriminators; spectral norm bounds every layer.",
        choices=("r1", "spectral", "none"),
    )
    r1_weight: float = knob(0.2, "R1 weight", "Higher: calmer, slower, less detail.", low=0.0, high=100.0)
    r1_every: int = knob(
        8, "R1 every", "Steps between two R1 penalties.", low=1, high=64, unit="steps", advanced=True
    )
    augment: bool = knob(
        False,
        "Augment",
        "Shifts and recolours what the discriminator sees: for small data sets, against learning by heart.",
        advanced=True,
    )


def widths(base: int, size: int) -> list[int]:
    """Channels at size/2, size/4, ... down to 4 pixels, doubling up to 8 times the base."""
    return [base * min(2**i, 8) for i in range(int(math.log2(size // 4)))]


def doubled(config: DcganConfig, channels: int, out_channels: int, *, bias: bool) -> list[nn.Module]:
    """(B, C, H, W) -> (B, C', 2H, 2W). See Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"."""
    if config.upsampling == "transposed":
        return [nn.ConvTranspose2d(channels, out_channels, 4, 2, 1, bias=bias)]
    return [nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(channels, out_channels, 3, padding=1, bias=bias)]


def initialise(module: nn.Module) -> None:
    """He initialisation: with no normalisation in the discriminator the signal must keep its size by itself."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            fan_in = (
                layer.weight[0].numel()
                if not isinstance(layer, nn.ConvTranspose2d)
                else layer.weight.shape[0] * 4
            )
            nn.init.normal_(layer.weight, std=math.sqrt(2.0 / fan_in))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class Generator(nn.Module):
    """(B, D) -> (B, C, S, S) in [-1, 1]."""

    def __init__(self, config: DcganConfig, channels: int, size: int) -> None:
        super().__init__()
        stages = widths(config.width, size)[::-1]
        self.stem = nn.Linear(config.code, 16 * stages[0], bias=False)
        self.stem_norm = nn.BatchNorm2d(stages[0])
        ups: list[nn.Module] = []
        for before, after in pairwise(stages):
            ups += [*doubled(config, before, after, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*ups)
        self.last = nn.Sequential(*doubled(config, stages[-1], channels, bias=True))
        initialise(self)
        with torch.no_grad():
            # A grey first picture, far from where tanh is flat.
            next(self.last.parameters()).mul_(0.1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.stem(z).unflatten(1, (-1, 4, 4)).contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.last(self.body(relu(self.stem_norm(h)))).float())

    def early(self, z: Tensor) -> Tensor:
        """The features after the first doubling (B, F, 8, 8)."""
        h: Tensor = relu(self.stem_norm(self.stem(z).unflatten(1, (-1, 4, 4))))
        for layer in self.body:
            h = layer(h)
            if isinstance(layer, nn.ReLU):
                break
        return h


class Discriminator(nn.Module):
    """(B, C, S, S) -> (B,) logits: how real each image looks.

    The last stage also sees the standard deviation over the batch, so a generator that always draws the same face
    is found out (Karras et al. 2018, arXiv:1710.10196, section 3).
    """

    def __init__(self, config: DcganConfig, channels: int, size: int) -> None:
        super().__init__()
        stages = widths(config.discriminator_width, size)
        convs: list[nn.Module] = []
        for before, after in pairwise([channels, *stages]):
            convs.append(nn.Conv2d(before, after, 4, 2, 1))
        self.body = nn.ModuleList(convs)
        self.mix = nn.Conv2d(stages[-1] + 1, stages[-1], 3, padding=1)
        self.head = nn.Linear(16 * stages[-1], 1)
        initialise(self)
        nn.init.normal_(self.head.weight, std=0.01)
        if config.regulariser == "spectral":
            for layer in [*convs, self.mix, self.head]:
                spectral_norm(layer)

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.body:
            x = leaky_relu(conv(x), 0.2)
        spread = x.float().var(0, unbiased=False).add(1e-8).sqrt().mean().to(x.dtype)
        x = torch.cat([x, spread.expand(len(x), 1, *x.shape[2:])], 1)
        x = leaky_relu(self.mix(x), 0.2)
        y: Tensor = self.head(x.flatten(1)).float().squeeze(1)
        return y


class Dcgan(LatentModel):
    """Non-saturating loss with R1 or spectral normalisation."""

    abilities = Abilities(encode="search", density="none")
    training_only = ("discriminator.",)

    def __init__(self, config: DcganConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, size, _ = image_shape
        self.config = config
        self.spec = LatentSpec(
            size=config.code, groups=(Group("code", 0, config.code),), image_shape=image_shape
        )
        self.generator = Generator(config, channels, size)
        self.discriminator = Discriminator(config, channels, size)

    def decode(self, z: Tensor) -> Tensor:
        x: Tensor = self.generator(z)
        return x

    def first_layer(self) -> Tensor:
        """The stem (F, D), with the scale of the batch norm behind it, which is one linear map with it."""
        norm = self.generator.stem_norm
        assert norm.running_var is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight: Tensor = self.generator.stem.weight
        return weight * scale.repeat_interleave(16)[:, None]

    def decoder_features(self, z: Tensor) -> Tensor:
        """(B, F, 8, 8): the generator after its first doubling."""
        return self.generator.early(z)

    def training_networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator}

    def _seen(self, x: Tensor, steps: Steps) -> Tensor:
        """What the discriminator is shown of images."""
        return differentiable_augment(x, steps.generator) if self.config.augment else x

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        z = torch.randn(len(batch), self.spec.size, generator=steps.generator).to(batch)
        # One generator pass serves both updates.
        with steps.autocast():
            fake = self.generator(z)
        seen_real, seen_fake = self._seen(batch, steps), self._seen(fake, steps)
        with steps.autocast():
            real_logits = self.discriminator(seen_real)
            fake_logits = self.discriminator(seen_fake.detach())
        d_loss = discriminator_loss(real_logits, fake_logits)
        total = d_loss
        if self.config.regulariser == "r1" and steps.index % self.config.r1_every == 0:
            # In float32: the penalty differentiates twice, and a gradient of a gradient has no bits to spare.
            # Its size is multiplied because it is paid only now and then (Karras et al. 2020, "lazy regularisation").
            penalty = r1_penalty(self.discriminator, seen_real)
            total = total + penalty * (0.5 * self.config.r1_weight * self.config.r1_every)
        d_norm = steps.update("discriminator", total)
        # The generator's update needs the gradient through the discriminator, not of its weights.
        self.discriminator.requires_grad_(False)
        with steps.autocast():
            logits = self.discriminator(seen_fake)
        g_loss = generator_loss(logits)
        g_norm = steps.update("generator", g_loss)
        self.discriminator.requires_grad_(True)
        return {
            "generator_loss": g_loss.detach(),
            "discriminator_loss": d_loss.detach(),
            "d_real": torch.sigmoid(real_logits.detach()).mean(),
            "d_fake": torch.sigmoid(fake_logits.detach()).mean(),
            "generator_gradient_norm": g_norm,
            "discriminator_gradient_norm": d_norm,
        }
