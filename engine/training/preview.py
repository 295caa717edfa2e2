"""What a run shows of itself: samples of the averaged weights from its fixed codes, and figures on held-out images."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import DataSet, Split
from engine.pictures import to_pictures
from engine.training.heldout import fixed_pictures, heldout_metrics
from engine.training.job import Job
from engine.training.memory import give_back, out_of_memory

PREVIEW_SAMPLES: Final = 25
PREVIEW_TEMPERATURE: Final = {"exact": 0.7}
"""By density: exact-likelihood models spread their mass thin and look best a little cooler (Glow, section 6)."""


def look(job: Job, step: int) -> None:
    """Samples of the averaged weights from the run's fixed codes, and the figures on held-out images."""
    if job.dist.first:
        short = False
        try:
            _show(job, step)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            short = True
        if short:
            job.recorder.notice(step, "warning", "There was not enough memory for this preview; training goes on.")
            give_back(job.device)
    job.dist.wait()


def _show(job: Job, step: int) -> None:
    model = job.ema.model
    with torch.inference_mode():
        codes = model.sample_codes(
            PREVIEW_SAMPLES,
            temperature=PREVIEW_TEMPERATURE.get(model.abilities.density, 1.0),
            generator=torch.Generator().manual_seed(job.training.seed),
        )
        samples: Tensor = model.decode(codes)
    # Points have no sheet: whoever shows them draws them from the codes.
    pictures = None if model.spec.range is None else to_pictures(samples)
    if pictures is not None:
        job.recorder.preview(step, pictures)
    values = heldout_metrics(model, _heldout(job.data), samples, job.device)
    job.recorder.record(step, values)
    job.hooks.preview(job.context(step, values=values, samples=pictures))


def _heldout(data: DataSet) -> NDArray[np.uint8]:
    """Some images that training never sees; of a data set without any, some that it does."""
    found = fixed_pictures(data, Split.VALIDATION)
    return found if len(found) > 1 else fixed_pictures(data, Split.TRAIN)
