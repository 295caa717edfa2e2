"""Directions of a boxed model from beginning to end: codes, judge, choice of method, fit, effects, principal axes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from boxing.attributes import choose, effect_of, fitted
from boxing.baseline import cached_file
from boxing.card import Directions
from boxing.codes import codes_of, decode_with
from boxing.judge import Floats, Judge, apart, fit_judge, people_of, same_person
from boxing.kinds import Kind
from engine.data import DataSet, Split
from engine.diagnostics.own_features import embed
from engine.latent.direction_files import DirectionSet
from engine.latent.directions import pca_directions
from engine.latent.encoder import CodeEncoder
from engine.models.base import LatentModel

COMPONENTS: Final = 10
COMPONENT_CODES: Final = 4000
PARTS: Final = 5
"""One of so many parts of the training people chooses the method."""


@dataclass(frozen=True)
class Amounts:
    """How much is looked at: labelled pictures to fit and to judge on, decoded ones for effects, steps of a search."""

    fit: int = 100_000
    held: int = 100_000
    effects: int = 128
    choosing: int = 32
    search_steps: int = 0


def _features(data: DataSet, rows: NDArray[np.int64]) -> Floats:
    """Own features of real pictures, kept from box to box."""
    what = hashlib.sha256(rows.tobytes() + data.fingerprint.encode()).hexdigest()[:24]
    path = cached_file(f"features-{what}.npy")
    if path.is_file():
        kept: Floats = np.load(path, allow_pickle=False)
        return kept
    found = embed(np.asarray(data.images[rows]))
    np.save(path, found)
    return found


def _choosing(keys: list[str]) -> NDArray[np.bool_]:
    """One of `PARTS` people, a pure function of the person."""
    places = [int(hashlib.sha256(f"choose {key}".encode()).hexdigest()[:8], 16) for key in keys]
    return np.array([place % PARTS == 0 for place in places])


def judge_of(data: DataSet, kind: Kind, train: NDArray[np.int64], held: NDArray[np.int64]) -> tuple[Judge, list[int]]:
    """The judge of the kind's attributes, and their columns in the labels."""
    columns = [data.attributes.index(column) for column in kind.attributes]
    labels, held_labels = data.labels[train][:, columns], data.labels[held][:, columns]
    names = tuple(kind.attributes.values())
    judge = fit_judge(_features(data, train), labels, _features(data, held), held_labels, names)
    return judge, columns


def directions(
    model: LatentModel,
    data: DataSet,
    kind: Kind,
    *,
    digest: str,
    labels: Path | None,
    encoder: CodeEncoder | None,
    amounts: Amounts,
) -> tuple[DirectionSet, Directions | None]:
    """The set that is shipped, and what the card says of it (None for data without attributes)."""

    def codes(rows: NDArray[np.int64]) -> Floats:
        return codes_of(model, data, rows, encoder=encoder, steps=amounts.search_steps)

    if not kind.attributes:
        some = codes(data.indices(Split.TRAIN)[:COMPONENT_CODES])
        return DirectionSet(digest, pca_directions(some, COMPONENTS)), None
    labelled = (data.labels != 0).any(1)
    train = np.flatnonzero(labelled & (data.splits == Split.TRAIN.value))[: amounts.fit]
    held = np.flatnonzero(labelled & (data.splits != Split.TRAIN.value))[: amounts.held]
    judge, columns = judge_of(data, kind, train, held)
    ours, theirs = codes(train), codes(held)
    known, held_known = data.labels[train][:, columns], data.labels[held][:, columns]
    people = people_of(data, labels)
    mine = _choosing([people.get(data.names[i]) or data.names[i] for i in train])
    decode: Callable[[Floats], NDArray[np.uint8]] = decode_with(model, data.image_shape[0])
    names = tuple(kind.attributes.values())
    chosen = choose(
        ours[~mine],
        known[~mine],
        ours[mine],
        known[mine],
        names=names,
        aims=kind.aims,
        decode=decode,
        judge=judge,
        pictures=amounts.choosing,
    )
    made = fitted(ours, known, theirs, held_known, names=names, chosen=chosen)
    shown = theirs[np.random.default_rng(0).permutation(len(theirs))[: amounts.effects]]
    before = embed(decode(shown))
    between = apart(before)
    effects = {
        d.name: effect_of(d.vector, d.sigma, shown, before, decode=decode, judge=judge, between=between) for d in made
    }
    for d in made:
        own = names.index(d.name)
        print(
            f"  {d.name}: held-out AUC {d.auc:.3f} ({d.auc_low:.3f} to {d.auc_high:.3f}), +2 sigma does "
            f"{effects[d.name].change[own]:+.2f} of {judge.gaps[own]:.2f}",
            flush=True,
        )
    every = np.concatenate([train, held])
    same = same_person(_features(data, every), [people.get(data.names[i], "") for i in every])
    found = Directions(made, chosen, effects, judge, same)
    return DirectionSet(digest, (*made, *pca_directions(ours[:COMPONENT_CODES], COMPONENTS))), found
