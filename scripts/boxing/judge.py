"""An independent judge of attributes in pictures: logistic regression on own features, fitted to real labels.

It never sees a model's code, so it can say what an edit does to the attributes that it was not meant for. Also how far
an edit moves a picture, beside how far apart two pictures of one person, and of two people, lie in the same features.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from engine.data import DataSet
from engine.diagnostics.own_features import embed
from engine.latent.directions import METHODS, area_under_curve, auc_interval

Floats = NDArray[np.float32]
PAIRS: Final = 4000


@dataclass(frozen=True, eq=False)
class Judge:
    """`vectors` (F, A) of unit spread: a score of 1 is one standard deviation of real pictures. Others are one a name.

    `gaps`: mean score of held-out pictures with the attribute less that of those without.
    """

    names: tuple[str, ...]
    vectors: Floats
    aucs: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    gaps: tuple[float, ...]

    def scores(self, pictures: NDArray[np.uint8]) -> Floats:
        """(N, A) of pictures (N, S, S, C), less a constant."""
        return self.of_features(embed(pictures))

    def of_features(self, features: Floats) -> Floats:
        found: Floats = features @ self.vectors
        return found


def fit_judge(
    features: Floats, labels: NDArray[Any], held: Floats, held_labels: NDArray[Any], names: Sequence[str]
) -> Judge:
    """A judge from own features (N, F) and labels (N, A) of +1 and -1, its AUC from held-out people's."""
    vectors, aucs, intervals, gaps = [], [], [], []
    for i in range(len(names)):
        positive, known = labels[:, i] > 0, held_labels[:, i] > 0
        slope = METHODS["logistic"](torch.from_numpy(features), torch.from_numpy(positive)).numpy()
        score = held @ slope
        vectors.append(slope / score.std())
        aucs.append(area_under_curve(score, known))
        intervals.append(auc_interval(aucs[-1], int(known.sum()), int((~known).sum())))
        gaps.append(float(score[known].mean() - score[~known].mean()) / float(score.std()))
    return Judge(tuple(names), np.stack(vectors, 1).astype(np.float32), tuple(aucs), tuple(intervals), tuple(gaps))


@dataclass(frozen=True)
class Kept:
    """Median distance in own features over the median distance between pictures of two people, and pairs counted."""

    share: float
    n: int


def apart(features: Floats, seed: int = 0) -> float:
    """Median distance between rows of different pictures."""
    random = np.random.default_rng(seed)
    left, right = random.integers(0, len(features), (2, PAIRS))
    different = left != right
    return float(np.median(np.linalg.norm(features[left[different]] - features[right[different]], axis=1)))


def same_person(features: Floats, people: Sequence[str]) -> Kept | None:
    """How near two pictures of one person lie, None where the people are not known or have one picture each."""
    rows: dict[str, list[int]] = {}
    for i, person in enumerate(people):
        if person:
            rows.setdefault(person, []).append(i)
    pairs = [(r[i], r[i + 1]) for r in rows.values() for i in range(len(r) - 1)]
    if len(pairs) < 20:
        return None
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    near = float(np.median(np.linalg.norm(features[left] - features[right], axis=1)))
    return Kept(near / apart(features), len(pairs))


def people_of(data: DataSet, labels: Path | None) -> Mapping[str, str]:
    """Picture -> person, from the labels' column `identity`; empty where there are no labels."""
    if labels is None:
        return {}
    rows = csv.DictReader(io.StringIO(labels.read_text("utf-8-sig")))
    by_file = {row["file"]: row.get("identity", "") for row in rows}
    return {name: by_file.get(name) or by_file.get(name.rsplit("/", 1)[-1], "") for name in data.names}
