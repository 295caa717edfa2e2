"""Hooks: when they are called and with what, that a failing one costs a notice, and that a wish to go back is met."""

from __future__ import annotations

import pytest

from engine.control import Control
from engine.device import pick
from engine.errors import RunError, UserError
from engine.events import TrainingNotice
from engine.runs import directory as runs
from engine.runs.line_files import read_notices
from engine.training.hooks import MAX_FAILURES, GoBack, QuietHook
from engine.training.loop import train
from tests.engine.training.runner import new_run, of


class Noting(QuietHook):
    """Notes every call."""

    def __init__(self, run) -> None:
        self.run, self.calls = run, []

    def at_tick(self, context) -> GoBack | None:
        self.calls.append(("tick", context.step))
        assert "loss" in context.values
        assert context.images_per_second > 0
        return None

    def at_preview(self, context) -> None:
        self.calls.append(("preview", context.step))
        assert context.samples.shape == (25, 32, 32, 3)
        assert not context.average.training
        assert context.model.training

    def at_save(self, context) -> None:
        self.calls.append(("save", context.step))
        assert context.checkpoint.name == f"step_{context.step:06d}"
        assert (context.checkpoint / "manifest.json").exists()

    def close(self) -> None:
        self.calls.append(("close", 0))


def go(session, run, *hooks):
    events, config = [], runs.read_config(run)
    data = session.dataset(config.data, size=32)
    state = train(run, data, device=pick("cpu"), control=Control(), emit=events.append, hooks=hooks)
    return state, events


def kept(cls, made: list):
    def make(run):
        made.append(cls(run))
        return made[-1]

    return make


@pytest.fixture(autouse=True)
def _ticks_at_checkpoints_alone(monkeypatch):
    monkeypatch.setattr("engine.training.tick.TICK_SECONDS", 1000.0)


@pytest.mark.slow
def test_a_hook_is_called_at_ticks_previews_and_checkpoints_and_closed_once(tmp_path):
    session, run = new_run(tmp_path, steps=8, preview_every=4)
    made = []
    go(session, run, kept(Noting, made), lambda run: None)
    (hook,) = made
    assert hook.run.path == run
    assert hook.run.config.family == "vae"
    after = [(kind, step) for step in (4, 8) for kind in ("tick", "preview", "save")]
    assert hook.calls == [("save", 0), *after, ("close", 0)]


@pytest.mark.parametrize("error", [UserError("No room."), OSError("no room"), RuntimeError("shapes differ")])
@pytest.mark.slow
def test_a_hook_that_fails_costs_notices_and_is_left_out_in_the_end(error, tmp_path):
    class Failing(Noting):
        def at_save(self, context) -> None:
            super().at_save(context)
            raise error

    session, run = new_run(tmp_path, steps=10, save_every=2)
    made, beside = [], []
    state, events = go(session, run, kept(Failing, made), kept(Noting, beside))
    assert state.state == "done"
    notices = of(TrainingNotice, events)
    assert len(notices) == MAX_FAILURES
    assert all("Failing" in n.text and str(error) in n.text for n in notices)
    assert "from now on" in notices[-1].text
    assert [kind for kind, _ in made[0].calls].count("save") == MAX_FAILURES
    assert made[0].calls[-1] == ("close", 0)
    assert [step for kind, step in beside[0].calls if kind == "save"] == [0, 2, 4, 6, 8, 10]


def test_a_hook_that_cannot_be_made_costs_a_notice(tmp_path):
    def broken(run):
        raise OSError("no room for live weights")

    session, run = new_run(tmp_path, steps=2)
    made = []
    state, events = go(session, run, broken, kept(Noting, made))
    assert state.state == "done"
    (notice,) = of(TrainingNotice, events)
    assert "no room for live weights" in notice.text
    assert made[0].calls[-1] == ("close", 0)


class Worried(Noting):
    """Wishes to go back at step 8, once or always."""

    always = False

    def at_tick(self, context) -> GoBack | None:
        super().at_tick(context)
        if context.step != 8 or (not self.always and self.calls.count(("tick", 8)) > 1):
            return None
        return GoBack("The loss leapt.", "explosion", (("loss", 9.0),), "Lower the rate.")


@pytest.mark.slow
def test_a_wish_to_go_back_is_met_and_told_with_its_evidence(tmp_path):
    session, run = new_run(tmp_path)
    made = []
    state, events = go(session, run, kept(Worried, made))
    assert (state.state, state.step) == ("done", 12)
    (notice,) = of(TrainingNotice, events)
    assert notice.text == "The loss leapt: went back to step 4 with half the learning rate."
    assert (notice.kind, notice.evidence, notice.suggestion) == ("explosion", (("loss", 9.0),), "Lower the rate.")
    assert [step for kind, step in made[0].calls if kind == "tick"] == [4, 8, 8, 12]
    rows, _ = read_notices(run)
    assert [(row.kind, dict(row.evidence), row.action) for row in rows] == [
        ("explosion", {"loss": 9.0}, "went back to step 4 with half the learning rate")
    ]


@pytest.mark.slow
def test_wishes_to_go_back_without_end_end_the_run(tmp_path):
    class Desperate(Worried):
        always = True

    session, run = new_run(tmp_path)
    made = []
    with pytest.raises(RunError, match=r"diverged 4 times \(The loss leapt\)"):
        go(session, run, kept(Desperate, made))
    assert made[0].calls[-1] == ("close", 0)


@pytest.mark.slow
def test_hooks_are_closed_when_a_run_fails(tmp_path, monkeypatch):
    def breaks(*args, **words):
        raise OSError(28, "No space left on device")

    session, run = new_run(tmp_path)
    made = []
    monkeypatch.setattr("engine.training.loop.look", breaks)
    with pytest.raises(RunError, match="No space left"):
        go(session, run, kept(Noting, made))
    assert made[0].calls[-1] == ("close", 0)


@pytest.mark.slow
def test_a_run_of_an_earlier_version_goes_on(tmp_path):
    """Its config knows nothing of parts, recomputing and whatever came later."""
    import json

    session, run = new_run(tmp_path, steps=4)
    go(session, run)
    config = json.loads((run / "config.json").read_text())
    old = {"steps", "batch", "learning_rate", "momentum", "warmup", "decay", "ema", "clip", "precision", "flip", "seed"}
    config["training"] = {k: v for k, v in config["training"].items() if k in old | {"keep", "save_every"}}
    config["training"]["steps"] = 8
    for name in ("origin", "group"):
        config.pop(name, None)
    (run / "config.json").write_text(json.dumps(config))
    state, _ = go(session, run)
    assert (state.state, state.step) == ("done", 8)
