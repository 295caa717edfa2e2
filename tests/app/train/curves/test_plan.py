"""Which plots a run gets and what x means: pure functions, no window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.run_files import columns, extended
from app.train.curves import plan as curve_plan
from app.train.curves.plan import clock_of, hint, lines_of, nice, others, sections, sources, told_apart
from app.train.curves.state import CurvesState, Overlay
from app.train.state import RunView
from engine.families import FAMILIES
from engine.plots import COMMON, Plot
from engine.runs.directory import MetricsRow, RunConfig, RunInfo, RunStatus
from engine.runs.line_files import FigureRow, NoticeRow

ROWS = (*FAMILIES["vae"].curves, *COMMON)


def info(name: str = "00001-vae-x", *, title: str = "", batch: object = 32) -> RunInfo:
    config = RunConfig("vae", {}, {"batch": batch}, "data", None, "0", (3, 32, 32), title)
    return RunInfo(Path("/runs") / name, name, config, RunStatus("done", 40, 40, False), 0.0)


def view(rows: list[MetricsRow], **options: object) -> RunView:
    made = info(**options)
    return RunView(made.path, made, extended({}, columns(rows)))


def rows(*names: str, steps: range = range(1, 41), seconds: float | None = 0.5) -> list[MetricsRow]:
    return [
        MetricsRow(step, dict.fromkeys(names, float(step)), None if seconds is None else 1e9 + seconds * step)
        for step in steps
    ]


def titles(found: tuple[curve_plan.Section, ...]) -> dict[str, list[str]]:
    return {section.title: [row.title for row in section.plots] for section in found}


def test_a_new_run_shows_what_is_to_come_and_an_old_one_what_it_has():
    empty = titles(sections(ROWS, view([]), CurvesState()))
    assert "ELBO, bits/dim" in empty["Learning"]
    old = titles(sections(ROWS, view(rows("elbo_bits_per_dim", "images_per_second", "gradient_norm")), CurvesState()))
    assert old == {"Learning": ["ELBO, bits/dim"], "Gradients": ["Gradient norm"], "Speed": ["Speed"]}


def test_charts_come_with_their_first_figure():
    run = view(rows("elbo_bits_per_dim"))
    figures = {"heldout/kl_per_dimension": (FigureRow(5, "heldout/kl_per_dimension", "bars", None, (1.0,)),)}
    assert "KL of each code dimension" not in titles(sections(ROWS, run, CurvesState()))["Learning"]
    assert "KL of each code dimension" in titles(sections(ROWS, run, CurvesState(figures=figures)))["Learning"]


def test_plots_of_another_objective_are_left_out():
    mine = Plot("Mine", ("a",), knob="objective", choices=("hinge",))
    run = view(rows("a"))
    assert sections((mine,), run, CurvesState()) == ()
    config = replace(run.info.config, model={"objective": "hinge"})
    hinge = replace(run, info=replace(run.info, config=config))
    assert titles(sections((mine,), hinge, CurvesState())) == {"Learning": ["Mine"]}


def test_metrics_that_no_plot_draws_can_be_added():
    run = view(rows("elbo_bits_per_dim", "heldout/odd_thing", "extra"))
    assert others(ROWS, run) == ("extra", "heldout/odd_thing"), "the clock is no metric"
    more = titles(sections(ROWS, run, CurvesState(more=("heldout/odd_thing", "gone"))))
    assert more["More curves"] == ["Odd thing, held-out"]
    assert nice("system/memory_mb") == "Memory mb, system"


@pytest.mark.parametrize("axis", ["step", "time", "images"])
def test_x_counts_steps_seconds_or_images(axis: str):
    run = view(rows("loss", steps=range(10, 50)))
    clock = clock_of(run.series, run.info, axis)
    expected = {"step": None, "time": 0.5, "images": 32.0}[axis]
    if expected is None:
        assert clock is None
    else:
        assert clock.to_x(20.0) == pytest.approx(20 * expected, rel=1e-6)
        assert clock.to_step(clock.to_x(37.0)) == pytest.approx(37.0)
        assert clock.to_x(400.0) == pytest.approx(400 * expected, rel=0.05), "beyond the rows it goes on evenly"


def test_a_night_between_two_rows_is_no_training():
    stopped = rows("loss")
    resumed = [MetricsRow(row.step + 40, row.values, row.time + 40_000) for row in stopped]
    run = view([*stopped, *resumed])
    assert clock_of(run.series, run.info, "time").to_x(80.0) == pytest.approx(40, abs=1)


def test_old_runs_tell_time_by_their_speed():
    old = [MetricsRow(step, {"images_per_second": 64.0}) for step in range(1, 41)]
    run = view(old)
    assert clock_of(run.series, run.info, "time").to_x(40.0) == pytest.approx(20.0)
    assert curve_plan.axes_known(run) == {"step", "time", "images"}
    assert curve_plan.axes_known(view(rows("loss", seconds=None), batch="many")) == {"step"}


def test_clocks_that_ran_backwards_do_no_harm():
    wild = [MetricsRow(step, {"loss": 1.0}, time) for step, time in enumerate((5.0, 3.0, 9.0, 1.0, 2.0), 1)]
    run = view(wild)
    clock = clock_of(run.series, run.info, "time")
    assert (np.diff(clock.to_x(np.arange(1.0, 6.0))) >= 0).all()


def test_one_run_has_colours_and_several_have_dashes():
    run = view(rows("elbo_bits_per_dim", "heldout/bits_per_dim"), title="Wide VAE")
    row = ROWS[0]
    alone = lines_of(row, sources(run, CurvesState(), "step"))
    assert [(line.ink, line.dash, line.group) for line in alone] == [(0, 0, ""), (2, 0, "")]
    assert [line.smooth for line in alone] == [True, False]
    other = view(rows("elbo_bits_per_dim"), name="00002-vae-x", title="Wide GAN")
    state = CurvesState(overlays=(Overlay(other.path, other.info, other.series),))
    both = lines_of(row, sources(run, state, "step"))
    assert [(line.ink, line.dash, line.group) for line in both] == [(0, 0, "VAE"), (0, 2, "VAE"), (1, 0, "GAN")]


def test_names_are_as_short_as_they_may_be():
    assert told_apart(["Faces VAE a", "Faces VAE b", "Faces GAN"]) == ["VAE a", "VAE b", "GAN"]
    assert told_apart(["same", "same"]) == ["same (1)", "same (2)"]
    assert told_apart(["one only"]) == ["one only"]


def test_a_notice_stands_beside_its_plot_while_it_is_news():
    run = view(rows("elbo_bits_per_dim", "heldout/bits_per_dim", steps=range(1, 101)))
    notice = NoticeRow(0.0, 90, "warning", "It learns by heart.", "memorisation", {}, "Stop here.")
    assert hint(ROWS[0], run, CurvesState(notices=(notice,))) == "It learns by heart. Stop here."
    assert hint(ROWS[1], run, CurvesState(notices=(notice,))) == ""
    assert hint(ROWS[0], run, CurvesState(notices=(replace(notice, step=20),))) == ""
