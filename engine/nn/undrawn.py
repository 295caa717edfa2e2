"""Making a network whose numbers are read from a file: the random ones are not drawn first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from torch import Tensor
from torch.overrides import TorchFunctionMode

DRAWS: Final = frozenset({Tensor.uniform_, Tensor.normal_})


class Undrawn(TorchFunctionMode):
    """Within it `uniform_` and `normal_` leave a tensor as it is: whatever was in its memory.

    For a large network the draws take longer than all else, and on the meta device torch imports its compiler for them.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return args[0] if func in DRAWS else func(*args, **(kwargs or {}))
