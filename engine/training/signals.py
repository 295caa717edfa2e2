"""What a run tells of itself beyond its losses: rates, sizes of steps, memory, charts; and the guards watching it all.

One hook, so that a figure is measured once; the recorder and the guards get the same.
"""

import time
from collections.abc import Mapping
from typing import Final

import numpy as np
import psutil
import torch

from engine.charts import Chart
from engine.data import Split
from engine.pictures import to_images
from engine.runs.line_files import read_notices
from engine.training.guards import Alarm, Guard, GuardMonitor
from engine.training.heldout import MAX_IMAGES, fixed_pictures, likelihood_metrics
from engine.training.hooks import GoBack, QuietHook, RunContext, StepContext

RATIO_SECONDS: Final = 5.0
"""How often the size of a step is measured: it reads every weight, which a tick of a small model would feel."""


class Signals(QuietHook):
    """Measures, writes and watches. Made once a run, in the process that writes it."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._process = psutil.Process()
        self._monitor: GuardMonitor | None = None
        self._measured: float | None = None
        self._saved = 0
        self._known = fixed_pictures(run.data, Split.TRAIN)[:MAX_IMAGES]
        new = fixed_pictures(run.data, Split.VALIDATION)[:MAX_IMAGES]
        self._new = new if len(new) > 1 else self._known

    def at_tick(self, context: StepContext) -> GoBack | None:
        values = self._measure(context)
        self._run.recorder.record(context.step, values)
        everything = {**context.values, "images_per_second": context.images_per_second, **values}
        for guard, alarm in self._ask(context, everything):
            if alarm.go_back:
                # The loop says it, together with where it went back to.
                self._guard_monitor(context).forget_after(self._saved)
                return GoBack(alarm.text, guard.kind, alarm.evidence, alarm.suggestion)
            self._say(context.step, guard, alarm)
        return None

    def at_preview(self, context: StepContext) -> None:
        figures, charts = self._examine(context)
        values = likelihood_metrics(context.average, self._known, self._run.device, prefix="training/") | figures
        self._run.recorder.record(context.step, values)
        self._run.recorder.charts(context.step, charts)
        for guard, alarm in self._ask(context, {**context.values, **values}):
            self._say(context.step, guard, alarm)

    def at_save(self, context: StepContext) -> None:
        self._saved = context.step

    def _measure(self, context: StepContext) -> dict[str, float]:
        values = {
            "training/learning_rate": context.optimisers.rate,
            "system/memory_mb": self._process.memory_info().rss / 1e6,
        }
        if self._run.device.type == "cuda":
            values["system/gpu_memory_mb"] = torch.cuda.memory_allocated(self._run.device) / 1e6
        first, last = (context.values.get(f"critic_distance_{when}") for when in ("first", "last"))
        if first is not None and last is not None:
            values["critic/lag"] = (last - first) / max(abs(first), abs(last), 1e-12)
        now = time.monotonic()
        if self._measured is None or now - self._measured >= RATIO_SECONDS:
            self._measured = now
            values |= context.optimisers.step_sizes()
        return values

    @torch.inference_mode()
    def _examine(self, context: StepContext) -> tuple[dict[str, float], tuple[Chart, ...]]:
        model, device = context.model, self._run.device
        generator = torch.Generator().manual_seed(self._run.training.seed)
        codes = model.sample_codes(len(self._new), generator=generator)
        model.eval()
        try:
            found, charts = model.examine(
                context.average,
                training=to_images(self._known, device),
                heldout=to_images(self._new, device),
                codes=codes,
            )
        finally:
            model.train()
        values = {name: float(value) for name, value in found.items()}
        return {name: value for name, value in values.items() if np.isfinite(value)}, charts

    def _guard_monitor(self, context: StepContext) -> GuardMonitor:
        if self._monitor is None:
            # A resumed run does not say again what it said before.
            spoken = {row.kind: row.step for row in read_notices(self._run.path)[0]}
            self._monitor = GuardMonitor(context.steps, context.model.landmarks(), spoken=spoken)
        return self._monitor

    def _ask(self, context: StepContext, values: Mapping[str, float]) -> list[tuple[Guard, Alarm]]:
        monitor = self._guard_monitor(context)
        monitor.add(context.step, values)
        return monitor.ask(context.step)

    def _say(self, step: int, guard: Guard, alarm: Alarm) -> None:
        self._run.recorder.notice(
            step,
            guard.level,
            alarm.text,
            kind=guard.kind,
            evidence=alarm.evidence,
            suggestion=alarm.suggestion,
            action="nothing was changed",
        )
