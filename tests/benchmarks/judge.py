"""An independent judge of attributes: logistic regression on own features, fitted on CelebA's own labels.

No model of the box took part in it, and it took part in none. It needs a zip of CelebA pictures and a csv with columns
file, identity and CelebA's attributes (1, -1); neither ships.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.diagnostics.own_features import embed

COLUMNS: Final = {
    "Blond hair": "Blond_Hair",
    "Black hair": "Black_Hair",
    "Pale skin": "Pale_Skin",
    "Makeup": "Heavy_Makeup",
    "Open mouth": "Mouth_Slightly_Open",
}
"""CelebA's names, where they are not ours."""
DECAY: Final = 1e-3
HELD_OUT: Final = 5
"""Of so many people one is held out."""


@dataclass(frozen=True, eq=False)
class Judge:
    """`weights` (F,) of own features by attribute: a feature's share in the log odds. `auc` on people held out."""

    weights: dict[str, NDArray[np.float64]]
    auc: dict[str, float]


def fitted(pictures: Path, labels: Path, names: list[str], *, group: str = "a") -> Judge:
    """The judge of these attributes, from the rows of the csv whose column `set` is `group`. Half a minute."""
    with labels.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == group]
    with zipfile.ZipFile(pictures) as archive:
        faces = [np.asarray(Image.open(io.BytesIO(archive.read(row["file"]))).convert("RGB")) for row in rows]
    features = embed(np.stack(faces)).astype(np.float64)
    held = np.array([int(row["identity"]) % HELD_OUT == 0 for row in rows])
    middle, spread = features[~held].mean(0), features[~held].std(0)
    x = torch.from_numpy((features - middle) / spread)
    known, weights, auc = torch.from_numpy(~held), {}, {}
    for name in names:
        has = np.array([float(row[COLUMNS.get(name, name)]) > 0 for row in rows])
        w = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
        b = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        _fit(w, b, x[known], torch.from_numpy(has)[known].double())
        odds, truth = (x @ w + b).detach().numpy()[held], has[held]
        auc[name] = float((odds[truth][:, None] > odds[~truth][None]).mean())
        weights[name] = w.detach().numpy() / spread
    return Judge(weights, auc)


def _fit(w: torch.Tensor, b: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> None:
    optimiser = torch.optim.LBFGS([w, b], max_iter=100)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(x @ w + b, y) + DECAY * (w * w).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
