"""What a diagnostic receives and how it is listed; each is one file and one row in `catalogue.py`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from engine.diagnostics.facts import Origin
from engine.knobs import Knob, Value
from engine.latent.encoder import CodeEncoder
from engine.models.base import Frozen, LatentModel
from engine.pictures import to_pictures
from engine.progress import SILENT, Progress
from engine.report import Finding

CHUNK = 64

Pictures = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model under examination and the images it is held against; the model is a snapshot that nobody else touches.

    `training` and `heldout` are (N, S, S, C) uint8, `heldout` of people (or groups) that training never saw.
    `labels` (N, A) int8 in {-1, 0, 1} of the training images with the names `attributes`, `heldout_labels` likewise;
    `encoder` finds codes for a model without an encoder of its own;
    `history` has the run's curves as name -> (steps, values), empty for a model file. `frozen` is the model's frozen
    form, where one was made.
    """

    model: LatentModel
    training: Pictures
    heldout: Pictures
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    attributes: tuple[str, ...] = ()
    labels: NDArray[np.int8] | None = None
    heldout_labels: NDArray[np.int8] | None = None
    history: Mapping[str, tuple[Sequence[int], Sequence[float]]] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)
    encoder: CodeEncoder | None = None
    frozen: Frozen | None = None
    _samples: dict[tuple[int, float], Pictures] = field(default_factory=dict, repr=False)

    @property
    def fast(self) -> LatentModel | Frozen:
        """What decodes, encodes and counts bits/dim where no gradient is wanted."""
        return self.frozen or self.model

    @torch.inference_mode()
    def samples(self, n: int, *, seed: int = 0, temperature: float = 1.0, progress: Progress = SILENT) -> Pictures:
        """`n` samples (n, S, S, C) uint8; the first of a longer set of one seed are those of a shorter one.

        They are kept, so that several diagnostics look at the same samples and they are drawn once.
        """
        have = self._samples.get((seed, temperature))
        done = 0 if have is None else len(have)
        if done < n:
            parts = [] if have is None else [have]
            for start in range(done // CHUNK * CHUNK, n, CHUNK):
                progress.check()
                generator = torch.Generator().manual_seed((seed << 20) + start // CHUNK)
                codes = self.model.sample_codes(CHUNK, temperature=temperature, generator=generator)
                drawn = to_pictures(self.fast.decode(codes))[..., : self.training.shape[-1]]
                parts.append(drawn[max(0, done - start) :])
            have = np.concatenate(parts)
            self._samples[(seed, temperature)] = have
        assert have is not None
        return have[:n]


Run = Callable[["Request"], Finding]


@dataclass(frozen=True, eq=False)
class Request:
    """One call of a diagnostic: its subject, its knobs by name, and the way to tell and to stop.

    `quick` asks for what is done in seconds beside a training run; figures then have wider intervals and say so.
    """

    subject: Subject
    values: Mapping[str, Value] = field(default_factory=dict)
    quick: bool = False
    seed: int = 0
    progress: Progress = SILENT


@dataclass(frozen=True)
class Diagnostic:
    """A row of the catalogue. `why_not(subject)` gives a sentence where it cannot be made, else the empty string."""

    name: str
    title: str
    help: str
    run: Run
    why_not: Callable[[Subject], str] = lambda subject: ""
    knobs: tuple[Knob, ...] = ()
    points: bool = False
    """Whether it also examines models of points; all others look at pictures."""
