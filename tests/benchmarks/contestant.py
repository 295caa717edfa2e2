"""What is measured: one way to do the work of a case, as plain functions by the name of an operation."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Final

from torch import Tensor

from engine.errors import UserError

Operation = Callable[[], object]

TRAIN: Final = "training step"
TRAIN_BFLOAT16: Final = "training step, bfloat16"
SAMPLE: Final = "sample, batch 1"
SAMPLE_16: Final = "sample, batch 16"
SAMPLE_BFLOAT16: Final = "sample, batch 1, bfloat16"
ENCODE: Final = "encode, batch 1"


class Missing(UserError):
    """A contestant that cannot take part here; the sentence says why and what brings it in."""


@dataclass(frozen=True, eq=False)
class Contestant:
    """One way to do the work. `operations` make, by name, what does it once; nothing is built before it is asked for.

    Only contestants of the same `nets` do the same work, and only between these ratios are taken.
    """

    nets: str
    parameters: int
    operations: Mapping[str, Callable[[], Operation]]
    draw: Callable[[], Tensor] | None = None
    """Pictures (4, C, H, W) in [-1, 1] of fixed codes, by the weights of `twin`."""
    twin: str = ""
    """The contestant that must draw the same pictures, or "" where the weights are nobody else's."""
    inverse_error: Callable[[], float] | None = None
    """The largest |x - decode(encode(x))| of pictures x in [-1, 1], where the codes are exact."""
    note: str = ""
    ours: bool = False


Make = Callable[["Extent"], Contestant]


@dataclass(frozen=True)
class Extent:
    """How large the networks and batches of a case are. `side` is in pixels."""

    side: int = 64
    batch: int = 64
    width: int = 64
    depth: int = 8
    levels: int = 3
    code: int = 100
    operations: tuple[str, ...] = (TRAIN, TRAIN_BFLOAT16, SAMPLE, SAMPLE_BFLOAT16, SAMPLE_16, ENCODE)


@dataclass(frozen=True)
class Case:
    """A piece of work and who does it.

    The floor is that of the convolutions of the first contestant in `floor` that is here.
    """

    name: str
    extent: Extent
    contestants: Mapping[str, Make] = field(default_factory=dict)
    floor: tuple[str, ...] = ()


def reference(name: str) -> ModuleType:
    """A textbook code of `references`, by its file's name."""
    return importlib.import_module(f"tests.benchmarks.references.{name}")


def peer(module: str, package: str, version: str) -> ModuleType:
    """A package of somebody else.

    Raises:
        Missing: it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Missing(f"{package} {version} is not here ({error}): pip install --group peers brings it in.") from error
