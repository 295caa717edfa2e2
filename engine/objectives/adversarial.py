"""The two-player games: one row each with its two losses, and the penalties that keep a critic in bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from engine.objectives.f_divergences import F_DIVERGENCES
from engine.objectives.two_batches import sinkhorn_divergence, squared_mmd
from engine.plots import Plot


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log D(x) - log(1 - D(G(z))), means over the batch (Goodfellow et al. 2014, equation 1)."""
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """The non-saturating loss -log D(G(z)) (Goodfellow et al. 2014, section 3)."""
    return softplus(-fake_logits).mean()


def minimax_generator_loss(fake_logits: Tensor) -> Tensor:
    """log(1 - D(G(z))), the game's own (Goodfellow et al. 2014, equation 1): its gradient fades where D is sure."""
    return -softplus(fake_logits).mean()


def wasserstein_critic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E D(G(z)) - E D(x) (Arjovsky et al. 2017, arXiv:1701.07875, equation 2, as a loss).

    Its negative is the critic's estimate of the earth mover's distance, up to the critic's Lipschitz constant.
    """
    return fake_scores.mean() - real_scores.mean()


def wasserstein_generator_loss(fake_scores: Tensor) -> Tensor:
    """-E D(G(z)) (Arjovsky et al. 2017, algorithm 1)."""
    return -fake_scores.mean()


def hinge_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) (Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, equation 16)."""
    return relu(1.0 - real_scores).mean() + relu(1.0 + fake_scores).mean()


def least_squares_discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E (D(x) - 1)^2 / 2 + E D(G(z))^2 / 2 (Mao et al. 2017, arXiv:1611.04076, equation 9)."""
    return 0.5 * (real_scores - 1.0).square().mean() + 0.5 * fake_scores.square().mean()


def least_squares_generator_loss(fake_scores: Tensor) -> Tensor:
    """E (D(G(z)) - 1)^2 / 2 (Mao et al. 2017, equation 9)."""
    return 0.5 * (fake_scores - 1.0).square().mean()


def total_variation_critic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """E f(G(z)) - E f(x) with f = tanh, so that |f| <= 1: at its least, minus twice the total variation distance."""
    return torch.tanh(fake_scores).mean() - torch.tanh(real_scores).mean()


def total_variation_generator_loss(fake_scores: Tensor) -> Tensor:
    """-E f(G(z)) of the same bounded f."""
    return -torch.tanh(fake_scores).mean()


def no_discriminator(*_: Tensor) -> Tensor:
    """In the place of the losses of an objective that compares batches."""
    raise NotImplementedError("this objective has no discriminator")


def identity(scores: Tensor) -> Tensor:
    """Scores that are shown as they are, since they are not probabilities."""
    return scores


Bound = Literal["free", "clip", "gradient"]
Compare = Callable[[Tensor, Tensor], Tensor]

LOSSES: Final = (
    Plot(
        "Losses",
        ("generator_loss", "discriminator_loss"),
        ("generator", "discriminator"),
        note="A game: neither loss tells how good the samples are. The discriminator's near 0 means that it has won "
        "and teaches the generator little.",
    ),
)
"""The plots of a game whose losses have no meaning of their own."""
DISTANCE: Final = (
    Plot(
        "Distance that the critic estimates",
        ("critic_distance", "training/critic_distance", "heldout/critic_distance"),
        ("each batch", "training", "held-out"),
        note="-loss of the critic: how far the samples are from real images, in the critic's own unit (Arjovsky et al. "
        "2017). It falls as samples get better; while it rises, the critic itself is still learning. Where training "
        "and held-out part, the critic knows its training images by heart.",
    ),
    Plot(
        "What the critic still gains",
        ("critic/lag",),
        ("gain",),
        note="Rise of the estimate over the critic's steps while the generator holds still, as a share of it. Near 0 "
        "the critic is optimal and the distance can be trusted; far above, give it more steps.",
        guides=((0.0, "optimal"), (0.3, "behind")),
    ),
)
"""The plots of an objective whose discriminator estimates a distance."""
BATCHES: Final = (
    Plot(
        "Distance of the batches",
        ("generator_loss",),
        ("each batch",),
        note="Between a batch of data and one of samples, which is what the generator goes down on. Two batches of the "
        "same distribution read about 0.",
    ),
)
"""The plots of an objective that needs no discriminator."""


@dataclass(frozen=True)
class Worked:
    """An objective worked out by hand from its paper's formulas: the two losses of these outputs of a discriminator.
    Of an objective that compares batches `real` and `fake` are points of a line, and both figures its value.
    """

    real: tuple[float, ...]
    fake: tuple[float, ...]
    discriminator: float
    generator: float


@dataclass(frozen=True)
class Objective:
    """A game. `discriminator(real, fake)` and `generator(fake)` take the discriminator's outputs (B,) and give losses.

    `reading` turns an output into the figure that is shown of it. `critic_steps` is how many updates the discriminator
    makes for one of the generator. `bound` is what keeps the critic Lipschitz: nothing of the objective's own ("free":
    the regulariser knob decides), clipped weights, or a gradient penalty. `even_loss` is the discriminator's loss where
    it cannot tell real from generated, None where losses have no scale. `compare(real, fake)` is there where the
    gradient comes from two batches of points (B, d) themselves: then there is no discriminator, `critic_steps` is 0,
    and pictures are refused, whose distance pixel by pixel says little. `plots` are what is drawn of its runs, and
    `worked` is what a test holds its formulas against: no objective goes without either.
    """

    name: str
    title: str
    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    reading: Callable[[Tensor], Tensor] = identity
    critic_steps: int = 1
    bound: Bound = "free"
    even_loss: float | None = None
    plots: tuple[Plot, ...] = ()
    worked: Worked | None = None
    compare: Compare | None = None

    @property
    def generator_gradient(self) -> Literal["own", "batch"]:
        """Whether the generator learns through a discriminator of its own, or by comparing two batches."""
        return "own" if self.compare is None else "batch"

    @property
    def distance(self) -> bool:
        """Whether -loss of the discriminator estimates a distance between images and samples."""
        return self.bound != "free"


REAL: Final = (2.0, -0.5, 0.25)
FAKE: Final = (-3.0, 0.5, 1.5)
"""Outputs on which the objectives here are worked out."""

F_WORKED: Final = {
    "f-kl": Worked(REAL, FAKE, 0.174523, -0.757856),
    "f-reverse-kl": Worked(REAL, FAKE, -0.479048, 1.333333),
    "f-pearson": Worked(REAL, FAKE, 0.041667, -0.625),
    "f-hellinger": Worked(REAL, FAKE, 0.914352, -1.060066),
    "f-js": Worked(REAL, FAKE, 0.080713, -0.214879),
}

OBJECTIVES: Final[dict[str, Objective]] = {
    row.name: row
    for row in (
        Objective(
            "non-saturating",
            "Non-saturating (Goodfellow 2014)",
            discriminator_loss,
            generator_loss,
            reading=torch.sigmoid,
            even_loss=1.3863,
            plots=LOSSES,
            worked=Worked(REAL, FAKE, 1.467007, 1.241359),
        ),
        Objective(
            "minimax",
            "Minimax (Goodfellow 2014)",
            discriminator_loss,
            minimax_generator_loss,
            reading=torch.sigmoid,
            even_loss=1.3863,
            plots=LOSSES,
            worked=Worked(REAL, FAKE, 1.467007, -0.908026),
        ),
        Objective(
            "hinge",
            "Hinge (Lim & Ye 2017)",
            hinge_discriminator_loss,
            wasserstein_generator_loss,
            even_loss=2.0,
            plots=LOSSES,
            worked=Worked(REAL, FAKE, 2.083333, 0.333333),
        ),
        Objective(
            "least-squares",
            "Least squares (Mao 2017)",
            least_squares_discriminator_loss,
            least_squares_generator_loss,
            even_loss=0.25,
            plots=LOSSES,
            worked=Worked(REAL, FAKE, 2.552083, 2.75),
        ),
        Objective(
            "wgan",
            "Wasserstein, clipped (Arjovsky 2017)",
            wasserstein_critic_loss,
            wasserstein_generator_loss,
            critic_steps=5,
            bound="clip",
            plots=DISTANCE,
            worked=Worked(REAL, FAKE, -0.916667, 0.333333),
        ),
        Objective(
            "wgan-gp",
            "Wasserstein, gradient penalty (Gulrajani 2017)",
            wasserstein_critic_loss,
            wasserstein_generator_loss,
            critic_steps=5,
            bound="gradient",
            plots=DISTANCE,
            worked=Worked(REAL, FAKE, -0.916667, 0.333333),
        ),
        *(
            Objective(row.name, row.title, row.discriminator, row.generator, plots=LOSSES, worked=F_WORKED[row.name])
            for row in F_DIVERGENCES
        ),
        Objective(
            "tv",
            "Total variation, bounded critic",
            total_variation_critic_loss,
            total_variation_generator_loss,
            reading=torch.tanh,
            even_loss=0.0,
            plots=LOSSES,
            worked=Worked(REAL, FAKE, -0.124873, -0.124070),
        ),
        Objective(
            "mmd",
            "Maximum mean discrepancy (Li 2015)",
            no_discriminator,
            no_discriminator,
            critic_steps=0,
            plots=BATCHES,
            worked=Worked((0.0, 1.0), (0.0, 2.0), -0.425780, -0.425780),
            compare=squared_mmd,
        ),
        Objective(
            "sinkhorn",
            "Sinkhorn divergence (Genevay 2018)",
            no_discriminator,
            no_discriminator,
            critic_steps=0,
            plots=BATCHES,
            worked=Worked((0.0, 5.0), (1.0, 7.0), 2.5, 2.5),
            compare=sinkhorn_divergence,
        ),
    )
}
"""The games by the name that the knob `objective` takes; the first is the default."""


def r1_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """E |grad_x D(x)|^2 on real images (Mescheder et al. 2018, arXiv:1801.04406, equation 9, without gamma/2).

    It goes backward twice, which a compiled network cannot: hand over its `forward`, which is never compiled.
    """
    x = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    penalty: Tensor = gradient.square().flatten(1).sum(1).mean()
    return penalty


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """E (|grad_x D(x)| - 1)^2 between real and generated images (Gulrajani et al. 2017, arXiv:1704.00028, equation 3).

    `mix` (B,) in [0, 1] says how far from generated to real; the weight lambda is left to the caller.
    """
    share = mix.to(real).reshape(-1, *[1] * (real.dim() - 1))
    x = torch.lerp(fake.detach(), real.detach(), share).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    penalty: Tensor = (gradient.flatten(1).norm(dim=1) - 1.0).square().mean()
    return penalty


@torch.no_grad()
def clip_weights(critic: nn.Module, limit: float) -> None:
    """Every weight into [-limit, limit] (Arjovsky et al. 2017, algorithm 1): a crude Lipschitz bound."""
    for parameter in critic.parameters():
        parameter.clamp_(-limit, limit)


def overfitting(on_training: Tensor, on_heldout: Tensor, on_samples: Tensor) -> Tensor:
    """r_v = (E D(training) - E D(held-out)) / (E D(training) - E D(samples)), from outputs (N,) each.

    0: the discriminator treats training images as any real ones; 1: it takes held-out images for generated, that is,
    it knows its training images by heart (Karras et al. 2020, arXiv:2006.06676, equation 1). Not defined where it
    does not prefer training images to samples: nan.
    """
    known = on_training.mean()
    margin = known - on_samples.mean()
    found: Tensor = torch.where(margin > 0, (known - on_heldout.mean()) / margin, torch.nan)
    return found
