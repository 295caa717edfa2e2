"""Guards: small rules over a run's recent figures that say when training goes wrong, and why they think so.

A rule is a pure function of `History` and one row in `GUARDS`. It speaks only on evidence that a healthy run does not
give (several readings in a row, distances against the run's own past), names its numbers, and makes one suggestion.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal

MEMORY: Final = 240
"""Readings that are remembered of each figure: two minutes of ticks."""
LEAP: Final = 10.0
GRADIENT_LEAP: Final = 100.0
HOPELESS_LEAP: Final = 1000.0
HOPELESS_BITS: Final = 1000.0
STEEP: Final = 100.0
"""A gradient norm that is large whatever the network."""
YOUNG: Final = 100
"""Steps before which a run's figures say nothing about how it will go."""

Level = Literal["info", "warning"]


@dataclass(frozen=True)
class History:
    """The recent figures of a run: `series` by name as ((step, value), ...), oldest first, at most `MEMORY` each.

    `landmarks` are what the model says its figures are to be held against (`LatentModel.landmarks`).
    """

    series: Mapping[str, Sequence[tuple[int, float]]]
    step: int
    steps: int
    landmarks: Mapping[str, float] = field(default_factory=dict)

    def values(self, name: str) -> list[float]:
        """All remembered values, oldest first; empty for a figure that this run does not have."""
        return [value for _, value in self.series.get(name, ())]

    def last(self, name: str, count: int) -> list[float]:
        """The newest `count` values, or none of them where there are fewer."""
        found = self.values(name)
        return found[-count:] if len(found) >= count else []


@dataclass(frozen=True)
class Alarm:
    """What a guard says: one sentence, its numbers, one suggestion.

    `go_back` asks for a return to the newest checkpoint with half the rate.
    """

    text: str
    evidence: tuple[tuple[str, float], ...]
    suggestion: str
    go_back: bool = False


@dataclass(frozen=True)
class Guard:
    """A row of the table: `kind` names it in notices; `check` gives an alarm while its condition holds."""

    kind: str
    title: str
    check: Callable[[History], Alarm | None]
    level: Level = "warning"


def explosion(history: History) -> Alarm | None:
    """The loss, or a gradient norm, leaps by orders of magnitude against its running median."""
    losses = history.values("loss")
    if len(losses) >= 2:
        usual = median(losses[-61:-1])
        if losses[-1] - usual > LEAP * max(1.0, abs(usual)):
            return Alarm(
                f"The loss leapt from {usual:.3g} to {losses[-1]:.3g}.",
                (("loss", losses[-1]), ("usual loss", usual)),
                "Lower the learning rate, or lengthen the warm-up.",
                go_back=True,
            )
    for name in ("bits_per_dim", "elbo_bits_per_dim"):
        bits = history.last(name, 2)
        if bits and min(bits) > HOPELESS_BITS:
            return Alarm(
                f"The model spends {bits[-1]:,.0f} bits on a number of an image, where 8 tell it exactly.",
                (("bits/dim", bits[-1]),),
                "Lower the learning rate, or lengthen the warm-up.",
                go_back=True,
            )
    for name in ("gradient_norm", "generator_gradient_norm", "discriminator_gradient_norm"):
        norms = history.values(name)[-62:]
        if len(norms) < 14:
            continue
        usual, newest = median(norms[:-2]), min(norms[-2:])
        # Two readings in a row: a single steep batch is clipped and forgotten. And large by itself: those of a clipped
        # critic begin at a millionth and rightly grow a thousandfold.
        if newest > STEEP and newest > GRADIENT_LEAP * usual:
            whose = name.removesuffix("gradient_norm").replace("_", "")
            return Alarm(
                f"The {whose or 'model'}'s gradients grew from {usual:.3g} to {newest:.3g}.",
                (("gradient norm", newest), ("usual gradient norm", usual)),
                "Lower the learning rate, or clip the gradients (knob clip).",
                # A game has rough moments that it outlives, and going back costs it what it has learned.
                go_back=name == "gradient_norm" or newest > HOPELESS_LEAP * usual,
            )
    return None


def discriminator_won(history: History) -> Alarm | None:
    """The discriminator's loss stays near 0, and the generator's gradients fade or it stays so for very long.

    The loss alone proves little: a steep discriminator can be right every time and still show the way.
    """
    even = history.landmarks.get("even_discriminator_loss")
    recent = sorted(history.last("discriminator_loss", 10))
    if even is None or not recent or history.step < 2 * YOUNG or recent[-2] > 0.05 * even:
        return None
    norms = history.values("generator_gradient_norm")
    if not norms:
        return None
    now, before = median(norms[-8:]), median(norms[: max(1, len(norms) // 2)])
    faded = now < 0.1 * before
    long_since = sorted(history.last("discriminator_loss", 120))
    if not faded and not (long_since and long_since[-12] < 0.05 * even):
        return None
    what = f"the generator's gradients faded from {before:.3g} to {now:.3g}" if faded else "it has done so for long"
    return Alarm(
        f"The discriminator tells every sample from real images (its loss is {median(recent):.3g}, even play is "
        f"{even:.3g}), and {what}.",
        (
            ("discriminator loss", median(recent)),
            ("even play", even),
            ("generator gradient norm", now),
            ("earlier generator gradient norm", before),
        ),
        "Weaken the discriminator: raise the R1 weight, or make it narrower (Critic width).",
    )


def posterior_collapse(history: History) -> Alarm | None:
    """The codes carry next to nothing: a KL near 0 (less than a twentieth of a nat for each number of the code)."""
    size = history.landmarks.get("code_size")
    kl, active = history.last("kl_nats", 8), history.last("active_units", 8)
    if size is None or not kl or not active or history.step < 3 * YOUNG or max(kl) > 0.05 * size:
        return None
    return Alarm(
        f"The codes are ignored: together their {size:.0f} numbers carry {median(kl):.2g} nats "
        f"({median(active):.0f} of them vary at all).",
        (("KL, nats", median(kl)), ("active units", median(active)), ("code size", size)),
        "Lower the KL weight (beta), or give each code number some free bits.",
    )


def memorisation(history: History) -> Alarm | None:
    """Training and held-out bits/dim part: held-out figures worsen while those of training images go on improving.

    The gap must exceed four standard errors in three previews in a row, and the held-out figure must lie above its best
    by more than its change from preview to preview, so that a gap between two sets of people is not taken for it.
    """
    known, new = history.values("training/bits_per_dim"), history.values("heldout/bits_per_dim")
    known_error = history.last("training/bits_per_dim_error", 1)
    new_error = history.last("heldout/bits_per_dim_error", 1)
    if min(len(known), len(new)) < 5 or not known_error or not new_error:
        return None
    count = min(len(known), len(new))
    gaps = [b - a for a, b in zip(known[-count:], new[-count:], strict=True)]
    noise = math.hypot(known_error[0], new_error[0])
    best = min(range(len(new)), key=new.__getitem__)
    since = len(new) - 1 - best
    wobble = median(abs(b - a) for a, b in zip(new[-6:], new[-5:], strict=False))
    parted = min(gaps[-3:]) > 4.0 * noise and gaps[-1] > gaps[0]
    if not (parted and since >= 2 and min(new[-2:]) - new[best] > max(wobble, 0.002) and known[-1] < known[-1 - since]):
        return None
    best_step = history.series["heldout/bits_per_dim"][best][0]
    return Alarm(
        f"Training images are learned by heart: held-out bits/dim rise since step {best_step:,} "
        f"({new[best]:.3f} to {new[-1]:.3f}) while those of training images fall to {known[-1]:.3f}.",
        (
            ("held-out bits/dim", new[-1]),
            ("best held-out bits/dim", new[best]),
            ("training bits/dim", known[-1]),
            ("standard error of the gap", noise),
        ),
        f"Stop here and use a checkpoint near step {best_step:,}, or train on more images.",
    )


def discriminator_overfits(history: History) -> Alarm | None:
    """The discriminator takes held-out images for generated ones (r_v of Karras et al. 2020 near 1)."""
    shares = history.last("heldout/overfitting", 3)
    if not shares or min(shares) < 0.6 or history.step < 2 * YOUNG:
        return None
    return Alarm(
        "The discriminator knows its training images by heart: it places held-out images "
        f"{median(shares):.0%} of the way from training images to samples.",
        (("overfitting", median(shares)),),
        "Switch Augment on, or train on more images.",
    )


def samples_alike(history: History) -> Alarm | None:
    """The samples' diversity falls to less than half of its best, or never rises."""
    spread = history.values("heldout/diversity")
    if len(spread) < 3 or history.step < 2 * YOUNG:
        return None
    now, best = max(spread[-2:]), max(spread)
    fell = best > 0.5 and now < 0.5 * best
    never = len(spread) >= 5 and history.step >= 10 * YOUNG and best < 0.15
    if not (fell or never):
        return None
    what = f"fell from {best:.0%} to {now:.0%}" if fell else f"never exceeded {best:.0%}"
    return Alarm(
        f"The samples look alike: their spread {what} of that of held-out images.",
        (("diversity", now), ("best diversity", best)),
        "Go back to an earlier checkpoint with a lower learning rate, or take another objective (wgan-gp).",
    )


def critic_behind(history: History) -> Alarm | None:
    """A Wasserstein critic still gains much in its steps, so its estimate of the distance is too low."""
    lags = history.last("critic/lag", 20)
    if not lags or history.step < 2 * YOUNG or median(lags) < 0.3:
        return None
    return Alarm(
        f"The critic is not optimal: its estimate still rises by {median(lags):.0%} between two steps of the "
        "generator, so the curve of the distance understates it.",
        (("critic lag", median(lags)),),
        "Give the critic more steps (Critic steps) or a higher share of the learning.",
    )


def stalled_input(history: History) -> Alarm | None:
    """Most of a step goes into waiting for its images."""
    shares = history.last("system/input_share", 10)
    if not shares or min(shares) < 0.5:
        return None
    speed = history.values("images_per_second")
    return Alarm(
        f"Training waits for images: {median(shares):.0%} of a step goes into reading its batch.",
        (("share of a step", median(shares)), *((("images/s", speed[-1]),) if speed else ())),
        "Move the data set to a faster disk, or close what else reads from it.",
    )


def slowed_down(history: History) -> Alarm | None:
    """Images a second fell to less than a third of what this run did before, and stay there."""
    speed = history.values("images_per_second")
    if len(speed) < 100:
        return None
    # Half a minute of ticks: training steps aside while a slider is dragged, and nobody drags so long.
    usual, now = median(speed[:-60]), max(speed[-60:])
    if now > usual / 3:
        return None
    return Alarm(
        f"Training slowed down from {usual:,.0f} to {now:,.0f} images/s.",
        (("images/s", now), ("usual images/s", usual)),
        "See whether another program takes the processor, or memory runs short.",
    )


GUARDS: Final[tuple[Guard, ...]] = (
    Guard("explosion", "Explosion", explosion),
    Guard("discriminator-won", "Discriminator winning", discriminator_won),
    Guard("posterior-collapse", "Posterior collapse", posterior_collapse),
    Guard("memorisation", "Memorisation", memorisation),
    Guard("discriminator-overfits", "Discriminator overfitting", discriminator_overfits),
    Guard("samples-alike", "Samples alike", samples_alike),
    Guard("critic-behind", "Critic not optimal", critic_behind, "info"),
    Guard("stalled-input", "Stalled input", stalled_input),
    Guard("slowed-down", "Slowed down", slowed_down, "info"),
)
"""All rules, in the order in which they are asked. Numbers that are not finite are the loop's own guard."""


class GuardMonitor:
    """Remembers a run's figures and asks the guards; one that has spoken is silent until there is news.

    It speaks again when its condition has gone and come back, and the run is twice as old: so a run of any length
    hears of one trouble a few times and not at every tick. A wish to go back is always said, because it is acted on.
    """

    def __init__(
        self,
        steps: int,
        landmarks: Mapping[str, float],
        *,
        guards: Sequence[Guard] = GUARDS,
        spoken: Mapping[str, int] | None = None,
    ) -> None:
        self._steps, self._landmarks, self._guards = steps, dict(landmarks), guards
        self._series: dict[str, deque[tuple[int, float]]] = {}
        self._spoken: dict[str, int] = dict(spoken or {})
        self._holding: set[str] = set(self._spoken)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Takes a reading; after a return to an earlier step what came later is forgotten."""
        for name, value in values.items():
            if not math.isfinite(value):
                continue
            series = self._series.setdefault(name, deque(maxlen=MEMORY))
            while series and series[-1][0] >= step:
                series.pop()
            series.append((step, value))

    def forget_after(self, step: int) -> None:
        """Drops all readings past `step`: the run goes on from there."""
        for series in self._series.values():
            while series and series[-1][0] > step:
                series.pop()

    def history(self, step: int) -> History:
        """What the guards are shown at `step`."""
        return History(
            {name: tuple(series) for name, series in self._series.items()}, step, self._steps, self._landmarks
        )

    def ask(self, step: int) -> list[tuple[Guard, Alarm]]:
        """The guards that have something new to say at `step`."""
        history, said = self.history(step), []
        for guard in self._guards:
            alarm = guard.check(history)
            if alarm is None:
                self._holding.discard(guard.kind)
                continue
            news = guard.kind not in self._holding and step >= 2 * self._spoken.get(guard.kind, 0)
            self._holding.add(guard.kind)
            if news or alarm.go_back:
                self._spoken[guard.kind] = step
                said.append((guard, alarm))
        return said
