"""The pictures beside a card: samples at three temperatures, photos with their reconstructions, and edits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import resources
from boxing.kinds import Kind
from engine.api import Coded, DrawRequest, Sampled
from engine.data import DataSet, Split
from engine.exploring.open_model import DEFAULT_TEMPERATURE, OpenModel
from engine.models.base import LatentModel
from engine.pictures import save_picture, sheet, to_pictures
from engine.session import Session

Pictures = NDArray[np.uint8]
TEMPERATURES: Final = (0.5, 0.7, 1.0)
ACROSS: Final = 12
PHOTOS: Final = 12
EDITED: Final = 3
STEPS: Final = (-2.0, 2.0)


@torch.inference_mode()
def drawn(model: LatentModel, n: int, temperature: float, seed: int) -> Pictures:
    """Samples (n, S, S, 3), none of them chosen."""
    codes = model.sample_codes(n, temperature=temperature, generator=torch.Generator().manual_seed(seed))
    return np.concatenate([to_pictures(model.decode(part)) for part in codes.split(16)])


def write_samples(model: LatentModel, target: Path) -> None:
    """Three rows of samples at three temperatures, the same codes but for their length, and a thumbnail."""
    rows = [drawn(model, ACROSS, temperature, seed=3) for temperature in TEMPERATURES]
    save_picture(sheet(np.concatenate(rows), ACROSS), target.with_name(f"{target.stem}.sheet.webp"))
    best = drawn(model, 1, DEFAULT_TEMPERATURE[model.abilities.density], seed=2)
    Image.fromarray(best[0]).save(target.with_suffix(".webp"), lossless=True)


def photos(kind: Kind, data: DataSet, session: Session) -> list[Pictures]:
    """Pictures (S, S, 3) that may be shipped: portraits of people who do not exist, or test pictures of free data."""
    if kind.photos == "data":
        rows = data.indices(Split.TEST)[:PHOTOS]
        return [np.repeat(p, 3, -1) if p.shape[-1] == 1 else p for p in np.asarray(data.images[rows])]
    size = data.image_shape[1]
    portraits = sorted(resources.path("samples").glob("portrait-*.webp"))[:PHOTOS]
    return [session.load_photo(path, size=size).picture for path in portraits]


def write_photos(opened: OpenModel, shown: Sequence[Pictures], target: Path) -> list[float]:
    """Photos over their reconstructions; gives the PSNR of each in dB."""
    found = [opened.encode(photo) for photo in shown]
    pictures = [f.photo for f in found] + [f.reconstruction for f in found]
    save_picture(sheet(np.stack(pictures), len(shown)), target.with_name(f"{target.stem}.photos.webp"))
    return [float(f.psnr_db) for f in found]


def write_edits(opened: OpenModel, shown: Sequence[Pictures], names: Sequence[str], target: Path) -> None:
    """A row a picture: its reconstruction (or the sample itself), then each direction at -2 and +2 sigma.

    The first rows are photos, the others samples.
    """
    sources: list[Sampled | Coded] = [Coded(opened.encode(photo).code) for photo in shown[:EDITED]]
    temperature = (opened.info.default_temperature,) * len(opened.info.groups)
    sources += [Sampled(seed, temperature) for seed in range(EDITED)]
    rows = []
    for source in sources:
        rows.append(opened.draw(DrawRequest(source)).picture)
        for name in names:
            rows += [opened.draw(DrawRequest(source, edits=((name, step),))).picture for step in STEPS]
    across = 1 + len(names) * len(STEPS)
    save_picture(sheet(np.stack(rows), across), target.with_name(f"{target.stem}.edits.webp"))
