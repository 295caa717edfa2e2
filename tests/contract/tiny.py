"""The smallest model of every family, derived from its knobs, so that a new family needs no line here."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.checkpoints.model_file import ModelHeader, save_model
from engine.device import autocast
from engine.families import FAMILIES, build, model_knobs
from engine.knobs import Value, from_json, to_json
from engine.models.base import LatentModel

Config = dict[str, Value]


def tiny_config(family: str) -> Config:
    """Every whole number a sixteenth of its default, but at least 2 and within its bounds."""
    config: Config = {}
    for knob in model_knobs(family):
        if knob.kind is int and not knob.choices:
            assert isinstance(knob.default, int)
            config[knob.name] = max(int(knob.low or 0), min(knob.default, max(2, knob.default // 16)))
    return config


POINTS_ALONE = {
    ("gan", "objective", "mmd"),
    ("gan", "objective", "sinkhorn"),
    ("vae", "likelihood", "gaussian-each"),
    ("vae", "posterior", "full"),
    ("vae", "posterior", "flow"),
    ("vae", "bound", "iwae"),
    ("vae", "gradient", "score"),
    ("vae", "gradient", "score-baseline"),
}
"""(family, knob, choice) of what pictures are refused."""


def variants() -> Iterator[tuple[str, str, Config]]:
    """(a name, family, config): the tiny model, then one for each other choice, each switch the other way, and each
    part of the network that a width or depth of 0 leaves out; last, of a family that grows, one that has grown.
    """
    for family in FAMILIES:
        tiny = tiny_config(family)
        yield family, family, tiny
        for knob in model_knobs(family):
            others: tuple[Value, ...] = (not knob.default,) if knob.kind is bool else knob.choices
            if knob.title.endswith(("width", "depth")) and knob.default == 0:
                others = (8,)
            for value in others:
                if value != knob.default and (family, knob.name, value) not in POINTS_ALONE:
                    # Little noise would make a bound's estimates too wild to tell a wrong term.
                    noise: Config = {"sigma": 0.5} if value == "gaussian-fixed" else {}
                    yield f"{family}-{knob.name}-{value}", family, {**tiny, knob.name: value, **noise}
        row = FAMILIES[family]
        if row.grow is not None:
            grown = row.grow(from_json(row.config, tiny), steps=0, complete=True)
            yield f"{family}-grown", family, to_json(grown)


def make(family: str, *, config: Config | None = None, shape=(3, 16, 16), seed: int = 0) -> LatentModel:
    """A tiny model, prepared on smooth pictures as training prepares it. Each call gives one of its own."""
    chosen = config or tiny_config(family)
    return copy.deepcopy(_made(family, tuple(sorted(chosen.items())), tuple(shape), seed))


@lru_cache(maxsize=64)
def _made(family: str, config: tuple[tuple[str, Value], ...], shape: tuple[int, int, int], seed: int) -> LatentModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(family, dict(config), shape)
        model.prepare(images(64, shape))
    return model


def grown_to(shape: tuple[int, int, int], config: Config) -> tuple[int, int, int]:
    """The shape of pictures that a model which began with `shape` has by now."""
    doublings = int(config.get("grown", 0))
    return (shape[0], shape[1] << doublings, shape[2] << doublings)


def images(n: int, shape: tuple[int, int, int], *, seed: int = 0) -> torch.Tensor:
    """Smooth random images (n, C, H, W) on the grid of 256 grey values in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, shape[0], 4, 4, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=shape[1:], mode="bilinear")
    return (smooth * 255).round() / 127.5 - 1.0


def stir(model: LatentModel, *, amount: float = 0.05, seed: int = 1) -> LatentModel:
    """Moves every parameter: many start at exactly zero, and a test at zero would prove little."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(amount * torch.randn(parameter.shape, generator=generator).to(parameter))
    return model


@dataclass
class PlainSteps:
    """The smallest `Steps`: one Adam a network; it notes which parameters received a gradient that is not zero."""

    model: LatentModel
    rate: float = 1e-3
    index: int = 0
    generator: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))
    touched: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.networks = self.model.training_networks()
        self.adams = {
            name: torch.optim.Adam(net.parameters(), lr=self.rate, betas=(0.5, 0.99))
            for name, net in self.networks.items()
        }

    def rand(self, *shape: int, like: torch.Tensor) -> torch.Tensor:
        return torch.rand(shape, generator=self.generator).to(like)

    def randn(self, *shape: int, like: torch.Tensor) -> torch.Tensor:
        return torch.randn(shape, generator=self.generator).to(like)

    def wants(self, name: str) -> bool:
        return name in self.adams

    def update(self, name: str, loss: torch.Tensor) -> torch.Tensor:
        self.adams[name].zero_grad(set_to_none=True)
        loss.backward()
        for key, parameter in self.networks[name].named_parameters():
            if parameter.grad is not None and bool(parameter.grad.any()):
                self.touched.add(f"{name}: {key}")
        norm = torch.nn.utils.clip_grad_norm_(self.networks[name].parameters(), 50.0)
        self.adams[name].step()
        return norm.detach()

    def autocast(self) -> torch.autocast:
        return autocast(next(self.model.parameters()).device, "float32")

    def run(self, batch: torch.Tensor, count: int) -> list[dict[str, torch.Tensor]]:
        found = []
        for _ in range(count):
            found.append(self.model.training_step(batch, self))
            self.index += 1
        return found


def save(path: Path, family: str, *, title: str = "Tiny", size: int = 32, channels: int = 3, **options) -> str:
    """A tiny model's file; gives its SHA-256."""
    shape = (channels, size, size)
    header = ModelHeader(family, tiny_config(family), shape, title=title, step=7)
    return save_model(path, make(family, shape=shape).eval(), header, **options)


def picture(i: int, size: int = 32) -> np.ndarray:
    """A smooth picture (size, size, 3) that is different for every i."""
    return ((images(1, (3, size, size), seed=1000 + i)[0].permute(1, 2, 0).numpy() + 1) * 127.5).astype(np.uint8)


def folder_of_pictures(folder: Path, n: int = 24, size: int = 32) -> Path:
    """A data set that can be trained on: n PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        Image.fromarray(picture(i, size)).save(folder / f"{i:03d}.png")
    return folder


def settings(family: str) -> list[str]:
    """--set arguments of a tiny model."""
    return [part for name, value in tiny_config(family).items() for part in ("--set", f"{name}={value}")]


def environment() -> dict[str, str]:
    """The environment of a child process: one thread, this checkout first."""
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root}


def header_bytes(values: object) -> bytes:
    """A safetensors file of a header alone."""
    text = json.dumps(values).encode()
    return len(text).to_bytes(8, "little") + text
