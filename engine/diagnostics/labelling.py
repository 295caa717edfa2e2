"""A classifier on own features, and what share of pictures has a label when the classifier itself errs."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.diagnostics.frechet import GROUPS, Z95, Estimate, jackknife_error
from engine.latent.directions import area_under_curve
from engine.progress import SILENT, Progress

Features = NDArray[np.float32]
Labels = NDArray[np.int8]

RIDGE: Final = 1e-3
ROUNDS: Final = 60
FEWEST: Final = 20
"""Held-out pictures with and without a label that its error rates need."""
SHARPEST: Final = 0.4
"""Hits less false alarms that a label needs to be judged."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """Logistic regression for each label, or one softmax where exactly one label holds for each picture (`classes`).

    `weights` (F + 1, A), float32; `thresholds` (A,) on the logits, at which as many training pictures are called as
    have the label.
    """

    weights: Tensor
    thresholds: Tensor
    classes: bool

    def logits(self, features: Features) -> NDArray[np.float32]:
        """(N, A) of features (N, F)."""
        found: NDArray[np.float32] = (_with_one(torch.from_numpy(features)) @ self.weights).numpy()
        return found

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        """(N, A); rows sum to one where labels are classes."""
        logits = torch.from_numpy(self.logits(features)).double()
        found = logits.softmax(1) if self.classes else logits.sigmoid()
        return np.asarray(found.numpy())

    def calls(self, features: Features) -> NDArray[np.bool_]:
        """(N, A): which labels it gives each picture; exactly one where labels are classes."""
        logits = self.logits(features)
        if self.classes:
            return np.asarray(logits.argmax(1)[:, None] == np.arange(logits.shape[1]))
        return np.asarray(logits > self.thresholds.numpy())


def are_classes(labels: Labels) -> bool:
    """Whether each labelled picture has exactly one of the labels, and every label is used."""
    known = labels[(labels != 0).any(1)]
    return bool(labels.shape[1] > 1 and len(known) and ((known > 0).sum(1) == 1).all() and (known > 0).any(0).all())


def fit_classifier(features: Features, labels: Labels, *, progress: Progress = SILENT) -> Classifier:
    """Ridge logistic regression by L-BFGS on features (N, F) and labels (N, A) in {-1, 0, 1}; 0 is unknown."""
    x, given = _with_one(torch.from_numpy(features)), torch.from_numpy(labels)
    classes = are_classes(labels)
    if classes:
        kept = (given != 0).any(1)
        x, given = x[kept], given[kept]
    known, wanted = (given != 0).float(), (given > 0).float()
    weights = torch.zeros(x.shape[1], labels.shape[1], requires_grad=True)
    search = torch.optim.LBFGS([weights], max_iter=ROUNDS, line_search_fn="strong_wolfe", tolerance_change=1e-7)

    def loss() -> Tensor:
        progress.check()
        search.zero_grad()
        logits = x @ weights
        if classes:
            wrong = F.cross_entropy(logits, wanted.argmax(1))
        else:
            each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * known
            wrong = (each.sum(0) / known.sum(0).clamp(min=1)).sum()
        total = wrong + RIDGE * weights[:-1].square().sum()
        total.backward()
        return total

    with torch.inference_mode(False), torch.enable_grad():
        search.step(loss)
    found = weights.detach()
    scores = (x @ found).numpy()
    thresholds = np.zeros(labels.shape[1], np.float32)
    for at in range(labels.shape[1]):
        rows = known[:, at].bool().numpy()
        if rows.any():
            thresholds[at] = np.quantile(scores[rows, at], 1 - float(wanted[rows, at].mean()))
    return Classifier(found, torch.from_numpy(thresholds), classes)


def _with_one(x: Tensor) -> Tensor:
    return torch.cat([x.float(), torch.ones(len(x), 1)], dim=1)


@dataclass(frozen=True)
class Quality:
    """How well one label is told on held-out pictures: its AUC, hits and false alarms, with and without it."""

    label: str
    auc: float
    hits: float
    alarms: float
    having: int
    lacking: int

    @property
    def usable(self) -> bool:
        """Whether shares can be read with it."""
        return min(self.having, self.lacking) >= FEWEST and self.hits - self.alarms >= SHARPEST

    @property
    def balanced(self) -> float:
        """Accuracy where pictures with and without the label weigh the same."""
        return (self.hits + 1 - self.alarms) / 2


def qualities(
    classifier: Classifier, features: Features, labels: Labels, names: tuple[str, ...], *, copies: int = 1
) -> list[Quality]:
    """The quality of each label on held-out features (N, F) with labels (N, A).

    Where every picture is there in several `copies`, it counts as one: copies are no further evidence.
    """
    scores, calls = classifier.logits(features), classifier.calls(features)
    found = []
    for at, name in enumerate(names):
        known = labels[:, at] != 0
        has = labels[known, at] > 0
        having, lacking = int(has.sum()), int((~has).sum())
        auc = area_under_curve(scores[known, at], has) if having and lacking else math.nan
        called = calls[known, at]
        hits = float(called[has].mean()) if having else math.nan
        alarms = float(called[~has].mean()) if lacking else math.nan
        found.append(Quality(name, auc, hits, alarms, having // copies, lacking // copies))
    return found


@dataclass(frozen=True)
class LabelShare:
    """The share of pictures that have a label, with its 95 % interval, both within [0, 1]."""

    value: float
    low: float
    high: float
    n: int


def true_share(called: int, n: int, quality: Quality) -> LabelShare:
    """The share of `n` pictures that have a label of which the classifier called `called`.

    Rogan and Gladen 1978: p = (q - alarms) / (hits - alarms); the interval by the delta method, the error rates' own
    uncertainty included. `called` is smoothed by half a picture, so that none of n has an interval.
    """
    q = called / n
    sharp = quality.hits - quality.alarms
    p = min(1.0, max(0.0, (q - quality.alarms) / sharp))

    def variance(rate: float, count: int) -> float:
        smooth = (rate * count + 0.5) / (count + 1)
        return smooth * (1 - smooth) / count

    total = (
        variance(q, n)
        + (1 - p) ** 2 * variance(quality.alarms, quality.lacking)
        + p * p * variance(quality.hits, quality.having)
    )
    half = Z95 * math.sqrt(total) / sharp
    return LabelShare(p, max(0.0, p - half), min(1.0, p + half), n)


def classifier_score(probabilities: NDArray[np.float64]) -> Estimate:
    """exp of the mean KL(p(y|x) || p(y)) over pictures, (N, A) rows that sum to one (Salimans et al. 2016, section 4).

    1 where all pictures get one answer, A where they are sure and spread evenly. Error by leaving out parts in turn.
    """
    groups = min(GROUPS, len(probabilities))
    parts = np.array_split(np.arange(len(probabilities)), groups)

    def score(rows: NDArray[np.int64]) -> float:
        p = probabilities[rows].clip(1e-30)
        return float(np.exp((p * (np.log(p) - np.log(p.mean(0)))).sum(1).mean()))

    every = np.arange(len(probabilities))
    without = [score(np.delete(every, part)) for part in parts] if groups > 1 else [1.0]
    return Estimate(score(every), jackknife_error(without), len(probabilities))
