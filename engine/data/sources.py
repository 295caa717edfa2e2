"""Where images come from: folder, zip, npz or idx. Each source lists its pictures and gives them one by one."""

import gzip
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.data.labels import MAX_LABELS_BYTES
from engine.errors import DataError
from engine.files.disk import sha256_of
from engine.photos.kinds import is_picture

MAX_PICTURE_BYTES = 256 * 2**20
MAX_ARRAY_BYTES = 8 * 2**30
MAX_CLASSES = 100

# What zip, gzip and npy readers raise for broken, encrypted (RuntimeError) and absurdly large (MemoryError) files.
DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    MemoryError,
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)

Picture = bytes | NDArray[np.uint8]


@dataclass(frozen=True)
class ImageSource:
    """A data set as it lies on disk.

    `pictures()` yields (name, encoded bytes or an array HxWxC); `labels` is the text of its labels.csv, if any. Classes
    that lie beside an idx file, or in an npz, become such a text: one attribute a class, "class 0" and so on.
    """

    count: int
    fingerprint: str
    pictures: Callable[[], Iterator[tuple[str, Picture]]]
    labels: str | None = None


def open_source(path: Path) -> ImageSource:
    """The source at `path`.

    Raises:
        DataError: nothing there, not readable, or no picture in it.
    """
    try:
        if path.is_dir():
            source = _folder(path)
        elif zipfile.is_zipfile(path):
            source = _npz(path) if path.suffix.lower() == ".npz" else _zip(path)
        elif path.is_file() and _idx_magic(path):
            source = _idx(path)
        elif path.exists():
            raise DataError(
                f"{path.name} is not a data set: give a folder of images, a .zip of images, an .npz or an idx file."
            )
        else:
            raise DataError(f"There is no data set at {path}: check the path.")
    except DAMAGED as error:
        raise DataError(
            f"{path.name} cannot be read as a data set ({error}): it may be damaged; try a fresh copy."
        ) from error
    if source.count == 0:
        raise DataError(f"There is no image in {path}: put PNG, JPEG or WebP files there.")
    return source


def _digest(rows: Iterator[str]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(row.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()


def _counts(name: str) -> bool:
    """Whether it is one of the pictures, and no hidden file nor what macOS puts beside each."""
    tail = name.rsplit("/", 1)[-1]
    return is_picture(tail) and not tail.startswith(".") and "__MACOSX" not in name


def _folder(path: Path) -> ImageSource:
    files = sorted(p for p in path.rglob("*") if p.is_file() and _counts(p.relative_to(path).as_posix()))
    stats = [(p, p.stat()) for p in files]
    rows = (f"{p.relative_to(path).as_posix()} {s.st_size} {s.st_mtime_ns}" for p, s in stats)

    def pictures() -> Iterator[tuple[str, Picture]]:
        for file in files:
            name = file.relative_to(path).as_posix()
            try:
                size = file.stat().st_size
                yield name, file.read_bytes() if size <= MAX_PICTURE_BYTES else b""
            except OSError:
                # Deleted or locked since it was listed: an empty picture is skipped and reported like a broken one.
                yield name, b""

    labels = path / "labels.csv"
    text = labels.read_text("utf-8-sig") if labels.is_file() and labels.stat().st_size <= MAX_LABELS_BYTES else None
    return ImageSource(len(files), _digest(rows), pictures, text)


def _zip(path: Path) -> ImageSource:
    with zipfile.ZipFile(path) as archive:
        infos = sorted((i for i in archive.infolist() if _counts(i.filename)), key=lambda i: i.filename)
        tables = [i for i in archive.infolist() if i.filename.rsplit("/", 1)[-1] == "labels.csv"]
        text = None
        if tables and tables[0].file_size <= MAX_LABELS_BYTES:
            text = archive.read(tables[0]).decode("utf-8-sig")
    rows = (f"{i.filename} {i.file_size} {i.CRC}" for i in infos)

    def pictures() -> Iterator[tuple[str, Picture]]:
        with zipfile.ZipFile(path) as archive:
            for info in infos:
                try:
                    yield info.filename, archive.read(info) if info.file_size <= MAX_PICTURE_BYTES else b""
                except DAMAGED:
                    yield info.filename, b""

    return ImageSource(len(infos), _digest(rows), pictures, text)


def _images_of(array: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """(N, H, W) or (N, H, W, C) or (N, C, H, W) -> (N, H, W, C)."""
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim == 4 and array.shape[-1] not in (1, 3, 4) and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or 0 in array.shape[1:]:
        raise DataError(
            f"{name} holds an array of shape {array.shape}: images are (N, H, W), (N, H, W, 1) or (N, H, W, 3)."
        )
    return array


def _array_source(array: NDArray[np.uint8], fingerprint: str, classes: NDArray[np.int64] | None = None) -> ImageSource:
    def pictures() -> Iterator[tuple[str, Picture]]:
        for i, image in enumerate(array):
            yield f"{i:06d}", image

    return ImageSource(len(array), fingerprint, pictures, None if classes is None else _class_table(classes))


def _class_table(classes: NDArray[np.int64]) -> str | None:
    """labels.csv of one class a picture, None where these cannot be classes."""
    found = np.unique(classes)
    if not 2 <= len(found) <= min(MAX_CLASSES, len(classes) // 2):
        return None
    rows = {int(c): "," + ",".join("1" if c == other else "-1" for other in found) for c in found}
    head = ",".join(["file", *(f"class {int(c)}" for c in found)])
    return "\n".join([head, *(f"{i:06d}{rows[int(c)]}" for i, c in enumerate(classes))]) + "\n"


def _npz(path: Path) -> ImageSource:
    with zipfile.ZipFile(path) as packed:
        unpacked = sum(i.file_size for i in packed.infolist())
    if unpacked > MAX_ARRAY_BYTES:
        raise DataError(f"{path.name} unpacks to more than {MAX_ARRAY_BYTES >> 30} GiB: split it into several files.")
    with np.load(path, allow_pickle=False) as archive:
        names = [n for n in ("images", "x_train", "arr_0", *archive.files) if n in archive.files]
        array = next((a for a in (archive[n] for n in names) if a.dtype == np.uint8 and a.ndim >= 3), None)
        given = [archive[n] for n in ("labels", "y_train", "y") if n in archive.files]
    if array is None:
        raise DataError(f"{path.name} has no uint8 array of images: save one named 'images' of shape (N, H, W, 3).")
    fits = [a for a in given if a.shape == (len(array),) and np.issubdtype(a.dtype, np.integer)]
    classes = fits[0].astype(np.int64) if fits else None
    return _array_source(_images_of(array, path.name), sha256_of(path), classes)


def _idx_bytes(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")


def _idx_magic(path: Path) -> bool:
    try:
        with _idx_bytes(path) as file:
            return file.read(4) == b"\x00\x00\x08\x03"
    except (OSError, EOFError, zlib.error):
        return False


def _idx(path: Path) -> ImageSource:
    """The idx format of the MNIST files: magic 0x00000803, then N, H, W as big-endian 32-bit numbers, then bytes."""
    with _idx_bytes(path) as file:
        _, count, height, width = struct.unpack(">IIII", file.read(16))
        if count * height * width > MAX_ARRAY_BYTES:
            raise DataError(
                f"{path.name} says it holds {count} images of {height} x {width}: that is too many; it may be damaged."
            )
        data = file.read(count * height * width)
    if len(data) != count * height * width:
        raise DataError(f"{path.name} ends early ({len(data)} of {count * height * width} bytes): try a fresh copy.")
    array = np.frombuffer(data, np.uint8).reshape(count, height, width, 1)
    return _array_source(array, sha256_of(path), _idx_classes(path, count))


def _idx_classes(path: Path, count: int) -> NDArray[np.int64] | None:
    """The classes in the labels file beside an images file (train-labels-idx1-ubyte[.gz]), None without a fitting one.

    Its layout: magic 0x00000801 and N as big-endian 32-bit numbers, then a byte a picture.
    """
    name = path.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    if name == path.name.removesuffix(".gz"):
        return None
    for beside in (path.with_name(name + ".gz"), path.with_name(name)):
        try:
            with _idx_bytes(beside) as file:
                head, data = file.read(8), file.read(count + 1)
        except (OSError, EOFError, zlib.error):
            continue
        if head == struct.pack(">II", 0x801, count) and len(data) == count:
            return np.frombuffer(data, np.uint8).astype(np.int64)
    return None
