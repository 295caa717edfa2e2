"""What a file is by its bytes, whatever its name says; nothing here is unpacked or run."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any, Final, Literal

from engine.errors import CheckpointError
from engine.files.disk import MALFORMED, SMALL_BYTES, TooLarge, reason, told_as
from engine.files.disk import read_json as load_json
from engine.files.tensors import MAX_TENSORS, Header, NoHeader, read_header

Kind = Literal["safetensors", "torch zip", "torch legacy"]

MAX_FILE_BYTES: Final = 4 * 2**30
MAX_RATIO: Final = 1.01
"""A torch zip stores its tensors as they are, so its members are hardly more than the file."""
LEGACY: Final = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickled magic number with which torch.save began before 1.6."""
WAY_OUT: Final = "export its state dict as safetensors on a machine you trust, then import that"
PERSISTENT: Final = (b"torch_utils.persistence", b"dnnlib", b"_reconstruct_persistent_obj")
WEIGHTS: Final = (".safetensors", ".pt", ".pth", ".pkg", ".ckpt", ".bin")
CONFIGS: Final = ("config.json", "hparams.json")


def sniff(path: Path) -> Kind:
    """The kind of a weights file.

    Raises:
        CheckpointError: it cannot be read, could run code, is a bomb, or is nothing that is known.
    """
    with told_as(CheckpointError, f"{path.name} cannot be opened", "check the path and its permissions."):
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(4096)
    if size > MAX_FILE_BYTES:
        raise refused(path, f"it is larger than {MAX_FILE_BYTES >> 30} GiB", "export the generator alone")
    if start.startswith(b"PK\x03\x04"):
        return _zip(path, size)
    if start.startswith(LEGACY):
        return "torch legacy"
    if _is_safetensors(start, size):
        return "safetensors"
    raise refused(path, *_what(path, start))


def refused(path: Path, why: str, way_out: str = WAY_OUT) -> CheckpointError:
    """The one sentence of a refusal."""
    return CheckpointError(f"{path.name} is not imported because {why}: {way_out}.")


def _what(path: Path, start: bytes) -> tuple[str, str]:
    """(why, what to do) for bytes that are no weights."""
    if not start:
        return "it is empty", "download or copy it again"
    if (start[0] == 0x80 and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")) or start[:2] in (
        b"(d",
        b"(l",
        b"cp",
        b"c_",
    ):
        with path.open("rb") as file:
            head = file.read(2**20)
        if any(mark in head for mark in PERSISTENT):
            return "StyleGAN's pickles carry source code that runs when they are read", WAY_OUT
        return "it is a bare pickle, which could run code", WAY_OUT
    if start[257:262] == b"ustar":
        return "it is a tar archive, perhaps of a very old torch", "unpack it, or " + WAY_OUT
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return (
            "it is an HDF5 file (Keras), whose layouts are not known here",
            "convert the weights to safetensors in PyTorch names",
        )
    if start[:1] == b"\x08" and (b"onnx" in start[:512].lower() or b"pytorch" in start[:512].lower()):
        return "it is an ONNX graph", WAY_OUT
    if start.startswith(b"\x1f\x8b"):
        return "it is a gzip archive", "unpack it first"
    if start.lstrip()[:1] in (b"{", b"<") or start.startswith(b"version https://git-lfs"):
        return "it is text, perhaps a page or a pointer in place of the download", "download the weights themselves"
    return "its first bytes are no weights file's", WAY_OUT


def _is_safetensors(start: bytes, size: int) -> bool:
    return len(start) > 8 and start[8:9] == b"{" and 2 <= int.from_bytes(start[:8], "little") <= size - 8


def _zip(path: Path, size: int) -> Kind:
    try:
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise refused(path, "it is cut short or damaged", "download or copy it again") from error
    names = [m.filename for m in members]
    if len(members) > MAX_TENSORS + 64 or len(set(names)) != len(names):
        raise refused(path, "its zip lists too many files, or one of them twice")
    unpacked = sum(m.file_size for m in members)
    if unpacked > size * MAX_RATIO + 2**20:
        raise refused(path, f"its zip unpacks to {unpacked / max(1, size):.0f} times its size, as bombs do")
    roots = {name.partition("/")[0] for name in names}
    inside = {name.partition("/")[2] for name in names}
    if len(roots) != 1 or "data.pkl" not in inside:
        raise refused(path, "it is a zip, but not of torch's weights", "unpack it and choose the weights inside")
    if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
        raise refused(path, "it is a TorchScript archive, which holds code")
    if any(m.compress_type != zipfile.ZIP_STORED for m in members):
        raise refused(path, "its zip is compressed, which torch never writes", "save it again with torch.save")
    return "torch zip"


def read_safetensors_header(path: Path) -> Header:
    """The header, checked: sizes first, then every entry against the file.

    Raises:
        CheckpointError: too large, damaged, or its shapes do not fit the file.
    """
    try:
        return read_header(path, whole=True)
    except NoHeader as error:
        raise refused(path, str(error), "export the model again") from error
    except TooLarge as error:
        raise refused(path, str(error), "export the generator alone") from error
    except (OSError, *MALFORMED) as error:
        raise refused(path, "its safetensors header is damaged", "download or copy it again") from error


def find_weights(path: Path) -> tuple[Path, Path | None]:
    """(weights file, the JSON beside it): for a folder its only or best weights, for a file itself.

    Raises:
        CheckpointError: there are no weights.
    """
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix.lower() in WEIGHTS and not p.name.startswith("."))
        # diffusers keeps several precisions side by side; the plain one comes first, safetensors before all.
        found.sort(key=lambda p: (p.suffix != ".safetensors", ".fp16" in p.name, p.name))
        if not found:
            raise CheckpointError(
                f"{path.name} holds no weights: choose a folder with a {' or '.join(WEIGHTS[:3])} file."
            )
        path = found[0]
    beside = next((path.with_name(name) for name in CONFIGS if path.with_name(name).is_file()), None)
    return path, beside


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object.

    Raises:
        CheckpointError: too large, or none.
    """
    try:
        value = load_json(path)
    except TooLarge as error:
        raise CheckpointError(f"{path.name} is over {SMALL_BYTES >> 20} MiB: it is no model's config.") from error
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be opened ({reason(error)}): check the path.") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is not JSON: choose the config that came with the weights.") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path.name} holds no JSON object: choose the config that came with the weights.")
    return value
