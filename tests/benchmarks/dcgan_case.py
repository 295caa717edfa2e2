"""DCGAN: the program's own against the textbook's, on the textbook's networks and on the program's."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from engine.families import build
from engine.models.gan import Dcgan
from tests.benchmarks import ours
from tests.benchmarks.contestant import (
    SAMPLE,
    SAMPLE_16,
    TRAIN,
    TRAIN_BFLOAT16,
    Case,
    Contestant,
    Extent,
    Operation,
    reference,
)

BOOK, OWN = "DCGAN", "DCGAN with our discriminator"


def case(name: str, extent: Extent) -> Case:
    """The case of this size."""
    return Case(
        name,
        extent,
        {
            "textbook": partial(_textbook, own=False),
            "ours": partial(_ours, own=False),
            "textbook, our discriminator": partial(_textbook, own=True),
            "ours, our discriminator": partial(_ours, own=True),
        },
        floor=("textbook", "textbook, our discriminator"),
    )


def _pair(extent: Extent, *, own: bool) -> tuple[Any, nn.Module]:
    """(generator, discriminator) of the textbook, with batch statistics of a few passes."""
    book = reference("dcgan")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = book.Generator(code=extent.code, width=extent.width, side=extent.side)
        critic = (book.OurDiscriminator if own else book.Discriminator)(width=extent.width, side=extent.side)
        with torch.no_grad():
            for _ in range(20):
                generator(torch.randn(16, extent.code))
    return generator, critic


def _codes(extent: Extent) -> Tensor:
    return torch.randn(4, extent.code, generator=torch.Generator().manual_seed(5))


def _textbook(extent: Extent, *, own: bool) -> Contestant:
    book = reference("dcgan")
    generator, critic = _pair(extent, own=own)

    def train() -> Operation:
        adams = tuple(torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (generator, critic))
        images = ours.pictures(extent.batch, extent.side)
        generator.train()
        return lambda: book.step(generator, critic, adams, images)

    def sample(n: int) -> Operation:
        generator.eval()
        return torch.no_grad()(lambda: generator(torch.randn(n, extent.code)))

    def draw() -> Tensor:
        with torch.no_grad():
            images: Tensor = generator.eval()(_codes(extent))
        return images

    return Contestant(
        OWN if own else BOOK,
        ours.count(generator) + ours.count(critic),
        {TRAIN: train, **({} if own else {SAMPLE: lambda: sample(1), SAMPLE_16: lambda: sample(16)})},
        draw=None if own else draw,
        note="a step as in the well-known example",
    )


def _model(extent: Extent, *, own: bool) -> Dcgan:
    """Our GAN with the textbook's generator, number for number, and one of the two discriminators."""
    generator, critic = _pair(extent, own=own)
    config = {
        "code": extent.code,
        "width": extent.width,
        "discriminator_width": extent.width,
        "upsampling": "transposed",
        "regulariser": "none",
    }
    model = build("gan", config, (3, extent.side, extent.side))
    assert isinstance(model, Dcgan)
    given = dict(generator.state_dict())
    stem = given.pop("main.0.weight")
    state = {"stem.weight": stem.flatten(1).T}
    last = max(int(name.split(".")[1]) for name in given)
    for name, value in given.items():
        _, place, leaf = name.split(".")
        # main: stem, norm, ReLU, then (transposed convolution, norm, ReLU) for each doubling, then the last one.
        at = int(place)
        if at == 1:
            state[f"stem_norm.{leaf}"] = value
        elif at == last:
            state["last.0.weight"], state["last.0.bias"] = value, torch.zeros(value.shape[1])
        else:
            state[f"body.{at - 3}.{leaf}"] = value
    missing, unknown = model.generator.load_state_dict(state, strict=False)
    # What is left out is the mean that codes of another length are drawn towards: none, as in the textbook.
    assert not unknown
    assert all(name.startswith("centre") for name in missing), missing
    if not own:
        model.discriminator = critic  # type: ignore[assignment]
    else:
        model.discriminator.load_state_dict(critic.state_dict())
    return model


def _ours(extent: Extent, *, own: bool) -> Contestant:
    model = _model(extent, own=own)
    images = partial(ours.pictures, extent.batch, extent.side)
    operations = {
        TRAIN: lambda: ours.training(model, images(), "float32"),
        TRAIN_BFLOAT16: lambda: ours.training(model, images(), "bfloat16"),
    }
    if not own:
        operations |= {SAMPLE: lambda: ours.sampling(model, 1), SAMPLE_16: lambda: ours.sampling(model, 16)}
    return Contestant(
        OWN if own else BOOK,
        ours.count(model),
        operations,
        draw=None if own else ours.drawing(model, _codes(extent)),
        twin="" if own else "textbook",
        note="one pass of the generator for both updates, no gradients for nothing",
        ours=True,
    )
