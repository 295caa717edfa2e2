"""What a run tells of itself: figures, charts, TensorBoard events and notices, in its files and as events."""

from __future__ import annotations

import math
import warnings
from functools import partial

import numpy as np
import pytest

from engine.events import TrainingMetrics, TrainingNotice
from engine.families import FAMILIES
from engine.models.vae import Vae
from engine.objectives.adversarial import OBJECTIVES
from engine.runs import directory as runs
from engine.runs.line_files import read_figures, read_notices
from engine.training import signals
from engine.training.guards import GUARDS, Alarm, Guard, GuardMonitor, History
from engine.training.tensorboard import EventFile
from tests.engine.training.runner import digests, new_run, of, train

EVERY = pytest.mark.parametrize("family", list(FAMILIES))


@pytest.fixture(autouse=True)
def _ticks_at_checkpoints_only(monkeypatch):
    monkeypatch.setattr("engine.training.tick.TICK_SECONDS", 1000.0)


def series(run):
    found: dict[str, list[tuple[int, float]]] = {}
    for row in runs.read_metrics(run)[0]:
        for name, value in row.values.items():
            found.setdefault(name, []).append((row.step, value))
    return found


@EVERY
@pytest.mark.slow
def test_a_run_tells_its_rates_sizes_and_charts(family, tmp_path):
    session, run = new_run(tmp_path, family, preview_every=6)
    _, events = train(session, run)
    found = series(run)
    assert {"training/learning_rate", "system/memory_mb", "system/input_share", "images_per_second"} <= set(found)
    assert [step for step, _ in found["training/learning_rate"]] == [4, 8, 12]
    assert 10 < found["system/memory_mb"][0][1] < 1e5
    networks = {"gan": ["generator", "discriminator"]}.get(family, ["model"])
    for name in networks:
        assert 0 < found[f"{name}/update_ratio"][0][1] < 1
        assert found[f"{name}/weight_norm"][0][1] > 0
    # The window hears all that the files say.
    told = {name for event in of(TrainingMetrics, events) for name, _ in event.values}
    assert told >= set(found) - {"images_per_second"}
    charts = read_figures(run)[0]
    drawn = {name for plot in FAMILIES[family].curves if plot.kind != "line" for name in plot.metrics}
    assert drawn <= {row.name for row in charts}
    assert {row.step for row in charts} == ({6, 12} if drawn else set())
    if family != "gan":
        for part in ("training", "heldout"):
            assert [step for step, _ in found[f"{part}/bits_per_dim"]] == [6, 12]
            assert all(error > 0 for _, error in found[f"{part}/bits_per_dim_error"])


@pytest.mark.slow
def test_the_size_of_a_step_is_that_of_the_step(tmp_path, monkeypatch):
    original, sizes = Vae.training_step, []

    def measured(self, batch, steps):
        before = [p.detach().clone() for p in self.parameters()]
        metrics = original(self, batch, steps)
        after = [p.detach() for p in self.parameters()]
        moved = math.sqrt(sum(float((a - b).double().square().sum()) for a, b in zip(after, before, strict=True)))
        sizes.append(moved / math.sqrt(sum(float(p.double().square().sum()) for p in after)))
        return metrics

    monkeypatch.setattr(Vae, "training_step", measured)
    monkeypatch.setattr(signals, "RATIO_SECONDS", 0.0)
    session, run = new_run(tmp_path)
    train(session, run)
    told = dict(series(run)["model/update_ratio"])
    assert told == {step: pytest.approx(sizes[step - 1], rel=1e-3) for step in (4, 8, 12)}


@pytest.mark.slow
def test_looking_on_changes_nothing_in_what_is_learned(tmp_path):
    for family in FAMILIES:
        session, often = new_run(tmp_path, family, name=f"{family}-often", steps=4, preview_every=1)
        train(session, often)
        _, once = new_run(tmp_path, family, name=f"{family}-once", steps=4, preview_every=4)
        train(session, once)
        assert digests(often, 4) == digests(once, 4), family


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.slow
def test_a_gan_of_every_objective_trains_and_moves(objective, tmp_path):
    session, run = new_run(tmp_path, "gan", model={"objective": objective}, preview_every=6)
    state, events = train(session, run)
    assert state.state == "done"
    assert not of(TrainingNotice, events)
    found = series(run)
    for network in ("generator", "discriminator"):
        assert found[f"{network}/update_ratio"][-1][1] > 0
    if OBJECTIVES[objective].distance:
        loss, distance = (np.array(found[name])[:, 1] for name in ("discriminator_loss", "critic_distance"))
        np.testing.assert_allclose(distance, -loss, rtol=1e-5, atol=1e-7)
        # 12 steps of which the generator takes part in steps 0, 5 and 10: a tick without one has no figure of it.
        assert [step for step, _ in found["generator_loss"]] == [4, 8, 12]
        assert {"critic/lag", "training/critic_distance", "heldout/critic_distance"} <= set(found)
    else:
        assert "critic_distance" not in found
    shown = {
        name
        for plot in FAMILIES["gan"].curves
        if plot.kind == "line" and plot.shown({"objective": objective})
        for name in plot.metrics
    }
    assert shown - {"heldout/overfitting"} <= set(found)
    charts = [row for row in read_figures(run)[0] if row.step == 12]
    assert len({row.edges for row in charts}) == 1
    counted = {row.name: sum(row.values) for row in charts}
    assert counted["discriminator/on_samples"] == counted["discriminator/on_heldout"] > 1
    if objective == "non-saturating":
        assert (charts[0].edges[0], charts[0].edges[-1]) == (0.0, 1.0)


def test_a_clipped_critic_stays_in_its_box(tmp_path):
    from safetensors.torch import load_file

    session, run = new_run(tmp_path, "gan", model={"objective": "wgan", "weight_clip": 0.02})
    train(session, run)
    state = load_file(run / "checkpoints/step_000012/state.safetensors")
    weights = {name: value for name, value in state.items() if name.startswith("model/discriminator.")}
    assert weights
    assert max(float(value.abs().max()) for value in weights.values()) <= 0.02 + 1e-7


@pytest.mark.slow
def test_a_notice_goes_to_the_window_the_log_and_its_file_once(tmp_path, monkeypatch):
    def always(history: History) -> Alarm | None:
        return Alarm("It is raining.", (("rain", 3.0),), "Take a coat.") if history.step >= 4 else None

    monkeypatch.setattr(signals, "GuardMonitor", partial(GuardMonitor, guards=(Guard("rain", "Rain", always),)))
    session, run = new_run(tmp_path)
    _, events = train(session, run)
    (notice,) = of(TrainingNotice, events)
    assert (notice.kind, notice.step, notice.evidence) == ("rain", 4, (("rain", 3.0),))
    (row,), _ = read_notices(run)
    assert (row.kind, row.text, dict(row.evidence), row.suggestion) == (
        "rain",
        "It is raining.",
        {"rain": 3.0},
        "Take a coat.",
    )
    assert "It is raining." in (run / "log.txt").read_text()
    session.extend_run(run, {"steps": 16})
    _, again = train(session, run)
    assert not of(TrainingNotice, again)


@pytest.mark.slow
def test_an_explosion_goes_back_with_half_the_rate(tmp_path, monkeypatch):
    original, done = Vae.training_step, []

    def exploding(self, batch, steps):
        metrics = original(self, batch, steps)
        if steps.index >= 5 and len(done) < 3:
            done.append(steps.index)
            metrics["loss"] = metrics["loss"] + 1e6
        return metrics

    monkeypatch.setattr(Vae, "training_step", exploding)
    session, run = new_run(tmp_path)
    state, events = train(session, run)
    assert state.state == "done"
    (notice,) = of(TrainingNotice, events)
    assert notice.kind == "explosion"
    assert "leapt" in notice.text
    assert dict(notice.evidence)["loss"] > 1e5
    assert notice.action
    rates = dict(series(run)["training/learning_rate"])
    _, plain = new_run(tmp_path, name="plain")
    monkeypatch.undo()
    train(session, plain)
    expected = dict(series(plain)["training/learning_rate"])
    assert rates[4] == expected[4]
    assert rates[12] == pytest.approx(expected[12] / 2)


@pytest.mark.slow
def test_tensorboard_reads_what_a_run_wrote(tmp_path):
    session, run = new_run(tmp_path, "gan", preview_every=6)
    train(session, run)
    with warnings.catch_warnings():
        # TensorBoard imports what its own dependencies have announced to drop.
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
        events.Reload()
    tags = events.Tags()
    found = series(run)
    assert set(found) <= set(tags["scalars"])
    for name in ("generator_loss", "generator/update_ratio", "heldout/diversity", "training/learning_rate"):
        read = [(event.step, event.value) for event in events.Scalars(name)]
        assert [step for step, _ in read] == [step for step, _ in found[name]]
        assert [value for _, value in read] == pytest.approx([value for _, value in found[name]], rel=1e-5)
    (chart,) = [row for row in read_figures(run)[0] if row.step == 12 and row.name == "discriminator/on_samples"]
    histogram = events.Histograms("discriminator/on_samples")[-1]
    assert histogram.step == 12
    assert sum(histogram.histogram_value.bucket) == sum(chart.values)
    assert [image.step for image in events.Images("samples")] == [6, 12]
    assert (events.Images("samples")[0].width, events.Images("samples")[0].height) == (160, 160)
    text = events.Tensors("knobs/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| learning_rate |" in text
    assert "| objective | non-saturating |" in text


def test_events_that_cannot_be_written_are_left_out(tmp_path, caplog):
    (tmp_path / "run").write_text("no directory")
    events = EventFile(tmp_path / "run")
    events.scalars(1, {"loss": 1.0})
    events.scalars(2, {"loss": 1.0})
    events.close()
    assert len([record for record in caplog.records if "left out" in record.message]) == 1


def test_every_guard_has_a_name_of_its_own():
    assert len({guard.kind for guard in GUARDS}) == len(GUARDS)


@pytest.mark.slow
def test_critic_steps_hold_also_where_a_batch_goes_through_in_parts(tmp_path):
    session, run = new_run(
        tmp_path, "gan", model={"objective": "wgan-gp", "critic_steps": 3}, accumulate=2, save_every=1
    )
    state, events = train(session, run)
    assert state.state == "done"
    assert not of(TrainingNotice, events)
    found = series(run)
    assert [step for step, _ in found["generator_loss"]] == [1, 4, 7, 10]
    assert len(found["critic_distance"]) == 12
