"""What crosses between the engine and its users, window and commands: frozen values, no tensor, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.knobs import Knob, Preset, Value
from engine.plots import Plot

Codes = NDArray[np.float32]
Pictures = NDArray[np.uint8]
Point = tuple[float, float]
"""(x, y) in a photo's pixels."""
PhotoSource = str | Path | bytes | Pictures
"""Where a photo comes from: a file, the bytes of one, or its pixels (H, W, 3)."""


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

    @property
    def pictures(self) -> bool:
        """Whether it draws pictures; else points, of `channels` numbers each."""
        return self.image_size > 1


@dataclass(frozen=True)
class GroupInfo:
    """A named stretch of the code; `size` numbers. `grid`: rows and columns of pixels that they stand on, if any."""

    name: str
    size: int
    grid: tuple[int, int] | None = None


@dataclass(frozen=True)
class DirectionInfo:
    """A slider: attributes have a held-out AUC with its interval, PCA directions a share of the variance.

    `method` is how it was found; `user_made`: the person made it, from so many `positives` and `negatives`.
    """

    name: str
    kind: str
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    share: float | None = None
    method: str = ""
    user_made: bool = False
    positives: int = 0
    negatives: int = 0


@dataclass(frozen=True)
class ModelInfo:
    """An open model. `encode`: exact, amortised or search; `density`: exact, bound or none.

    `axes` are the ways to find main axes that suit it; `problem` is a sentence about directions that could not be read.
    """

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
    axes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def pictures(self) -> bool:
        """Whether it draws pictures; else points, of `channels` numbers each."""
        return self.image_size > 1


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

    def means(self, code: Codes) -> bool:
        """Whether it is this code (D,), by identity or number by number."""
        return self.code is code or np.array_equal(self.code, code)


@dataclass(frozen=True)
class Wander:
    """A step in a random plane through the code: `x` and `y` in radians along the shell, `plane` its seed."""

    plane: int = 0
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class LevelRule:
    """What one level (a group of the code) does apart from the others; the default changes nothing.

    `taken`: its numbers come from this code instead of the request's source. `strength` then scales them about zero.
    `held`: it ends as it is in this code, whatever source, edits, wander and strength say.
    """

    strength: float = 1.0
    taken: Sampled | Coded | None = None
    held: Coded | None = None


@dataclass(frozen=True, eq=False)
class LevelMap:
    """Which pixels a level drives: a heat map (H, W, 3), and its mean and largest spread in grey values of 255."""

    picture: Pictures
    mean: float
    largest: float


@dataclass(frozen=True)
class DrawRequest:
    """One picture to draw: where from, how far wandered, and which directions are moved by how many sigmas.

    The directions in `locked` are held: what the edits would change along them is taken out. `levels` is empty or has
    one rule a group; `solo` shows one group alone, the others at zero (-1: all). `precision`: float32 or float64.
    """

    source: Sampled | Coded
    edits: tuple[tuple[str, float], ...] = ()
    locked: tuple[str, ...] = ()
    wander: Wander = Wander()
    levels: tuple[LevelRule, ...] = ()
    solo: int = -1
    precision: str = "float32"

    def draws(self, code: Codes) -> bool:
        """Whether it asks for this code (D,) as it is: nothing edits it, wanders from it or changes its levels."""
        moved = any(value != 0.0 for _, value in self.edits) or self.wander != Wander(self.wander.plane)
        plain = not moved and not self.levels and self.solo < 0 and self.precision == "float32"
        return plain and isinstance(self.source, Coded) and self.source.means(code)


@dataclass(frozen=True, eq=False)
class Drawn:
    """The picture (H, W, 3), its code (D,), |z| / sqrt(D) of all and of each level, and how long decoding took."""

    request: DrawRequest
    picture: Pictures
    code: Codes
    norm_ratio: float
    milliseconds: float
    level_norms: tuple[float, ...] = ()


@dataclass(frozen=True)
class Cut:
    """How a photo is cut for a model. `align`: auto, none, face or centre; `face` counts from 0, the largest.

    `points`, two eyes or two eyes and the middle of the mouth, were clicked by hand and are used instead of a face.
    """

    align: str = "auto"
    face: int = 0
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class FaceBox:
    """A face that was found in a photo: a square in the photo's pixels (left, top, side)."""

    x: float
    y: float
    size: float


@dataclass(frozen=True, eq=False)
class Framing:
    """Where in a photo a model's picture was cut out, so that it can be shown and changed.

    `how`: face, points (clicked by hand), centre or none. `corners` are the cut's top left, top right, bottom right and
    bottom left in the photo's pixels; `faces` all that were found, the largest first, and `face` the one taken (-1:
    none).
    `overview` (H, W, 3) is the whole photo, at most 640 pixels long, and `scale` its pixels over the photo's.
    """

    how: str
    corners: tuple[tuple[float, float], ...]
    faces: tuple[FaceBox, ...] = ()
    face: int = -1
    overview: Pictures | None = None
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Loaded:
    """A photo cut to a model's size, (S, S, 3). `how`: face, points, centre or none; `note` says it in a sentence.

    `framing` says where it was cut out and which faces there are; None when only the cut itself was kept.
    """

    picture: Pictures
    name: str
    note: str
    how: str
    framing: Framing | None = None

    @property
    def faces(self) -> int:
        """How many faces were found in the photo."""
        return 0 if self.framing is None else len(self.framing.faces)


@dataclass(frozen=True, eq=False)
class Encoded:
    """A photo inside a model. `errors` is the search's curve, empty where the model has an encoder.

    `photo`, `reconstruction` and `error_map` are (H, W, 3); PSNR in dB on 0..255; bits/dim is None without a density.
    Percentiles say how many of the training and of held-out images need fewer bits. `improved`: refined by descent.
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
    norm_ratio: float | None = None
    percentile_training: float | None = None
    percentile: float | None = None
    improved: bool = False


@dataclass(frozen=True)
class Readout:
    """Figures of one code. Percentiles compare with held-out images and are None without a reference.

    `round_trip` is the largest difference of a pixel (-1 to 1) in float32, `round_trip_double` in float64 where asked.
    """

    norm_ratio: float
    bits_per_dim: float | None
    percentile: float | None
    round_trip: float | None
    round_trip_double: float | None = None
    percentile_training: float | None = None


@dataclass(frozen=True)
class FamilyInfo:
    """A family for the Train form: its knobs, presets and which metrics each plot shows."""

    name: str
    title: str
    summary: str
    model_knobs: tuple[Knob, ...]
    training_defaults: Mapping[str, Value]
    presets: Mapping[str, Preset]
    few_images: Mapping[str, Value]
    """Knobs that a small data set asks for."""
    sizes: tuple[int, ...]
    """Sides in pixels of the pictures that it can be trained on."""
    curves: tuple[Plot, ...]


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
    group: str = ""
    """Column of the labels whose pictures stay in one split; empty: by itself (see `engine.data.labels`)."""
    checkpoint: Path | None = None
    """A run, or a folder in its checkpoints: the new run starts from those weights and moments, at that step. With
    twice their size, or from a model file, the model grows instead: `model` then holds only the knobs that change."""
    force: bool = False
    """Starts although the device has too little memory for it by what it is estimated to need."""
