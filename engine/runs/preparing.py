"""What a run tells while its images are read: progress and failures go into status.json, before the loop has begun."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.control import Control
from engine.errors import Cancelled, UserError
from engine.progress import SILENT, Progress, Step
from engine.runs import directory as runs

TELL_SECONDS: Final = 0.5

log = logging.getLogger(__name__)


@contextmanager
def preparing(run: Path, *, steps: int, first: bool = True) -> Iterator[Progress]:
    """Gives the progress of reading the images; a failure inside becomes the run's state.

    Only the `first` of several processes writes, and holds the run's lock meanwhile.
    """
    status = runs.read_status(run)
    if not first:
        yield SILENT
        return
    last = 0.0

    def tell(step: Step) -> None:
        nonlocal last
        if time.monotonic() - last >= TELL_SECONDS:
            last = time.monotonic()
            text = f"read {step.done:,} of {step.total:,} images"
            share = step.done / step.total if step.total else None
            runs.write_status(run, "preparing", status.step, steps, text, fraction=share)

    try:
        yield Progress(tell=tell)
    except Cancelled:
        _end(run, "stopped", status.step, steps, "")
        raise
    except UserError as error:
        _end(run, "failed", status.step, steps, str(error))
        raise


def check_stop(run: Path, control: Control) -> None:
    """Raises `Cancelled` if the run was asked to stop, by its control or by a STOP file."""
    control.check()
    if runs.control_file(run, "STOP"):
        raise Cancelled


def _end(run: Path, state: str, step: int, steps: int, message: str) -> None:
    try:
        runs.write_status(run, state, step, steps, message)
    except OSError:
        log.exception("the run's status could not be written")


def remember_data(run: Path, fingerprint: str) -> None:
    """Writes down which images a run was planned for, once they have been read; one that knows stays as it is.

    Raises:
        RunError: the config cannot be written.
    """
    config = runs.read_config(run)
    if not config.fingerprint:
        runs.save_config(run, replace(config, fingerprint=fingerprint))
