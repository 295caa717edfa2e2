"""Lessons about VAEs: bounds, gaps and gradients, where the truth of each is known."""

from __future__ import annotations

from functools import partial
from typing import Final

from engine.lab import closed
from engine.lab.lessons.measured import brought_back, figure, frozen_gap, identity_error, mean_gap, pca_of
from engine.lab.lessons.row import Check, Lesson, preset
from engine.lab.setup import Setup

MOONS = preset("moons", "vae-line", steps=400)
LINEAR = preset("normal2", "vae-linear", steps=600, learning_rate=0.02, ema=0.98)

CURVE = preset("roll", "vae-line", steps=2000, learning_rate=3e-3)
AUTO = Setup("roll", "vae", {**CURVE.knobs, "likelihood": "gaussian-fixed", "sigma": 0.1, "beta": 0.0}, CURVE.training)

LESSONS: Final = (
    Lesson(
        number="L10",
        name="manifold",
        title="A line in the plane, and its thickness",
        deck="S4",
        slide="Manifold hypothesis; linear classical; advanced autoencoders",
        stages=(AUTO, CURVE),
        layers=("data", "samples", "density"),
        sentences=(
            "The data lie near a curve that rolls up, so one number says nearly all: the best straight line, which is "
            "PCA's, misses most of it.",
            "On the left the code costs nothing, which makes an auto-encoder: its curve follows the roll and brings "
            "points back well, but its codes are no standard normal numbers, so its samples are poor.",
            "On the right the code has its price: a thicker curve that brings points back less well and, as a "
            "distribution, comes nearer to the data.",
        ),
        question="The auto-encoder brings points back better. Which of the two is the better model of the data?",
        answer="The VAE, by far: brought back well and likely are two things.",
        checks=(
            Check("pca", "Mean squared distance to PCA's line", 1.6604, 1e-3, partial(pca_of, "roll", "error")),
            Check("gaussian", "PCA above the floor", 1.4815, 1e-3, partial(pca_of, "roll", "excess"), "nats"),
            Check(
                "auto",
                "The same of the auto-encoder",
                0.45,
                0.0,
                partial(brought_back, AUTO),
                sense="at most",
                slow=True,
            ),
            Check("vae", "The same of the VAE", 0.9, 0.0, partial(brought_back, CURVE), sense="at most", slow=True),
            Check(
                "vae_excess",
                "VAE above the floor",
                1.4,
                0.0,
                partial(figure, CURVE, "excess"),
                "nats",
                sense="at most",
                slow=True,
            ),
            Check(
                "auto_excess",
                "Auto-encoder above the floor",
                3.0,
                0.0,
                partial(figure, AUTO, "excess"),
                "nats",
                sense="at least",
                slow=True,
            ),
        ),
    ),
    Lesson(
        number="L11",
        name="gap",
        title="The bound and what it leaves out",
        deck="S3",
        slide="Variational auto-encoders: ELBO and its gap",
        stages=(MOONS,),
        sentences=(
            "With one number of code the evidence log p(x) can be computed, and not only bounded.",
            "What the ELBO lacks at a point is the divergence from the encoder's Gaussian to the true posterior there.",
            "Where two places of the line decode to the same point, one Gaussian cannot be right.",
        ),
        question="What must be added to the ELBO to get the evidence?",
        answer="KL(q(z|x) to p(z|x)): computed by itself it closes the sum.",
        erratum="One slide says that p(z given x) goes from the code to pictures: that is p(x given z).",
        checks=(
            Check("identity", "What log p - ELBO - KL leaves", 0.0, 1e-3, partial(identity_error, MOONS), "nats"),
            Check("gap", "Mean gap", 0.0, 0.0, partial(mean_gap, MOONS), "nats", sense="at least"),
        ),
    ),
    Lesson(
        number="L12",
        name="tilted",
        title="A diagonal posterior and a tilted truth",
        deck="S3",
        slide="Which variational distribution",
        stages=(LINEAR,),
        sentences=(
            "The decoder is held at a matrix whose true posterior is a tilted ellipse.",
            "An upright ellipse inside it loses 0.083 nats at every point, a tilted one nothing.",
            "Let the decoder move, and it turns until upright is right: a poor posterior shapes what is learned.",
        ),
        question="Does the gap stay once the decoder may learn as well?",
        answer="No: it turns its axes and the gap is gone.",
        checks=(
            Check("diagonal", "Gap of a diagonal posterior", 0.0827, 1e-3, partial(frozen_gap, "diagonal"), "nats"),
            Check("full", "Gap of a full posterior", 0.0, 1e-3, partial(frozen_gap, "full"), "nats"),
            Check("free", "Gap with the decoder free", 0.0, 0.005, partial(mean_gap, LINEAR), "nats"),
        ),
    ),
    Lesson(
        number="L13",
        name="bounds",
        title="More codes, a tighter bound",
        deck="S3",
        slide="Monte Carlo estimates of the evidence",
        stages=(preset("moons", "vae-iwae"),),
        sentences=(
            "One code drawn from the prior says on average far too little about the evidence of a point.",
            "The logarithm of a mean over several codes says more, and never too much.",
            "Fifty codes are within 0.004 nats here; with pictures the prior hardly ever hits.",
        ),
        question="How far below the evidence is one code's bound?",
        answer="0.40 nats: -1.919 against -1.5155.",
        checks=(
            Check("one", "Bound of 1 code", -1.9189, 0.006, partial(closed.importance_bound, 1), "nats"),
            Check("two", "Bound of 2", -1.652, 0.004, partial(closed.importance_bound, 2), "nats"),
            Check("five", "Bound of 5", -1.558, 0.003, partial(closed.importance_bound, 5), "nats"),
            Check("ten", "Bound of 10", -1.535, 0.002, partial(closed.importance_bound, 10, draws=200_000), "nats"),
            Check("fifty", "Bound of 50", -1.519, 0.002, partial(closed.importance_bound, 50, draws=50_000), "nats"),
        ),
    ),
    Lesson(
        number="L14",
        name="gradients",
        title="Two gradients, one mean",
        deck="S3",
        slide="The REINFORCE trick; reparametrisation",
        stages=(preset("moons", "vae-plane"), preset("moons", "vae-score")),
        sentences=(
            "The slope of E z^2 is estimated in two ways: by its score, and through the drawn number.",
            "Both are right on average.",
            "The score's estimates scatter many times as much, and the more so the farther off one is.",
        ),
        question="At lambda 4 the pathwise variance is 4. What is the score's?",
        answer="lambda^4 + 14 lambda^2 + 15 = 495.",
        checks=(
            *(
                Check(
                    f"score_{at}",
                    f"Variance of the score at {at}",
                    float(at**4 + 14 * at**2 + 15),
                    0.05 * (at**4 + 14 * at**2 + 15),
                    partial(closed.gradient_moment, "score", float(at), "variance"),
                )
                for at in (0, 1, 2, 4)
            ),
            Check(
                "pathwise",
                "Variance through the draw",
                4.0,
                0.2,
                partial(closed.gradient_moment, "pathwise", 2.0, "variance"),
            ),
            Check("mean", "Mean of the score at 2", 4.0, 0.1, partial(closed.gradient_moment, "score", 2.0, "mean")),
        ),
    ),
)
"""In the order of the strip."""
