"""Lessons about divergences and about games: what a loss asks for, and how two players get there or do not."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from engine.lab import closed
from engine.lab.lessons.measured import best_answer, best_value, figure, line_map, most_modes, rank_correlation
from engine.lab.lessons.pairs import cycled, translated, turned
from engine.lab.lessons.row import Check, Lesson, flow, preset

BETWEEN = flow("bumps", "diagonal", steps=600, learning_rate=0.02, ema=0.98)
ONE_BUMP = flow("bumps", "actnorm", steps=800, learning_rate=0.02, ema=0.98, fit="density", start=1.5)
EAGER = preset("ring8", "gan-non-saturating", steps=3000, generator_steps=20, decay=0.0)
EVEN = preset("ring8", "gan-non-saturating")
GAN = preset("ring8", "gan-non-saturating", steps=4000)
WGAN = preset("ring8", "gan-wgan", steps=4000)
SLIDE_WGAN = preset("ring8", "gan-wgan-slide", steps=2000)

LESSONS: Final = (
    Lesson(
        number="L1",
        name="averaging",
        title="Likelihood averages",
        deck="S0",
        slide="Recap: why KL(p||q) averages",
        stages=(BETWEEN,),
        layers=("data", "density", "truth"),
        sentences=(
            "The data come in two bumps, and the model is a single Gaussian fitted by likelihood.",
            "It settles in the empty middle and spreads over both bumps, since a point that it calls impossible would "
            "cost without limit.",
            "That is what KL(data to model) pays for: leave nothing out, whatever else gets covered.",
        ),
        question="Where does one Gaussian come to rest when the data lie at -2 and 2?",
        answer="In the middle, at 0, about as wide as the data: sigma 2.06.",
        checks=(
            Check("mean", "Middle of the model", 0.0, 0.1, partial(line_map, BETWEEN, "mean")),
            Check("sigma", "Width of the model", 2.0616, 0.05, partial(line_map, BETWEEN, "sigma")),
            Check("kl", "KL(data to model)", 0.7236, 0.002, partial(figure, BETWEEN, "excess"), "nats"),
            Check("ring", "The same for a ring of 8", 3.2239, 1e-4, closed.gaussian_of_ring, "nats"),
        ),
    ),
    Lesson(
        number="L2",
        name="seeking",
        title="The other direction seeks a mode",
        deck="S0",
        slide="Recap: why KL(p||q) averages, the other direction",
        stages=(BETWEEN, ONE_BUMP),
        layers=("samples", "density", "truth"),
        sentences=(
            "The same Gaussian goes down on KL(model to data) and starts a little to the right of the middle.",
            "It gives up one bump and fits the other, because now only the places cost that the model itself goes to.",
            "Half of the data are lost and the price is just log 2, a third of what sitting in the middle would cost.",
        ),
        question="What does it cost to forget one of two bumps?",
        answer="log 2 = 0.6931 nats; the averaging answer costs 2.0976.",
        checks=(
            Check("mean", "Middle of the model", 1.9998, 0.03, partial(line_map, ONE_BUMP, "mean")),
            Check("sigma", "Width of the model", 0.5004, 0.02, partial(line_map, ONE_BUMP, "sigma")),
            Check("kl", "KL(model to data)", 0.6931, 0.01, partial(figure, ONE_BUMP, "reverse"), "nats"),
            Check(
                "average",
                "KL(model to data) of the averaging answer",
                2.0976,
                1e-3,
                lambda: closed.bumps_against(0.0, 2.0616).reverse_kl,
                "nats",
            ),
        ),
    ),
    Lesson(
        number="L3",
        name="parting",
        title="When two distributions part",
        deck="S0",
        slide="Examples of d_F",
        sweep="distances",
        sentences=(
            "Two Gaussians of width 1 move apart, and three distances are read.",
            "Jensen-Shannon and total variation soon stand at their ceilings and no longer tell near from far.",
            "The Wasserstein distance grows by just as much as they move, so it always says which way is back.",
        ),
        question="How much does JS grow between a distance of 6 and one of 10?",
        answer="By 0.004 nats: from 0.6893 to 0.6931, which is log 2 and its ceiling.",
        checks=(
            Check("js_1", "JS at distance 1", 0.1114, 1e-4, lambda: closed.shifted(1.0).js, "nats"),
            Check("js_10", "JS at distance 10", 0.6931, 1e-4, lambda: closed.shifted(10.0).js, "nats"),
            Check("tv_3", "TV at distance 3", 0.8664, 1e-4, lambda: closed.shifted(3.0).tv),
            Check("w1_6", "W1 at distance 6", 6.0, 1e-4, lambda: closed.shifted_w1(6.0)),
        ),
    ),
    Lesson(
        number="L4",
        name="cycling",
        title="Two players go in circles",
        deck="S0",
        slide="Particularly common instantiation: cycling",
        game=("simultaneous", "alternating", "best response", "extragradient"),
        layers=("trajectories",),
        sentences=(
            "One number x goes down on (x - 1/2)(y - 1/2) and another, y, goes up on it; each alone has an easy slope.",
            "Stepping at the same time they spiral away, taking turns they circle for ever, and going all the way to "
            "their best answers they jump from corner to corner.",
            "Looking one step ahead before stepping brings both to the middle.",
        ),
        question="Which of the four ways to play comes to the middle?",
        answer="Only extragradient; the average of the circling one is near it too.",
        erratum="The slide shows alternating steps that diverge. Those are simultaneous steps, which grow by "
        "sqrt(1 + eta^2) each; alternating ones stay on an ellipse. The average ends near the optimum for alternating "
        "steps alone: of the diverging ones it is 0.72 away after 1,000 steps.",
        checks=(
            Check("growth", "Simultaneous, growth", 144.8, 0.1, partial(closed.game, "simultaneous", "growth")),
            Check("lost", "Simultaneous, average", 0.724, 1e-3, partial(closed.game, "simultaneous", "average")),
            Check("least", "Alternating, nearest", 0.488, 1e-3, partial(closed.game, "alternating", "least")),
            Check("most", "Alternating, farthest", 0.513, 1e-3, partial(closed.game, "alternating", "most")),
            Check("period", "Alternating, a turn", 62.8, 0.1, partial(closed.game, "alternating", "period"), "steps"),
            Check("average", "Alternating, average", 0.0024, 1e-4, partial(closed.game, "alternating", "average")),
            Check(
                "corners", "Best response, a turn", 2.0, 1e-9, partial(closed.game, "best response", "period"), "rounds"
            ),
            Check("left", "Extragradient, what is left", 0.0035, 1e-4, partial(closed.game, "extragradient", "left")),
        ),
    ),
    Lesson(
        number="L5",
        name="best-judge",
        title="The best discriminator knows both densities",
        deck="S3",
        slide="Generative adversarial networks: the optimal discriminator",
        stages=(EVEN,),
        layers=("data", "samples", "critic"),
        sentences=(
            "The generator stands still on four of the eight bumps while the discriminator learns on.",
            "Its surface comes to p / (p + q): a third where both are, 1 where only data are.",
            "What it can reach, and no more, is twice the Jensen-Shannon divergence less 2 log 2.",
        ),
        question="What does the best discriminator say where samples are twice as dense as data?",
        answer="1/3: the data's density over the sum of both.",
        erratum="One deck writes the value with a minus between its parts and JS without its halves: it is a sum, and "
        "value is 2 JS - 2 log 2.",
        checks=(
            *(
                Check(f"value_{k}", f"Best value on {k} of 8", target, 2e-4, partial(closed.ring_value, k), "nats")
                for k, target in ((1, -0.3924), (4, -0.9548), (8, -1.3863))
            ),
            Check("learned", "Value that it learned on 4 of 8", -0.9548, 0.03, partial(best_value, 4), "nats"),
            Check("answer", "Its answer in a bump of both", 1 / 3, 0.04, partial(best_answer, 4)),
        ),
    ),
    Lesson(
        number="L6",
        name="vanishing",
        title="A discriminator that is sure teaches nothing",
        deck="S0",
        slide="Vanishing gradient",
        sweep="pulls",
        sentences=(
            "Data and samples are two Gaussians that lie theta apart, and the discriminator is the best there is.",
            "The game's own loss then pulls with next to nothing, the non-saturating one with theta, and a critic of "
            "slope 1 always with 1.",
            "The farther off a generator is, the less the first one helps it.",
        ),
        question="By how much does the minimax pull shrink from theta 6 to theta 10?",
        answer="From 1.2e-2 to 4.5e-6, almost three thousand times.",
        checks=(
            Check("minimax_6", "Minimax pull at 6", 1.245e-2, 1e-5, partial(closed.pull, "minimax", 6.0)),
            Check(
                "non_saturating_6", "Non-saturating pull at 6", 5.99, 0.01, partial(closed.pull, "non-saturating", 6.0)
            ),
            Check("minimax_10", "Minimax pull at 10", 4.5e-6, 1e-7, partial(closed.pull, "minimax", 10.0)),
            Check(
                "non_saturating_10",
                "Non-saturating pull at 10",
                10.0,
                1e-3,
                partial(closed.pull, "non-saturating", 10.0),
            ),
        ),
    ),
    Lesson(
        number="L7",
        name="collapse",
        title="A generator that answers best collapses",
        deck="S0",
        slide="Mode collapse; best response dynamics",
        stages=(EAGER, EVEN),
        layers=("data", "samples", "critic"),
        sentences=(
            "On the left the generator makes twenty steps for one of the discriminator, on the right one for one.",
            "The place that the discriminator trusts most draws all points, and they leave together when it learns.",
            "With even steps the same two networks find all eight bumps.",
        ),
        question="How many of eight bumps does the eager generator hold at any moment?",
        answer="At most three.",
        checks=(
            Check(
                "eager",
                "Most bumps in any look, 20 to 1",
                3.0,
                0.0,
                partial(most_modes, EAGER, look_every=200),
                sense="at most",
                slow=True,
            ),
            Check(
                "even", "Bumps with even steps", 8.0, 1.0, partial(figure, EVEN, "modes"), sense="at least", slow=True
            ),
        ),
    ),
    Lesson(
        number="L8",
        name="curves",
        title="Some losses say something",
        deck="S0",
        slide="W-GAN: the critic's loss as a distance",
        stages=(GAN, WGAN),
        sentences=(
            "A GAN and a Wasserstein GAN learn the same ring beside each other.",
            "The Wasserstein critic's estimate falls as the samples come nearer to the data.",
            "The other generator's loss wanders about and says nothing of its samples.",
        ),
        question="Which of the curves would you watch to know when to stop?",
        answer="The critic's distance: its ranks follow those of the true distance.",
        erratum="The slide's numbers (weights cut at 0.01, RMSprop at 0.00005) were made for pictures. On the ring "
        "they leave the critic nearly flat: after 2,000 steps of G the samples hold two bumps at most. Here weights "
        "are cut at 0.1, and Adam goes at 0.001.",
        checks=(
            Check(
                "wgan",
                "Rank correlation of the critic's distance and W1",
                0.5,
                0.0,
                partial(rank_correlation, WGAN, "critic_distance", look_every=200),
                sense="at least",
                slow=True,
            ),
            Check(
                "gan",
                "The same of the other's generator loss",
                0.4,
                0.0,
                partial(rank_correlation, GAN, "generator_loss", look_every=200),
                sense="at most",
                slow=True,
            ),
            Check(
                "slide",
                "Within three sigma, W-GAN with the slide's numbers",
                0.2,
                0.0,
                partial(figure, SLIDE_WGAN, "near"),
                sense="at most",
                slow=True,
            ),
            Check(
                "slide_modes", "Its bumps", 2.0, 0.0, partial(figure, SLIDE_WGAN, "modes"), sense="at most", slow=True
            ),
        ),
    ),
    Lesson(
        number="L9",
        name="fooled",
        title="A small discriminator is fooled",
        deck="S0",
        slide="What affects F: a weak discriminator is a weak metric",
        stages=(EVEN,),
        layers=("data", "samples", "critic"),
        sentences=(
            "Let the discriminators be polynomials of low degree.",
            "Then one point in the middle beats all of degree 1, and three points on a circle all of degree 2.",
            "The distance they measure is 0 though the ring has eight bumps: more data would not change it.",
        ),
        question="How few points does a generator need against all polynomials of degree 2?",
        answer="Three: with five moments to match they are enough.",
        checks=(
            Check("degree_1", "Moments apart, 1 point", 0.0, 1e-12, partial(closed.moments_apart, 1)),
            Check("degree_2", "Moments apart, 3 points", 0.0, 1e-12, partial(closed.moments_apart, 2)),
        ),
    ),
    Lesson(
        number="L23",
        name="translation",
        title="Pairs, and cycles without pairs",
        deck="S4",
        slide="pix2pix; cycle GANs",
        stages=(BETWEEN, preset("bumps", "gan-non-saturating", steps=3000)),
        layers=("data", "samples", "density", "truth"),
        sentences=(
            "One x has two right answers y, 1 two times in three and else -1: by squared distances a net learns to say "
            "their mean, where no answer lies, and by distances the commoner one alone.",
            "A discriminator that sees both x and y punishes what lies between and what is always the same, so the net "
            "uses its random number and gives both; the two stages show it for one number.",
            "Without pairs, two maps that fit and undo each other can still pair every point with a wrong one: any "
            "turn of a Gaussian has no cycle error at all.",
        ),
        question="Two Gaussians are mapped to each other with a cycle error of 0. Are the pairs right?",
        answer="Not for that reason: a map turned by a quarter has cycle error 0 too, and its pairs lie 4 apart.",
        checks=(
            Check("l2", "Answer by squared distance", 1 / 3, 0.06, partial(translated, "l2", "mean")),
            Check("l1", "Answer by distance", 1.0, 0.1, partial(translated, "l1", "mean")),
            Check("l2_near", "Its share near an answer", 0.0, 0.01, partial(translated, "l2", "near")),
            Check(
                "gan_near",
                "Share near an answer, GAN",
                0.85,
                0.0,
                partial(translated, "gan", "near"),
                sense="at least",
                slow=True,
            ),
            Check("gan", "Share of the upper answer, GAN", 2 / 3, 0.1, partial(translated, "gan", "upper"), slow=True),
            Check("cycle", "Cycle error, learned", 0.0, 1e-6, partial(cycled, "cycle")),
            Check("fit", "KL to the target, learned", 0.0, 1e-6, partial(cycled, "fit"), "nats"),
            Check("apart", "Two such maps, apart", 4.0, 0.0, partial(cycled, "apart"), sense="at least"),
            Check("quarter_cycle", "Cycle error of a quarter turn", 0.0, 1e-12, partial(turned, math.pi / 2, "cycle")),
            Check("quarter", "Its pairs, apart", 4.0, 1e-9, partial(turned, math.pi / 2, "apart")),
        ),
    ),
)
"""In the order of the strip."""
