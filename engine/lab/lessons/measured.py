"""The numbers of lessons that a stage has to learn first; what one stage has learned serves all its numbers."""

from __future__ import annotations

import copy
from functools import lru_cache

import torch
from torch import Tensor

from engine.families import build
from engine.lab.lessons.hearing import heard_steps
from engine.lab.lines import read
from engine.lab.measure import against, count_modes, sliced_wasserstein
from engine.lab.setup import Setup
from engine.lab.stage import Stage, as_images
from engine.lab.truths import mesh, truth
from engine.lab.written import written
from engine.models.gan.points import PointDiscriminator
from engine.models.vae import PointVae
from engine.nn.descent import Adam
from engine.nn.seeded import Seeded
from engine.objectives.adversarial import discriminator_loss
from engine.objectives.likelihood import LOG_2PI


def advance(stage: Stage, steps: int) -> None:
    """Trains a stage; raises Cancelled where the caller no longer waits."""
    for _ in heard_steps(steps):
        stage.advance()


@lru_cache(maxsize=6)
def _learned(line: str) -> Stage:
    stage = Stage(read(line))
    advance(stage, stage.setup.training.steps)
    return stage


def learned(setup: Setup) -> Stage:
    """The stage after all its steps."""
    return _learned(written(setup))


def figure(setup: Setup, name: str) -> float:
    """A figure of the stage after its steps; `excess` is the exact KL(truth to model), without the luck of a draw."""
    stage = learned(setup)
    if name in ("excess", "reverse", "nll"):
        found = against(stage.truth, stage.log_density)
        return {"excess": found.kl, "reverse": found.reverse_kl, "nll": found.kl + stage.truth.entropy}[name]
    return next(each.value for each in stage.figures() if each.name == name)


def brought_back(setup: Setup) -> float:
    """The mean squared distance of fresh points and what they decode to from their codes."""
    stage = learned(setup)
    x = as_images(stage.fresh())
    with torch.no_grad():
        return float((stage.shown.decode(stage.shown.encode(x)) - x).flatten(1).square().sum(1).mean())


def pca_of(name: str, what: str) -> float:
    """Of PCA with one number on a truth of the plane: the `error`, which is the smaller eigenvalue of the covariance,
    or the `excess` of its density, a Gaussian of that covariance, above the truth's entropy; nats."""
    made = truth(name)
    points, cell = mesh(made.view, 400, 2)
    mass = torch.cat([made.log_density(part).exp() for part in points.split(8192)]) * cell
    centred = points - (mass @ points) / mass.sum()
    covariance = centred.T @ (mass[:, None] * centred) / mass.sum()
    if what == "error":
        return float(torch.linalg.eigvalsh(covariance)[0])
    return float(1.0 + LOG_2PI + 0.5 * torch.logdet(covariance)) - made.entropy


def row_cost(setup: Setup, rows: Tensor) -> float:
    """The mean cost of rows (N, d) in nats, each in the person's own units, under a stage that learned such data."""
    stage = learned(setup)
    shift, scale = (torch.tensor(part, dtype=torch.float64) for part in (stage.truth.shift, stage.truth.scale))
    own = ((rows - shift) / scale).float()
    return float(scale.log().sum() - stage.log_density(own).double().mean())


def line_map(setup: Setup, part: str) -> float:
    """Of a flow on the line that is a z + b: its `mean` b (without sign) or `sigma` |a|."""
    z = torch.tensor([[0.0], [1.0]])
    model = learned(setup).shown
    with torch.no_grad():
        ends = model.decode(z).flatten().tolist()
    zero, one = float(ends[0]), float(ends[1])
    return abs(zero) if part == "mean" else abs(one - zero)


def most_modes(setup: Setup, *, look_every: int) -> float:
    """The most modes that the generator covers in any look from the second on, of a stage of its own."""
    stage = Stage(setup)
    modes = stage.truth.modes
    assert modes is not None, "only a truth of clusters has modes"
    most = 0
    for look in range(setup.training.steps // look_every):
        advance(stage, look_every)
        if look:
            with torch.no_grad():
                codes = stage.model.sample_codes(2048, generator=torch.Generator().manual_seed(look))
                drawn = stage.model.decode(codes).flatten(1)
            most = max(most, count_modes(drawn, modes).found)
    return float(most)


def identity_error(setup: Setup) -> float:
    """The largest |log p - ELBO - KL(q to p(z|x))| over 256 points, each of the three found by itself; nats."""
    stage = learned(setup)
    model = stage.shown
    assert isinstance(model, PointVae)
    with torch.no_grad():
        model, x = copy.deepcopy(model).double(), as_images(stage.fresh()[:256].double())
        return float((model.log_prob(x) - model.elbo(x) - model.posterior_gap(x)).abs().max())


def mean_gap(setup: Setup) -> float:
    """The mean KL(q(z|x) to p(z|x)) over 1,024 fresh points, nats."""
    stage = learned(setup)
    model = stage.shown
    assert isinstance(model, PointVae)
    with torch.no_grad():
        return float(model.posterior_gap(as_images(stage.fresh()[:1024])).mean())


def best_value(covered: int, *, steps: int = 500) -> float:
    """E_p log D + E_q log(1 - D) on fresh points, of a discriminator that learned by itself to tell the ring from a
    generator that stays on `covered` of its modes."""
    _, network = _judge(covered, steps)
    real, fake = _ring_and_some(covered, 20_000, torch.Generator().manual_seed(99))
    with torch.no_grad():
        return -float(discriminator_loss(network(as_images(real)), network(as_images(fake))))


def best_answer(covered: int, *, steps: int = 500) -> float:
    """What that discriminator says on average in the middles of the modes that are covered."""
    ring, network = _judge(covered, steps)
    with torch.no_grad():
        return float(torch.sigmoid(network(as_images(ring[:covered].float()))).mean())


@lru_cache(maxsize=4)
def _judge(covered: int, steps: int) -> tuple[Tensor, PointDiscriminator]:
    modes = truth("ring8").modes
    assert modes is not None
    generator = torch.Generator().manual_seed(0)
    with Seeded(0):
        network = PointDiscriminator(64, 2, bias=True, bounded=False)
    descent = Adam(network.parameters(), lr=3e-3)
    for step in range(steps):
        descent.param_groups[0]["lr"] = 3e-3 * min(1.0, 2 * (1 - step / steps))
        real, fake = _ring_and_some(covered, 512, generator)
        descent.zero_grad()
        discriminator_loss(network(as_images(real)), network(as_images(fake))).backward()
        descent.step()
    return modes.centres, network


def _ring_and_some(covered: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    ring = truth("ring8")
    assert ring.modes is not None
    which = torch.randint(0, covered, (count,), generator=generator)
    some = ring.modes.centres[which] + ring.modes.sigma * torch.randn(count, 2, generator=generator)
    return ring.draw(count, generator), some.float()


def rank_correlation(setup: Setup, metric: str, *, look_every: int) -> float:
    """Spearman's, of a metric's means between looks and the sliced W1 at each look, of a stage of its own."""
    stage = Stage(setup)
    curve, distances = [], []
    for _ in range(setup.training.steps // look_every):
        values = []
        for _ in range(look_every):
            advance(stage, 1)
            if metric in stage.metrics:
                values.append(float(stage.metrics[metric]))
        with torch.no_grad():
            drawn = stage.model.decode(stage.model.sample_codes(2048, generator=torch.Generator().manual_seed(1)))
        distances.append(sliced_wasserstein(drawn.flatten(1), stage.fresh()[:2048]))
        curve.append(sum(values) / len(values))
    one, other = (torch.tensor(numbers).argsort().argsort().double() for numbers in (curve, distances))
    return float(torch.corrcoef(torch.stack([one, other]))[0, 1])


def frozen_gap(posterior: str) -> float:
    """The mean gap of the best Gaussian posterior of its kind for x = W z + N(0, 0.25 I), W = [[2, 0], [1, 1]]; nats.

    The best diagonal Gaussian has the diagonal of the posterior's precision (Bishop 2006, section 10.1.2).
    """
    matrix = torch.tensor([[2.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    knobs = {"code": 2, "hidden_layers": 0, "likelihood": "gaussian-fixed", "sigma": 0.5, "posterior": posterior}
    with Seeded(0):
        model = build("vae", knobs, (2, 1, 1)).double()
    assert isinstance(model, PointVae)
    precision = torch.eye(2, dtype=torch.float64) + matrix.T @ matrix / 0.25
    covariance = torch.linalg.inv(precision)
    full = torch.linalg.cholesky(covariance)
    factor = full if posterior == "full" else torch.diag(precision.diagonal().rsqrt())
    x = torch.randn(256, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    encoder, decoder = model.encoder[0], model.decoder[0]
    assert isinstance(encoder, torch.nn.Linear)
    assert isinstance(decoder, torch.nn.Linear)
    tilt = full[1:, 0] if posterior == "full" else full.new_zeros(0)
    with torch.no_grad():
        decoder.weight.copy_(matrix)
        decoder.bias.zero_()
        encoder.weight.zero_()
        encoder.weight[:2] = covariance @ matrix.T / 0.25
        # The encoder's numbers for the logarithms of the diagonal are taken with 1 off.
        encoder.bias.copy_(torch.cat([full.new_zeros(2), factor.diagonal().log() + 1.0, tilt]))
        return float(model.posterior_gap(as_images(x)).mean())
