"""The rules of a verdict: each on its own evidence, none without, and never more certain than the intervals are."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.diagnostics.facts import Facts, Origin
from engine.diagnostics.verdict import judge
from engine.diagnostics.verdict_faults import FAULTS
from engine.report import Figure, Finding


def finding(name: str, level="good", *, values=None, sentence: str = "", **figures) -> Finding:
    """A finding whose figures are values or (value, low, high)."""
    rows = []
    for figure, value in figures.items():
        value, low, high = value if isinstance(value, tuple) else (value, None, None)
        rows.append(Figure(figure, figure, value, low, high, n=100))
    return Finding(name, name.capitalize(), level, sentence or f"{name} was measured.", tuple(rows), (), values or {})


def spread(diversity=(0.9, 0.85, 0.95), nearest=(1.0, 0.9, 1.1), texture=30.0, finite=1.0) -> Finding:
    return finding(
        "spread",
        diversity=diversity,
        nearest=nearest,
        texture=texture,
        texture_real=20.0,
        texture_pca=60.0,
        finite=finite,
    )


MEMORISATION = finding("memorisation", copied_share=(0.0, 0.0, 0.03), copy_z=0.1)


def facts(*findings: Finding, history=None, **more) -> Facts:
    curves = {name: (range(len(values)), values) for name, values in (history or {}).items()}
    origin = Origin(**{"trained_on": "yes", "title": "made", **more.pop("origin", {})})
    return Facts(tuple(findings), curves, origin=origin, training_images=1000, **more)


def kind(*findings: Finding, **more) -> str:
    return judge(facts(*findings, **more)).kind


def test_good_figures_are_healthy_and_say_what_was_not_measured() -> None:
    verdict = judge(facts(spread(), MEMORISATION))
    assert (verdict.kind, verdict.level) == ("healthy", "good")
    assert "Not measured: support size, fidelity, coverage." in verdict.paragraph
    assert {"spread", "memorisation"} <= set(verdict.evidence)


def test_nothing_measured_is_no_verdict() -> None:
    verdict = judge(facts())
    assert (verdict.kind, verdict.level) == ("unclear", "unknown")
    assert "Nothing was measured" in verdict.paragraph


def test_a_model_whose_memorisation_was_not_looked_at_is_not_called_healthy() -> None:
    assert kind(spread()) == "unclear"


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((0.1, 0.05, 0.15), "one-mode"), ((0.1, 0.05, 0.4), "low-diversity"), ((0.2, 0.1, 0.7), "healthy")],
)
def test_a_collapse_is_told_only_when_its_interval_says_so(interval, expected: str) -> None:
    assert kind(spread(diversity=interval), MEMORISATION) == expected


def test_pictures_that_repeat_are_few_and_the_birthday_test_says_how_many() -> None:
    few = finding("birthday", "bad", support=(40.0, 30.0, 60.0))
    verdict = judge(facts(spread(nearest=(0.1, 0.05, 0.15)), few, MEMORISATION))
    assert (verdict.kind, verdict.level) == ("low-diversity", "bad")
    assert "about 40 different pictures [30, 60]" in verdict.paragraph
    assert {"spread", "birthday"} == set(verdict.evidence)


def test_a_person_who_confirmed_pairs_is_heard_before_the_automatic_test() -> None:
    automatic, person = (
        finding("birthday", "good", support=(9e4, 8e4, None)),
        finding("birthday_human", "bad", support=(70.0, 60.0, 90.0)),
    )
    verdict = judge(facts(spread(), automatic, person, MEMORISATION))
    assert verdict.kind == "low-diversity"
    assert "about 70 different" in verdict.paragraph


def copies(share, z, ratios, real=(0.8, 0.9, 1.0)) -> Finding:
    return finding("memorisation", "bad", copied_share=share, copy_z=z, values={"ratios": ratios, "real_ratios": real})


def test_copies_are_told_where_ranks_or_ratios_agree() -> None:
    assert kind(spread(), copies((0.5, 0.4, 0.6), 8.0, (0.1,) * 100)) == "memorising"
    # A tenth are exact copies: the ranks of all hardly move, but no real image comes so near.
    assert kind(spread(), copies((0.12, 0.07, 0.2), 0.8, (0.01,) * 12 + (0.9,) * 88)) == "memorising"
    # A threshold of few real images that lies too high: neither ranks nor ratios know of copies.
    assert kind(spread(), copies((0.2, 0.14, 0.28), 0.3, (0.7,) * 20 + (0.9,) * 80)) == "healthy"
    assert kind(spread(), copies((0.2, 0.02, 0.5), 8.0, (0.1,) * 100)) == "healthy"


def test_a_likelihood_that_knows_its_images_is_memorising_only_on_its_own_images() -> None:
    bits = finding("likelihood", separation=(0.9, 0.85, 0.95), gap_bits=(0.4, 0.3, 0.5), heldout_bits=(3.0, 2.9, 3.1))
    verdict = judge(facts(spread(), bits, density="exact"))
    assert (verdict.kind, verdict.level, verdict.evidence) == ("memorising", "bad", ("likelihood",))
    assert "90 % [85, 95]" in verdict.paragraph
    other = facts(spread(), bits, density="exact", origin={"trained_on": "no"})
    assert judge(other).kind == "unclear"
    unknown = judge(facts(spread(), bits, density="exact", origin={"trained_on": "unknown"}))
    assert "not known" in unknown.paragraph


def test_codes_that_carry_nothing_are_a_posterior_collapse() -> None:
    curves = {"kl_nats": [40.0, 9.0, 1.0, 0.5, 0.4, 0.4], "elbo_bits_per_dim": [6.0] + [8.1] * 12}
    alike = spread(diversity=(0.45, 0.4, 0.5), nearest=(0.2, 0.15, 0.25))
    verdict = judge(facts(alike, MEMORISATION, history=curves, density="bound", code_size=64))
    assert (verdict.kind, verdict.level) == ("posterior-collapse", "bad")
    assert set(verdict.evidence) == {"kl_nats", "spread"}
    assert "0.4 nats" in verdict.paragraph
    assert kind(spread(), MEMORISATION, history={"kl_nats": [40.0] * 9}, density="bound") == "healthy"
    assert kind(spread(), MEMORISATION, history={"kl_nats": [0.1] * 9}, density="none") == "healthy"


def test_without_curves_the_encoder_says_what_its_codes_carry() -> None:
    bits = finding("likelihood", heldout_bits=(7.5, 7.4, 7.6), code_nats=0.7, active_units=3.0)
    verdict = judge(facts(spread(), bits, density="bound", code_size=64))
    assert verdict.kind == "posterior-collapse"
    assert "3 of its 64 numbers" in verdict.paragraph


@pytest.mark.parametrize(("density", "bits", "nothing"), [("exact", 5, 5.0), ("exact", 8, 8.0), ("bound", 8, 9.0)])
def test_worse_than_knowing_nothing_is_diverged(density: str, bits: int, nothing: float) -> None:
    over = finding("likelihood", heldout_bits=(nothing + 0.2, nothing + 0.1, nothing + 0.3))
    unsure = finding(
        "likelihood", heldout_bits=(nothing + 0.2, nothing - 0.1, nothing + 0.5), gap_bits=0.0, separation=0.5
    )
    assert kind(spread(), over, MEMORISATION, density=density, bits=bits) == "diverged"
    assert kind(spread(), unsure, MEMORISATION, density=density, bits=bits) == "healthy"


def test_numbers_that_are_not_finite_and_failed_runs_are_diverged() -> None:
    assert kind(spread(finite=0.5), MEMORISATION) == "diverged"
    failed = {"state": "failed", "message": "run-1 diverged 4 times (numbers were not finite): start again."}
    assert kind(spread(), MEMORISATION, origin=failed) == "diverged"
    full = {"state": "failed", "message": "The disk is full: free some space."}
    assert kind(spread(), MEMORISATION, origin=full) == "healthy"


def test_a_game_that_exploded_is_diverged_and_says_that_samples_are_alike() -> None:
    curves = {"discriminator_loss": [1.2, 1.3] + [900.0] * 20}
    verdict = judge(
        facts(spread(diversity=(0.02, 0.01, 0.03)), history=curves, landmarks={"even_discriminator_loss": 1.386})
    )
    assert verdict.kind == "diverged"
    assert "Also samples hardly differ." in verdict.paragraph
    grown = {"generator_gradient_norm": [2.0] * 20 + [9000.0] * 20}
    assert kind(spread(), MEMORISATION, history=grown) == "diverged"


def test_a_discriminator_that_wins_is_told_by_the_objectives_own_landmark() -> None:
    curves = {"discriminator_loss": [1.3] * 10 + [0.02] * 40, "generator_gradient_norm": [5.0] * 10 + [0.1] * 40}
    game = {"landmarks": {"even_discriminator_loss": 1.386}, "history": curves}
    verdict = judge(facts(spread(), MEMORISATION, **game))
    assert (verdict.kind, verdict.level) == ("discriminator-won", "bad")
    moving = {**curves, "generator_gradient_norm": [5.0] * 50}
    assert judge(facts(spread(), MEMORISATION, **{**game, "history": moving})).level == "watch"
    # Without even play (a Wasserstein distance) a small figure says nothing.
    assert kind(spread(), MEMORISATION, history=curves) == "healthy"


def test_a_run_that_was_taken_back_says_so() -> None:
    once, twice = {"notice/went back": [1.0]}, {"notice/went back": [1.0, 1.0]}
    # `facts` gives notices the steps 0, 1, ...
    long_since = judge(facts(spread(), MEMORISATION, history=once, origin={"step": 5000, "steps": 5000}))
    assert (long_since.kind, long_since.level) == ("healthy", "good")
    assert "ran away once" in long_since.paragraph
    again = judge(facts(spread(), MEMORISATION, history=twice, origin={"step": 5000, "steps": 5000}))
    assert (again.kind, again.level) == ("diverged", "watch")
    assert "recovered" in again.title
    assert "No fault was found in what it is now" in again.paragraph
    lately = Facts((spread(), MEMORISATION), {"notice/went back": ([400], [1.0])}, origin=Origin(step=900, steps=900))
    assert judge(lately).kind == "diverged"
    # A fault of what it is now is told first.
    assert kind(spread(diversity=(0.1, 0.05, 0.15)), MEMORISATION, history=twice) == "one-mode"
    poor = judge(facts(spread(texture=200.0), MEMORISATION, history=twice))
    assert (poor.kind, poor.level) == ("diverged", "bad")
    assert {"notices", "spread"} == set(poor.evidence)
    assert kind(spread(texture=200.0), MEMORISATION, history=once, origin={"step": 5000}) == "underfitting"


def test_worse_than_pca_is_underfitting_at_the_end_and_learning_before() -> None:
    poor = spread(texture=200.0)
    assert kind(poor, MEMORISATION, origin={"step": 100, "steps": 100}) == "underfitting"
    verdict = judge(facts(poor, MEMORISATION, origin={"step": 100, "steps": 1000}))
    assert (verdict.kind, verdict.level) == ("learning", "unknown")
    assert "step 100 of 1,000" in verdict.paragraph


def test_learned_features_outweigh_texture_and_a_disagreement_is_told() -> None:
    seen_better = finding("fidelity", "watch", frechet=5.0, sentence="Nearer than a PCA.")
    assert kind(spread(texture=70.0), MEMORISATION, seen_better) == "healthy"
    worse = {"frechet": (25.0, 23.0, 27.0), "frechet_pca": (15.0, 14.0, 16.0)}
    seen_worse = finding("fidelity", "bad", sentence="No nearer than a PCA.", **worse)
    verdict = judge(facts(spread(), MEMORISATION, seen_worse))
    assert (verdict.kind, verdict.level) == ("healthy", "watch")
    assert "In learned features: No nearer than a PCA." in verdict.paragraph
    assert kind(spread(texture=200.0), MEMORISATION, seen_worse) == "underfitting"
    # Texture no better than a PCA's, and features surely worse; then features that may be as good.
    assert kind(spread(texture=60.0), MEMORISATION, seen_worse) == "underfitting"
    level = finding("fidelity", "bad", frechet=(15.5, 14.0, 17.0), frechet_pca=(15.0, 14.0, 16.0))
    assert kind(spread(texture=60.0), MEMORISATION, level) == "healthy"


def test_a_quick_look_says_so() -> None:
    assert "quick look" in judge(replace(facts(spread(), MEMORISATION), quick=True)).paragraph


def test_numbers_that_are_not_finite_never_break_a_verdict() -> None:
    broken = finding("likelihood", heldout_bits=math.nan, separation=math.inf, gap_bits=math.nan)
    curves = {"kl_nats": [math.nan] * 5, "discriminator_loss": [], "elbo_bits_per_dim": [math.inf] * 20}
    assert judge(facts(spread(diversity=math.nan), broken, MEMORISATION, history=curves)).paragraph


def test_every_fault_has_a_kind_that_the_report_knows() -> None:
    from engine.report import Verdict

    assert Verdict.__doc__ is not None
    for rule in FAULTS:
        assert rule.kind in Verdict.__doc__
        assert rule.needs
        assert rule.because
