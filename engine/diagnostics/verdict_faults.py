"""The faults that a verdict can find, as a table: what each concludes, the evidence it needs, why its threshold."""

import math
from typing import Final

from engine.diagnostics.facts import WENT_BACK, Facts
from engine.diagnostics.verdict_parts import Match, Rule, lower, told, upper
from engine.report import Level

RISE: Final = 1.0
EXPLODED: Final = 10.0
GRADIENTS: Final = 100.0
FEW_NATS: Final = 3.0
COLLAPSED: Final = 0.3
NARROW: Final = 0.6
WON: Final = 0.05
BY_HEART: Final = 0.75
COPIES: Final = 0.05
HALF: Final = 0.5
SURE: Final = 2.0
LONG_SINCE: Final = 20

# --- diverged ---------------------------------------------------------------------------------------------------


def diverged(facts: Facts) -> Match | None:
    """Numbers that are not finite, a likelihood worse than that of no knowledge, or a loss that ran away."""
    sentences: list[str] = []
    names: list[str] = []
    origin = facts.origin
    if origin.state == "failed" and "diverged" in origin.message:
        sentences.append(f"The run ended with: {origin.message}")
        names.append("run")
    finite = facts.figure("spread", "finite")
    if finite is not None and finite.value < 1:
        sentences.append(f"{100 * (1 - finite.value):.0f} % of {finite.n} samples hold numbers that are not finite.")
        names.append("spread")
    for found, name in (_worse_than_nothing(facts), _ran_away(facts), _game_exploded(facts)):
        if found:
            sentences.append(found)
            names.append(name)
    back = recovered(facts)
    if not sentences:
        return None
    if back is not None:
        sentences += back.sentences
        names += back.evidence
    steps = facts.origin.step
    never = not facts.history and steps in (None, 0)
    title = "Diverged, or never trained" if never else "Diverged"
    return Match("bad", title, tuple(sentences), tuple(names), "its training diverged")


def nothing_bits(facts: Facts) -> float:
    """Bits/dim beyond which a model is worse than one that knows nothing.

    Calling all grey values equally likely costs exactly the bit depth. A VAE's Gaussian decoder cannot say that: a
    normal density with a deviation of half the range costs one bit more, and that is what ignorance costs there.
    """
    return facts.bits + (1.0 if facts.density == "bound" else 0.0)


def _worse_than_nothing(facts: Facts) -> tuple[str, str]:
    """Bits/dim that knowing nothing would not cost."""
    figure, nothing = facts.figure("likelihood", "heldout_bits"), nothing_bits(facts)
    if figure is not None:
        if lower(figure) <= nothing:
            return "", ""
        return f"Held-out images cost {told(figure)} bits/dim, where knowing nothing costs {nothing:.0f}.", "likelihood"
    curve = facts.curve("heldout/bits_per_dim")
    if curve is None or len(curve.values) < 3 or curve.values[-3:].min() <= nothing:
        return "", ""
    return (
        f"Held-out images cost {curve.values[-1]:.2f} bits/dim at step {curve.last_step:,}, where knowing nothing "
        f"costs {nothing:.0f}.",
        curve.name,
    )


def _ran_away(facts: Facts) -> tuple[str, str]:
    """A training figure that leapt, and ends far above where it was."""
    curve = facts.curve("elbo_bits_per_dim", "bits_per_dim")
    if curve is None or len(curve.values) < 10:
        return "", ""
    before = curve.values[: int(curve.values.argmax()) + 1].min()
    # The knob beta trades likelihood for simple codes, which is another fault: only a leap past ignorance is this.
    if posterior_collapse(facts) is not None:
        return "", ""
    if curve.late() - before <= RISE or curve.values.max() <= nothing_bits(facts) + RISE:
        return "", ""
    peak = int(curve.steps[int(curve.values.argmax())])
    return (
        f"The training figure {curve.name} was {before:.2f}, leapt to {curve.values.max():,.1f} at step {peak:,} "
        f"and ends at {curve.late():.2f}.",
        curve.name,
    )


def _game_exploded(facts: Facts) -> tuple[str, str]:
    """A discriminator's loss, or gradients, beyond what any game that goes on would give."""
    even = facts.landmarks.get("even_discriminator_loss")
    loss = facts.curve("discriminator_loss")
    if even is not None and loss is not None and len(loss.values) >= 5 and loss.late() > EXPLODED * even:
        return (f"The discriminator's loss is {loss.late():,.1f} at the end, where even play is {even:.2f}.", loss.name)
    for name in ("generator_gradient_norm", "discriminator_gradient_norm"):
        norms = facts.curve(name)
        if norms is None or len(norms.values) < 20:
            continue
        start = max(norms.early(0.1), 1.0)
        if norms.late() > GRADIENTS * start:
            whose = name.removesuffix("_gradient_norm")
            return f"The {whose}'s gradients grew from {start:,.1f} to {norms.late():,.1f}.", name
    return "", ""


def recovered(facts: Facts) -> Match | None:
    """The run went back to a checkpoint because its numbers ran away; "bad" where that is recent or came again.

    Once, and twenty times as many steps since, is a story and no fault.
    """
    steps, now = facts.notices(WENT_BACK), facts.origin.step
    if not steps:
        return None
    times = {1: "once", 2: "twice"}.get(len(steps), f"{len(steps)} times")
    text = (
        f"Training ran away {times} (last at step {steps[-1]:,}) and went back with half the learning rate each time."
    )
    recent = len(steps) > 1 or now is None or now < LONG_SINCE * steps[-1]
    return Match("bad" if recent else "watch", "Went back", (text,), ("notices",), "training ran away before")


# --- codes ------------------------------------------------------------------------------------------------------


def posterior_collapse(facts: Facts) -> Match | None:
    """The encoder's codes say next to nothing of the image."""
    if facts.density != "bound":
        return None
    curve, measured = facts.curve("kl_nats"), facts.figure("likelihood", "code_nats")
    if curve is not None and len(curve.values) >= 3:
        nats, where = curve.late(), curve.name
        said = f"The KL of the codes is {nats:.2g} nats at step {curve.last_step:,}"
    elif measured is not None:
        nats, where = measured.value, "likelihood"
        said = f"A code carries about {nats:.2g} nats of its image (n = {measured.n})"
    else:
        return None
    if nats >= FEW_NATS:
        return None
    sentences = [f"{said}: enough to tell about {math.exp(nats):.0f} images apart."]
    names = [where]
    units = facts.figure("likelihood", "active_units")
    if units is not None:
        sentences.append(f"{units.value:.0f} of its {facts.code_size} numbers vary from image to image.")
    near = facts.figure("spread", "nearest")
    if near is not None and upper(near) < NARROW:
        share = told(near, scale=100, digits=0, unit=" %")
        sentences.append(f"So samples look alike: a sample's nearest other one is {share} as far as among real images.")
        names.append("spread")
    sentences.append("A lower KL weight (beta), or free bits, lets the codes speak.")
    return Match("bad", "Posterior collapse", tuple(sentences), tuple(names), "the codes carry next to nothing")


# --- variety ----------------------------------------------------------------------------------------------------


def one_mode(facts: Facts) -> Match | None:
    """Samples that are all nearly one picture."""
    spread = facts.figure("spread", "diversity") or facts.figure("birthday", "spread_ratio")
    where = "spread" if facts.figure("spread", "diversity") is not None else "birthday"
    if spread is None:
        curve = facts.curve("heldout/diversity")
        if curve is None or len(curve.values) < 2 or curve.values[-2:].max() >= COLLAPSED:
            return None
        text = f"Samples spread {100 * curve.values[-1]:.0f} % as far as real images at step {curve.last_step:,}."
        return Match("bad", "Nearly one picture", (text,), (curve.name,), "samples hardly differ")
    if upper(spread) >= COLLAPSED:
        return None
    sentences = [f"Samples spread only {told(spread, scale=100, digits=0, unit=' %')} as far as real images."]
    names = [where]
    near = facts.figure("spread", "nearest")
    if near is not None:
        sentences.append(
            f"A sample's nearest other one is {told(near, scale=100, digits=0, unit=' %')} as far as among real images."
        )
    sentences += _support_words(facts, names)
    return Match("bad", "Collapsed to nearly one picture", tuple(sentences), tuple(names), "samples hardly differ")


def low_diversity(facts: Facts) -> Match | None:
    """Samples that repeat themselves, or lack a part of what the data have."""
    sentences: list[str] = []
    names: list[str] = []
    level: Level = "watch"
    near, spread = facts.figure("spread", "nearest"), facts.figure("spread", "diversity")
    if near is not None and upper(near) < NARROW:
        share = told(near, scale=100, digits=0, unit=" %")
        sentences.append(f"A sample's nearest other one is {share} as far as among real images: pictures repeat.")
        names.append("spread")
        level = "bad" if upper(near) < COLLAPSED else level
    if spread is not None and upper(spread) < NARROW:
        sentences.append(f"Samples spread {told(spread, scale=100, digits=0, unit=' %')} as far as real images.")
        names.append("spread")
    birthday = facts.finding("birthday_human") or facts.finding("birthday")
    if birthday is not None and birthday.level == "bad":
        sentences += _support_words(facts, names)
        level = "bad"
    coverage, real = facts.figure("coverage", "coverage"), facts.figure("coverage", "coverage_real")
    found = facts.finding("coverage")
    if found is not None and found.level == "bad" and coverage is not None and real is not None:
        precision, true = facts.figure("coverage", "precision"), facts.figure("coverage", "precision_real")
        # Samples that lie outside the data cover little of it whatever their variety: that is another fault.
        inside = precision is None or true is None or precision.value > NARROW * true.value
        if inside and upper(coverage) < HALF * real.value:
            share = told(coverage, scale=100, digits=0, unit=" %")
            sentences.append(
                f"Only {share} of the training images have a sample near by, where real ones reach "
                f"{100 * real.value:.0f} %."
            )
            names.append("coverage")
    if not sentences:
        return None
    title = "Few different pictures" if level == "bad" else "Less varied than the data"
    return Match(level, title, tuple(sentences), tuple(names), "samples are less varied than the data")


def _support_words(facts: Facts, names: list[str]) -> list[str]:
    """What the birthday test says of the support, where it bounds it."""
    for name in ("birthday_human", "birthday"):
        support = facts.figure(name, "support")
        if support is not None and support.high is not None:
            names.append(name)
            low, high = f"{lower(support):,.0f}", f"{upper(support):,.0f}"
            return [
                f"The birthday test puts the support at about {support.value:,.0f} different pictures [{low}, {high}], "
                f"and there are {facts.training_images:,} training images."
            ]
    return []


# --- memorising -------------------------------------------------------------------------------------------------


def memorising(facts: Facts) -> Match | None:
    """Samples that are copies, or a likelihood that knows the training images by heart."""
    sentences: list[str] = []
    names: list[str] = []
    copied = facts.figure("memorisation", "copied_share")
    if copied is not None and lower(copied) > COPIES and _leans_to_copying(facts):
        share = told(copied, scale=100, digits=0, unit=" %")
        sentences.append(f"{share} of the samples lie nearer to a training image than fresh real images ever do.")
        names.append("memorisation")
    apart, gap = facts.figure("likelihood", "separation"), facts.figure("likelihood", "gap_bits")
    if apart is not None and gap is not None and lower(apart) > BY_HEART:
        sentences.append(
            f"A held-out image costs more bits than a training image in {told(apart, scale=100, digits=0, unit=' %')} "
            f"of pairs (50 % is even), {told(gap, digits=3)} bits/dim on average."
        )
        names.append("likelihood")
    if not sentences:
        return None
    told_before = facts.notices("memorisation", "discriminator-overfits")
    if told_before:
        sentences.append(f"Training gave a notice of it at step {told_before[0]:,}.")
        names.append("notices")
    images = facts.training_images
    if images:
        sentences.append(f"It learned from {images:,} images: more of them, or a checkpoint from earlier, would help.")
    title = "Copies training images" if "memorisation" in names else "Knows its training images by heart"
    return Match("bad", title, tuple(sentences), tuple(names), "it knows training images by heart")


def _leans_to_copying(facts: Facts) -> bool:
    """Whether the samples as a whole lie nearer to training images, or a part of them nearer than any real image does.

    The share alone rests on the lowest of the real images, which few held-out images do not place well.
    """
    z, finding = facts.figure("memorisation", "copy_z"), facts.finding("memorisation")
    if z is None or z.value > SURE:
        return True
    ours, real = (finding.values.get(name, ()) for name in ("ratios", "real_ratios")) if finding else ((), ())
    if not ours or not real:
        return False
    return sum(value < HALF * min(real) for value in ours) > COPIES * len(ours)


# --- the game ---------------------------------------------------------------------------------------------------


def discriminator_won(facts: Facts) -> Match | None:
    """The discriminator tells nearly every sample, and the generator's loss says so."""
    even, loss = facts.landmarks.get("even_discriminator_loss"), facts.curve("discriminator_loss")
    if even is None or loss is None or len(loss.values) < 10 or loss.late() > WON * even:
        return None
    sentences = [
        f"The discriminator's loss is {loss.late():.3f} over the last fifth of the run, where even play is {even:.2f}: "
        "it tells nearly every sample from real images."
    ]
    names = [loss.name]
    fake = facts.curve("d_fake")
    if fake is not None:
        sentences.append(f"It gives samples a chance of {100 * fake.late():.1f} % to be real.")
        names.append(fake.name)
    norms = facts.curve("generator_gradient_norm")
    faded = norms is not None and len(norms.values) >= 20 and norms.late() < 0.1 * norms.early()
    if norms is not None:
        state = "have faded" if faded else "have not faded, so the generator still moves"
        sentences.append(f"The generator's gradients {state} ({norms.early():.2g} early, {norms.late():.2g} late).")
        names.append(norms.name)
    sentences.append("A narrower discriminator or a stronger regulariser keeps the game even.")
    return Match(
        "bad" if faded else "watch",
        "The discriminator has won",
        tuple(sentences),
        tuple(names),
        "the discriminator won",
    )


FAULTS: Final[tuple[Rule, ...]] = (
    Rule(
        "diverged",
        "not finite; or bits/dim above the bit depth; or a discriminator's loss 10 times even play, gradients x 100",
        "a uniform guess costs exactly the bit depth, so more is worse than knowing nothing; a game that goes on stays "
        "within a few times even play",
        diverged,
    ),
    Rule(
        "posterior-collapse",
        "codes that carry less than 3 nats of their image",
        "3 nats tell 20 images apart; healthy codes of faces carry over 100",
        posterior_collapse,
    ),
    Rule(
        "one-mode",
        "samples spread less than 30 % as far as real images, also at the interval's upper end",
        "a healthy model of any family here has at least 60 %; single faces under changing light have about 30 %",
        one_mode,
    ),
    Rule(
        "memorising",
        "over 5 % of samples nearer to training than real images come, or 75 % of pairs told apart by likelihood; both "
        "at the interval's lower end",
        "1 % of fresh real images lie so near by definition; 50 % of pairs is even",
        memorising,
        own_data=True,
    ),
    Rule(
        "low-diversity",
        "nearest samples or spread below 60 % of real, a support below half the training images, or half the coverage",
        "upper ends of intervals, so that few samples never accuse",
        low_diversity,
        own_data=True,
    ),
    Rule(
        "discriminator-won",
        "a discriminator's loss below 5 % of even play over the last fifth of the run",
        "the same share at which training gives its notice",
        discriminator_won,
    ),
)
"""All faults, worst first: the first with evidence names the verdict."""
