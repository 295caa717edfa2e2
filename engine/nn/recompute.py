"""Gradient checkpointing: a block keeps its input alone and computes the rest again in the backward pass."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

Out = TypeVar("Out")


class Recomputed(nn.Module):
    """A block that can be told to forget what it computed (Chen et al. 2016, arXiv:1604.06174).

    The results are the same numbers: only memory is traded for about a third more time.
    """

    recompute: bool = False
    """Set for a whole model by `recompute_in_backward`."""

    def held(self, block: Callable[..., Out], *inputs: object) -> Out:
        """`block(*inputs)`; while gradients are wanted and `recompute` is on, nothing inside is kept for them.

        `block` must give the same numbers twice, so it may draw no random ones and change no buffer, but for batch
        norms inside this module: their running statistics are moved by the first pass alone.
        """
        if not (self.recompute and torch.is_grad_enabled()):
            return block(*inputs)
        found: Out = checkpoint(
            block,
            *inputs,
            use_reentrant=False,
            preserve_rng_state=False,
            context_fn=lambda: (nullcontext(), self._again()),
        )
        return found

    def _again(self) -> AbstractContextManager[None]:
        return _StatisticsAtRest([m for m in self.modules() if isinstance(m, _BatchNorm)])


class _StatisticsAtRest(AbstractContextManager[None]):
    """Batch norms leave their running statistics alone; entered once for each time that a block is computed again.

    They must go on tracking, or they would keep other tensors for the backward pass than the first time: so they move
    their statistics by nothing, and their counter is hidden.
    """

    def __init__(self, norms: list[_BatchNorm]) -> None:
        self._norms = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]

    def __enter__(self) -> None:
        for norm, _, _ in self._norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None

    def __exit__(self, *_: object) -> None:
        for norm, momentum, count in self._norms:
            norm.momentum, norm.num_batches_tracked = momentum, count


def recompute_in_backward(model: nn.Module, on: bool) -> None:
    """Turns gradient checkpointing on or off in all blocks of a model that can do it."""
    for module in model.modules():
        if isinstance(module, Recomputed):
            module.recompute = on
