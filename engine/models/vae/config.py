"""The knobs of a VAE of pictures and of points, and which go with which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.errors import UsageError
from engine.knobs import knob


@dataclass(frozen=True, kw_only=True)
class VaeConfig:
    """The architecture and objective of a VAE."""

    code: int = knob(128, "Code size", "Numbers in a code.", low=1, high=1024)
    width: int = knob(48, "Width", "Channels at half resolution; deeper stages have more.", low=8, high=256)
    blocks: int = knob(1, "Blocks", "Residual blocks a stage.", low=1, high=8, advanced=True)
    beta: float = knob(1.0, "KL weight", "Higher: smoother code space, blurrier faces.", low=0.0, high=1000.0)
    free_bits: float = knob(
        0.0,
        "Free bits",
        "KL below which a code dimension costs nothing.",
        low=0.0,
        high=8.0,
        unit="nats",
        advanced=True,
    )
    linear: bool = knob(
        True,
        "Linear path",
        "Adds a linear decoder beside the network, started from PCA of the first images.",
        advanced=True,
    )
    dense: int = knob(
        0,
        "Dense width",
        "Width of dense residual layers beside the convolutions, on a thumbnail: cheap, and best where pictures are "
        "aligned. 0 has none.",
        low=0,
        high=4096,
        advanced=True,
    )
    dense_blocks: int = knob(2, "Dense blocks", "Residual blocks of dense layers.", low=1, high=8, advanced=True)
    dense_steps: int = knob(
        0,
        "Dense first",
        "Steps in which the dense layers learn alone, many times faster; the convolutions then add what these miss.",
        low=0,
        high=10_000_000,
        unit="steps",
        advanced=True,
    )
    prior: int = knob(
        0,
        "Prior depth",
        "Couplings of a small flow between the code and what the decoder sees: samples keep to where photos lie. "
        "0 has none.",
        low=0,
        high=32,
        advanced=True,
    )
    texture: float = knob(
        0.0,
        "Texture weight",
        "Of how busy each place is, whatever its exact pixels: sharper pictures, some dB less.",
        low=0.0,
        high=100.0,
        advanced=True,
    )
    kl_warmup: int = knob(
        0,
        "KL warm-up",
        "Steps in which the KL's weight rises from zero, so that the code is used before it must be paid for.",
        low=0,
        high=10_000_000,
        unit="steps",
        advanced=True,
    )
    likelihood: str = knob(
        "gaussian-learned",
        "Likelihood",
        "The Gaussian around what is decoded: one deviation, learned or fixed, or, of points, one for each coordinate "
        "that the code decides. Bernoulli, of pictures: black or white, cut at middle grey.",
        choices=("gaussian-learned", "gaussian-fixed", "gaussian-each", "bernoulli"),
        advanced=True,
    )
    sigma: float = knob(0.1, "Deviation", "Of the fixed likelihood.", low=1e-3, high=10.0, log=True, advanced=True)
    posterior: str = knob(
        "diagonal",
        "Posterior",
        "Of points: whether the Gaussian over codes may be tilted, or, as a small flow of each point's own, folded.",
        choices=("diagonal", "full", "flow"),
        advanced=True,
    )
    bound: str = knob(
        "elbo",
        "Bound",
        "Of points: the evidence's lower bound, or the tighter one of several weighted codes (Burda et al. 2016).",
        choices=("elbo", "iwae"),
        advanced=True,
    )
    samples: int = knob(1, "Codes a point", "Of points: codes drawn for each.", low=1, high=64, advanced=True)
    gradient: str = knob(
        "pathwise",
        "Encoder's gradient",
        "Of points: through the drawn code, or by its score (REINFORCE), without or with the mean of the other draws "
        "taken off.",
        choices=("pathwise", "score", "score-baseline"),
        advanced=True,
    )
    hidden_layers: int = knob(
        2,
        "Hidden layers",
        "Of points: dense layers of each network; without one both are linear.",
        low=0,
        high=6,
        advanced=True,
    )


PICTURES: Final = {
    "likelihood": ("gaussian-learned", "gaussian-fixed", "bernoulli"),
    "posterior": ("diagonal",),
    "bound": ("elbo",),
    "samples": (1,),
    "gradient": ("pathwise",),
}
"""What these knobs can be where pictures are drawn."""
POINTS: Final = ("dense", "dense_steps", "prior", "texture", "free_bits")
"""Knobs that a VAE of points has to leave at zero."""


def for_pictures(config: VaeConfig) -> None:
    """Raises:
    UsageError: a knob is set to what only a VAE of points can do.
    """
    for name, offered in PICTURES.items():
        if getattr(config, name) not in offered:
            raise UsageError(
                f"{name} = {getattr(config, name)} is for points of the plane: with pictures it can be "
                f"{' or '.join(map(str, offered))}."
            )
    if config.code < 2:
        raise UsageError("code must be between 2 and 1024 with pictures, got 1: one number is for points alone.")


def for_points(config: VaeConfig) -> None:
    """Raises:
    UsageError: a knob is set to what only a VAE of pictures can do, or two do not go together.
    """
    for name in POINTS:
        if getattr(config, name):
            raise UsageError(f"{name} is for pictures: with points of the plane leave it at 0.")
    if config.likelihood == "bernoulli":
        raise UsageError("likelihood = bernoulli is for pictures in black and white: points are any numbers.")
    if config.posterior == "flow" and config.gradient != "pathwise":
        raise UsageError("A folded posterior is learned through its codes: set gradient to pathwise.")
    if config.bound == "iwae" and config.gradient != "pathwise":
        raise UsageError("The score gradients are those of the ELBO: set bound to elbo, or gradient to pathwise.")


def warmth(config: VaeConfig, step: int) -> float:
    """The share of the KL's weight that is on at this step."""
    return min(1.0, (step + 1) / config.kl_warmup) if config.kl_warmup else 1.0
