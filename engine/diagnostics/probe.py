"""What the code knows: a linear probe of each attribute, from the codes of training images to those of held-out ones.

The semi-supervised use of a latent-variable model (Kingma et al. 2014, arXiv:1406.5298, model M1): features learned
without labels, then a linear classifier on them. The baseline has as many numbers, taken from PCA of the pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.diagnostics.base import Diagnostic, Request, Subject
from engine.errors import UserError
from engine.knobs import Knob
from engine.latent.directions import area_under_curve, fit_attribute
from engine.latent.principal_axes import fit_pca, project
from engine.pictures import to_images
from engine.progress import SILENT, Progress
from engine.report import Figure, Finding, Level

Floats = NDArray[np.float32]
Pictures = NDArray[np.uint8]
Encode = Callable[[Tensor], Tensor]

FEWEST: Final = 20
_CHUNK: Final = 64
_HELDOUT_MOST: Final = 2000
_PCA_MOST: Final = 64
_USELESS: Final = 0.6
_SPARE: Final = 5


@dataclass(frozen=True)
class Probe:
    """One attribute on held-out images: AUC with its 95 % interval, and accuracy where both classes weigh the same."""

    attribute: str
    auc: float
    low: float
    high: float
    accuracy: float
    n: int

    @property
    def title(self) -> str:
        return self.attribute.replace("_", " ")

    @property
    def value(self) -> float:
        return self.auc


def encoder_of(subject: Subject) -> Encode | None:
    """Images (B, C, S, S) -> codes (B, D): the family's own encoder, or the one that was fitted beside the model."""
    if subject.model.abilities.encode != "search":
        return subject.model.encode
    beside: Encode | None = getattr(subject, "encoder", None)
    return beside


@torch.inference_mode()
def codes_of(subject: Subject, pictures: Pictures, encode: Encode, *, progress: Progress = SILENT) -> Floats:
    """Codes (N, D) of pictures (N, S, S, C); numbers that are not finite become 0."""
    channels = subject.model.spec.image_shape[0]
    parts = []
    for start in range(0, len(pictures), _CHUNK):
        progress.check()
        progress.step(start, len(pictures))
        images = to_images(np.asarray(pictures[start : start + _CHUNK]), subject.device, channels)
        parts.append(torch.nan_to_num(encode(images).float(), posinf=0.0, neginf=0.0).cpu())
    found: Floats = torch.cat(parts).numpy()
    return found


def probe_attributes(
    codes: Floats,
    labels: NDArray[np.int8],
    heldout: Floats,
    heldout_labels: NDArray[np.int8],
    attributes: Sequence[str],
    *,
    progress: Progress = SILENT,
) -> tuple[Probe, ...]:
    """A ridge logistic regression for each attribute that has 20 images of both kinds on each side.

    Codes are (N, D) and (M, D), labels (N, A) and (M, A) in {-1, 0, 1}; 0 is unknown and left out. Long codes are first
    turned into the space that the training codes span, where the same ridge gives the same classifier.
    """
    x, held = _turned(torch.from_numpy(codes), torch.from_numpy(heldout))
    found = []
    for at, name in enumerate(attributes):
        progress.check()
        known, held_known = labels[:, at] != 0, heldout_labels[:, at] != 0
        y, held_y = labels[known, at] > 0, heldout_labels[held_known, at] > 0
        if min(y.sum(), (~y).sum(), held_y.sum(), (~held_y).sum()) < FEWEST:
            continue
        ours, theirs = x[torch.from_numpy(known)], held[torch.from_numpy(held_known)]
        # Every fifth is kept for the threshold: on its own examples a long code's classifier is far too sure.
        spare = np.arange(len(y)) % _SPARE == 0
        try:
            direction = fit_attribute(ours[~spare], y[~spare], name=name, held_out_codes=theirs, held_out_labels=held_y)
        except UserError:
            # Codes that do not differ between the classes tell nothing: the chance level.
            found.append(Probe(name, 0.5, 0.5, 0.5, 0.5, len(held_y)))
            continue
        vector = torch.from_numpy(direction.vector)
        scores, held_scores = (ours[spare] @ vector).numpy(), (theirs @ vector).numpy()
        middle = _threshold(scores, y[spare])
        right = (float((held_scores[held_y] > middle).mean()) + float((held_scores[~held_y] <= middle).mean())) / 2
        auc = area_under_curve(held_scores, held_y)
        low, high = direction.auc_low, direction.auc_high
        found.append(Probe(name, auc, auc if low is None else low, auc if high is None else high, right, len(held_y)))
    return tuple(found)


def _threshold(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The middle between the classes' means; between all scores where one of the classes is missing."""
    if positive.all() or not positive.any():
        return float(scores.mean()) if len(scores) else 0.0
    return float(scores[positive].mean() + scores[~positive].mean()) / 2


def _turned(x: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
    """Both sets in an orthonormal basis of the centred training codes, where that has fewer numbers."""
    centre = x.mean(0)
    x, held = x - centre, held - centre
    if x.shape[1] <= x.shape[0]:
        return x, held
    squares, vectors = torch.linalg.eigh((x @ x.T).double())
    keep = squares > 1e-9 * squares[-1].clamp(min=1e-30)
    basis = ((vectors[:, keep] / squares[keep].sqrt()).T.float() @ x).T
    return x @ basis, held @ basis


def measure(request: Request) -> Finding:
    """The probes as a finding. Figures: probe_auc (mean), pixel_auc (the baseline), probe_accuracy, auc/NAME each."""
    subject = request.subject
    encode = encoder_of(subject)
    assert encode is not None
    assert subject.labels is not None
    assert subject.heldout_labels is not None
    most = int(request.values.get("images", IMAGES.default))
    most = min(most, 400) if request.quick else most
    rng = np.random.default_rng(request.seed)
    chosen = np.sort(rng.permutation(len(subject.training))[:most])
    held = np.sort(rng.permutation(len(subject.heldout))[: min(_HELDOUT_MOST, most)])
    training, heldout = np.asarray(subject.training[chosen]), np.asarray(subject.heldout[held])
    labels, held_labels = subject.labels[chosen], subject.heldout_labels[held]
    total = len(training) + len(heldout)
    codes = codes_of(subject, training, encode, progress=request.progress.part(0, len(training), total))
    held_codes = codes_of(subject, heldout, encode, progress=request.progress.part(len(training), total, total))
    probes = probe_attributes(codes, labels, held_codes, held_labels, subject.attributes, progress=request.progress)
    if not probes:
        raise UserError(
            f"No attribute has {FEWEST} images of both kinds on each side: give a larger labelled data set."
        )
    pca = fit_pca(training, min(_PCA_MOST, subject.model.spec.size), seed=request.seed)
    pixels = probe_attributes(
        project(pca, training).numpy(),
        labels,
        project(pca, heldout).numpy(),
        held_labels,
        subject.attributes,
        progress=request.progress,
    )
    ours, theirs = float(np.mean([p.auc for p in probes])), float(np.mean([p.auc for p in pixels]))
    level = _level(ours, theirs)
    ordered = sorted(probes, key=lambda probe: -probe.auc)
    return Finding(
        "probe",
        PROBE.title,
        level,
        _sentence(ordered, ours, theirs),
        (
            Figure(
                "probe_auc",
                "AUC from the code, mean of attributes",
                ours,
                n=len(heldout),
                better="higher",
                note=f"{len(probes)} attributes, logistic regression on {len(training):,} training images",
            ),
            Figure(
                "pixel_auc",
                "AUC from PCA of pixels, mean",
                theirs,
                n=len(heldout),
                better="higher",
                note=f"the baseline: {len(pca.axes.deviations)} components",
            ),
            Figure(
                "probe_accuracy",
                "Accuracy from the code, mean",
                float(np.mean([p.accuracy for p in probes])),
                n=len(heldout),
                better="higher",
                note="both classes weigh the same; 0.5 is guessing",
            ),
            *(
                Figure.of(f"auc/{p.attribute}", p.title, p, "higher", f"AUC; accuracy {p.accuracy:.0%}")
                for p in ordered
            ),
        ),
        values={"auc": tuple(p.auc for p in ordered), "accuracy": tuple(p.accuracy for p in ordered)},
    )


def _level(ours: float, pixels: float) -> Level:
    if ours < _USELESS and pixels > ours + 0.05:
        return "bad"
    return "good" if ours >= pixels - 0.05 else "watch"


def _sentence(ordered: Sequence[Probe], ours: float, pixels: float) -> str:
    best, worst = ordered[0], ordered[-1]
    names = f"best {best.title} ({best.auc:.2f})"
    if len(ordered) > 1:
        names += f", worst {worst.title} ({worst.auc:.2f})"
    beside = f"PCA of the pixels reaches {pixels:.2f}"
    if ours < _USELESS and pixels > ours + 0.05:
        return f"The code tells hardly anything about the attributes: mean AUC {ours:.2f}, where {beside}; {names}."
    return f"A linear probe reads the attributes from the code with a mean AUC of {ours:.2f}; {beside}; {names}."


def _why_not(subject: Subject) -> str:
    if not subject.attributes or subject.labels is None or subject.heldout_labels is None:
        return "There are no labels: give a data set with a labels.csv to probe for attributes."
    if encoder_of(subject) is None:
        return "This model has no encoder, and the search takes too long for so many images: fit an encoder beside it."
    if len(subject.heldout) < 2 * FEWEST or len(subject.training) < 2 * FEWEST:
        return f"A probe needs at least {2 * FEWEST} training and held-out images: give a larger data set."
    return ""


IMAGES = Knob(
    name="images",
    kind=int,
    default=2000,
    title="Training images",
    help="More images give better probes and take longer to encode.",
    low=100,
    high=20_000,
    log=True,
)

PROBE = Diagnostic(
    "probe",
    "Attributes in the code",
    "Can a linear classifier read each attribute from the code? Held out, with pixels' PCA as the baseline.",
    measure,
    _why_not,
    (IMAGES,),
)
