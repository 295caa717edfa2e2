"""The models that can be opened: those in the box and those of the user, listed without loading a weight."""

import os
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import platformdirs
from PIL import Image

import resources
from engine.api import ModelCard
from engine.checkpoints.model_file import read_header
from engine.errors import CheckpointError, UsageError
from engine.families import KNOWN, family
from engine.files.disk import MALFORMED, sha256_of
from engine.files.tensors import read_header as read_tensor_header

SUFFIX = ".safetensors"
DIRECTIONS = ".directions.safetensors"
ENCODER = ".encoder.safetensors"
REFERENCE = ".reference.json"


def home_folder() -> Path:
    """Where the user's models and runs are; LATENT_LOOM_HOME overrides it."""
    return Path(os.environ.get("LATENT_LOOM_HOME") or platformdirs.user_data_dir("latent-loom"))


def models_in(folder: Path, *, shipped: bool) -> list[ModelCard]:
    """The readable models of a folder, in the order of the families."""
    cards = []
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
        if path.name.endswith((DIRECTIONS, ENCODER)):
            continue
        try:
            cards.append(card_of(path, shipped=shipped))
        except CheckpointError:
            continue  # A broken file in the folder must not hide the others; opening it by name says what is wrong.
    order = list(KNOWN)
    return sorted(cards, key=lambda card: (order.index(card.family), card.title))


def shipped_models() -> list[ModelCard]:
    """The models in the box."""
    try:
        return models_in(resources.path("models"), shipped=True)
    except FileNotFoundError:
        return []


def card_of(path: Path, *, shipped: bool = False) -> ModelCard:
    """What a model file says of itself.

    Raises:
        CheckpointError: not one of our model files.
    """
    header = read_header(path)
    if header.family not in KNOWN:
        raise CheckpointError(f"{path.name} is of an unknown family {header.family!r}: update this program.")
    stat = path.stat()
    parameters, digest = _counted(path, stat.st_size, stat.st_mtime_ns)
    channels, size, _ = header.image_shape
    return ModelCard(
        key=str(path),
        title=header.title or path.stem,
        family=header.family,
        family_title=family(header.family).title,
        image_size=size,
        channels=channels,
        parameters=parameters,
        sha256=digest,
        path=path,
        shipped=shipped,
        card=header.card,
        picture=_picture(path.with_suffix(".webp")),
    )


@lru_cache(maxsize=256)
def _counted(path: Path, size: int, modified_ns: int) -> tuple[int, str]:
    """(numbers in the file, SHA-256), remembered as long as the file does not change."""
    try:
        return read_tensor_header(path).numbers, sha256_of(path)
    except (OSError, *MALFORMED) as error:
        raise CheckpointError(
            f"{path.name} is damaged (its header lists no tensors): restore it from a copy."
        ) from error


def _picture(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None:
    """The thumbnail beside a model: the first sample of its sheet."""
    try:
        with Image.open(path, formats=("WEBP",)) as image:
            return np.asarray(image.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def slug(title: str) -> str:
    """ "Faces Glow 64" -> "faces-glow-64"."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def find(name: str, cards: tuple[ModelCard, ...]) -> ModelCard:
    """The model of this key, title, slug, file name or path.

    Raises:
        UsageError: there is none, or more than one.
    """
    matches = [
        c for c in cards if name in (c.key, c.title, c.path.name, c.path.stem) or slug(name) == slug(c.title) != ""
    ]
    if len(matches) == 1:
        return matches[0]
    if len(matches) > 1:
        raise UsageError(f"{name!r} names {len(matches)} models: give the file's path instead.")
    try:
        path = Path(name).expanduser()
        there = path.is_file()
    except (OSError, RuntimeError):
        there = False  # Too long for a path, or the home folder of nobody: no file either way.
    if there:
        return card_of(path)
    known = ", ".join(slug(c.title) for c in cards) or "none yet (train one)"
    raise UsageError(f"There is no model {name!r}: the models here are {known}.")
