"""Guards on histories that must and must not raise them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.training.guards import GUARDS, MEMORY, Alarm, Guard, GuardMonitor, History

CHECKS = {guard.kind: guard.check for guard in GUARDS}


def history(step=5000, every=10, landmarks=None, **series) -> History:
    """Series by name (a double underscore stands for a slash), the newest value at `step`."""
    return History(
        {
            name.replace("__", "/"): tuple((step - every * (len(values) - 1 - i), v) for i, v in enumerate(values))
            for name, values in series.items()
        },
        step,
        20_000,
        landmarks or {},
    )


def noisy(level, count=60, *, share=0.2, seed=0):
    return list(level * (1 + share * np.random.default_rng(seed).standard_normal(count)))


def falling(start, end, count=60):
    return list(end + (start - end) * np.exp(-np.linspace(0, 5, count)))


GAME = {"even_discriminator_loss": 1.386}
CODE = {"code_size": 128.0}

FIRES = {
    "explosion: a loss leaps": ("explosion", history(loss=[*noisy(4.0), 900.0])),
    "explosion: from the second reading on": ("explosion", history(step=20, loss=[5.0, 4e5])),
    "explosion: before the first reading": ("explosion", history(step=12, bits_per_dim=[4e6, 4.1e6])),
    "explosion: a loss below zero leaps": ("explosion", history(loss=[*noisy(-0.8), 60.0])),
    "explosion: gradients grow a thousandfold": ("explosion", history(gradient_norm=[*noisy(2.0), 900.0, 700.0])),
    "explosion: a generator's gradients": ("explosion", history(generator_gradient_norm=[*noisy(1.0), 400.0, 300.0])),
    "the discriminator wins and gradients fade": (
        "discriminator-won",
        history(landmarks=GAME, discriminator_loss=falling(1.3, 0.003), generator_gradient_norm=falling(8.0, 0.05)),
    ),
    "the discriminator has long won": (
        "discriminator-won",
        history(landmarks=GAME, discriminator_loss=noisy(0.01, 130), generator_gradient_norm=noisy(5.0, 130)),
    ),
    "codes are ignored": (
        "posterior-collapse",
        history(landmarks=CODE, kl_nats=falling(180, 0.02), active_units=falling(120, 0.0)),
    ),
    "held-out bits/dim rise while training's fall": (
        "memorisation",
        history(
            every=250,
            training__bits_per_dim=[4.0, 3.6, 3.3, 3.0, 2.7, 2.4, 2.1],
            heldout__bits_per_dim=[4.0, 3.7, 3.6, 3.65, 3.8, 4.0, 4.3],
            training__bits_per_dim_error=[0.03] * 7,
            heldout__bits_per_dim_error=[0.03] * 7,
        ),
    ),
    "the discriminator knows its images": (
        "discriminator-overfits",
        history(heldout__overfitting=[0.2, 0.7, 0.8, 0.9]),
    ),
    "diversity falls": ("samples-alike", history(heldout__diversity=[0.2, 0.7, 0.9, 0.85, 0.3, 0.2])),
    "diversity never rises": ("samples-alike", history(heldout__diversity=[0.02, 0.03, 0.05, 0.04, 0.03])),
    "a critic far behind": ("critic-behind", history(critic__lag=noisy(0.6))),
    "waiting for images": ("stalled-input", history(system__input_share=noisy(0.8, 12, share=0.05))),
    "slow for half a minute": ("slowed-down", history(images_per_second=[*noisy(300.0), *noisy(40.0, 60)])),
}

SILENT = {
    "a healthy flow": ("explosion", history(loss=falling(7, 3.2), gradient_norm=noisy(3.0))),
    "one steep batch": ("explosion", history(gradient_norm=[*noisy(2.0), 9000.0, 3.0])),
    "a young gradient": ("explosion", history(gradient_norm=[1e-6, 5.0, 6.0])),
    "a clipped critic that wakes up": ("explosion", history(generator_gradient_norm=[*noisy(1e-3), 2.0, 3.1])),
    "a bad start": ("explosion", history(step=12, bits_per_dim=[60.0, 40.0], loss=[60.0, 40.0])),
    "a single reading": ("explosion", history(loss=[1e9])),
    "a game at even play": (
        "discriminator-won",
        history(landmarks=GAME, discriminator_loss=noisy(1.1), generator_gradient_norm=noisy(3.0)),
    ),
    "a discriminator ahead for a moment": (
        "discriminator-won",
        history(landmarks=GAME, discriminator_loss=[*noisy(1.0), *[0.01] * 5], generator_gradient_norm=noisy(3.0)),
    ),
    "a discriminator ahead, gradients strong": (
        "discriminator-won",
        history(
            landmarks=GAME, discriminator_loss=[*noisy(1.0), *[0.01] * 60], generator_gradient_norm=noisy(3.0, 120)
        ),
    ),
    "a discriminator ahead at the start": (
        "discriminator-won",
        history(step=150, landmarks=GAME, discriminator_loss=noisy(0.01), generator_gradient_norm=noisy(3.0)),
    ),
    "a Wasserstein critic's loss near zero": (
        "discriminator-won",
        history(discriminator_loss=[0.0] * 60, generator_gradient_norm=noisy(3.0)),
    ),
    "codes in use": ("posterior-collapse", history(landmarks=CODE, kl_nats=noisy(90.0), active_units=[80.0] * 60)),
    "few codes in use, but these well": (
        "posterior-collapse",
        history(landmarks=CODE, kl_nats=noisy(12.0), active_units=[5.0] * 60),
    ),
    "a fresh encoder": (
        "posterior-collapse",
        history(step=240, landmarks=CODE, kl_nats=[0.1] * 60, active_units=[0.0] * 60),
    ),
    "no code": ("posterior-collapse", history(kl_nats=[0.0] * 60, active_units=[0.0] * 60)),
    "other people in the held-out set": (
        "memorisation",
        history(
            every=250,
            training__bits_per_dim=[4.0, 3.6, 3.3, 3.1, 3.0, 2.95],
            heldout__bits_per_dim=[4.3, 3.9, 3.6, 3.4, 3.3, 3.26],
            training__bits_per_dim_error=[0.02] * 6,
            heldout__bits_per_dim_error=[0.02] * 6,
        ),
    ),
    "noise about the best": (
        "memorisation",
        history(
            every=250,
            training__bits_per_dim=[4.0, 3.6, 3.3, 3.2, 3.15, 3.1, 3.05, 3.0],
            heldout__bits_per_dim=[4.1, 3.8, 3.5, 3.52, 3.49, 3.51, 3.5, 3.505],
            training__bits_per_dim_error=[0.02] * 8,
            heldout__bits_per_dim_error=[0.02] * 8,
        ),
    ),
    "a gap within its error": (
        "memorisation",
        history(
            every=250,
            training__bits_per_dim=[4.0, 3.6, 3.3, 3.0, 2.9, 2.8],
            heldout__bits_per_dim=[4.0, 3.6, 3.3, 3.4, 3.5, 3.6],
            training__bits_per_dim_error=[0.3] * 6,
            heldout__bits_per_dim_error=[0.3] * 6,
        ),
    ),
    "a discriminator that generalises": ("discriminator-overfits", history(heldout__overfitting=noisy(0.2, 10))),
    "diversity that rises from grey": ("samples-alike", history(heldout__diversity=[0.01, 0.1, 0.5, 0.8, 0.9])),
    "diversity that wavers": ("samples-alike", history(heldout__diversity=[0.8, 0.9, 0.7, 0.75, 0.6])),
    "a grey start": ("samples-alike", history(step=600, heldout__diversity=[0.02, 0.03, 0.05, 0.04, 0.05])),
    "a critic near its best": ("critic-behind", history(critic__lag=[0.1, -0.1] * 20)),
    "images at hand": ("stalled-input", history(system__input_share=[*noisy(0.05, 30), 0.9, 0.9])),
    "a slider dragged for a while": ("slowed-down", history(images_per_second=[*noisy(300.0, 120), *[5.0] * 30])),
}


def test_every_guard_is_tested_both_ways():
    assert {kind for kind, _ in FIRES.values()} == {kind for kind, _ in SILENT.values()} == set(CHECKS)


@pytest.mark.parametrize(("kind", "given"), FIRES.values(), ids=FIRES.keys())
def test_a_guard_speaks_with_evidence_and_one_suggestion(kind, given):
    alarm = CHECKS[kind](given)
    assert alarm is not None
    assert alarm.text.endswith(".")
    assert alarm.suggestion.endswith(".")
    assert alarm.evidence
    assert all(np.isfinite(value) for _, value in alarm.evidence)


@pytest.mark.parametrize(("kind", "given"), SILENT.values(), ids=SILENT.keys())
def test_a_guard_is_silent_on_what_a_healthy_run_does(kind, given):
    assert CHECKS[kind](given) is None


@pytest.mark.parametrize("kind", CHECKS)
def test_a_run_without_figures_raises_nothing(kind):
    assert CHECKS[kind](history()) is None


def test_no_history_however_odd_stops_a_run():
    names = sorted({name for _, given in [*FIRES.values(), *SILENT.values()] for name in given.series})
    random = np.random.default_rng(0)
    for _ in range(300):
        series = {
            name: tuple((i, float(v)) for i, v in enumerate(random.choice([-1e30, -1.0, 0.0, 1e-30, 0.6, 1e30], count)))
            for name, count in zip(names, random.choice([0, 1, 2, 5, 20, 130], len(names)), strict=True)
        }
        for landmarks in ({}, GAME | CODE):
            for check in CHECKS.values():
                check(History(series, 5000, 20_000, landmarks))


def test_only_an_explosion_asks_to_go_back():
    asking = {name for name, (kind, given) in FIRES.items() if CHECKS[kind](given).go_back}
    assert asking
    assert {FIRES[name][0] for name in asking} == {"explosion"}
    assert "explosion: a generator's gradients" not in asking


def above(limit):
    def check(given: History) -> Alarm | None:
        found = given.last("x", 1)
        return Alarm("x is high.", (("x", found[0]),), "Lower x.") if found and found[0] > limit else None

    return Guard("high", "High", check)


def test_a_monitor_says_a_lasting_trouble_once_and_a_coming_one_again_when_the_run_is_twice_as_old():
    monitor = GuardMonitor(10_000, {}, guards=(above(1.0),))
    told = []
    for step in range(10, 1000, 10):
        # High from 100 to 200, from 250 to 300, and from 600 on.
        monitor.add(step, {"x": 2.0 if 100 <= step < 200 or 250 <= step < 300 or step >= 600 else 0.0})
        told += [step for _ in monitor.ask(step)]
    assert told == [100, 250, 600]
    monitor = GuardMonitor(10_000, {}, guards=(above(1.0),))
    told = []
    for step in range(100, 1000, 10):
        monitor.add(step, {"x": float(step % 20 == 0) * 2})
        told += [step for _ in monitor.ask(step)]
    assert told == [100, 200, 400, 800]


def test_a_resumed_run_does_not_repeat_what_it_said():
    monitor = GuardMonitor(10_000, {}, guards=(above(1.0),), spoken={"high": 500})
    monitor.add(600, {"x": 2.0})
    assert monitor.ask(600) == []


def test_a_wish_to_go_back_is_always_said():
    guard = Guard("boom", "Boom", lambda given: Alarm("It broke.", (("x", 1.0),), "Mend it.", go_back=True))
    monitor = GuardMonitor(100, {}, guards=(guard,))
    assert [len(monitor.ask(step)) for step in (1, 2, 3)] == [1, 1, 1]


def test_a_monitor_forgets_what_came_after_the_step_it_returned_to_and_what_is_not_finite():
    monitor = GuardMonitor(100, {})
    for step in range(1, 9):
        monitor.add(step, {"x": float(step), "y": float("nan")})
    monitor.forget_after(5)
    assert monitor.history(5).values("x") == [1.0, 2.0, 3.0, 4.0, 5.0]
    monitor.add(3, {"x": 30.0})
    assert monitor.history(3).values("x") == [1.0, 2.0, 30.0]
    assert monitor.history(3).values("y") == []


def test_a_monitor_holds_a_bounded_past():
    monitor = GuardMonitor(10**6, {})
    for step in range(3 * MEMORY):
        monitor.add(step, {"x": 1.0})
    assert len(monitor.history(3 * MEMORY).values("x")) == MEMORY
