"""What to hold a picture's bits/dim against: those of real images, training and held out, kept beside the model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CheckpointError
from engine.files.disk import MALFORMED, read_json, told_as, write_json

SCHEMA: Final = "latent-loom/reference/1"
UNITS: Final = "bits/dim"
QUANTILES: Final = 201
FILE_CAP: Final = 2**20


@dataclass(frozen=True, eq=False)
class Spread:
    """The distribution of a figure over `n` images, as quantiles at even shares from 0 to 1, rising."""

    n: int
    quantiles: NDArray[np.float64]

    @staticmethod
    def of(values: NDArray[np.float64]) -> Spread:
        """The spread of finite values (n,)."""
        return Spread(len(values), np.quantile(values, np.linspace(0, 1, QUANTILES)))

    def percentile(self, value: float) -> float:
        """How many per cent of the images have less, 0 to 100; between two quantiles it is interpolated."""
        return float(np.interp(value, self.quantiles, np.linspace(0, 100, len(self.quantiles))))


@dataclass(frozen=True)
class Reference:
    """Bits/dim of a model's training images and of images of people that training never saw.

    A photo far above both is unlike the data; one that is usual for training and rare among the held-out hints at
    memorisation. `bits` is the model's bit depth and `data` the set's name.
    """

    model_sha256: str
    training: Spread
    heldout: Spread
    bits: int
    density: str
    data: str = ""


def save_reference(path: Path, reference: Reference) -> None:
    """Writes the reference as JSON, whole or not at all."""
    write_json(
        path,
        {
            "schema": SCHEMA,
            "model_sha256": reference.model_sha256,
            "units": UNITS,
            "bits": reference.bits,
            "density": reference.density,
            "data": reference.data,
            "training": _written(reference.training),
            "heldout": _written(reference.heldout),
        },
    )


def _written(spread: Spread) -> dict[str, Any]:
    return {"n": spread.n, "quantiles": [round(float(v), 5) for v in spread.quantiles]}


def load_reference(path: Path, *, model_sha256: str) -> Reference:
    """The reference in the file, for the model with this SHA-256.

    Raises:
        CheckpointError: unreadable, damaged or of another model.
    """
    with (
        told_as(CheckpointError, f"{path.name} cannot be read", "measure it again."),
        told_as(CheckpointError, f"{path.name} is damaged", "measure it again.", errors=MALFORMED),
    ):
        values = read_json(path, most=FILE_CAP)
        if values["schema"] != SCHEMA or values["units"] != UNITS:
            raise ValueError("it is of another kind")
        found = Reference(
            str(values["model_sha256"]),
            _read(values["training"]),
            _read(values["heldout"]),
            int(values["bits"]),
            str(values["density"]),
            str(values["data"]),
        )
    if found.model_sha256 != model_sha256:
        raise CheckpointError(
            f"{path.name} was measured with another model ({found.model_sha256[:12]}, this one is "
            f"{model_sha256[:12]}), whose figures do not compare: measure it again."
        )
    return found


def _read(values: dict[str, Any]) -> Spread:
    quantiles = np.asarray(values["quantiles"], np.float64)
    count = int(values["n"])
    if quantiles.ndim != 1 or not 2 <= len(quantiles) <= 10_001 or count < 1:
        raise ValueError("it has no quantiles")
    if not all(math.isfinite(v) for v in quantiles) or bool((np.diff(quantiles) < 0).any()):
        raise ValueError("its quantiles do not rise")
    return Spread(count, quantiles)
