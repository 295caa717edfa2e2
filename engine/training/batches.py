"""Which images a step sees: a pure function of (seed, step, rank), so a resumed run sees what it would have seen."""

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.pictures import to_images
from engine.training.config import World
from engine.training.variations import Variation, drawn_amounts, drawn_offsets, lit, mirrored, shifted


def step_seed(seed: int, step: int, *, salt: str = "step", rank: int = 0) -> int:
    """A well-mixed 63-bit seed; near steps get unrelated numbers."""
    digest = hashlib.sha256(f"{salt} {seed} {step} {rank}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


class Batches:
    """Endless shuffled passes over the rows `indices` of `images` (N, H, W, C) uint8."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        indices: NDArray[np.int64],
        *,
        batch: int,
        seed: int,
        variation: Variation,
        world: World,
    ) -> None:
        self._images, self._indices, self._batch = images, indices, batch
        self._seed, self._variation, self._world = seed, variation, world
        self._epoch = -1
        self._order: NDArray[np.int64] = indices

    def _ordered(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._epoch:
            shuffle = np.random.default_rng(step_seed(self._seed, epoch, salt="epoch")).permutation
            self._order, self._epoch = shuffle(self._indices), epoch
        return self._order

    def rows(self, step: int) -> NDArray[np.int64]:
        """The rows of `images` of this rank's part of the step's batch, in the order of the pass.

        Ranks take turns along the sorted batch, so that each sees all of the data set however it is sorted, and an
        image's place in the sorted batch, which decides its noise, is the same whatever the number of ranks.
        """
        positions = np.arange(step * self._batch, (step + 1) * self._batch)
        epochs, places = np.divmod(positions, len(self._indices))
        whole = np.concatenate([self._ordered(int(e))[places[epochs == e]] for e in np.unique(epochs)])
        mine = np.argsort(whole, kind="stable")[self._world.rank :: self._world.size]
        return whole[np.sort(mine)]

    def at(self, step: int, generator: torch.Generator, device: torch.device) -> Tensor:
        """This rank's images (B, C, H, W) in [-1, 1], varied; with `flip` half of all are mirrored."""
        # Sorted rows read the memory map in order; the batch is a set, so the order within it is free.
        pictures = self._images[np.sort(self.rows(step))]
        # Points are neither mirrored nor lit.
        vary = self._variation if pictures.dtype == np.uint8 else Variation()
        mine = slice(self._world.rank, None, self._world.size)
        # Numbers are drawn for the whole batch, so that a picture's do not depend on the number of ranks.
        if vary.flip:
            share = torch.rand(self._batch, generator=generator)[mine]
            pictures = mirrored(pictures, (share < 0.5).numpy())
        if vary.shift:
            pictures = shifted(pictures, drawn_offsets(self._batch, vary.shift, generator)[mine])
        x = to_images(pictures, device)
        if vary.light:
            x = lit(x, drawn_amounts(self._batch, x.shape[1], vary.light, generator)[mine].to(device))
        return x
