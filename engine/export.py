"""Moving pictures as files: GIF, WebP, a folder of PNG, and MP4 where its encoder is installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from engine.api import Pictures
from engine.errors import UsageError, UserError

Writer = Callable[[Path, "list[Image.Image]", int, Callable[[int], None]], None]


def save_animation(
    path: Path,
    frames: Pictures,
    *,
    frames_per_second: int = 30,
    scale: int = 1,
    progress: Callable[[int, int], None] | None = None,
    check_cancel: Callable[[], None] | None = None,
) -> Path:
    """Writes frames (N, H, W, 3) by the path's suffix; a path without a suffix becomes a folder of PNG files.

    `scale` enlarges each frame by a whole number. Files appear whole or not at all.

    Raises:
        UsageError: an unknown suffix.
        UserError: the place cannot be written, or the encoder of MP4 is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        known = ", ".join(s for s in WRITERS if s)
        raise UsageError(
            f"{path.name} is no animation format: use {known}, or a name without a suffix for a folder of PNG files."
        )

    def told(done: int) -> None:
        if check_cancel:
            check_cancel()
        if progress:
            progress(done, len(frames))

    images = []
    for frame in frames:
        image = Image.fromarray(np.ascontiguousarray(frame))
        if scale > 1:
            image = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
        images.append(image)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        WRITERS[suffix](path, images, frames_per_second, told)
    except OSError as error:
        raise UserError(
            f"{path} could not be written ({error.strerror or error}): choose another place."
        ) from error
    return path


def _animated(kind: str, **options: Any) -> Writer:
    def write(path: Path, images: list[Image.Image], fps: int, told: Callable[[int], None]) -> None:
        temporary = path.with_name(f".{path.name}.tmp")
        told(0)
        try:
            images[0].save(
                temporary,
                format=kind,
                save_all=True,
                append_images=images[1:],
                duration=round(1000 / fps),
                loop=0,
                **options,
            )
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        told(len(images))

    return write


def _folder(path: Path, images: list[Image.Image], fps: int, told: Callable[[int], None]) -> None:
    path.mkdir(exist_ok=True)
    for i, image in enumerate(images):
        told(i)
        image.save(path / f"{i:05d}.png")
    # What a longer export left here before would run on at the end of this one.
    for old in path.glob("[0-9][0-9][0-9][0-9][0-9].png"):
        if int(old.stem) >= len(images):
            old.unlink()
    told(len(images))


def _mp4(path: Path, images: list[Image.Image], fps: int, told: Callable[[int], None]) -> None:
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise UserError(
            "MP4 needs the video extra (pip install 'latent-loom[video]'): install it, or export GIF or WebP."
        )
    encoder = importlib.import_module("imageio_ffmpeg")
    temporary = path.with_name(f".{path.stem}.tmp.mp4")
    writer = encoder.write_frames(str(temporary), images[0].size, fps=fps, macro_block_size=2)
    try:
        writer.send(None)
        for i, image in enumerate(images):
            told(i)
            writer.send(np.asarray(image).tobytes())
        writer.close()
        temporary.replace(path)
    finally:
        writer.close()
        temporary.unlink(missing_ok=True)
    told(len(images))


WRITERS: Final[dict[str, Writer]] = {
    ".gif": _animated("GIF", optimize=False, disposal=1),
    ".webp": _animated("WEBP", quality=90, method=2),
    ".mp4": _mp4,
    "": _folder,
}
"""A new format is one function and one row."""
