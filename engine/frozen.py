"""The frozen form of a model: it decodes and encodes with the weights as they are now, and is never trained.

A frozen form holds copies: norms folded, inverses computed, exponentials taken, weights packed. `FrozenCache` hands it
out and makes it anew when a weight has changed since, so that nothing is ever drawn with old weights.
"""

import copy
import logging
import math
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import torch
from torch import Tensor

from engine.families import row_of
from engine.models.base import Frozen, LatentModel, Plain
from engine.nn.packed import offered

log = logging.getLogger(__name__)

TOLERANCE: Final = 1e-5
"""Largest difference from the module, as a share of the range of what it gives."""
SUSPECT: Final = 1e-3
"""Up to this difference rounding may be the reason, which a deep flow magnifies: then float64 decides."""
WORSE: Final = 4.0
"""How many times farther from float64 than the module a form may be, where the module itself is off by more than
`TOLERANCE`."""
LARGEST: Final = 250_000_000
"""A model with more parameters gets no frozen form, which is a second copy of the weights: 1 GB at this size."""


def freeze_model(model: LatentModel) -> Frozen:
    """The fastest form of a model in evaluation mode that draws and encodes as it does, or else the module itself.

    Packed weights are tried first, on a CPU; then the folded form of plain operations. Each has to give what the
    module gives on two codes and on a picture, to `TOLERANCE` or, where a flow magnifies rounding, about as nearly as
    the module does. What fails leaves a line in the log and no more.
    """
    parameters = list(model.parameters())
    plain = Plain(model)
    row = row_of(model)
    form = None if row is None else row.frozen
    if form is None or not parameters or model.training or sum(p.numel() for p in parameters) > LARGEST:
        return plain
    if any(p.dtype != torch.float32 for p in parameters):
        return plain
    device = parameters[0].device
    expected: _Seen | None = None
    for packed in (True, False) if offered(device) else (False,):
        try:
            with torch.inference_mode():
                frozen = form(model, packed=packed)
                expected = expected or _Seen(plain, device)
                difference = expected.difference(frozen)
            good = difference <= TOLERANCE or (difference <= SUSPECT and expected.as_exact(frozen))
        except (RuntimeError, AttributeError, NotImplementedError, TypeError) as error:
            log.info("no %s form of %s: %s", _word(packed), type(model).__name__, error)
            continue
        if good:
            return frozen
        log.info("the %s form of %s is off by %.2g: not used", _word(packed), type(model).__name__, difference)
    return plain


def _word(packed: bool) -> str:
    return "packed" if packed else "folded"


class _Seen:
    """What the module makes of two codes, of half and of typical length, and of the second one's picture."""

    def __init__(self, plain: Plain, device: torch.device) -> None:
        model = plain.model
        z = model.sample_codes(2, generator=torch.Generator().manual_seed(0)).to(device)
        self._codes = z * torch.tensor([[0.5], [1.0]], device=device)
        self._device = device
        with self._exactly():
            self._images = plain.decode(self._codes)
            self._picture = model.spec.clamp(self._images[1:])
            self._found = self._of(plain)

    def _exactly(self) -> AbstractContextManager[object]:
        """The reduced precision of a GPU's convolutions would hide what is compared."""
        if self._device.type != "cuda":
            return nullcontext()
        exact: AbstractContextManager[object] = torch.backends.cudnn.flags(
            enabled=torch.backends.cudnn.enabled, allow_tf32=False
        )
        return exact

    def _of(self, frozen: Frozen) -> list[Tensor]:
        abilities = frozen.model.abilities
        found = [] if abilities.encode == "search" else [frozen.encode(self._picture)]
        # A bound goes through decoder and encoder, which have been seen by then.
        return [*found, frozen.log_prob(self._picture)] if abilities.density == "exact" else found

    def difference(self, frozen: Frozen) -> float:
        """The largest difference, as a share of the range or of the largest magnitude; infinite where undefined."""
        with self._exactly():
            pairs = [(self._images, frozen.decode(self._codes))]
            # One picture at a time is the common case, and goes another way through the packed operations.
            pairs.append((self._images[:1], frozen.decode(self._codes[:1])))
            pairs += zip(self._found, self._of(frozen), strict=True)
        return _largest(pairs)

    @torch.no_grad()
    def as_exact(self, frozen: Frozen) -> bool:
        """Whether a form is about as near to the model in float64 as the module is."""
        if self._device.type == "mps":
            return False
        double = copy.deepcopy(frozen.model).double()
        exact = [double.decode(self._codes.double())]
        if double.abilities.encode != "search":
            exact.append(double.encode(self._picture.double()))
        own = [self._images, *self._found]
        other = [frozen.decode(self._codes), *self._of(frozen)]
        # The density is a sum over the code, and was compared to begin with.
        module, form = (
            _largest([(e.double(), f.double()) for e, f in zip(exact, found, strict=False)]) for found in (own, other)
        )
        return math.isfinite(module) and form <= WORSE * max(module, TOLERANCE / WORSE)


def _largest(pairs: list[tuple[Tensor, Tensor]]) -> float:
    """The largest of the differences; infinite where one is not defined."""
    found = [_difference(a, b) for a, b in pairs]
    return max(found) if all(math.isfinite(value) for value in found) else math.inf


def _difference(expected: Tensor, found: Tensor) -> float:
    if expected.shape != found.shape or expected.dtype != found.dtype or not bool(torch.isfinite(expected).all()):
        return math.inf
    scale = torch.maximum(expected.max() - expected.min(), expected.abs().max()).clamp_min(1e-6)
    return float((expected - found).abs().max() / scale)


class FrozenCache:
    """A model's frozen form, made again when a weight or a running statistic has changed since, or all were moved.

    With `lazy` it is made at the first call, and `at_once` does without it once: a first picture does not wait for the
    making and its test.
    """

    def __init__(self, model: LatentModel, *, lazy: bool = False) -> None:
        self._model = model
        self._versions: list[int] | None = None
        self._lazy = lazy
        if not lazy:
            self._make()

    def _make(self) -> None:
        # Tensors made in inference mode count no changes; models are not made there.
        self._tensors = [t for t in (*self._model.parameters(), *self._model.buffers()) if not t.is_inference()]
        self._versions = self._now()
        self._frozen = freeze_model(self._model)

    def _now(self) -> list[int]:
        # Asking some hundred tensors costs less than a hundredth of a picture.
        return [t._version for t in self._tensors] + [t.data_ptr() for t in self._tensors[:1]]

    def __call__(self) -> Frozen:
        """The frozen form of the weights as they are now."""
        if self._versions is None or self._now() != self._versions:
            self._make()
        return self._frozen

    def at_once(self) -> Frozen:
        """The same, but the module itself the first time, if nothing has been made yet."""
        if self._lazy and self._versions is None:
            self._lazy = False
            return Plain(self._model)
        return self()
