"""Directions without labels: main axes of codes, of the decoder's features, of its first layer, of its slope.

Each is found from the model (and, where given, codes of real images), and measured in standard deviations of
real codes, so that a slider's +1 means the same as for every other direction.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.errors import DataError, Unsupported, UsageError, UserError
from engine.latent.directions import Direction, pca_directions
from engine.latent.principal_axes import principal_axes
from engine.models.base import LatentModel
from engine.progress import SILENT, Progress

SHOWN = 8
SAMPLES = 256
_CHUNK = 16
_ROUNDS = 4
_EXTRA = 6
_MOST_FEATURES = 8192


@dataclass(frozen=True, eq=False)
class Search:
    """What a method may use. `codes` (N, D) are codes of real images, or None.

    `samples` codes are drawn where a method looks at the decoder; `progress` is told and asked
    between the passes.
    """

    codes: Tensor | None = None
    samples: int = SAMPLES
    temperature: float = 1.0
    seed: int = 0
    progress: Progress = SILENT

    def generator(self) -> torch.Generator:
        """The same numbers for the same seed."""
        return torch.Generator().manual_seed(self.seed)


@dataclass(frozen=True, eq=False)
class Axes:
    """Unit rows `vectors` (k, D), strongest first, and their `shares` (k,) of what the method measures, in [0, 1]."""

    vectors: Tensor
    shares: Tensor


Find = Callable[[LatentModel, int, Search], Axes]


@dataclass(frozen=True)
class Unsupervised:
    """A row of the table: the word before an axis' number, what it is in a sentence, and the function."""

    label: str
    help: str
    find: Find


def code_axes(model: LatentModel, count: int, search: Search) -> Axes:
    """Principal axes of codes of real images; without any, of the codes that the encoder gives the model's samples.

    Raises:
        Unsupported: no real codes, and the samples' own codes are white noise by construction.
        UserError: fewer than two codes that differ.
    """
    codes = search.codes if search.codes is not None else _own_codes(model, search)
    found = pca_directions(codes, count, seed=search.seed)
    return Axes(torch.from_numpy(np.stack([d.vector for d in found])), torch.tensor([d.share or 0.0 for d in found]))


def _own_codes(model: LatentModel, search: Search) -> Tensor:
    """Codes (samples, D) that the encoder gives to the model's own samples."""
    if model.abilities.encode != "amortised":
        raise Unsupported(
            "The codes of this model's own samples are white noise and have no main axes: "
            "give it a folder of photos to encode."
        )
    drawn = model.sample_codes(search.samples, temperature=1.0, generator=search.generator())
    parts = []
    with torch.no_grad():
        for done, part in _chunks(drawn, search):
            parts.append(model.encode(model.decode(part)).float().cpu())
            search.progress.step(done, len(drawn))
    return torch.cat(parts)


def feature_axes(model: LatentModel, count: int, search: Search) -> Axes:
    """Where codes must move to follow the principal axes of the decoder's features (GANSpace, Härkönen et al. 2020).

    GANSpace regresses codes on the features' coordinates, u = E[z x] / E[x^2]. For a standard normal code Stein's
    lemma (1981) says E[z x(z)] = E[grad x(z)], so the same direction is the mean gradient: without the noise of
    the codes, which would drown it where a code has thousands of numbers.
    """
    device = next(model.parameters()).device
    codes = model.sample_codes(search.samples, temperature=search.temperature, generator=search.generator()).to(device)
    rounds = 2 * len(codes)
    features = []
    with torch.no_grad():
        for done, part in _chunks(codes, search):
            features.append(_flat_features(model, part).cpu())
            search.progress.step(done, rounds)
    axes = _principal(torch.cat(features), count, search.seed)
    across = axes.vectors.to(device)
    total = torch.zeros(len(across), codes.shape[1], dtype=torch.float64)
    with torch.inference_mode(False), torch.enable_grad():
        for done, part in _chunks(codes, search):
            moving = part.detach().clone().requires_grad_(True)
            along = (_flat_features(model, moving) @ across.T).sum(0)
            for row in range(len(across)):
                (slope,) = torch.autograd.grad(along[row], moving, retain_graph=row + 1 < len(across))
                total[row] += slope.double().sum(0).cpu()
            search.progress.step(len(codes) + done, rounds)
    return Axes(_units(total), axes.shares)


def _flat_features(model: LatentModel, codes: Tensor) -> Tensor:
    """Features (B, F), averaged over neighbours where there would be more than some thousands of them."""
    features = model.decoder_features(codes).float()
    while features.ndim == 4 and features[0].numel() > _MOST_FEATURES and min(features.shape[2:]) > 4:
        features = torch.nn.functional.avg_pool2d(features, 2)
    return features.flatten(1)


def weight_axes(model: LatentModel, count: int, search: Search) -> Axes:
    """Eigenvectors of A^T A, A (F, D) the first layer that the code goes through (SeFa, Shen and Zhou 2021, eq. 3).

    A step along the first of them changes what enters the decoder the most. Closed form: nothing is drawn.

    Raises:
        Unsupported: no linear layer sees the code first.
    """
    layer = model.first_layer()
    if layer is None:
        raise Unsupported(
            "This family has no first layer that the whole code goes through, so there are no weights to factor: "
            'choose "jacobian", which asks the whole decoder instead.'
        )
    search.progress.check()
    squares, vectors = torch.linalg.eigh((layer.detach().double().T @ layer.detach().double()).cpu())
    squares = squares.flip(0).clamp(min=0)
    return Axes(vectors.flip(1).T[:count].float(), (squares / squares.sum())[:count].float())


def slope_axes(model: LatentModel, count: int, search: Search) -> Axes:
    """Right singular vectors of the decoder's Jacobian at the middle of the code space: largest change a step.

    Randomised subspace iteration (Halko, Martinsson and Tropp 2011) with exact products J q and J^T y, so that the
    Jacobian itself is never made. For every family; of a linear decoder it is the singular value
    decomposition.
    """
    device, size = next(model.parameters()).device, model.spec.size
    middle = torch.zeros(size, device=device)
    wide = min(size, count + _EXTRA)
    basis = torch.linalg.qr(torch.randn(size, wide, generator=search.generator(), dtype=torch.float64))[0]
    for done in range(_ROUNDS):
        pushed = _push(model, middle, basis.T.float().to(device), search)
        pulled = _pull(model, middle, pushed, search)
        basis = torch.linalg.qr(pulled.T.double().cpu())[0]
        search.progress.step(done + 1, _ROUNDS + 1)
    pushed = _push(model, middle, basis.T.float().to(device), search)
    _, lengths, turns = torch.linalg.svd(pushed.double().cpu().T, full_matrices=False)
    search.progress.step(_ROUNDS + 1, _ROUNDS + 1)
    if not bool(torch.isfinite(lengths).all()) or not float(lengths[0]) > 0:
        raise UserError("The decoder's picture does not change around its middle: train the model longer.")
    squares = lengths.square()
    return Axes((turns @ basis.T)[:count].float(), (squares / squares.sum())[:count].float())


def _push(model: LatentModel, at: Tensor, rows: Tensor, search: Search) -> Tensor:
    """J q for each row q (B, D): what the picture does, (B, pixels).

    J^T v is linear in v, so its gradient along q is J q: two backward passes, which every layer has, in place of a
    forward one, which not every layer has.
    """
    parts = []
    with torch.inference_mode(False), torch.enable_grad():
        for part in rows.split(_CHUNK):
            search.progress.check()
            moving = at.expand(len(part), -1).clone().requires_grad_(True)
            pictures = model.decode(moving).flatten(1)
            dual = torch.zeros_like(pictures, requires_grad=True)
            (pulled,) = torch.autograd.grad(pictures, moving, dual, create_graph=True)
            (pushed,) = torch.autograd.grad(pulled, dual, part.clone())
            parts.append(pushed.detach())
    return torch.cat(parts)


def _pull(model: LatentModel, at: Tensor, rows: Tensor, search: Search) -> Tensor:
    """J^T y for each row y (B, pixels): (B, D)."""
    parts = []
    with torch.inference_mode(False), torch.enable_grad():
        for part in rows.split(_CHUNK):
            search.progress.check()
            moving = at.expand(len(part), -1).clone().requires_grad_(True)
            (slope,) = torch.autograd.grad(model.decode(moving).flatten(1), moving, part.clone())
            parts.append(slope.detach())
    return torch.cat(parts)


UNSUPERVISED: Mapping[str, Unsupervised] = {
    "pca": Unsupervised("PC", "the directions in which codes of photos vary most", code_axes),
    "features": Unsupervised("Feature", "what moves the decoder's features most (GANSpace)", feature_axes),
    "weights": Unsupervised("Weight", "what the decoder's first layer amplifies most (SeFa)", weight_axes),
    "jacobian": Unsupervised("Slope", "what changes the middle picture most", slope_axes),
}
"""A new way to find directions without labels is one function and one row here."""


def available(model: LatentModel) -> tuple[str, ...]:
    """The three methods that suit a model: a family without a first layer has its slope in place of its weights."""
    return ("pca", "features", "jacobian" if model.first_layer() is None else "weights")


def find_directions(
    model: LatentModel,
    method: str,
    *,
    count: int = SHOWN,
    search: Search | None = None,
    known: Iterable[Direction] = (),
) -> tuple[Direction, ...]:
    """`count` directions (fewer where the code is smaller), strongest first, each named and with its sigma.

    Sigma is measured on `search.codes` where there are some; else it is told from the `known` principal axes of real
    codes (see `spread_along`), and without those it is 1, the prior's own.

    Raises:
        UsageError: an unknown method, or no direction wanted.
        Unsupported: this family has none of that kind.
        UserError: the codes or the decoder do not vary.
    """
    if method not in UNSUPERVISED:
        raise UsageError(f"There is no method called {method!r}: choose one of {', '.join(UNSUPERVISED)}.")
    if count < 1:
        raise UsageError(f"At least one direction must be asked for, got {count}.")
    search = search or Search()
    if method == "pca" and search.codes is None:
        search = replace(search, codes=_own_codes(model, search))
    row = UNSUPERVISED[method]
    axes = row.find(model, min(count, model.spec.size), search)
    codes = None if search.codes is None else search.codes.detach().float().cpu()
    spread = spread_along(known)
    made = []
    for number, (vector, share) in enumerate(zip(axes.vectors, axes.shares.tolist(), strict=True), start=1):
        unit = _facing(vector).numpy()
        sigma = spread(unit) if codes is None else float((codes @ torch.from_numpy(unit)).double().std(correction=0))
        if np.isfinite(sigma) and sigma > 0:
            made.append(Direction(f"{row.label} {number}", unit, sigma, method=method, share=share))
    if not made:
        raise UserError("The codes do not vary along any axis: give more photos that differ.")
    return tuple(made)


def spread_along(known: Iterable[Direction]) -> Callable[[npt.NDArray[np.float32]], float]:
    """The standard deviation of real codes along a unit vector (D,), told from their principal axes.

    Probabilistic PCA (Tipping and Bishop 1999): the known axes have their own variance, all others share what is left
    of the whole. Without principal axes among `known` it is 1, for the prior is a standard normal.
    """
    axes = [direction for direction in known if direction.method == "pca" and direction.share]
    if not axes:
        return lambda vector: 1.0
    size = axes[0].vector.size
    squares = np.array([axis.sigma**2 for axis in axes])
    whole = float(np.median(squares / np.array([axis.share for axis in axes])))
    left = max(0.0, whole - float(squares.sum())) / max(1, size - len(axes))
    rows = np.stack([axis.vector for axis in axes]).astype(np.float64)

    def spread(vector: npt.NDArray[np.float32]) -> float:
        shares = (rows @ vector) ** 2
        return float(np.sqrt(shares @ squares + max(0.0, 1 - float(shares.sum())) * left))

    return spread


def _chunks(codes: Tensor, search: Search) -> Iterable[tuple[int, Tensor]]:
    """(how many are done after it, a few codes), asking before each whether to stop."""
    done = 0
    for part in codes.split(_CHUNK):
        search.progress.check()
        done += len(part)
        yield done, part


def _principal(rows: Tensor, count: int, seed: int) -> Axes:
    try:
        found = principal_axes(rows, count, seed=seed)
    except DataError as error:
        raise UserError("The decoder's features do not vary: train the model longer.") from error
    return Axes(found.axes, found.shares)


def _units(rows: Tensor) -> Tensor:
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    if not bool(torch.isfinite(lengths).all()) or not bool((lengths > 0).all()):
        raise UserError("The decoder's features do not change with the code: train the model longer.")
    units: Tensor = (rows / lengths).float()
    return units


def _facing(vector: Tensor) -> Tensor:
    """Of unit length, its largest number positive: an axis has no preferred sign."""
    unit = vector.double() / torch.linalg.vector_norm(vector.double())
    facing: Tensor = (unit if float(unit[unit.abs().argmax()]) >= 0 else -unit).float()
    return facing
