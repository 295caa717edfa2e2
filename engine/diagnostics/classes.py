"""Which labels the model never draws: a classifier on own features counts them in samples and in the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.diagnostics import labelling
from engine.diagnostics.base import Diagnostic, Request, Subject
from engine.diagnostics.fidelity import KNOBS, PERFECT, SHOWN, asked, coloured, seen
from engine.diagnostics.frechet import LEAST, Estimate
from engine.diagnostics.manifold import Share, manifolds, wilson
from engine.diagnostics.own_features import embed, shuffled
from engine.progress import Progress
from engine.report import Evidence, Figure, Finding, Level

MOST_LABELLED: Final = 4000
LEAST_LABELLED: Final = 100
NEVER: Final = 0.2
"""A label is never drawn where its share is surely below this part of its share in the data."""
RARELY: Final = 0.5
OFTEN: Final = 2.0
EXPECTED: Final = 10
"""Samples with the label that the data's share lets expect, for a verdict on it."""
COMMON: Final = 0.02
MOST_ALIKE: Final = 1000
ALIKE: Final = 0.9
"""Below this part of held-out pictures' precision, samples are too unlike real pictures to trust the classifier."""
MISLED: Final = " The samples look unlike real pictures, though, and may mislead it."
SHOWN_LABELS: Final = 8
SHOWN_PAIRS: Final = 5

Pictures = NDArray[np.uint8]
Labels = NDArray[np.int8]
Features = NDArray[np.float32]
Calls = NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """One label, with (`present`) or without: its share in the data and among the samples.

    `word` is "never", "rarely" or "often" where the samples surely differ from the data, else empty.
    """

    label: str
    present: bool
    quality: labelling.Quality
    data: float
    drawn: labelling.LabelShare
    word: str

    @property
    def title(self) -> str:
        """The label as it is read."""
        name = self.label.replace("_", " ")
        return name if self.present else f"not {name}"


@dataclass(frozen=True)
class MissingPair:
    """Two labels that come together in real pictures and hardly ever in samples; shares by the classifier's calls."""

    title: str
    real: Share
    drawn: Share


def counted(
    quality: labelling.Quality, data: float, called: int, n: int, *, present: bool = True, reverse: bool = False
) -> Counted:
    """What `called` of `n` samples say of a label whose share in the data is `data`; `reverse` for its absence."""
    drawn = labelling.true_share(called, n, quality)
    if reverse:
        data, drawn = 1 - data, labelling.LabelShare(1 - drawn.value, 1 - drawn.high, 1 - drawn.low, n)
    word = ""
    if data * n >= EXPECTED:
        if drawn.high < NEVER * data:
            word = "never"
        elif drawn.high < RARELY * data:
            word = "rarely"
        elif drawn.low > OFTEN * data:
            word = "often"
    return Counted(quality.label, present and not reverse, quality, data, drawn, word)


def missing_pairs(
    real: Calls, drawn: Calls, names: tuple[str, ...], told: frozenset[tuple[str, bool]]
) -> list[MissingPair]:
    """Pairs of labels (with or without each) that are common in `real` (N, A) and nearly absent in `drawn` (M, A).

    Pairs that hold a label of `told`, which is missing by itself, are left out; the most common first.
    """
    columns = [(name, present) for name in names for present in (True, False) if (name, present) not in told]
    if not columns or not len(real) or not len(drawn):
        return []
    at = {name: i for i, name in enumerate(names)}

    def table(calls: Calls) -> NDArray[np.float32]:
        return np.stack([calls[:, at[name]] == present for name, present in columns], axis=1).astype(np.float32)

    ours, theirs = table(drawn), table(real)
    both, both_real = ours.T @ ours, theirs.T @ theirs
    found = []
    for i, (first, with_first) in enumerate(columns):
        for j, (second, with_second) in enumerate(columns[:i]):
            if first == second or both_real[i, j] < COMMON * len(real):
                continue
            share, share_real = (
                wilson(round(float(both[i, j])), len(drawn)),
                wilson(round(float(both_real[i, j])), len(real)),
            )
            if share.high < NEVER * share_real.low:
                words = [
                    ("" if has else "not ") + name.replace("_", " ")
                    for name, has in ((second, with_second), (first, with_first))
                ]
                found.append(MissingPair(" and ".join(words), share_real, share))
    return sorted(found, key=lambda pair: -pair.real.value)


def why_not(subject: Subject) -> str:
    """Why labels cannot be counted, or nothing."""
    if subject.labels is None or not subject.attributes:
        return (
            "The data set has no labels: put a labels.csv beside the pictures, with a column of 1 and -1 for each "
            "attribute."
        )
    known = int((subject.labels != 0).any(1).sum())
    if known < LEAST_LABELLED:
        return (
            f"Only {known} training pictures have labels and a classifier needs {LEAST_LABELLED}: label more of them."
        )
    return ""


def roughened(pictures: Pictures, *, seed: int = 0) -> Pictures:
    """Copies of pictures (N, S, S, C), every second one blurred and the others noisy, each by a random amount.

    Samples are blurred or noisy where no real picture is: a classifier that saw only sharp ones would take the blur for
    a label.
    """
    rng = np.random.default_rng(seed)
    found = pictures.astype(np.float32)
    for at, picture in enumerate(found):
        if at % 2:
            picture += rng.normal(0, rng.uniform(0, 20), picture.shape)
        else:
            sigma = rng.uniform(0.3, 2.0) * picture.shape[0] / 64
            blurred = cv2.GaussianBlur(picture, (0, 0), sigma)
            picture[:] = blurred.reshape(picture.shape)  # OpenCV drops the axis of a single channel.
    return found.round().clip(0, 255).astype(np.uint8)


def _seen_twice(pictures: Pictures, labels: Labels, *, seed: int, progress: Progress) -> tuple[Features, Labels]:
    """Own features of pictures as they are and of as many rough copies, with their labels."""
    rough = roughened(pictures, seed=seed)
    rows = [embed(part, progress=progress) for part in (pictures, rough)]
    return np.concatenate(rows), np.concatenate([labels, labels])


def _labelled(pictures: Pictures, labels: Labels, most: int) -> tuple[Pictures, Labels]:
    order = shuffled(len(pictures), len(pictures))
    rows = order[(labels[order] != 0).any(1)][:most]
    return pictures[rows], labels[rows]


def run(request: Request) -> Finding:
    """Shares of labels among samples and in the data, what is never drawn, and for classes the classifier score.

    The classifier learns from training pictures and rough copies of them; its quality, and the error rates by which
    shares are corrected, are measured on held-out ones, likewise. `values` has a row for each judged label: share in
    the data, share among the samples, the ends of its interval, and the classifier's AUC.

    Raises:
        Cancelled: from the request.
        DataError: too few pictures.
    """
    subject = request.subject
    assert subject.labels is not None
    n, _ = asked(request)
    pictures, labels = _labelled(subject.training, subject.labels, min(n, MOST_LABELLED))
    if subject.heldout_labels is not None and (subject.heldout_labels != 0).any():
        judged, judged_labels = _labelled(subject.heldout, subject.heldout_labels, min(n, MOST_LABELLED))
    else:
        # Without held-out labels a quarter of the training pictures is kept aside instead.
        cut = len(pictures) // 4
        judged, judged_labels = pictures[:cut], labels[:cut]
        pictures, labels = pictures[cut:], labels[cut:]
    total = 2 * (len(pictures) + len(judged)) + n
    progress = request.progress
    features, feature_labels = _seen_twice(pictures, labels, seed=request.seed, progress=progress)
    progress.step(len(features), total)
    held, held_labels = _seen_twice(judged, judged_labels, seed=request.seed + 1, progress=progress)
    drawn = seen(request, "samples", n, progress.part(total - n, total, total))
    classifier = labelling.fit_classifier(features, feature_labels, progress=progress)
    found = labelling.qualities(classifier, held, held_labels, subject.attributes, copies=2)
    calls, calls_real = classifier.calls(drawn), classifier.calls(held[: len(judged)])
    rows = _counts(found, subject.labels, calls, classes=classifier.classes)
    told = frozenset((row.label, row.present) for row in rows if row.word in ("never", "rarely"))
    usable = [i for i, quality in enumerate(found) if quality.usable]
    pairs = (
        []
        if classifier.classes
        else missing_pairs(calls_real[:, usable], calls[:, usable], tuple(subject.attributes[i] for i in usable), told)
    )
    scores = (_score(classifier, drawn), _score(classifier, held[: len(judged)])) if classifier.classes else None
    seen_alike = _alike(drawn, features[: len(pictures)], held[: len(judged)], progress=progress)
    return _finding(subject, found, rows, pairs, scores, (pictures, labels), seen_alike)


def _alike(drawn: Features, real: Features, held: Features, *, progress: Progress) -> float:
    """The precision of samples over that of held-out pictures, at most 1,000 each: is the classifier at home there?"""
    most = min(MOST_ALIKE, len(drawn), len(real), len(held))
    if most < LEAST:
        return 1.0
    ours = manifolds(drawn[:most], real[:most], progress=progress).precision.value
    theirs = manifolds(held[:most], real[:most], progress=progress).precision.value
    return ours / theirs if theirs else 1.0


def _score(classifier: labelling.Classifier, features: Features) -> Estimate:
    return labelling.classifier_score(classifier.probabilities(features))


def _counts(found: list[labelling.Quality], labels: Labels, calls: Calls, *, classes: bool) -> list[Counted]:
    rows = []
    for at, quality in enumerate(found):
        known = labels[:, at] != 0
        if not quality.usable or not known.any():
            continue
        share, called = float((labels[known, at] > 0).mean()), int(calls[:, at].sum())
        rows.append(counted(quality, share, called, len(calls)))
        if not classes:
            rows.append(counted(quality, share, called, len(calls), reverse=True))
    return rows


def _finding(
    subject: Subject,
    found: list[labelling.Quality],
    rows: list[Counted],
    pairs: list[MissingPair],
    scores: tuple[Estimate, Estimate] | None,
    real: tuple[Pictures, Labels],
    alike: float,
) -> Finding:
    usable = [quality for quality in found if quality.usable]
    figures = [Figure("labels_judged", "Labels that the classifier tells well enough", len(usable), n=len(found))]
    if usable:
        figures.append(
            Figure(
                "labels_accuracy",
                "The classifier's accuracy on held-out pictures",
                100 * float(np.mean([quality.balanced for quality in usable])),
                unit="%",
                n=min(quality.having + quality.lacking for quality in usable),
                better="higher",
                note="With and without a label weigh the same; mean of the labels.",
            )
        )
    if scores:
        ours, theirs = scores
        note = f"With our own classifier of {len(found)} classes, so it compares with no published score."
        figures += [
            Figure.of("score", "Classifier score", ours, "higher", note),
            Figure.of("score_real", "Classifier score of held-out real pictures", theirs, "higher", PERFECT),
        ]
    flagged = sorted((row for row in rows if row.word), key=lambda row: ("never", "rarely", "often").index(row.word))
    figures += [_share_figure(row) for row in flagged[:SHOWN_LABELS]]
    figures += [
        Figure.of(f"pair/{pair.title}", f"{pair.title}: share of samples", pair.drawn, note=note, cent=True)
        for pair in pairs[:SHOWN_PAIRS]
        for note in (f"Of real pictures {100 * pair.real.value:.1f} %.",)
    ]
    misled = alike < ALIKE
    level = _level(usable, flagged, misled=misled)
    values = {
        row.label: (row.data, row.drawn.value, row.drawn.low, row.drawn.high, row.quality.auc)
        for row in rows
        if row.present
    }
    return Finding(
        "classes",
        CLASSES.title,
        level,
        _sentence(len(found), usable, flagged, pairs) + (MISLED if misled and usable else ""),
        tuple(figures),
        _evidence(flagged, subject.attributes, *real),
        values,
    )


def _share_figure(row: Counted) -> Figure:
    note = f"In the data {100 * row.data:.1f} %. The classifier's AUC is {row.quality.auc:.2f}."
    return Figure.of(f"share/{row.title}", f"{row.title}: share of samples", row.drawn, note=note, cent=True)


def _level(usable: list[labelling.Quality], flagged: list[Counted], *, misled: bool) -> Level:
    if not usable:
        return "unknown"
    if not misled and any(row.word == "never" and row.data >= COMMON for row in flagged):
        return "bad"
    return "watch" if any(row.word in ("never", "rarely") for row in flagged) else "good"


def _sentence(total: int, usable: list[labelling.Quality], flagged: list[Counted], pairs: list[MissingPair]) -> str:
    if not usable:
        return f"The classifier tells none of the {total} labels well enough on held-out pictures: nothing is counted."
    mean = 100 * float(np.mean([quality.balanced for quality in usable]))
    quality = f"The classifier is right on {mean:.0f} % of held-out pictures ({len(usable)} of {total} labels)"
    parts = []
    for word, says in WORDS:
        named = [
            f"{row.title} ({100 * row.drawn.value:.1f} % of samples, {100 * row.data:.1f} % of the data)"
            for row in flagged
            if row.word == word
        ]
        if named:
            more = f" and {len(named) - 3} more" if len(named) > 3 else ""
            parts.append(f"{says}: {', '.join(named[:3])}{more}")
    if pairs:
        parts.append(
            f"never together though common in the data: {pairs[0].title}"
            + (f" and {len(pairs) - 1} more" if len(pairs) > 1 else "")
        )
    if not parts:
        return f"{quality}. Every label that can be told is drawn, none at less than half its share."
    told = "; ".join(parts)
    return f"{quality}. {told[:1].upper()}{told[1:]}."


WORDS: Final = (
    ("never", "never or almost never drawn"),
    ("rarely", "drawn less than half as often as in the data"),
    ("often", "drawn more than twice as often"),
)


def _evidence(
    flagged: list[Counted], attributes: tuple[str, ...], pictures: Pictures, labels: Labels
) -> tuple[Evidence, ...]:
    rows = []
    for row in [row for row in flagged if row.word in ("never", "rarely")][:3]:
        has = np.flatnonzero(labels[:, attributes.index(row.label)] == (1 if row.present else -1))[:SHOWN]
        if len(has):
            rows.append(Evidence(f"In the data and hardly among the samples: {row.title}", (coloured(pictures[has]),)))
    return tuple(rows)


CLASSES: Final = Diagnostic(
    "classes",
    "Labels: what is never drawn",
    "A classifier on own features counts each label in samples and data; first its accuracy on held-out pictures.",
    run,
    why_not,
    KNOBS,
)
