"""Moving pictures as files: GIF, WebP, a folder of PNG, and MP4 where its encoder is installed.

Frames are taken one at a time, enlarged, encoded and forgotten, so that the length of an animation costs no memory.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from PIL import Image

from engine.api import Pictures
from engine.errors import UsageError, UserError
from engine.files.disk import replacing, told_as
from engine.progress import SILENT, Progress

GIF_FASTEST: Final = 50
"""Pictures per second. A GIF counts in hundredths of a second, and players slow shorter ones than two down to ten."""
NO_MP4: Final = "MP4 needs the video extra (pip install 'latent-loom[video]'): install it, or export GIF or WebP."
_PALETTE_PX: Final = 64
WEBP_QUALITY: Final = 90
MP4_QUALITY: Final = 8


@dataclass(frozen=True)
class Animation:
    """Enlarged frames, one at a time; `count` of them, `fps` a second; `forever`: the file says that it repeats."""

    frames: Iterator[Image.Image]
    count: int
    fps: int
    forever: bool

    def milliseconds(self, unit_ms: int = 1) -> Iterator[int]:
        """How long each frame stands, in whole units of `unit_ms`; what is rounded off goes to a later frame."""
        ends = [round(1000 * (i + 1) / self.fps / unit_ms) for i in range(self.count)]
        return iter(end - start for start, end in zip([0, *ends], ends, strict=False))


Writer = Callable[[Path, Animation], None]


def mp4_missing() -> str:
    """Why MP4 cannot be written and how to get it, or an empty text where it can."""
    return NO_MP4 if importlib.util.find_spec("imageio_ffmpeg") is None else ""


def check_animation(path: Path) -> None:
    """Whether `save_animation` knows this kind of file.

    Raises:
        UsageError: an unknown suffix.
        UserError: the encoder of MP4 is not installed.
    """
    if path.suffix.lower() not in WRITERS:
        known = ", ".join(s for s in WRITERS if s)
        raise UsageError(
            f"{path.name} is no animation format: use {known}, or a name without a suffix for a folder of PNG files."
        )
    if path.suffix.lower() == ".mp4" and mp4_missing():
        raise UserError(mp4_missing())


def save_animation(
    path: Path,
    frames: Pictures | Iterable[Pictures],
    *,
    count: int | None = None,
    frames_per_second: int = 30,
    scale: int = 1,
    smooth: bool = True,
    forever: bool = True,
    progress: Progress = SILENT,
) -> Path:
    """Writes frames (H, W, 3) by the path's suffix; a path without a suffix becomes a folder of PNG files.

    `count` is needed where `frames` has no length. `scale` enlarges each frame by a whole number, bicubic or (not
    `smooth`) in square pixels. `forever` makes GIF and WebP repeat. GIF plays at most 50 pictures a second. Files
    appear whole or not at all: a cancelled or failed export leaves what was there before.

    Raises:
        UsageError: an unknown suffix, or no frames.
        UserError: the place cannot be written, or the encoder of MP4 is not installed.
    """
    check_animation(path)
    suffix = path.suffix.lower()
    total = len(frames) if count is None and isinstance(frames, np.ndarray | list | tuple) else (count or 0)
    if total < 1:
        raise UsageError("An animation needs at least one frame.")

    def enlarged() -> Iterator[Image.Image]:
        for done, frame in enumerate(frames):
            progress.check()
            progress.step(done, total)
            yield _enlarged(frame, scale, smooth=smooth)

    with told_as(UserError, f"{path} could not be written", "choose another place."):
        path.parent.mkdir(parents=True, exist_ok=True)
        WRITERS[suffix](path, Animation(enlarged(), total, frames_per_second, forever))
    progress.step(total, total)
    return path


def _enlarged(frame: Pictures, scale: int, *, smooth: bool) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(frame))
    if scale == 1:
        return image
    method = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    return image.resize((image.width * scale, image.height * scale), method)


def _whole(write: Callable[[BinaryIO, Animation], None]) -> Writer:
    """A writer whose file appears by one rename."""

    def writer(path: Path, film: Animation) -> None:
        with replacing(path, sync=False) as temporary, temporary.open("wb") as file:
            write(file, film)

    return writer


def _gif(file: BinaryIO, film: Animation) -> None:
    """GIF89a, frame by frame: Pillow's own writer keeps all frames in memory, and joins those that look alike.

    Each frame is encoded by Pillow as a picture of its own, and its colour table made the frame's local one
    (GIF89a specification, sections 19 to 26).
    """
    times = film.milliseconds(10)
    for index, image in enumerate(film.frames):
        buffer = io.BytesIO()
        # Enlarging adds no colours of its own, and choosing 256 of them costs ten times less in a small picture.
        colours = image.reduce(max(1, min(image.size) // _PALETTE_PX)).quantize(256, method=Image.Quantize.MEDIANCUT)
        image.quantize(palette=colours, dither=Image.Dither.NONE).save(buffer, format="GIF", optimize=False)
        data = buffer.getvalue()
        if index == 0:
            file.write(b"GIF89a" + struct.pack("<HHBBB", *image.size, 0x70, 0, 0))
            if film.forever:
                file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
        size_bits = data[10] & 7
        start = 13 + 3 * 2 ** (size_bits + 1)
        while data[start] == 0x21:
            start = _after_extension(data, start)
        descriptor = data[start : start + 9] + bytes([data[start + 9] | 0x80 | size_bits])
        hundredths = max(next(times), 100 // GIF_FASTEST)
        file.write(b"\x21\xf9\x04" + struct.pack("<BHBB", 1 << 2, hundredths, 0, 0))
        file.write(descriptor + data[13 : 13 + 3 * 2 ** (size_bits + 1)] + data[start + 10 : -1])
    file.write(b"\x3b")


def _after_extension(data: bytes, start: int) -> int:
    """Where the block after an extension block begins."""
    start += 2
    while data[start]:
        start += data[start] + 1
    return start + 1


def _webp(file: BinaryIO, film: Animation) -> None:
    """Animated WebP, frame by frame (RFC 9649, section 2.7): Pillow's own writer wants all frames at once.

    Every frame of a morph differs everywhere from the one before, so that frames on their own cost little.
    """
    times = film.milliseconds()
    file.write(b"RIFF\x00\x00\x00\x00WEBP")
    before, chunk = b"", b""
    for index, image in enumerate(film.frames):
        width, height = (_three(side - 1) for side in image.size)
        if index == 0:
            file.write(b"VP8X" + struct.pack("<IB3x", 10, 0x02) + width + height)
            file.write(b"ANIM" + struct.pack("<IIH", 6, 0xFFFFFFFF, 0 if film.forever else 1))
        pixels = image.tobytes()
        if pixels != before:
            buffer = io.BytesIO()
            image.save(buffer, format="WEBP", quality=WEBP_QUALITY, method=2)
            before, chunk = pixels, buffer.getvalue()[12:]
        # Flag 2: drawn over what was there without blending.
        head = bytes(6) + width + height + _three(next(times)) + b"\x02"
        file.write(b"ANMF" + struct.pack("<I", len(head) + len(chunk)) + head + chunk)
    size = file.tell() - 8
    file.seek(4)
    file.write(struct.pack("<I", size))


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _folder(path: Path, film: Animation) -> None:
    """Numbered PNG files, made in a folder beside and moved at the end."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(20, "a file of this name is there")
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as name:
        made = Path(name) / "frames"
        made.mkdir()
        for i, image in enumerate(film.frames):
            image.save(made / f"{i:05d}.png", compress_level=1)
        if not path.exists():
            made.replace(path)
            return
        for file in sorted(made.iterdir()):
            shutil.move(file, path / file.name)
    # What a longer export left here before would run on at the end of this one.
    for old in path.glob("[0-9][0-9][0-9][0-9][0-9].png"):
        if int(old.stem) >= film.count:
            old.unlink()


def _mp4(path: Path, film: Animation) -> None:
    """H.264: times are exact, and whether it repeats is up to the player."""
    encoder = importlib.import_module("imageio_ffmpeg")
    temporary = path.with_name(f".{path.stem}.tmp.mp4")
    first = next(film.frames)
    try:
        # A place that cannot be written is told by us, with its reason, and not by the encoder's end.
        temporary.touch()
        options = {"fps": film.fps, "macro_block_size": 2, "quality": MP4_QUALITY, "ffmpeg_log_level": "fatal"}
        with closing(encoder.write_frames(str(temporary), first.size, **options)) as writer:
            writer.send(None)
            writer.send(first.tobytes())
            for image in film.frames:
                writer.send(image.tobytes())
        if not _whole_mp4(temporary):
            raise OSError("the encoder stopped half-way, perhaps because the disk is full")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _whole_mp4(path: Path) -> bool:
    """Whether the file's boxes fill it and its index is among them: the encoder's exit status does not reach us."""
    size, at, names = path.stat().st_size, 0, set()
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            length, name = struct.unpack(">I4s", file.read(8))
            if length == 1:
                length = int.from_bytes(file.read(8), "big")
            if length < 8:
                return False
            names.add(name)
            at += length
    return at == size and b"moov" in names


WRITERS: Final[dict[str, Writer]] = {".gif": _whole(_gif), ".webp": _whole(_webp), ".mp4": _mp4, "": _folder}
"""A new format is one function and one row."""
