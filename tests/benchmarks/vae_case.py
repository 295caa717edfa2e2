"""VAE: the program's own networks in the program and inside pythae, and the textbook's networks beside them."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from engine.families import build
from engine.models.vae import Vae
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

BOOK, OWN = "textbook VAE", "our VAE"


def case(name: str, extent: Extent) -> Case:
    """The case of this size."""
    return Case(
        name,
        extent,
        {
            "textbook": _textbook,
            "pythae 0.1.2, textbook networks": partial(_pythae, own=False),
            "pythae 0.1.2, our networks": partial(_pythae, own=True),
            "ours": _ours,
        },
        floor=("pythae 0.1.2, our networks", "textbook"),
    )


def _model(extent: Extent) -> Vae:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("vae", {"width": extent.width, "code": extent.code}, (3, extent.side, extent.side))
        model.prepare(ours.pictures(256, extent.side))
    ours.stir(model)
    assert isinstance(model, Vae)
    return model.eval()


def _codes(extent: Extent) -> Tensor:
    return torch.randn(4, extent.code, generator=torch.Generator().manual_seed(5))


def _ours(extent: Extent) -> Contestant:
    model = _model(extent)
    images = partial(ours.pictures, extent.batch, extent.side)
    return Contestant(
        OWN,
        ours.count(model),
        {
            TRAIN: lambda: ours.training(model, images(), "float32"),
            TRAIN_BFLOAT16: lambda: ours.training(model, images(), "bfloat16"),
            SAMPLE: lambda: ours.sampling(model, 1),
            SAMPLE_16: lambda: ours.sampling(model, 16),
            ENCODE: lambda: ours.encoding(model, extent.side),
        },
        draw=ours.drawing(model, _codes(extent)),
        ours=True,
    )


def _book(extent: Extent) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        widths = reference("vae").WIDTHS
        shallow = widths[: max(1, extent.side.bit_length() - 2)]
        return reference("vae").Vae(code=extent.code, side=extent.side, widths=shallow)


def _textbook(extent: Extent) -> Contestant:
    model = _book(extent)
    picture = ours.pictures(1, extent.side)

    def train() -> Operation:
        adam = torch.optim.Adam(model.parameters(), lr=1e-3)
        images = ours.pictures(extent.batch, extent.side)
        model.train()
        return lambda: reference("vae").step(model, adam, images)

    def sample(n: int) -> Operation:
        model.eval()
        return torch.no_grad()(lambda: model.decoder(torch.randn(n, extent.code)))

    return Contestant(
        BOOK,
        ours.count(model),
        {
            TRAIN: train,
            SAMPLE: lambda: sample(1),
            SAMPLE_16: lambda: sample(16),
            ENCODE: lambda: torch.no_grad()(lambda: model.eval().encoder(picture)),
        },
    )


def _networks(extent: Extent, *, own: bool) -> tuple[nn.Module, nn.Module]:
    """(encoder giving (mean, log variance), decoder), in the layout that torch gives them."""
    if not own:
        book = _book(extent)
        return book.encoder, book.decoder
    model = copy.deepcopy(_model(extent))
    return _Encoder(model), _Decoder(model)


class _Encoder(nn.Module):
    """Our encoder with the log variance that pythae wants."""

    def __init__(self, model: Vae) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = self.model.posterior(x)
        return mean, 2.0 * log_std


class _Decoder(nn.Module):
    """Our decoder; the model belongs to the encoder, so that its weights are counted and trained once."""

    def __init__(self, model: Vae) -> None:
        super().__init__()
        self.model = (model,)

    def forward(self, z: Tensor) -> Tensor:
        return self.model[0].decode(z)


def _pythae(extent: Extent, *, own: bool) -> Contestant:
    models = peer("pythae.models", "pythae", "0.1.2")
    nets = peer("pythae.models.nn", "pythae", "0.1.2")
    output = peer("pythae.models.base.base_utils", "pythae", "0.1.2").ModelOutput
    encoder, decoder = _networks(extent, own=own)

    class Encoder(nets.BaseEncoder):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = encoder

        def forward(self, x: Tensor) -> Any:
            mean, log_variance = self.inner(x)
            return output(embedding=mean, log_covariance=log_variance)

    class Decoder(nets.BaseDecoder):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = decoder

        def forward(self, z: Tensor) -> Any:
            return output(reconstruction=self.inner(z))

    config = models.VAEConfig(input_dim=(3, extent.side, extent.side), latent_dim=extent.code)
    model = models.VAE(config, encoder=Encoder(), decoder=Decoder())
    picture = ours.pictures(1, extent.side)

    def train() -> Operation:
        adam = torch.optim.Adam(model.parameters(), lr=1e-3)
        data = {"data": ours.pictures(extent.batch, extent.side)}
        model.train()

        def step() -> None:
            adam.zero_grad()
            model(data).loss.backward()
            adam.step()

        return step

    def sample(n: int) -> Operation:
        model.eval()
        return torch.no_grad()(lambda: model.decoder(torch.randn(n, extent.code))["reconstruction"])

    def draw() -> Tensor:
        with torch.no_grad():
            images: Tensor = model.eval().decoder(_codes(extent))["reconstruction"]
        return images

    return Contestant(
        OWN if own else BOOK,
        ours.count(model),
        {
            TRAIN: train,
            SAMPLE: lambda: sample(1),
            SAMPLE_16: lambda: sample(16),
            ENCODE: lambda: torch.no_grad()(lambda: model.eval().encoder(picture).embedding),
        },
        draw=draw if own else None,
        twin="ours" if own else "",
    )
