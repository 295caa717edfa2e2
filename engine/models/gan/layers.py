"""What generator and discriminator are made of: their widths, a doubling, and the first weights."""

from __future__ import annotations

import math

from torch import nn

from engine.models.gan.config import DcganConfig
from engine.nn.upsample import UpsampleConv


def widths(base: int, size: int) -> list[int]:
    """Channels at size/2, size/4, ... down to 4 pixels, doubling up to 8 times the base."""
    return [base * min(2**i, 8) for i in range(int(math.log2(size // 4)))]


def doubled(config: DcganConfig, channels: int, out_channels: int, *, bias: bool) -> list[nn.Module]:
    """(B, C, H, W) -> (B, C', 2H, 2W). See Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"."""
    if config.upsampling == "transposed":
        return [nn.ConvTranspose2d(channels, out_channels, 4, 2, 1, bias=bias)]
    # The layer that does nothing keeps the place that the enlargement has in the names of weights.
    return [nn.Identity(), UpsampleConv(channels, out_channels, bias=bias)]


def initialise(module: nn.Module) -> None:
    """He initialisation: with no normalisation in the discriminator the signal must keep its size by itself."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            fan_in = layer.weight[0].numel() if not isinstance(layer, nn.ConvTranspose2d) else layer.weight.shape[0] * 4
            nn.init.normal_(layer.weight, std=math.sqrt(2.0 / fan_in))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
