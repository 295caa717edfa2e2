"""A verdict where no fault was found: whether it is early, how good the samples are, whether they still improve."""

from typing import Final

from engine.diagnostics.facts import Curve, Facts
from engine.diagnostics.verdict_parts import Match, lower, told, upper
from engine.report import Level

MARGIN: Final = 1.05
NO_BETTER: Final = 0.9
CLOSE: Final = 0.5
IMPROVING: Final = 0.01


def early(facts: Facts) -> Match | None:
    """The run is not done: its step, and whether its curve still falls."""
    step, steps = facts.origin.step, facts.origin.steps
    if step is None or steps is None or step >= steps:
        return None
    sentences = [f"It is at step {step:,} of {steps:,}."]
    slope = improving(facts)
    if slope:
        sentences.append(slope)
    return Match("unknown", "Early", tuple(sentences), ("run",))


def improving(facts: Facts) -> str:
    """Whether the main figure still falls, in a sentence; empty where the family has none that could tell."""
    curve = facts.curve("heldout/bits_per_dim", "elbo_bits_per_dim", "bits_per_dim")
    if curve is None or len(curve.values) < 6:
        return ""
    before, after = _halves(curve)
    change = (before - after) / max(abs(before), 1e-6)
    state = "still falls" if change > IMPROVING else "hardly falls any more" if change > -IMPROVING else "rises"
    return f"The curve {curve.name} {state} ({before:.3f} to {after:.3f} over the last part of the run)."


def _halves(curve: Curve) -> tuple[float, float]:
    """Medians of the last two fifths of the curve, the earlier first."""
    count = max(2, len(curve.values) // 5)
    tail = Curve(curve.name, curve.steps[-2 * count :], curve.values[-2 * count :])
    return tail.early(0.5), tail.late(0.5)


def by_heart_words(facts: Facts) -> list[tuple[str, str]]:
    """(a sentence, its evidence) of each figure that would show training images learned by heart."""
    found = []
    memorisation = facts.finding("memorisation")
    if memorisation is not None:
        found.append((memorisation.sentence, "memorisation"))
    gap, apart = facts.figure("likelihood", "gap_bits"), facts.figure("likelihood", "separation")
    if gap is not None and apart is not None:
        found.append(
            (
                f"A held-out image costs {told(gap, digits=3)} bits/dim more than a training image, and the more in "
                f"{told(apart, scale=100, digits=0, unit=' %')} of pairs (50 % is even).",
                "likelihood",
            )
        )
    return found


def worse_than_pca(facts: Facts) -> Match | None:
    """Samples no nearer to real images than those of a PCA that learned in seconds."""
    sentences: list[str] = []
    names: list[str] = []
    ours, pca, real = (facts.figure("spread", name) for name in ("texture", "texture_pca", "texture_real"))
    fidelity = facts.finding("fidelity")
    rough = ours is not None and pca is not None and ours.value > MARGIN * pca.value
    if rough and ours is not None and pca is not None and real is not None:
        sentences.append(
            f"In texture the samples are farther from real images ({ours.value:.0f}, sliced Wasserstein) than those of "
            f"a PCA that learned in seconds ({pca.value:.0f}; other real images {real.value:.0f})."
        )
        names.append("spread")
    # Where texture is clearly better and learned features are not, the two differ, and neither is a verdict.
    no_better = ours is None or pca is None or ours.value > NO_BETTER * pca.value
    if fidelity is not None and fidelity.level == "bad" and no_better and (rough or _surely_worse(facts)):
        sentences.append(fidelity.sentence)
        names.append("fidelity")
    elif fidelity is not None and fidelity.level in ("good", "watch"):
        # Learned features see more than texture: where they put the samples before a PCA, texture is no verdict.
        return None
    if not sentences:
        return None
    slope = improving(facts)
    bad = ours is not None and pca is not None and ours.value > 2 * pca.value
    level: Level = "bad" if len(names) > 1 or bad else "watch"
    title = "Samples no better than those of a PCA"
    return Match(level, title, (*sentences, *([slope] if slope else [])), tuple(names), "its samples are poor")


def _surely_worse(facts: Facts) -> bool:
    """Whether the samples' Frechet distance lies above a PCA's by more than both intervals."""
    ours, pca = facts.figure("fidelity", "frechet"), facts.figure("fidelity", "frechet_pca")
    return ours is not None and pca is not None and lower(ours) > upper(pca)


def far_from_real(facts: Facts) -> Match | None:
    """Where between real images (0) and a PCA's samples (1) the samples lie."""
    fidelity = facts.finding("fidelity")
    if fidelity is not None and fidelity.level in ("good", "watch"):
        return Match(fidelity.level, fidelity.title, (fidelity.sentence,), ("fidelity",))
    disagree = fidelity is not None and fidelity.level == "bad"
    ours, pca, real = (facts.figure("spread", name) for name in ("texture", "texture_pca", "texture_real"))
    if ours is None or pca is None or real is None or pca.value <= real.value:
        return None
    share = (ours.value - real.value) / (pca.value - real.value)
    text = (
        f"In texture the samples lie at {ours.value:.0f} (sliced Wasserstein), other real images at {real.value:.0f} "
        f"and a PCA's samples at {pca.value:.0f}."
    )
    if disagree and fidelity is not None:
        # Blurred samples of a VAE, for instance: nearer than a PCA's in texture, farther in learned features.
        return Match(
            "watch", "Two measures differ", (text, f"In learned features: {fidelity.sentence}"), ("spread", "fidelity")
        )
    return Match("good" if share < CLOSE else "watch", "Texture", (text,), ("spread",))
