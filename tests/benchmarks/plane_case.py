"""Flows of the plane: the same layers in the program and in the packages of others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn

from engine.families import build
from engine.lab.setup import LabTraining
from engine.lab.stage import LabSteps, as_images
from engine.lab.truths import truth
from tests.benchmarks import ours
from tests.benchmarks.contestant import TRAIN, Case, Contestant, Extent, Operation, peer

DENSITY: Final = "density, 4,096 points"
DRAW: Final = "sample, 4,096 points"
OPERATIONS: Final = (TRAIN, DENSITY, DRAW)
MANY: Final = 4096
RATE: Final = 1e-3
RECIPES: Final = {
    "realnvp": "{depth} x (coupling(affine, {width}, {width}), swap)",
    "maf": "{depth} x (maf({width}, {width}), swap)",
    "planar": "{depth} x planar",
}
PEERS: Final = {
    "normflows": ("1.7.3", tuple(RECIPES)),
    "zuko": ("1.6.0", ("realnvp", "maf")),
    "nflows": ("0.14", ("realnvp", "maf")),
}
"""Version, and the kinds of flow that the package has."""


def case(name: str, kind: str, *, width: int, depth: int, batch: int = 256) -> Case:
    """The case of a kind of flow, `depth` of its layers with networks of two hidden layers of `width`."""
    extent = Extent(side=1, batch=batch, width=width, depth=depth, operations=OPERATIONS)
    makers: dict[str, Callable[[Extent], Contestant]] = {
        f"{package} {version}": partial(_theirs, package, version, kind)
        for package, (version, kinds) in PEERS.items()
        if kind in kinds
    }
    return Case(name, extent, {**makers, "ours": partial(_ours, kind)})


def _batch(extent: Extent) -> Tensor:
    return truth("moons").draw(extent.batch, torch.Generator().manual_seed(0))


def _points() -> Tensor:
    return truth("moons").draw(MANY, torch.Generator().manual_seed(1))


def _ours(kind: str, extent: Extent) -> Contestant:
    recipe = RECIPES[kind].format(depth=extent.depth, width=extent.width)
    model = build("stack", {"recipe": recipe}, (2, 1, 1))
    ours.stir(model)

    def train() -> Operation:
        steps = LabSteps(model.train(), LabTraining(learning_rate=RATE))
        batch = as_images(_batch(extent))
        return lambda: model.training_step(batch, steps)

    def density() -> Operation:
        points = as_images(_points())
        model.eval()
        return torch.no_grad()(lambda: model.log_prob(points))

    def draw() -> Operation:
        model.eval()
        return torch.no_grad()(lambda: model.decode(torch.randn(MANY, 2)))

    return Contestant(kind, ours.count(model), {TRAIN: train, DENSITY: density, DRAW: draw}, ours=True)


def _theirs(package: str, version: str, kind: str, extent: Extent) -> Contestant:
    module = peer(package, package, version)
    model, log_prob, sample = globals()[f"_{package}"](module, kind, extent)

    def train() -> Operation:
        adam = torch.optim.Adam(model.parameters(), lr=RATE)
        batch = _batch(extent)
        model.train()

        def step() -> None:
            adam.zero_grad()
            loss = -log_prob(batch).mean()
            loss.backward()
            adam.step()

        return step

    def density() -> Operation:
        points = _points()
        model.eval()
        return torch.no_grad()(lambda: log_prob(points))

    def draw() -> Operation:
        model.eval()
        return torch.no_grad()(lambda: sample(MANY))

    return Contestant(kind, ours.count(model), {TRAIN: train, DENSITY: density, DRAW: draw})


Theirs = tuple[nn.Module, Callable[[Tensor], Tensor], Callable[[int], Any]]


def _normflows(nf: Any, kind: str, extent: Extent) -> Theirs:
    flows: list[nn.Module] = []
    for _ in range(extent.depth):
        if kind == "realnvp":
            net = nf.nets.MLP([1, extent.width, extent.width, 2], init_zeros=True)
            flows += [nf.flows.AffineCouplingBlock(net), nf.flows.Permute(2, mode="swap")]
        elif kind == "maf":
            # The layer before the blocks is the first of two.
            flow = nf.flows.MaskedAffineAutoregressive(2, extent.width, num_blocks=1, use_residual_blocks=False)
            flows += [flow, nf.flows.Permute(2, mode="swap")]
        else:
            flows.append(nf.flows.Planar((2,)))
    model = nf.NormalizingFlow(nf.distributions.base.DiagGaussian(2, trainable=False), flows)
    if kind != "planar":
        return model, model.log_prob, model.sample

    # Its planar layers have no inverse: their density is that of what they drew, which is also how they are fitted.
    def drawn(points: Tensor) -> Tensor:
        _, log_q = model.sample(len(points))
        found: Tensor = log_q
        return found

    return model, drawn, model.sample


def _zuko(zuko: Any, kind: str, extent: Extent) -> Theirs:
    make = zuko.flows.RealNVP if kind == "realnvp" else zuko.flows.MAF
    model = make(features=2, transforms=extent.depth, hidden_features=(extent.width, extent.width))
    return model, lambda points: model().log_prob(points), lambda count: model().sample((count,))


class _Alone(nn.Module):
    """A network that is asked with a context beside its input, and has none."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, context: object = None) -> Tensor:
        found: Tensor = self.net(x)
        return found


def _nflows(nflows: Any, kind: str, extent: Extent) -> Theirs:
    transforms, nets = peer("nflows.transforms", "nflows", "0.14"), peer("nflows.nn.nets", "nflows", "0.14")
    flows, distributions = peer("nflows.flows", "nflows", "0.14"), peer("nflows.distributions", "nflows", "0.14")
    layers: list[Any] = []
    for index in range(extent.depth):
        if kind == "realnvp":
            mask = torch.tensor([1.0, -1.0]) if index % 2 else torch.tensor([-1.0, 1.0])
            layers.append(
                transforms.AffineCouplingTransform(
                    mask, lambda ins, outs: _Alone(nets.MLP((ins,), (outs,), [extent.width, extent.width]))
                )
            )
        else:
            layer = transforms.MaskedAffineAutoregressiveTransform(
                2, extent.width, num_blocks=1, use_residual_blocks=False
            )
            layers += [layer, transforms.ReversePermutation(2)]
    model = flows.Flow(transforms.CompositeTransform(layers), distributions.StandardNormal((2,)))
    return model, model.log_prob, model.sample
