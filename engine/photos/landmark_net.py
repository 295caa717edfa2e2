"""The small convolutional network that predicts five points of a face in a 64-pixel cut, and its file.

The only file of `engine.photos` that imports torch, so that finding faces and cutting photos does not need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import CheckpointError
from engine.files import tensors
from engine.files.disk import told_as

INPUT_PX: Final = 64
LAYERS: Final = ((3, 16, 2), (16, 32, 2), (32, 48, 1), (48, 64, 2), (64, 64, 1), (64, 96, 2), (96, 64, 1))
"""Channels in, channels out and stride of each 3x3 convolution: 64 pixels become 4."""
HIDDEN: Final = 128
POINTS: Final = 5
FORMAT: Final = "latent-loom/landmarks-1"
MAX_FILE_BYTES: Final = 4 * 2**20


class LandmarkNet(nn.Module):
    """(B, 3, 64, 64) standardised cuts -> (B, 5, 2) points, as shares of the cut's side.

    Plain convolutions with ReLU: the batch norms of training are folded into them before the weights are saved.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=stride, padding=1) for a, b, stride in LAYERS)
        self.hidden = nn.Linear(LAYERS[-1][1] * 16, HIDDEN)
        self.out = nn.Linear(HIDDEN, 2 * POINTS)

    def forward(self, cuts: Tensor) -> Tensor:
        x = cuts
        for conv in self.convs:
            x = torch.relu(conv(x))
        x = torch.relu(self.hidden(x.flatten(1)))
        return torch.as_tensor(self.out(x)).view(-1, POINTS, 2)


def standardised(cuts: NDArray[np.uint8]) -> Tensor:
    """(B, 64, 64, 3) uint8 as (B, 3, 64, 64) float32 of mean 0 and deviation 1 a cut: light and contrast cancel."""
    x = torch.from_numpy(np.ascontiguousarray(cuts)).permute(0, 3, 1, 2).float()
    x = x - x.mean((1, 2, 3), keepdim=True)
    return x / (x.std((1, 2, 3), keepdim=True) + 4.0)


@torch.inference_mode()
def predict(net: LandmarkNet, cuts: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The points (B, 5, 2) of cuts (B, 64, 64, 3), as shares of the cut's side (x to the right, y downwards)."""
    return np.asarray(net(standardised(cuts)).double().numpy(), np.float64)


def save_net(path: Path, net: LandmarkNet) -> str:
    """Writes the weights in half precision, their SHA-256 in the header, and returns it."""
    return tensors.save_sealed(
        path, {name: value.half() for name, value in net.state_dict().items()}, FORMAT, types=True
    )


def load_net(path: Path) -> LandmarkNet:
    """The network in `path`, in float32.

    Raises:
        CheckpointError: the file is missing, damaged, or of another network.
    """
    with told_as(
        CheckpointError,
        f"The face landmarks file {path.name} cannot be used",
        "install Latent Loom again.",
        errors=(OSError, ValueError, RuntimeError),
    ):
        state = tensors.load_sealed(path, FORMAT, most=MAX_FILE_BYTES, types=True)
        with torch.device("meta"):
            net = LandmarkNet()
        net.load_state_dict({name: value.float() for name, value in state.items()}, assign=True)
    return net.eval().requires_grad_(False)
