"""Making a network from a seed while other threads draw random numbers too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

from engine.nn.undrawn import DRAWS

_DRAWN: Final = DRAWS | {
    init.orthogonal_,
    Tensor.bernoulli_,
    Tensor.exponential_,
    Tensor.random_,
    torch.bernoulli,
    torch.multinomial,
    torch.normal,
    torch.rand,
    torch.randint,
    torch.randn,
    torch.randperm,
}


class Seeded(TorchFunctionMode):
    """Within it this thread's random numbers on the CPU are those that torch.manual_seed(seed) begins, and torch's own
    random state, which all threads share, is neither read nor moved.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(kwargs or {})
        if func in _DRAWN and options.get("generator") is None:
            options["generator"] = self._generator
        return func(*args, **options)
