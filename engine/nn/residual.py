"""Residual convolution blocks without normalisation: fast on a CPU, the same in training and use."""

from torch import Tensor, nn
from torch.nn.functional import silu

from engine.nn.recompute import Recomputed


class ResidualBlock(Recomputed):
    """x + conv(silu(conv(silu(x)))), (B, C, H, W) -> the same shape.

    The second convolution starts at zero, so that a deep stack starts as the identity and needs no normalisation
    (Zhang et al. 2019, "Fixup", arXiv:1901.09321; De & Smith 2020, "SkipInit", arXiv:2002.10444).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight)
        nn.init.zeros_(self.second.weight)
        for conv in (self.first, self.second):
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.held(self._branch, x)

    def _branch(self, x: Tensor) -> Tensor:
        h: Tensor = self.second(silu(self.first(silu(x))))
        return h


class Down(nn.Module):
    """(B, C, H, W) -> (B, C', H/2, W/2) by one strided convolution."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out_channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y


class Up(nn.Module):
    """(B, C, H, W) -> (B, C', 2H, 2W) by one transposed convolution.

    The kernel of 4 is a multiple of the stride of 2: every output pixel is reached by as many weights, so there is
    no checkerboard by construction (Odena et al. 2016, "Deconvolution and Checkerboard Artifacts").
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(channels, out_channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y
