"""Making a network whose numbers are read from a file: the random ones are not drawn first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

DRAWS: Final = frozenset(
    {
        init.kaiming_normal_,
        init.kaiming_uniform_,
        init.normal_,
        init.trunc_normal_,
        init.uniform_,
        init.xavier_normal_,
        init.xavier_uniform_,
        Tensor.normal_,
        Tensor.uniform_,
    }
)


class Undrawn(TorchFunctionMode):
    """Within it the functions of `DRAWS` leave a tensor as it is: whatever was in its memory.

    For a large network the draws take longer than all else, and on the meta device torch imports its compiler for them.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        if func in DRAWS:
            return args[0] if args else options["tensor"]
        return func(*args, **options)
