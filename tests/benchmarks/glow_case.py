"""Glow: the program's own, a textbook one of the same function and weights, the paper's, and normflows'."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import torch
from torch import Tensor

from engine.checkpoints.importing.layouts.flows import FlowWeights, StepWeights
from engine.families import build
from engine.models.base import LatentModel
from tests.benchmarks import ours
from tests.benchmarks.contestant import (
    ENCODE,
    SAMPLE,
    SAMPLE_16,
    TRAIN,
    TRAIN_BFLOAT16,
    Case,
    Contestant,
    Extent,
    Operation,
    peer,
    reference,
)

NETS = "Glow"


def case(name: str, extent: Extent) -> Case:
    """The case of this size."""
    return Case(
        name,
        extent,
        {
            "textbook": partial(_textbook, same=False),
            "textbook, our weights": partial(_textbook, same=True),
            "normflows 1.7.3": _normflows,
            "ours": _ours,
            "ours, normflows' weights": _imported,
        },
        floor=("textbook",),
    )


def _built(extent: Extent) -> LatentModel:
    """Our Glow with as many steps at every level as the others have."""
    config = {"depth": extent.depth, "extra_depth": 0, "hidden": extent.width, "levels": extent.levels}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("flow", config, (3, extent.side, extent.side))
    # Before the first batch sets the scales: a random flow would else make numbers of any size.
    ours.stir(model, amount=0.003)
    model.prepare(ours.pictures(32, extent.side))
    return model


@torch.no_grad()
def _codes(model: LatentModel, side: int) -> Tensor:
    """Codes (4, D) a little nearer to the middle than those of pictures: in a flow that nobody has trained, others lie
    where its scales leave float32.
    """
    return 0.9 * model.encode(ours.pictures(4, side))


def _images(extent: Extent) -> Tensor:
    return ours.pictures(extent.batch, extent.side)


def _ours(extent: Extent) -> Contestant:
    model = _built(extent)
    return Contestant(
        NETS,
        ours.count(model),
        {
            TRAIN: lambda: ours.training(model, _images(extent), "float32"),
            TRAIN_BFLOAT16: lambda: ours.training(model, _images(extent), "bfloat16"),
            SAMPLE: lambda: ours.sampling(model, 1),
            SAMPLE_16: lambda: ours.sampling(model, 16),
            ENCODE: lambda: ours.encoding(model, extent.side),
        },
        draw=ours.drawing(model, _codes(model, extent.side)),
        inverse_error=ours.inverse_error(model, extent.side),
        note="also sees the pixel's place, in couplings and priors",
        ours=True,
    )


def _textbook(extent: Extent, *, same: bool) -> Contestant:
    book = reference("glow")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = book.Glow(levels=extent.levels, depth=extent.depth, hidden=extent.width, side=extent.side, ours=same)
    if same:
        model.load_state_dict(_built(extent).state_dict())
    else:
        ours.stir(model, amount=0.003)
        with torch.no_grad():
            model.loss(ours.pictures(32, extent.side))
    model.eval()
    picture = ours.pictures(1, extent.side)

    def train() -> Operation:
        adam = torch.optim.Adam(model.parameters(), lr=1e-4)
        images = _images(extent)
        return lambda: book.step(model, adam, images)

    return Contestant(
        NETS,
        ours.count(model),
        {
            TRAIN: train,
            SAMPLE: lambda: torch.no_grad()(lambda: model.inverse(model.draw_codes(1))),
            SAMPLE_16: lambda: torch.no_grad()(lambda: model.inverse(model.draw_codes(16))),
            ENCODE: lambda: torch.no_grad()(lambda: model(picture)),
        },
        draw=torch.no_grad()(lambda: model.inverse(model.split(_codes(_built(extent), extent.side)))) if same else None,
        twin="ours" if same else "",
        inverse_error=partial(_lost, model, extent.side),
        note="of the same function as ours" if same else "of the paper: no places",
    )


@torch.no_grad()
def _lost(model: Any, side: int) -> float:
    images = ours.pictures(16, side)
    return float((model.inverse(model(images)[0]) - images).abs().max())


def _flow(extent: Extent) -> Any:
    """normflows' Glow as its own examples build it, but without classes."""
    nf = peer("normflows", "normflows", "1.7.3")
    levels, side = extent.levels, extent.side
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # It calls a function of torch that is going to be renamed.
        warnings.simplefilter("ignore", UserWarning)
        torch.manual_seed(0)
        bases, merges, flows = [], [], []
        for i in range(levels):
            channels = 3 * 2 ** (levels + 1 - i)
            blocks = [nf.flows.GlowBlock(channels, extent.width) for _ in range(extent.depth)]
            flows.append([*blocks, nf.flows.Squeeze()])
            small = side // 2 ** (levels - i)
            if i:
                merges.append(nf.flows.Merge())
            bases.append(nf.distributions.DiagGaussian((channels if i == 0 else channels // 2, small, small)))
        model = nf.MultiscaleFlow(bases, flows, merges, class_cond=False)
    # Priors stay at zero: ours keep one number a channel where these keep one a pixel.
    for blocks in model.flows:
        ours.stir(blocks)
    with torch.no_grad():
        model.forward_kld(0.5 * ours.pictures(32, side))
    return model.eval()


def _normflows(extent: Extent) -> Contestant:
    model = _flow(extent)
    picture = 0.5 * ours.pictures(1, extent.side)

    def train() -> Operation:
        adam = torch.optim.Adam(model.parameters(), lr=1e-4)
        images = 0.5 * _images(extent)

        def step() -> None:
            adam.zero_grad()
            model.forward_kld(images).backward()
            adam.step()

        return step

    @torch.no_grad()
    def draw() -> Tensor:
        shapes = [base.shape for base in reversed(model.q0)]
        parts = _codes(_converted(model, extent), extent.side).split([int(torch.tensor(s).prod()) for s in shapes], 1)
        codes = [part.view(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]
        images: Tensor = 2.0 * model.forward_and_log_det(codes[::-1])[0]
        return images

    @torch.no_grad()
    def lost() -> float:
        images = 0.5 * ours.pictures(16, extent.side)
        back = model.forward_and_log_det(model.inverse_and_log_det(images)[0])[0]
        return 2.0 * float((back - images).abs().max())

    return Contestant(
        NETS,
        ours.count(model),
        {
            TRAIN: train,
            SAMPLE: lambda: torch.no_grad()(lambda: model.sample(1)),
            SAMPLE_16: lambda: torch.no_grad()(lambda: model.sample(16)),
            ENCODE: lambda: torch.no_grad()(lambda: model.inverse_and_log_det(picture)),
        },
        draw=draw,
        inverse_error=lost,
        note="plain Gaussian priors",
    )


def _imported(extent: Extent) -> Contestant:
    model = _converted(_flow(extent), extent)
    return Contestant(
        NETS,
        ours.count(model),
        {
            SAMPLE: lambda: ours.sampling(model, 1),
            SAMPLE_16: lambda: ours.sampling(model, 16),
            ENCODE: lambda: ours.encoding(model, extent.side),
        },
        draw=ours.drawing(model, _codes(model, extent.side)),
        twin="normflows 1.7.3",
        inverse_error=ours.inverse_error(model, extent.side),
        note="the program's own form of an imported Glow",
        ours=True,
    )


@torch.no_grad()
def _converted(flow: Any, extent: Extent) -> LatentModel:
    """normflows' weights in the module that imported Glows are opened with; priors are standard normal in both."""
    steps, priors = [], []
    for level, blocks in enumerate(reversed(flow.flows)):
        steps.append([_step(block) for block in reversed(list(blocks)[:-1])])
        if level < extent.levels - 1:
            half = len(steps[-1][0].scale) // 2
            priors.append((torch.zeros(2 * half, half, 3, 3), torch.zeros(2 * half)))
    built = FlowWeights(steps, priors, lambda shape, answers: torch.zeros(2, *shape)).built(
        (3, extent.side, extent.side), {"coupling": "affine", "edge": "zeros", "pixels": "centred", "bits": 5}, {}
    )
    model = build("imported_glow", built.config, built.image_shape)
    model.load_state_dict(built.state)
    return model.eval()


def _step(block: Any) -> StepWeights:
    """normflows counts from the code to the picture: its inverse is our forward, with outputs [shift, raw] in turns."""
    coupling, mix, norm = block.flows
    first, second, last = (layer for layer in coupling.flows[1].param_map.net if hasattr(layer, "weight"))
    turned = [torch.cat([value[1::2], -value[0::2]]) for value in (last.weight, last.bias)]
    return StepWeights(
        torch.exp(-norm.s.double()).flatten(),
        -norm.t.double().flatten(),
        mix._assemble_W().double(),
        (first.weight, first.bias),
        (second.weight, second.bias),
        (turned[0], turned[1]),
    )
