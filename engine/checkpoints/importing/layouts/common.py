"""What all layouts share: candidates within a file, strict taking of tensors, and the folding of affine maps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine.checkpoints.importing.reading import ForeignWeights, as_float
from engine.checkpoints.importing.report import Question
from engine.errors import CheckpointError
from engine.knobs import Value

SIZES: Final = (8, 16, 32, 64, 128, 256, 512, 1024)
AVERAGED: Final = re.compile(r"(^|[/._])(g_ema|avgG|ema|params_ema|generator_ema|gen_ema)($|[/._])", re.IGNORECASE)
GENERATOR: Final = re.compile(r"(^|[/._])(netG|G|gen|generator)($|[/._])", re.IGNORECASE)
CRITIC: Final = re.compile(r"(^|[/._])(netD|D|disc|discriminator|critic)($|[/._])", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Built:
    """What our module is made of, in the terms of `engine.families.build`, and its weights."""

    config: dict[str, Value]
    image_shape: tuple[int, int, int]
    state: dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Found:
    """A layout that fits. `build` takes an answer for each question.

    `image_size` and `code_size` are None where they follow from an answer.
    """

    layout: str
    family: str
    channels: int
    image_size: int | None
    code_size: int | None
    build: Callable[[Mapping[str, Value]], Built]
    facts: tuple[tuple[str, str], ...] = ()
    questions: tuple[Question, ...] = ()
    warnings: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Candidate:
    """One set of weights within a file: `root` is where it was, `state` lacks `module.`, `others` is the rest."""

    source: ForeignWeights
    root: str
    state: dict[str, Tensor]
    others: tuple[str, ...]

    def refused(self, why: str, *, advice: str = "choose another file") -> CheckpointError:
        """The one sentence for a file of this layout that cannot be used."""
        return CheckpointError(f"{self.source.path.name} is not imported because {why}: {advice}.")


def candidates(source: ForeignWeights) -> Iterator[Candidate]:
    """The sets of weights in a file, averaged ones first, then generators, then the rest; never a critic."""
    groups: dict[str, dict[str, Tensor]] = {}
    for name, value in source.tensors.items():
        root, _, key = name.rpartition("/")
        key = key.removeprefix("module.")
        head, dot, rest = key.partition(".")
        # Lightning and the like keep both networks in one dictionary, told apart by the first word.
        if dot and (AVERAGED.fullmatch(head) or GENERATOR.fullmatch(head) or CRITIC.fullmatch(head)):
            root, key = f"{root}/{head}".lstrip("/"), rest.removeprefix("module.")
        groups.setdefault(root, {})[key] = value
    order = sorted((root for root in groups if not CRITIC.search(root)), key=_rank)
    for root in order or groups:
        yield Candidate(source, root, groups[root], tuple(f"{r}/{k}" for r in groups if r != root for k in groups[r]))


def _rank(root: str) -> int:
    return 0 if AVERAGED.search(root) else 1 if GENERATOR.search(root) else 2


class Taker:
    """Takes tensors by name, each once and of the shape that is expected; `finish` refuses what is left."""

    def __init__(self, candidate: Candidate, prefix: str = "") -> None:
        self._candidate = candidate
        self._left = {k.removeprefix(prefix): v for k, v in candidate.state.items() if k.startswith(prefix)}
        self._strange = [k for k in candidate.state if not k.startswith(prefix)]
        self.skipped: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def names(self) -> tuple[str, ...]:
        """What is still there."""
        return tuple(self._left)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor that stays.

        Raises:
            CheckpointError: it is missing.
        """
        if name not in self._left:
            raise self._candidate.refused(f"it lacks {name}", advice="it is another version, or cut short")
        return tuple(self._left[name].shape)

    def take(self, name: str, *shape: int) -> Tensor:
        """The tensor in float64.

        Raises:
            CheckpointError: missing, of another shape, or not finite.
        """
        if self.shape(name) != shape:
            found = self.shape(name)
            raise self._candidate.refused(f"{name} is {found} where {shape} belongs", advice="it is another version")
        return as_float(self._left.pop(name), name, self._candidate.source.path)

    def drop(self, name: str) -> None:
        """Leaves out a tensor that the model does not need, if it is there."""
        if name in self._left:
            del self._left[name]
            self.skipped.append(name)

    def finish(self) -> None:
        """After all was taken.

        Raises:
            CheckpointError: something is left that the layout does not know.
        """
        left = [*self._left, *self._strange]
        if left:
            more = f" and {len(left) - 1} more" if len(left) > 1 else ""
            raise self._candidate.refused(
                f"it holds {left[0][:80]}{more}, for which its layout has no place", advice="it is another version"
            )


def indices(names: tuple[str, ...] | dict[str, Tensor], pattern: str) -> list[int]:
    """The different whole numbers that the first group of `pattern` takes, in order."""
    return sorted({int(match[1]) for name in names if (match := re.match(pattern, name)) and len(match[1]) < 6})


def scaled(
    weight: Tensor, bias: Tensor | None, scale: Tensor, shift: Tensor, *, axis: int = 0
) -> tuple[Tensor, Tensor]:
    """(weight, bias) of a convolution followed by y * scale + shift a channel; `axis` is that of its outputs."""
    shape = [1] * weight.ndim
    shape[axis] = -1
    return weight * scale.view(shape), (torch.zeros_like(shift) if bias is None else bias * scale) + shift


def interleaved(weight: Tensor, first: int) -> Tensor:
    """Outputs that alternate (even, odd), put as two halves; `first` says which of the two comes first."""
    return torch.cat([weight[first::2], weight[1 - first :: 2]])


def lu_matrix(taker: Taker, prefix: str, channels: int, *, matrices: Sequence[str], vectors: Sequence[str]) -> Tensor:
    """P (L + I) (U + diag(sign exp(log s))), Glow equation 10; only the strict triangles count.

    `matrices` are the names of P, L and U, `vectors` those of the sign and of log s.

    Raises:
        CheckpointError: as `Taker.take`.
    """
    p, lower, upper = (taker.take(prefix + name, channels, channels) for name in matrices)
    sign, log_s = (taker.take(prefix + name, channels) for name in vectors)
    eye = torch.eye(channels, dtype=p.dtype)
    return p @ (lower.tril(-1) + eye) @ (upper.triu(1) + torch.diag(sign * log_s.exp()))


def in_single(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As float32, as our modules hold it."""
    return {name: value.float().contiguous() for name, value in state.items()}


def sizes_for(levels: int, *, at_most: int = 512) -> tuple[int, ...]:
    """Picture sizes that can be halved `levels` times."""
    return tuple(size for size in SIZES if size % 2**levels == 0 and 16 <= size <= at_most)
