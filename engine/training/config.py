"""The knobs of training itself; those of the model are beside the model."""

from __future__ import annotations

import os
from dataclasses import dataclass

from engine.errors import UsageError
from engine.knobs import knob
from engine.nn.descent import OPTIMISERS


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train, whatever the family. A family's row in `families.py` may give other defaults."""

    steps: int = knob(20_000, "Steps", "Updates in all.", low=1, high=10_000_000)
    batch: int = knob(32, "Batch", "Images a step, over all processes.", low=2, high=4096, unit="images")
    learning_rate: float = knob(5e-4, "Learning rate", "Step size of the optimiser.", low=1e-7, high=1.0, log=True)
    optimiser: str = knob(
        "adam",
        "Optimiser",
        "What makes a step of a gradient. SGD takes it as it is and needs a far larger rate.",
        choices=OPTIMISERS,
        advanced=True,
    )
    momentum: float = knob(
        0.9, "Momentum", "Adam's beta 1; the momentum of RMSprop and SGD.", low=0.0, high=0.999, advanced=True
    )
    beta2: float = knob(
        0.99,
        "Second moment",
        "How much of the past stays in the mean square of gradients: Adam's beta 2, RMSprop's alpha.",
        low=0.0,
        high=0.9999,
        advanced=True,
    )
    warmup: int = knob(
        100, "Warm-up", "Steps in which the rate rises from zero.", low=0, high=100_000, unit="steps", advanced=True
    )
    decay: float = knob(
        0.3,
        "Decay",
        "Share of all steps, at the end, in which the rate falls to zero.",
        low=0.0,
        high=1.0,
        advanced=True,
    )
    ema: float = knob(
        0.998, "EMA", "Weight of the past in the averaged weights that are shown and saved.", low=0.0, high=0.99999
    )
    clip: float = knob(50.0, "Clip", "Largest gradient norm; 0 never clips.", low=0.0, high=1e6, advanced=True)
    precision: str = knob(
        "float32",
        "Precision",
        "bfloat16 is faster on processors that have it.",
        choices=("float32", "bfloat16"),
        advanced=True,
    )
    accumulate: int = knob(
        1,
        "Parts a batch",
        "Goes through a process's images in so many parts before it updates: less memory, the same mean over the "
        "batch. Batch norm and the discriminator's look across the batch see one part.",
        low=1,
        high=1024,
        advanced=True,
    )
    checkpointing: bool = knob(
        False,
        "Recompute",
        "Keeps only what goes into each block and computes the rest again when it is needed: much less memory, "
        "the same results, about a third slower.",
        advanced=True,
    )
    compile: str = knob(
        "off",
        "Compile",
        "Compiles the networks before the first step, which takes minutes and then saves some per cent of each step; "
        "CUDA graphs also spare a GPU the wait for small operations. Where it fails, training goes on without. Not for "
        "flows, whose passes are written out already.",
        choices=("off", "compile", "cuda graphs"),
        advanced=True,
    )
    flip: bool = knob(True, "Mirror", "Also trains on mirror images.", advanced=True)
    shift: int = knob(
        0,
        "Shift",
        "Moves each training picture by up to so many pixels, so that a small data set is not learned by heart.",
        low=0,
        high=64,
        unit="px",
        advanced=True,
    )
    light: float = knob(
        0.0,
        "Light",
        "Changes brightness, contrast and tint of each training picture by up to this share of the range.",
        low=0.0,
        high=1.0,
        advanced=True,
    )
    seed: int = knob(0, "Seed", "Of the first weights and of every batch.", low=0, high=2**31 - 1, advanced=True)
    preview_every: int = knob(
        250, "Preview every", "Steps between two sample grids.", low=1, high=100_000, unit="steps", advanced=True
    )
    save_every: int = knob(
        500, "Save every", "Steps between two checkpoints.", low=1, high=100_000, unit="steps", advanced=True
    )
    keep: int = knob(3, "Keep", "Newest checkpoints that stay.", low=1, high=1000, advanced=True)
    diagnose_every: int = knob(
        0,
        "Diagnose every",
        "Steps between two quick diagnoses in the background, which cost some speed; 0 never.",
        low=0,
        high=10_000_000,
        unit="steps",
        advanced=True,
    )

    def rate_at(self, step: int) -> float:
        """The learning rate of step `step`: a linear rise, a plateau, a linear fall."""
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        fall_steps = self.decay * self.steps
        fall = min(1.0, (self.steps - step) / fall_steps) if fall_steps >= 1 else 1.0
        return self.learning_rate * rise * max(fall, 0.0)


@dataclass(frozen=True)
class World:
    """Which of how many processes this is. One process needs no process group."""

    rank: int = 0
    size: int = 1

    @staticmethod
    def from_environment() -> World:
        """As torchrun announces it.

        Raises:
            UsageError: RANK or WORLD_SIZE is no number that fits.
        """
        rank, size = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
        try:
            world = World(int(rank), int(size))
        except ValueError:
            world = World(-1, 0)
        if not 0 <= world.rank < world.size:
            raise UsageError(f"RANK {rank} of WORLD_SIZE {size} is no place in a job: start it with torchrun.")
        return world
