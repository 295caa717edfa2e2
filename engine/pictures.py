"""Between tensors in [-1, 1] and the uint8 pictures that people see."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.errors import UserError
from engine.files.disk import reason, replacing


def to_pictures(x: Tensor) -> NDArray[np.uint8]:
    """Images (B, C, H, W) in [-1, 1] -> contiguous (B, H, W, 3) uint8; values that are not finite become grey."""
    x = torch.nan_to_num(x.detach().float(), nan=0.0, posinf=1.0, neginf=-1.0)
    x = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()
    if x.shape[1] == 1:
        x = x.expand(-1, 3, -1, -1)
    return np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy())


def to_images(
    pictures: NDArray[np.uint8] | NDArray[np.float32], device: torch.device | str = "cpu", channels: int | None = None
) -> Tensor:
    """Pictures (B, H, W, C) uint8 -> images (B, C, H, W) float32 in [-1, 1], channels last in memory.

    Points are kept as float32 (B, 1, 1, d), and given as they are.
    """
    x = torch.from_numpy(np.array(pictures)).to(device).permute(0, 3, 1, 2)
    if x.is_floating_point():
        return x.float().contiguous()
    x = x.float().div_(127.5).sub_(1.0)
    if channels == 1 and x.shape[1] == 3:
        x = (x * torch.tensor([0.299, 0.587, 0.114], device=x.device)[:, None, None]).sum(1, keepdim=True)
    return x.contiguous(memory_format=torch.channels_last)


def sheet(pictures: NDArray[np.uint8], columns: int, gap: int = 2) -> NDArray[np.uint8]:
    """(N, H, W, 3) -> one picture with `columns` a row and a grey gap."""
    n, height, width, _ = pictures.shape
    rows = -(-n // columns)
    out = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 24, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        out[top : top + height, left : left + width] = picture
    return out


def save_picture(picture: NDArray[np.uint8], path: Path) -> None:
    """Writes PNG, JPEG or WebP by the path's suffix; the file appears whole, so nobody reads half of it.

    Raises:
        UserError: an unknown suffix or a place that cannot be written.
    """
    try:
        form = Image.registered_extensions()[path.suffix.lower()]
        with replacing(path, sync=False) as temporary:
            # Every format but WebP passes over the word.
            Image.fromarray(picture).save(temporary, format=form, lossless=True)
    except LookupError as error:
        raise UserError(f"'{path.name or path}' ends in no picture format: use .png, .jpg or .webp.") from error
    except OSError as error:
        raise UserError(f"{path} could not be written ({reason(error)}): choose another place.") from error
