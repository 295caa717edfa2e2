"""PCA-128 as the model that every other one stands beside, and the figures of real pictures; kept from box to box."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from boxing.figures import FULL, Scale, measured, of_real, subject_for
from engine.data import DataSet, Split
from engine.data.dataset import cache_folder
from engine.diagnostics.facts import Origin
from engine.files.disk import read_json, write_json
from engine.latent.principal_axes import principal_axes
from engine.models.linear import Pca, PcaConfig

COMPONENTS: Final = 128
VERSION: Final = 4
"""Of the figures: one more where their meaning changes, so that old ones are made again."""


def fit_pca_model(pictures: NDArray[np.uint8], components: int = COMPONENTS) -> Pca:
    """A PCA model of pictures (N, S, S, C), its numbers rounded as a shipped file rounds them."""
    count, height, width, channels = pictures.shape
    rows = np.ascontiguousarray(np.asarray(pictures).transpose(0, 3, 1, 2)).reshape(count, -1)
    found = principal_axes(rows, components)
    kept = found.axes.shape[0]
    deviations = found.deviations.double() / 127.5
    # What the components leave, spread evenly over the directions that are left (Tipping and Bishop 1999, eq. 8).
    share = float(found.shares.double().sum())
    whole = float((deviations**2).sum()) / max(share, 1e-12)
    noise = math.sqrt(max(whole * (1 - share), 0.0) / (rows.shape[1] - kept))
    model = Pca(PcaConfig(components=kept), (channels, height, width))
    model.set_components(
        mean=found.mean / 127.5 - 1, axes=found.axes.half().float(), deviations=deviations.float(), noise=noise
    )
    return model.eval().requires_grad_(False)


def references(data: DataSet, scale: Scale = FULL) -> dict[str, Any]:
    """`pca` and `real`: the figures that stand in every card's table; from the cache where they were made before."""
    which = f"{int(data.groups > 0)}-{VERSION}" + "-quick" * scale.quick
    path = cached_file(f"{data.fingerprint}-{which}.json")
    if path.is_file():
        return dict(read_json(path))
    print("figures of PCA and of real pictures", flush=True)
    with torch.inference_mode():
        model = fit_pca_model(np.asarray(data.images[data.indices(Split.TRAIN)]))
    flat = measured(model, data, subject_for(model, data, Origin(family="pca", trained_on="yes")), draws=0, scale=scale)
    found = {"pca": flat, "real": of_real(data, scale)}
    write_json(path, found)
    return found


def cached_file(name: str) -> Path:
    """Where what is dear to compute is kept."""
    folder = cache_folder() / "boxing"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name
