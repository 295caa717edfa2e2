"""Lessons about flows: how a map moves mass, and what kinds of layers can and cannot do."""

from __future__ import annotations

from functools import partial
from typing import Final

from engine.lab import closed, geyser
from engine.lab.lessons.games import BETWEEN
from engine.lab.lessons.measured import figure, line_map
from engine.lab.lessons.row import Check, Lesson, flow, preset
from engine.lab.truths import truth

NARROW = flow("narrow", "diagonal", steps=800, learning_rate=0.05, ema=0.98)
BUMPS = flow("bumps", "3 x (diagonal, sinh-arcsinh), diagonal", steps=1500, learning_rate=0.01)
LINEAR = flow("ring8", "3 x linear", steps=400, learning_rate=0.02)
ALONE = flow("ring8", "3 x (diagonal, sinh-arcsinh), diagonal", steps=600, learning_rate=0.02)
VOLUME = flow("square", "3 x (coupling(additive, 16), swap)", steps=300, learning_rate=0.01)
REALNVP = flow("banana", "5 x (coupling(affine, 32, 32), swap)", steps=1000)
MAF = flow("banana", "actnorm, 4 x (maf(64, 64), swap)", steps=600)
CURVE = preset("banana", "vae-curve")

LESSONS: Final = (
    Lesson(
        number="L15",
        name="mass",
        title="A map moves mass and loses none",
        deck="S4",
        slide="Change of variables: z uniform on (0, 2), x = z squared",
        stages=(flow("uniform2", "square, diagonal"),),
        layers=("data", "density", "mass"),
        sentences=(
            "Numbers drawn evenly from 0 to 2 are squared.",
            "A strip that the map stretches keeps its mass, so the density there falls by as much as it was stretched.",
            "Where the slope of the square is small, near 0, the numbers crowd together.",
        ),
        question="The numbers are even between 0 and 2. How dense are their squares at 1?",
        answer="1/4: the density 1/2, stretched by the slope 2.",
        checks=(
            Check("square_1", "Density of z^2 at 1", 0.25, 1e-6, partial(closed.pushed, "square", 1.0)),
            Check("square_3", "Density of z^2 at 3", 0.14433757, 1e-6, partial(closed.pushed, "square", 3.0)),
            Check("double", "Density of 2 z at 1", 0.5, 1e-6, partial(closed.pushed, "double", 1.0)),
            Check("affine", "Density of 2 z + 1 at 3", 0.12099, 1e-5, partial(closed.pushed, "affine", 3.0)),
            Check("strips", "Mass that a strip gains", 0.0, 0.003, closed.strips),
        ),
    ),
    Lesson(
        number="L16",
        name="line",
        title="Flows of the line",
        deck="S4",
        slide="Learning to flow; chaining",
        stages=(BETWEEN, BUMPS),
        layers=("data", "density", "truth"),
        sentences=(
            "A flow of a scale and a shift finds a single bump to the second digit, as the first numbers show.",
            "Of two bumps it makes one wide one, on the left: no scale and shift can split it.",
            "With layers between them that bend the line, on the right, two bumps come out.",
        ),
        question="What does the best a z + b cost on N(5, 0.2)?",
        answer="-0.1905 nats, the entropy of the data.",
        erratum="The slide on chaining has log p(x) = p(z) - sum: the first term lacks its log.",
        checks=(
            Check("mean", "Shift", 5.0, 0.01, partial(line_map, NARROW, "mean")),
            Check("scale", "Scale", 0.2, 0.005, partial(line_map, NARROW, "sigma")),
            Check("geyser_1", "Geyser, one Gaussian", 4.026797, 1e-4, partial(geyser.mixture_cost, 1), "nats"),
            Check("geyser_2", "Geyser, two Gaussians", 3.801477, 1e-4, partial(geyser.mixture_cost, 2), "nats"),
            Check("nll", "Cost", -0.1905, 0.002, partial(figure, NARROW, "nll"), "nats"),
            Check(
                "one",
                "Two bumps by one Gaussian, above the floor",
                0.7236,
                1e-3,
                lambda: closed.bumps_against(0.0, 2.0616).kl,
                "nats",
            ),
            Check(
                "bent",
                "Two bumps with bends, above the floor",
                0.05,
                0.0,
                partial(figure, BUMPS, "excess"),
                "nats",
                sense="at most",
                slow=True,
            ),
        ),
    ),
    Lesson(
        number="L17",
        name="tries",
        title="What simple flows cannot do",
        deck="S0",
        slide="Try 1: a linear map; try 2: each coordinate by itself",
        stages=(LINEAR, ALONE),
        layers=("data", "density", "grid"),
        sentences=(
            "Linear maps, however many, make one linear map: the ring stays a Gaussian blob.",
            "Bending each coordinate by itself makes a lattice and never a ring, since neither knows of the other.",
            "Couplings that only add keep every volume, so a square filled evenly stays out of their reach.",
        ),
        question="How much better than one linear layer are three?",
        answer="Not at all: 3.5360 nats either way.",
        checks=(
            Check("linear", "Cost of 3 linear layers", 3.5360, 0.02, partial(figure, LINEAR, "nll"), "nats"),
            Check("coordinates", "Least cost, each by itself", 1.3451, 1e-4, closed.ring_by_coordinates, "nats"),
            Check(
                "alone",
                "Cost that such a flow reaches",
                1.3451,
                0.0,
                partial(figure, ALONE, "nll"),
                "nats",
                sense="at least",
            ),
            Check("truth", "Entropy of the ring", 0.3121, 1e-4, lambda: truth("ring8").entropy, "nats"),
            Check("area", "Least cost where volumes are kept", 2.1562, 1e-4, closed.square_by_volume, "nats"),
            Check(
                "volume",
                "Cost that additive couplings reach",
                2.1562,
                0.0,
                partial(figure, VOLUME, "nll"),
                "nats",
                sense="at least",
            ),
        ),
    ),
    Lesson(
        number="L18",
        name="banana",
        title="The same density, layer by layer",
        deck="S4",
        slide="RealNVP: five couplings with a swap after each",
        stages=(REALNVP, MAF),
        layers=("data", "density", "grid"),
        sentences=(
            "Two kinds of flow learn one banana from the same batches.",
            "The slider goes through their layers: each bends the plane a little, and all together bend it right.",
            "Both come to the floor; the autoregressive one reads a density at once and draws a point slowly.",
        ),
        question="How low can any model get on the banana?",
        answer="To its entropy, -3.1536 nats.",
        erratum="Two slides have slips in their indices: the second coupling changes the first half from the other, "
        "the inverse of z3 uses b3 and alpha3.",
        checks=(
            Check("floor", "Entropy of the banana", -3.1536, 1e-4, lambda: truth("banana").entropy, "nats"),
            Check(
                "realnvp",
                "RealNVP above the floor",
                0.02,
                0.0,
                partial(figure, REALNVP, "excess"),
                "nats",
                sense="at most",
                slow=True,
            ),
            Check(
                "maf",
                "MAF above the floor",
                0.05,
                0.0,
                partial(figure, MAF, "excess"),
                "nats",
                sense="at most",
                slow=True,
            ),
        ),
    ),
    Lesson(
        number="L19",
        name="dimensions",
        title="Keep all numbers, or only the one that matters",
        deck="S1",
        slide="Normalising flows and VAEs compared",
        stages=(REALNVP, CURVE),
        sentences=(
            "A flow and a VAE with one number of code learn the same bent curve with noise around it.",
            "The flow keeps as many numbers as the data have and can get everything right.",
            "The VAE keeps the place along the curve and leaves the rest to noise of one size.",
        ),
        question="Which of the two comes nearer to the floor?",
        answer="The flow; the VAE pays for noise that does not follow the curve.",
        checks=(
            Check(
                "flow",
                "Flow above the floor",
                0.02,
                0.0,
                partial(figure, REALNVP, "excess"),
                "nats",
                sense="at most",
                slow=True,
            ),
            Check(
                "vae",
                "VAE above the floor",
                0.02,
                0.0,
                partial(figure, CURVE, "excess"),
                "nats",
                sense="at least",
                slow=True,
            ),
        ),
    ),
    Lesson(
        number="L20",
        name="quality",
        title="Likelihood and quality part",
        deck="S3",
        slide="Likelihood-free learning: why not judge by likelihood",
        stages=(flow("ring8", "actnorm, 4 x (coupling(affine, 32, 32), swap)"),),
        sentences=(
            "A model that draws the truth one time in a hundred, and rubbish else, loses at most log 100 nats.",
            "In a picture of ten thousand numbers that is next to nothing.",
            "A model that draws nothing but copies of what it has seen looks perfect and costs without limit.",
        ),
        question="What can 99 % of rubbish cost at most?",
        answer="-log 0.01 = 4.605 nats, in any dimension.",
        checks=(
            Check(
                "rubbish", "Cost of 99 % noise", 4.605, 0.0, partial(closed.mixture_cost, 0.01), "nats", sense="at most"
            ),
            Check("blurred", "Copies blurred by 0.03", 0.6148, 1e-3, partial(closed.copies_cost, 0.03), "nats"),
            Check(
                "sharp",
                "Copies blurred by 0.003",
                50.0,
                0.0,
                partial(closed.copies_cost, 0.003),
                "nats",
                sense="at least",
            ),
        ),
    ),
    Lesson(
        number="L21",
        name="paths",
        title="Straight in code space, curved in the data",
        deck="S4",
        slide="Morphing in 2-D",
        stages=(REALNVP,),
        layers=("data", "density"),
        sentences=(
            "Two points lie at the tips of the banana.",
            "Half-way along the straight line between them there are no data at all.",
            "A straight line between their codes follows the bend and passes where data are densest.",
        ),
        question="How likely is the point half-way along the straight line?",
        answer="log p is -284 there, against 3.65 half-way between the codes.",
        checks=(
            Check("end", "log p at the tips", 0.529, 1e-3, partial(closed.half_way, "end"), "nats"),
            Check("straight", "log p half-way, straight", -283.846, 1e-2, partial(closed.half_way, "straight"), "nats"),
            Check("latent", "log p half-way, by codes", 3.654, 1e-3, partial(closed.half_way, "latent"), "nats"),
        ),
    ),
    Lesson(
        number="L24",
        name="temperature",
        title="Temperature",
        deck="S4",
        slide="Glow demo: reduced temperature",
        stages=(REALNVP,),
        layers=("samples", "density"),
        sentences=(
            "Codes are drawn and multiplied by a number below 1 before they are decoded.",
            "Samples draw in to where the model is densest: more typical, and less different from each other.",
            "At 0 there is one sample left.",
        ),
        question="Which share of codes of the plane lies within 1 of the middle at temperature 0.7?",
        answer="0.640, against 0.393 at temperature 1.",
        checks=(
            Check("one", "Share within 1 at T = 1", 0.393, 0.003, partial(closed.within_one, 1.0)),
            Check("cool", "Share within 1 at T = 0.7", 0.640, 0.003, partial(closed.within_one, 0.7)),
        ),
    ),
)
"""In the order of the strip."""
