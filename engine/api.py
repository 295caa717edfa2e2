"""What crosses between the engine and its users, window and commands: frozen values, no tensor, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.knobs import Knob, Value

Codes = NDArray[np.float32]
Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class ModelCard:
    """A model as the library lists it, without its weights. `key` opens it; `picture` is (H, W, 3) or None."""

    key: str
    title: str
    family: str
    family_title: str
    image_size: int
    channels: int
    parameters: int
    sha256: str
    path: Path
    shipped: bool
    card: Mapping[str, Any] = field(default_factory=dict)
    picture: Pictures | None = None


@dataclass(frozen=True)
class GroupInfo:
    """A named stretch of the code; `size` numbers."""

    name: str
    size: int


@dataclass(frozen=True)
class DirectionInfo:
    """A slider: attributes have a held-out AUC with its interval, PCA directions a share of the variance."""

    name: str
    kind: str
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class ModelInfo:
    """An open model. `encode`: exact, amortised or search; `density`: exact, bound or none."""

    key: str
    title: str
    family: str
    encode: str
    density: str
    code_size: int
    groups: tuple[GroupInfo, ...]
    image_size: int
    channels: int
    bits: int
    sha256: str
    device: str
    default_temperature: float
    attributes: tuple[DirectionInfo, ...]
    components: tuple[DirectionInfo, ...]
    step: int = 0


@dataclass(frozen=True)
class Sampled:
    """A code drawn from the prior by `seed`, scaled by one temperature a group."""

    seed: int
    temperature: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Coded:
    """A given code (D,), for instance a photo's, with the name under which it is shown."""

    code: Codes
    name: str = ""


@dataclass(frozen=True)
class Wander:
    """A step in a random plane through the code: `x` and `y` in radians along the shell, `plane` its seed."""

    plane: int = 0
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class DrawRequest:
    """One picture to draw: where from, how far wandered, and which directions are moved by how many sigmas.

    The directions in `locked` are held: what the edits would change along them is taken out.
    """

    source: Sampled | Coded
    edits: tuple[tuple[str, float], ...] = ()
    locked: tuple[str, ...] = ()
    wander: Wander = Wander()


@dataclass(frozen=True, eq=False)
class Drawn:
    """The picture (H, W, 3), its code (D,), |z| / sqrt(D), and how long decoding took."""

    request: DrawRequest
    picture: Pictures
    code: Codes
    norm_ratio: float
    milliseconds: float


@dataclass(frozen=True, eq=False)
class Encoded:
    """A photo inside a model. `errors` is the search's curve, empty where the model has an encoder.

    `photo`, `reconstruction` and `error_map` are (H, W, 3); PSNR in dB on 0..255; bits/dim is None without a density.
    """

    photo: Pictures
    code: Codes
    reconstruction: Pictures
    error_map: Pictures
    psnr_db: float
    ssim: float
    bits_per_dim: float | None
    milliseconds: float
    errors: tuple[float, ...] = ()
    name: str = ""
    note: str = ""


@dataclass(frozen=True)
class Readout:
    """Figures of one code. Percentiles compare with held-out images and are None without a reference."""

    norm_ratio: float
    bits_per_dim: float | None
    percentile: float | None
    round_trip: float | None


@dataclass(frozen=True)
class FamilyInfo:
    """A family for the Train form: its knobs, presets and which metrics each plot shows."""

    name: str
    title: str
    summary: str
    model_knobs: tuple[Knob, ...]
    training_defaults: Mapping[str, Value]
    presets: Mapping[str, Mapping[str, Value]]
    curves: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Catalogue:
    """All that the Train form is made of."""

    families: tuple[FamilyInfo, ...]
    training_knobs: tuple[Knob, ...]
    data_sets: tuple[tuple[str, str], ...]
    """(path, title) of the data sets in the box."""


@dataclass(frozen=True)
class TrainRequest:
    """A run to start. `folder` None puts it among the user's runs; `model` and `training` are knobs by name."""

    family: str
    data: str
    labels: str | None = None
    size: int = 64
    channels: int = 3
    model: Mapping[str, Value] = field(default_factory=dict)
    training: Mapping[str, Value] = field(default_factory=dict)
    title: str = ""
    folder: Path | None = None
