"""What a run would need stands in the form; one that does not fit is refused once, and starts if asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.planning import cost
from engine.runs import directory as runs
from tests.gui.conftest import App
from tests.gui.test_train import fill, images, stop

__all__ = ["images"]


@pytest.fixture
def costed() -> bool:
    return True


def turn(app: App, name: str, value: int) -> None:
    """Types into a knob's field."""
    form = app.train_view.form.knob_form(name)
    form.fields[name].set_value(value)
    form.changed.emit()


def test_the_cost_follows_the_form(app: App, images: Path):
    fill(app, images)
    form = app.train_view.form
    app.wait(lambda: form.cost.isVisible() and bool(form.cost.text()))
    small = form.cost.text()
    assert "parameters" in small
    turn(app, "width", 32)
    app.wait(lambda: form.cost.text() not in ("", small))
    app.show_workspace("explore")
    told = form.cost.text()
    turn(app, "width", 16)
    app.settle()
    assert form.cost.text() == told, "a form that nobody sees asks for nothing"


def test_a_cost_that_cannot_be_worked_out_leaves_no_old_one(app: App, images: Path, monkeypatch: pytest.MonkeyPatch):
    fill(app, images)
    form = app.train_view.form
    app.wait(lambda: bool(form.cost.text()))

    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("no shapes without numbers")

    monkeypatch.setattr(cost, "of_request", broken)
    turn(app, "width", 24)
    app.wait(lambda: not form.cost.text())
    assert not form.cost.isVisible()
    assert form.start.isEnabled()


@pytest.mark.slow
def test_what_does_not_fit_is_refused_and_starts_when_asked_again(
    app: App, images: Path, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cost, "free_memory", lambda kind: 1e6)
    monkeypatch.setattr(cost, "plainly_fits", lambda of, free: False)
    fill(app, images)
    form = app.train_view.form
    form.start.click()
    app.wait(lambda: "start it once more" in app.said)
    app.wait(lambda: app.state.training is None and form.start.isEnabled())
    assert not list((home / "runs").glob("*/config.json")), "what was refused left a run behind"
    form.start.click()
    app.wait(lambda: app.state.training is not None and app.state.training.state == "running")
    run = app.state.training.run
    assert runs.read_config(run).title == "My run"
    stop(app)


@pytest.mark.slow
def test_another_request_is_refused_anew(app: App, images: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cost, "free_memory", lambda kind: 1e6)
    monkeypatch.setattr(cost, "plainly_fits", lambda of, free: False)
    fill(app, images)
    form = app.train_view.form
    form.start.click()
    app.wait(lambda: "start it once more" in app.said)
    app.wait(lambda: form.start.isEnabled() and app.state.training is None)
    turn(app, "batch", 8)
    form.start.click()
    app.settle()
    app.wait(lambda: app.state.training is None)
    assert "start it once more" in app.said
    assert not app.state.runs
