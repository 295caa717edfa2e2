"""The small network whose last pooling layer is the "own features" of our figures, and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.errors import CheckpointError
from engine.files import tensors
from engine.files.disk import told_as

INPUT_PX: Final = 64
LAYERS: Final = (
    (3, 16, 1),
    (16, 32, 2),
    (32, 32, 1),
    (32, 64, 2),
    (64, 64, 1),
    (64, 64, 1),
    (64, 128, 2),
    (128, 128, 1),
    (128, 128, 1),
    (128, 192, 2),
    (192, 192, 1),
)
"""Channels in, channels out and stride of each 3x3 convolution: 64 pixels become 4. The first sees every pixel."""
FEATURES: Final = LAYERS[-1][1]
FORMAT: Final = "latent-loom/features-1"
MAX_FILE_BYTES: Final = 8 * 2**20


class FeatureNet(nn.Module):
    """(B, 3, 64, 64) images in [-1, 1] -> (B, FEATURES): means over the places of the last convolution, evened out.

    Plain convolutions with ReLU, none after the last: the batch norms and the short cuts of training are folded into
    them (Ding et al. 2021, RepVGG, section 3.3). `mean` (F,) and `turn` (F, F) are of real faces: they give what
    varies little in them, such as sharpness, a say beside what varies much, such as light.
    """

    mean: Tensor
    turn: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=stride, padding=1) for a, b, stride in LAYERS)
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("turn", torch.eye(FEATURES))

    def pooled(self, images: Tensor) -> Tensor:
        """(B, FEATURES) as the last convolution gives them."""
        x = images
        for i, conv in enumerate(self.convs):
            x = conv(F.relu(x, inplace=True) if i else x)
        return x.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return (self.pooled(images) - self.mean) @ self.turn


def fitted(images: Tensor) -> Tensor:
    """Images (B, 1 or 3, H, W) in [-1, 1] as (B, 3, 64, 64): grey is replicated, other sizes are resampled.

    The resampling is bicubic with antialiasing in both directions (Parmar et al. 2022: without it a Frechet distance
    measures the resampling).
    """
    if images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
    if images.shape[-2:] != (INPUT_PX, INPUT_PX):
        images = F.interpolate(images, (INPUT_PX, INPUT_PX), mode="bicubic", antialias=True).clamp(-1, 1)
    return images


def save_net(path: Path, net: FeatureNet) -> str:
    """Writes the weights, kernels in half precision, with their SHA-256 in the header, and returns it."""
    state = {name: value.half() if value.ndim == 4 else value.float() for name, value in net.state_dict().items()}
    return tensors.save_sealed(path, state, FORMAT)


def load_net(path: Path) -> FeatureNet:
    """The network in `path`, in float32, ready to use.

    Raises:
        CheckpointError: the file is missing, damaged, or of another network.
    """
    with told_as(
        CheckpointError,
        f"The feature network {path.name} cannot be used",
        "install Latent Loom again.",
        errors=(OSError, ValueError, RuntimeError),
    ):
        state = tensors.load_sealed(path, FORMAT, most=MAX_FILE_BYTES)
        net = FeatureNet()
        net.load_state_dict({name: value.float() for name, value in state.items()})
        if not all(bool(v.isfinite().all()) for v in net.state_dict().values()):
            raise ValueError("its numbers are not finite")
    return net.requires_grad_(False).eval()
