"""An encoder trained beside a frozen generator, and its file, bound to the model by SHA-256.

A GAN has no encoder of its own. This one answers in a few milliseconds, and the search of `inversion` starts
from its answer (Zhu et al. 2016, "Generative Visual Manipulation on the Natural Image Manifold",
arXiv:1609.03552, section 3.1). `scripts/fit_encoder.py` fits it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pixel_unshuffle, silu

from engine.errors import CheckpointError
from engine.files import tensors
from engine.files.disk import MALFORMED, TooLarge, read_bytes, reason, told_as, write_bytes
from engine.nn.residual import Down, ResidualBlock

SCHEMA: Final = "latent-loom/encoder/1"
HEADER_CAP: Final = 1_000_000
FILE_CAP: Final = 64 * 2**20
WIDTH_CAP: Final = 512
THUMB_PX: Final = 16
FACTORS: Final = (1.0, 2.0, 3.2, 4.0)


@dataclass(frozen=True)
class EncoderShape:
    """What decides every tensor's shape: numbers in a code, the images' (C, S, S), and channels at S/2."""

    code: int
    image_shape: tuple[int, int, int]
    width: int = 40


class CodeEncoder(nn.Module):
    """Images (B, C, S, S) in [-1, 1] -> codes (B, D), roughly those whose decoded images they are.

    A linear path from a thumbnail of 16 pixels stands beside the network, so that training starts where ridge
    regression ends; the network's last layer starts at zero.
    """

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        channels, size, _ = shape.image_shape
        self.shape = shape
        self.thumb = min(THUMB_PX, size // 2)
        count = max(1, int(math.log2(size // 4)))
        widths = [8 * max(1, round(shape.width * FACTORS[min(i, 3)] / 8)) for i in range(count)]
        layers: list[nn.Module] = [nn.Conv2d(4 * channels, widths[0], 3, padding=1)]
        for i, width in enumerate(widths):
            if i:
                layers.append(Down(widths[i - 1], width))
            layers.append(ResidualBlock(width))
        self.body = nn.Sequential(*layers)
        side = size // 2**count
        self.head = nn.Linear(side * side * widths[-1], shape.code)
        self.linear = nn.Linear(channels * self.thumb**2, shape.code)
        for layer in (self.head, self.linear):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = silu(self.body(pixel_unshuffle(x, 2)))
        z: Tensor = self.head(h.flatten(1)) + self.linear(self._thumbnail(x))
        return z.float()

    def features(self, x: Tensor) -> list[Tensor]:
        """What the network sees in images at each scale, finest first: (B, C', S', S') each."""
        found = []
        h = pixel_unshuffle(x, 2)
        for layer in self.body:
            h = layer(h)
            if isinstance(layer, ResidualBlock):
                found.append(h)
        return found

    def _thumbnail(self, x: Tensor) -> Tensor:
        return avg_pool2d(x, x.shape[-1] // self.thumb).flatten(1)

    @torch.no_grad()
    def prepare(self, images: Tensor, codes: Tensor, *, ridge: float = 0.01) -> None:
        """Starts the linear path at the ridge regression of codes (N, D) on the thumbnails of images (N, C, S, S).

        `ridge` is relative to the mean variance of a pixel.
        """
        x = self._thumbnail(images).cpu().double()
        centre = x.mean(0)
        x = x - centre
        products = x.T @ x
        products.diagonal().add_(ridge * float(products.trace()) / len(products) + 1e-9)
        weights = torch.linalg.solve(products, x.T @ codes.cpu().double())
        self.linear.weight.copy_(weights.T)
        self.linear.bias.copy_(-(centre @ weights))


@dataclass(frozen=True)
class EncoderFacts:
    """Where an encoder comes from: the model's SHA-256, and a card of JSON values (data, figures, terms)."""

    model_sha256: str
    card: Mapping[str, Any] = field(default_factory=dict)


def save_encoder(path: Path, encoder: CodeEncoder, facts: EncoderFacts) -> None:
    """Writes the encoder's weights in half precision, whole or not at all.

    Raises:
        CheckpointError: it cannot be written.
    """
    state = {key: value.half() for key, value in encoder.state_dict().items()}
    metadata = {
        "schema": SCHEMA,
        "model_sha256": facts.model_sha256,
        "code": str(encoder.shape.code),
        "image_shape": json.dumps(list(encoder.shape.image_shape)),
        "width": str(encoder.shape.width),
        "card": json.dumps(dict(facts.card), ensure_ascii=False, allow_nan=False),
    }
    with told_as(CheckpointError, f"{path.name} cannot be written", "choose another folder."):
        write_bytes(path, tensors.save(state, metadata))


def load_encoder(
    path: Path, *, model_sha256: str, code: int, image_shape: tuple[int, int, int]
) -> tuple[CodeEncoder, EncoderFacts]:
    """The encoder in the file, in evaluation mode on the CPU, for the model with this SHA-256, code size and shape.

    Raises:
        CheckpointError: unreadable, damaged, no encoder, or of another model.
    """
    try:
        content = read_bytes(path, most=FILE_CAP)
    except TooLarge as error:
        raise CheckpointError(f"{error}, too large for an encoder: fit it again.") from error
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read ({reason(error)}): fit the encoder again.") from error
    with told_as(CheckpointError, f"{path.name} is not a whole encoder file", "fit it again.", errors=MALFORMED):
        metadata = tensors.read_header(content, most=HEADER_CAP).metadata
        if metadata["schema"] != SCHEMA:
            raise ValueError("it says nothing of an encoder")
        facts = EncoderFacts(metadata["model_sha256"], dict(json.loads(metadata["card"])))
        found = EncoderShape(int(metadata["code"]), _shape(json.loads(metadata["image_shape"])), int(metadata["width"]))
    if facts.model_sha256 != model_sha256:
        raise CheckpointError(
            f"{path.name} belongs to another model ({facts.model_sha256[:12]}, this one is {model_sha256[:12]}), "
            "whose codes mean something else: fit an encoder for this model."
        )
    if (found.code, found.image_shape) != (code, image_shape) or not 1 <= found.width <= WIDTH_CAP:
        raise CheckpointError(f"{path.name} does not fit this model's codes and pictures: fit the encoder again.")
    with told_as(
        CheckpointError, f"{path.name} is damaged", "fit the encoder again.", errors=(*MALFORMED, RuntimeError)
    ):
        state = tensors.load(content)
        encoder = CodeEncoder(found)
        _check(encoder, state)
        encoder.load_state_dict({key: value.float() for key, value in state.items()})
    return encoder.eval().requires_grad_(False), facts


def _shape(values: list[int]) -> tuple[int, int, int]:
    channels, height, width = (int(v) for v in values)
    if channels not in (1, 3) or height != width or not 8 <= height <= 1024:
        raise ValueError("its image shape is impossible")
    return channels, height, width


def _check(encoder: CodeEncoder, state: Mapping[str, Tensor]) -> None:
    own = encoder.state_dict()
    if set(own) != set(state):
        raise ValueError("its tensors are not those of an encoder")
    for key, value in state.items():
        if value.shape != own[key].shape or value.dtype not in (torch.float16, torch.float32):
            raise ValueError(f"{key} has another shape or kind")
        if not bool(torch.isfinite(value).all()):
            raise ValueError(f"{key} holds numbers that are not finite")
