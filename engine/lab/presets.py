"""Set-ups of the plane by name: a family, its knobs, and how it is best trained there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from engine.families import FAMILIES
from engine.knobs import Value
from engine.objectives.adversarial import OBJECTIVES


@dataclass(frozen=True)
class LabPreset:
    """One row. `knobs` are of the family, `training` of `engine.lab.stage.LabTraining`."""

    name: str
    title: str
    family: str
    knobs: Mapping[str, Value]
    training: Mapping[str, Value] = field(default_factory=dict)


PLANE_GAN: Final[Mapping[str, Value]] = MappingProxyType(
    {"code": 2, "width": 64, "discriminator_width": 64, "regulariser": "none"}
)
OWN_KNOBS: Final[Mapping[str, Mapping[str, Value]]] = {
    # On pictures the papers clip at 0.01; in the plane that leaves a critic too flat to teach anything.
    "wgan": {"weight_clip": 0.1},
    "wgan-gp": {"gradient_penalty": 0.1, "critic_steps": 3},
    "minimax": {"regulariser": "r1", "r1_weight": 0.1, "r1_every": 1},
    "tv": {"regulariser": "r1", "r1_weight": 0.1, "r1_every": 1},
    # Its generator's loss has no bound: without a penalty samples run away to millions.
    "f-pearson": {"regulariser": "r1", "r1_weight": 0.1, "r1_every": 1},
}
"""What an objective needs in the plane beside `PLANE_GAN`."""
OWN_TRAINING: Final[Mapping[str, Mapping[str, Value]]] = {
    "wgan": {"learning_rate": 1e-3, "momentum": 0.0},
    "mmd": {"momentum": 0.9, "steps": 4000},
    # A step of its rounds costs as much as ten of another objective.
    "sinkhorn": {"momentum": 0.9, "steps": 2000, "batch": 128},
}

SLIDE_WGAN: Final = LabPreset(
    "gan-wgan-slide",
    "Wasserstein, as on the slide",
    "gan",
    {**PLANE_GAN, "objective": "wgan", "critic_steps": 5, "weight_clip": 0.01},
    {
        "optimiser": "rmsprop",
        "learning_rate": 5e-5,
        "momentum": 0.0,
        "batch": 64,
        "decay": 0.0,
        "ema": 0.0,
        "steps": 12_000,
    },
)
"""Algorithm 1 of Arjovsky et al. 2017 (arXiv:1701.07875), made for pictures: in the plane its critic stays nearly flat,
and the samples hardly move. It stands beside the plane's own preset to be seen."""


def _flows() -> list[LabPreset]:
    flow = FAMILIES["stack"]
    # The first is the family's default.
    rows = list(flow.presets.items())[1:]
    return [LabPreset(f"flow-{_key(name)}", name, flow.name, row.knobs) for name, row in rows]


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def _gans() -> list[LabPreset]:
    rows = [
        LabPreset(
            f"gan-{row.name}",
            row.title,
            "gan",
            {**PLANE_GAN, "objective": row.name, **OWN_KNOBS.get(row.name, {})},
            {"momentum": 0.5, "steps": 12_000, **OWN_TRAINING.get(row.name, {})},
        )
        for row in OBJECTIVES.values()
    ]
    place = 1 + next(index for index, row in enumerate(rows) if row.name == "gan-wgan")
    return [*rows[:place], SLIDE_WGAN, *rows[place:]]


PLANE_VAE: Final[Mapping[str, Value]] = MappingProxyType({"code": 2, "width": 64})
VAES: Final[Mapping[str, tuple[str, Mapping[str, Value]]]] = {
    "plane": ("VAE, two numbers", {}),
    "line": ("VAE, one number", {"code": 1}),
    "linear": ("VAE, linear", {"hidden_layers": 0}),
    "fixed": ("VAE, noise of 0.1", {"likelihood": "gaussian-fixed", "sigma": 0.1}),
    "each": ("VAE, noise by the code", {"likelihood": "gaussian-each"}),
    "full": ("VAE, tilted posterior", {"posterior": "full"}),
    "folded": ("VAE, folded posterior", {"posterior": "flow"}),
    "iwae": ("VAE, bound of 8 codes", {"bound": "iwae", "samples": 8}),
    "curve": ("VAE, one number, bound of 8 codes", {"code": 1, "bound": "iwae", "samples": 8}),
    "warm": ("VAE, KL warm-up", {"kl_warmup": 500}),
    "score": ("VAE, score gradient", {"gradient": "score"}),
    "score-baseline": ("VAE, score gradient with baseline", {"gradient": "score-baseline"}),
}
"""Title and knobs beside `PLANE_VAE`."""
VAE_TRAINING: Final[Mapping[str, Mapping[str, Value]]] = {"curve": {"steps": 2000, "learning_rate": 3e-3}}


def _vaes() -> list[LabPreset]:
    return [
        LabPreset(f"vae-{name}", title, "vae", {**PLANE_VAE, **knobs}, VAE_TRAINING.get(name, {"steps": 4000}))
        for name, (title, knobs) in VAES.items()
    ]


PRESETS: Final[dict[str, LabPreset]] = {row.name: row for row in (*_flows(), *_gans(), *_vaes())}
"""By name, flows first."""
