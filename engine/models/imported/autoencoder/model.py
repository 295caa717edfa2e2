"""The convolutional autoencoder of latent diffusion (Rombach et al. 2022, arXiv:2112.10752), as diffusers stores it.

Modules are named as in the public files, so that a file's tensors load by name.
"""

import math
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, scaled_dot_product_attention, silu

from engine.errors import Unsupported, UsageError
from engine.knobs import knob
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps

EPSILON: Final = 1e-6
MAX_PARAMETERS: Final = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class ImportedAutoencoderConfig:
    """The architecture, as config.json beside the weights says it."""

    widths: str = knob("128 256 512 512", "Widths", "Channels at each resolution, finest first.")
    blocks: int = knob(2, "Blocks", "Residual blocks a resolution in the encoder.", low=1, high=8)
    latent: int = knob(4, "Latent channels", "Channels of the latent picture.", low=1, high=64)
    groups: int = knob(32, "Groups", "Groups of the group normalisation.", low=1, high=256)
    attention: bool = knob(True, "Attention", "Whether the middle has attention.")
    quant: bool = knob(True, "Quant", "A 1x1 convolution after the encoder.")
    post_quant: bool = knob(True, "Post quant", "A 1x1 convolution before the decoder.")
    scaling: float = knob(0.18215, "Scaling", "What makes the latent picture of unit variance.", low=1e-6, high=1e6)
    shift: float = knob(0.0, "Shift", "What is taken off before scaling.", low=-1e6, high=1e6)

    def widths_tuple(self) -> tuple[int, ...]:
        """The widths as numbers.

        Raises:
            UsageError: they are none, too many, or do not fit the groups.
        """
        try:
            found = tuple(int(word) for word in self.widths.split())
        except ValueError:
            found = ()
        if not 1 <= len(found) <= 8 or any(not 1 <= w <= 4096 or w % self.groups for w in found):
            raise UsageError(
                f"widths must be 1 to 8 multiples of the {self.groups} groups, got {self.widths[:60]!r}: import again."
            )
        return found


class Resnet(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x)))))), with a 1x1 convolution on the shortcut where channels change."""

    def __init__(self, channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels, eps=EPSILON)
        self.conv1 = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, out_channels, eps=EPSILON)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(channels, out_channels, 1) if channels != out_channels else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(silu(self.norm2(self.conv1(silu(self.norm1(x))))))
        past = x if self.conv_shortcut is None else self.conv_shortcut(x)
        y: Tensor = past + h
        return y


class Attention(nn.Module):
    """One head of self-attention over all pixels, added to its input."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, eps=EPSILON)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x: Tensor) -> Tensor:
        flat = self.group_norm(x).flatten(2).transpose(1, 2)
        seen = scaled_dot_product_attention(self.to_q(flat), self.to_k(flat), self.to_v(flat))
        y: Tensor = x + self.to_out[0](seen).transpose(1, 2).reshape(x.shape)
        return y


class Middle(nn.Module):
    """Two residual blocks with attention between."""

    def __init__(self, channels: int, groups: int, attention: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(channels, channels, groups) for _ in range(2))
        self.attentions = nn.ModuleList([Attention(channels, groups)] if attention else [])

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.resnets[0](x)
        for attention in self.attentions:
            h = attention(h)
        y: Tensor = self.resnets[1](h)
        return y


class Resampler(nn.Module):
    """Halves or doubles by a 3x3 convolution."""

    def __init__(self, channels: int, *, up: bool) -> None:
        super().__init__()
        self.up = up
        self.conv = nn.Conv2d(channels, channels, 3, stride=1 if up else 2, padding=1 if up else 0)

    def forward(self, x: Tensor) -> Tensor:
        # Halving pads at the right and bottom only: the public files were trained so.
        seen = interpolate(x, scale_factor=2.0, mode="nearest") if self.up else pad(x, (0, 1, 0, 1))
        y: Tensor = self.conv(seen)
        return y


class ResidualStage(nn.Module):
    """Residual blocks at one resolution, then half or double of it."""

    def __init__(self, channels: int, out_channels: int, *, blocks: int, groups: int, resample: str) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            Resnet(channels if i == 0 else out_channels, out_channels, groups) for i in range(blocks)
        )
        if resample == "down":
            self.downsamplers = nn.ModuleList([Resampler(out_channels, up=False)])
        elif resample == "up":
            self.upsamplers = nn.ModuleList([Resampler(out_channels, up=True)])
        self._resample = {"down": "downsamplers", "up": "upsamplers"}.get(resample)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.resnets:
            x = block(x)
        if self._resample is not None:
            x = getattr(self, self._resample)[0](x)
        return x


class KlEncoder(nn.Module):
    """(B, C, S, S) -> (B, 2 L, S/f, S/f): mean and log variance of the latent picture."""

    def __init__(self, config: ImportedAutoencoderConfig, channels: int) -> None:
        super().__init__()
        widths, groups = config.widths_tuple(), config.groups
        self.conv_in = nn.Conv2d(channels, widths[0], 3, padding=1)
        before = (widths[0], *widths)
        self.down_blocks = nn.ModuleList(
            ResidualStage(a, b, blocks=config.blocks, groups=groups, resample="down" if i + 1 < len(widths) else "")
            for i, (a, b) in enumerate(zip(before, widths, strict=False))
        )
        self.mid_block = Middle(widths[-1], groups, config.attention)
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], eps=EPSILON)
        self.conv_out = nn.Conv2d(widths[-1], 2 * config.latent, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv_in(x)
        for stage in self.down_blocks:
            h = stage(h)
        y: Tensor = self.conv_out(silu(self.conv_norm_out(self.mid_block(h))))
        return y


class Decoder(nn.Module):
    """(B, L, S/f, S/f) -> (B, C, S, S)."""

    def __init__(self, config: ImportedAutoencoderConfig, channels: int) -> None:
        super().__init__()
        widths, groups = config.widths_tuple()[::-1], config.groups
        self.conv_in = nn.Conv2d(config.latent, widths[0], 3, padding=1)
        self.mid_block = Middle(widths[0], groups, config.attention)
        before = (widths[0], *widths)
        self.up_blocks = nn.ModuleList(
            ResidualStage(a, b, blocks=config.blocks + 1, groups=groups, resample="up" if i + 1 < len(widths) else "")
            for i, (a, b) in enumerate(zip(before, widths, strict=False))
        )
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], eps=EPSILON)
        self.conv_out = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.mid_block(self.conv_in(z))
        for stage in self.up_blocks:
            h = stage(h)
        y: Tensor = self.conv_out(silu(self.conv_norm_out(h)))
        return y


class ImportedAutoencoder(LatentModel):
    """The code is the flattened latent picture, shifted and scaled to unit variance; `encode` gives the mean."""

    abilities = Abilities(encode="amortised", density="none")

    def __init__(self, config: ImportedAutoencoderConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, side, _ = image_shape
        widths = config.widths_tuple()
        factor = 2 ** (len(widths) - 1)
        if side % factor:
            raise UsageError(f"image_size must be a multiple of {factor}, got {side}: choose another.")
        count = sum(2 * (config.blocks + 2) * 18 * w * w for w in widths)
        if count > MAX_PARAMETERS:
            raise UsageError(f"this model holds about {count:,} numbers: import a smaller one.")
        self.config = config
        self.latent_shape = (config.latent, side // factor, side // factor)
        size = math.prod(self.latent_shape)
        group = Group("code", 0, size, self.latent_shape[1:])
        self.spec = LatentSpec(size=size, groups=(group,), image_shape=image_shape)
        self.encoder = KlEncoder(config, channels)
        self.decoder = Decoder(config, channels)
        self.quant_conv = nn.Conv2d(2 * config.latent, 2 * config.latent, 1) if config.quant else None
        self.post_quant_conv = nn.Conv2d(config.latent, config.latent, 1) if config.post_quant else None

    def encode(self, x: Tensor) -> Tensor:
        moments = self.encoder(x)
        if self.quant_conv is not None:
            moments = self.quant_conv(moments)
        mean = moments.chunk(2, 1)[0]
        code: Tensor = ((mean - self.config.shift) * self.config.scaling).flatten(1)
        return code

    def _latent(self, z: Tensor) -> Tensor:
        """What the decoder takes for codes (B, D)."""
        latent: Tensor = z.unflatten(1, self.latent_shape) / self.config.scaling + self.config.shift
        if self.post_quant_conv is not None:
            latent = self.post_quant_conv(latent)
        return latent

    def decode(self, z: Tensor) -> Tensor:
        x: Tensor = self.decoder(self._latent(z)).clamp(-1.0, 1.0)
        return x

    def decoder_features(self, z: Tensor) -> Tensor:
        """(B, F, S/f, S/f): the decoder's middle."""
        features: Tensor = self.decoder.mid_block(self.decoder.conv_in(self._latent(z)))
        return features

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        raise Unsupported("An imported model is explored, not trained: train one of the families here instead.")
