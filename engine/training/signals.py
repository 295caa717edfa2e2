"""What a run tells of itself beyond its losses: rates, sizes of steps, memory, charts; and the guards watching it all.

One hook, so that a figure is measured once and goes the same way everywhere: metrics.jsonl, the window, TensorBoard
and the guards.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import numpy as np
import psutil
import torch

from engine.charts import Chart
from engine.data import Split
from engine.events import TrainingMetrics
from engine.pictures import to_images
from engine.runs import directory as runs
from engine.runs.line_files import append_figures, read_notices
from engine.training.guards import Alarm, Guard, Lookout
from engine.training.heldout import MAX_IMAGES, fixed_pictures, likelihood_metrics
from engine.training.hooks import GoBack, Moment, QuietHook, Stage
from engine.training.tensorboard import Events

RATIO_SECONDS: Final = 5.0
"""So often the size of a step is measured: it reads every weight, which a tick of a small model would feel."""


class Signals(QuietHook):
    """Measures, writes and watches. Made once a run, in the process that writes it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._events = Events(stage.run)
        self._process = psutil.Process()
        self._lookout: Lookout | None = None
        self._measured: float | None = None
        self._saved = 0
        self._told_knobs = False
        self._known = fixed_pictures(stage.data, Split.TRAIN)[:MAX_IMAGES]
        new = fixed_pictures(stage.data, Split.VALIDATION)[:MAX_IMAGES]
        self._new = new if len(new) > 1 else self._known

    def at_tick(self, moment: Moment) -> GoBack | None:
        values = self._measure(moment)
        self._tell(moment, values)
        everything = {**moment.values, "images_per_second": moment.images_per_second, **values}
        self._events.scalars(moment.step, everything)
        for guard, alarm in self._ask(moment, everything):
            if alarm.go_back:
                # The loop says it, together with where it went back to.
                self._look_out(moment).forget_after(self._saved)
                return GoBack(alarm.text, guard.kind, alarm.evidence, alarm.suggestion)
            self._say(moment.step, guard, alarm)
        return None

    def at_preview(self, moment: Moment) -> None:
        figures, charts = self._examine(moment)
        values = likelihood_metrics(moment.average, self._known, self._stage.device, prefix="training/") | figures
        self._tell(moment, values)
        append_figures(self._stage.run, moment.step, charts)
        everything = {**moment.values, **values}
        self._events.scalars(moment.step, everything)
        self._events.charts(moment.step, charts)
        if moment.samples is not None:
            self._events.pictures(moment.step, moment.samples)
        for guard, alarm in self._ask(moment, everything):
            self._say(moment.step, guard, alarm)

    def at_save(self, moment: Moment) -> None:
        self._saved = moment.step
        if not self._told_knobs:
            self._events.knobs(moment.step, self._stage.config)
            self._told_knobs = True

    def close(self) -> None:
        self._events.close()

    def _measure(self, moment: Moment) -> dict[str, float]:
        values = {
            "training/learning_rate": moment.optimisers.rate,
            "system/memory_mb": self._process.memory_info().rss / 1e6,
        }
        if self._stage.device.type == "cuda":
            values["system/gpu_memory_mb"] = torch.cuda.memory_allocated(self._stage.device) / 1e6
        first, last = (moment.values.get(f"critic_distance_{when}") for when in ("first", "last"))
        if first is not None and last is not None:
            values["critic/lag"] = (last - first) / max(abs(first), abs(last), 1e-12)
        now = time.monotonic()
        if self._measured is None or now - self._measured >= RATIO_SECONDS:
            self._measured = now
            values |= moment.optimisers.step_sizes()
        return values

    @torch.inference_mode()
    def _examine(self, moment: Moment) -> tuple[dict[str, float], tuple[Chart, ...]]:
        model, device = moment.model, self._stage.device
        generator = torch.Generator().manual_seed(self._stage.training.seed)
        codes = model.sample_codes(len(self._new), generator=generator)
        model.eval()
        try:
            found, charts = model.examine(
                moment.average,
                training=to_images(self._known, device),
                heldout=to_images(self._new, device),
                codes=codes,
            )
        finally:
            model.train()
        values = {name: float(value) for name, value in found.items()}
        return {name: value for name, value in values.items() if np.isfinite(value)}, charts

    def _tell(self, moment: Moment, values: Mapping[str, float]) -> None:
        if values:
            runs.append_metrics(self._stage.run, moment.step, values)
            self._stage.emit(
                TrainingMetrics(self._stage.run, moment.step, moment.steps, 0.0, 0.0, tuple(values.items()))
            )

    def _look_out(self, moment: Moment) -> Lookout:
        if self._lookout is None:
            # A resumed run does not say again what it said before.
            spoken = {row.kind: row.step for row in read_notices(self._stage.run)[0]}
            self._lookout = Lookout(moment.steps, moment.model.landmarks(), spoken=spoken)
        return self._lookout

    def _ask(self, moment: Moment, values: Mapping[str, float]) -> list[tuple[Guard, Alarm]]:
        lookout = self._look_out(moment)
        lookout.add(moment.step, values)
        return lookout.ask(moment.step)

    def _say(self, step: int, guard: Guard, alarm: Alarm) -> None:
        self._stage.notice(
            step,
            guard.level,
            alarm.text,
            kind=guard.kind,
            evidence=alarm.evidence,
            suggestion=alarm.suggestion,
            action="nothing was changed",
        )
