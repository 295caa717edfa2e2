"""Diagnoses a run in the background while it trains: a copy of the averaged weights, one thread, never two at once.

Training is not touched: the copy is made between steps, all noise comes from generators of its own, and the thread asks
for a low priority. Its reports lie in RUN/diagnostics.
"""

import copy
import logging
import os
import threading
from dataclasses import replace
from typing import Final

import torch

from engine.diagnostics.diagnose import QUICK_SET, diagnose
from engine.diagnostics.report_files import report_folder, write_report
from engine.diagnostics.subjects import run_history, run_origin, subject_of
from engine.errors import Cancelled, UserError
from engine.models.base import LatentModel
from engine.progress import Progress
from engine.report import Report
from engine.runs import directory as runs
from engine.training.hooks import GoBack, QuietHook, RunContext, StepContext

NICENESS: Final = 10
"""A tenth of a busy core: at 19 a diagnosis beside training on all cores would not end while the run lasts."""

log = logging.getLogger(__name__)


class Diagnosing(QuietHook):
    """Every `every` steps the quick set on a snapshot; where the one before is still at work, it is left out."""

    def __init__(self, run: RunContext, every: int) -> None:
        self._run, self._every = run, every
        # What was passed before this process began is not due.
        self._last = runs.read_status(run.path).step // every
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._done: Report | None = None
        self._failed = ""
        self._told = ""

    def at_tick(self, context: StepContext) -> GoBack | None:
        self._look(context)
        return None

    def at_preview(self, context: StepContext) -> None:
        self._look(context)

    def close(self) -> None:
        """Asks the diagnosis at work to stop and waits for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def _look(self, context: StepContext) -> None:
        self._tell(context.step)
        turn = context.step // self._every
        if turn < self._last:
            self._last = turn  # The run went back.
        if turn == self._last or context.step >= context.steps:
            return
        self._last = turn
        if self._thread is not None and self._thread.is_alive():
            log.info("step %d is not diagnosed: the diagnosis before is still at work", context.step)
            return
        # Copied here, between two steps, so that the thread sees the weights of one step.
        snapshot = copy.deepcopy(context.average)
        self._thread = threading.Thread(target=self._work, args=(snapshot, context.step), name="diagnosing")
        self._thread.start()

    def _work(self, model: LatentModel, step: int) -> None:
        _step_back()
        run = self._run
        try:
            origin = replace(run_origin(run.path, fingerprint=run.data.fingerprint, step=step, sha256=""), state="")
            subject = subject_of(
                model, run.data, device=run.device, origin=origin, history=run_history(run.path), quick=True
            )
            report = diagnose(subject, QUICK_SET, quick=True, seed=run.training.seed, progress=Progress(self._check))
            write_report(report_folder(run.path, step), report)
            self._done = report
        except Cancelled:
            log.info("the diagnosis of step %d was stopped with its run", step)
        except (UserError, OSError, RuntimeError, ValueError) as error:
            log.exception("the diagnosis of step %d failed", step)
            self._failed = str(error).split("\n")[0] or type(error).__name__

    def _check(self) -> None:
        if self._stop.is_set():
            raise Cancelled

    def _tell(self, step: int) -> None:
        """Says from the training thread what the other one found: a bad verdict once, and a failure once."""
        done, self._done = self._done, None
        if done is not None and done.verdict.level == "bad" and done.verdict.kind != self._told:
            self._told = done.verdict.kind
            self._run.recorder.notice(
                step, "warning", f"Diagnosis of step {done.step:,}: {done.verdict.title}.", kind="verdict"
            )
        failed, self._failed = self._failed, ""
        if failed and self._told != failed:
            self._told = failed
            self._run.recorder.notice(step, "warning", f"Training goes on without this diagnosis: {failed}")


def diagnosing(run: RunContext) -> Diagnosing | None:
    """The hook of a run that asks for it by its knob."""
    every = run.training.diagnose_every
    return Diagnosing(run, every) if every else None


def _step_back() -> None:
    """One core at the lowest priority, where the system lets a thread have its own."""
    torch.set_num_threads(1)
    if hasattr(os, "setpriority"):
        try:
            # On Linux a thread's own number sets its own priority; elsewhere that number means nothing and is refused.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        except OSError:
            log.debug("the diagnosing thread keeps its priority")
