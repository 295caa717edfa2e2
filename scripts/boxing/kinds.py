"""The kinds of data that shipped models learn from: terms, the attributes that are fitted, what may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal


@dataclass(frozen=True)
class Kind:
    """One row. `attributes`: column of the labels -> name of the slider; `aims`: held-out AUC that is wanted of some;
    `shown`: sliders of the edit sheet. `photos`: pictures that may be shipped, `portraits` of the box or `data` itself.

    `where` is the folder that the reproducing command names, `groups` what a split keeps together.
    """

    prefix: str
    terms: str
    licence: str
    groups: str
    where: str
    photos: Literal["portraits", "data"]
    attributes: Mapping[str, str] = field(default_factory=dict)
    aims: Mapping[str, float] = field(default_factory=dict)
    shown: tuple[str, ...] = ()


KINDS: Final = (
    Kind(
        prefix="celeba",
        terms="Trained on CelebA (Liu et al. 2015), which is for non-commercial research; the pictures are not "
        "shipped. Use these weights for research and teaching only.",
        licence="research only",
        groups="person",
        where="DATA",
        photos="portraits",
        attributes={
            "Smiling": "Smiling",
            "Eyeglasses": "Eyeglasses",
            "Male": "Male",
            "Young": "Young",
            "Blond_Hair": "Blond hair",
            "Black_Hair": "Black hair",
            "Bangs": "Bangs",
            "Pale_Skin": "Pale skin",
            "Heavy_Makeup": "Makeup",
            "Mouth_Slightly_Open": "Open mouth",
        },
        aims={"Smiling": 0.85, "Eyeglasses": 0.9, "Male": 0.9, "Blond hair": 0.9},
        shown=("Smiling", "Eyeglasses", "Male", "Blond hair"),
    ),
    Kind(
        prefix="cartoons",
        terms="Trained on the cartoon faces of `resources/data`, drawn with python-avatars (MIT) from Avataaars by "
        "Pablo Stanley, free for personal and commercial use. Use these weights for anything.",
        licence="free",
        groups="picture",
        where="resources/data",
        photos="data",
        attributes={
            "Smiling": "Smiling",
            "Eyeglasses": "Eyeglasses",
            "Beard": "Beard",
            "Hat": "Hat",
            "Long_Hair": "Long hair",
            "Blond_Hair": "Blond hair",
            "Black_Hair": "Black hair",
            "Dark_Skin": "Dark skin",
            "Mouth_Open": "Open mouth",
            "Sunglasses": "Sunglasses",
        },
        aims={"Smiling": 0.85, "Eyeglasses": 0.9},
        shown=("Smiling", "Eyeglasses", "Beard", "Dark skin"),
    ),
    Kind(
        prefix="train-images",
        terms="Trained on MNIST (LeCun, Cortes and Burges), which is free to use. Use these weights for anything.",
        licence="free",
        groups="picture",
        where="DATA/mnist",
        photos="data",
    ),
)
"""A new data set is one row here. Digits have classes and no attributes, so they get principal components alone."""


def kind_of(name: str) -> Kind:
    """The row of a data set of this name.

    Raises:
        SystemExit: no row fits: its terms must be known before a model of it is shipped.
    """
    for kind in KINDS:
        if name.startswith(kind.prefix):
            return kind
    known = ", ".join(kind.prefix for kind in KINDS)
    raise SystemExit(f"The terms of {name!r} are not known (known are {known}): add a row to scripts/boxing/kinds.py.")
