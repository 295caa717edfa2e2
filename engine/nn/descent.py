"""Optimisers by name: how each is made, which moments it keeps, and how far its last step went."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.optim import Optimizer

TINY: Final = 1e-8
UNWRAPPED: Final = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def _plain(kind: type[Optimizer]) -> type[Optimizer]:
    """The same optimiser without the wrapping that keeps torch's compiler out of it. The first call of that imports the
    whole compiler, which takes seconds; nothing here compiles a step of an optimiser."""
    own: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in UNWRAPPED}
    own["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), own)


Adam: Final[Any] = _plain(torch.optim.Adam)
RMSprop: Final[Any] = _plain(torch.optim.RMSprop)
SGD: Final[Any] = _plain(torch.optim.SGD)


@dataclass(frozen=True)
class Descent:
    """One row. `make(parameters, rate, momentum, beta2)`; `kept(momentum)` names the moments of a parameter that a
    resume needs, `moved(group, moments, gradient)` gives the last step of a parameter, or None where it made none.
    """

    title: str
    make: Callable[[Sequence[Tensor], float, float, float], Optimizer]
    kept: Callable[[float], tuple[str, ...]]
    moved: Callable[[Mapping[str, Any], Mapping[str, Any], Tensor | None], Tensor | None]


def _adam(parameters: Sequence[Tensor], rate: float, momentum: float, beta2: float) -> Optimizer:
    made: Optimizer = Adam(parameters, lr=rate, betas=(momentum, beta2), fused=fusible(parameters) or None)
    return made


def _adam_moved(group: Mapping[str, Any], moments: Mapping[str, Any], _: Tensor | None) -> Tensor | None:
    """Computed anew from the moments (Kingma & Ba 2015, algorithm 1)."""
    if not moments:
        return None
    decay, square_decay = group["betas"]
    count = float(moments["step"])
    scale = moments["exp_avg_sq"].sqrt().mul_((1.0 - square_decay**count) ** -0.5).add_(group["eps"])
    found: Tensor = (moments["exp_avg"] / scale) * (group["lr"] / (1.0 - decay**count))
    return found


def _rmsprop(parameters: Sequence[Tensor], rate: float, momentum: float, beta2: float) -> Optimizer:
    made: Optimizer = RMSprop(parameters, lr=rate, alpha=beta2, eps=TINY, momentum=momentum)
    return made


def _rmsprop_moved(group: Mapping[str, Any], moments: Mapping[str, Any], gradient: Tensor | None) -> Tensor | None:
    if not moments:
        return None
    if "momentum_buffer" in moments:
        found: Tensor = moments["momentum_buffer"] * group["lr"]
        return found
    return None if gradient is None else gradient / (moments["square_avg"].sqrt() + group["eps"]) * group["lr"]


def _sgd(parameters: Sequence[Tensor], rate: float, momentum: float, _: float) -> Optimizer:
    made: Optimizer = SGD(parameters, lr=rate, momentum=momentum)
    return made


def _sgd_moved(group: Mapping[str, Any], moments: Mapping[str, Any], gradient: Tensor | None) -> Tensor | None:
    found = moments.get("momentum_buffer")
    found = gradient if found is None else found
    return None if found is None else found * group["lr"]


OPTIMISERS: Final[dict[str, Descent]] = {
    "adam": Descent("Adam", _adam, lambda _: ("step", "exp_avg", "exp_avg_sq"), _adam_moved),
    "rmsprop": Descent(
        "RMSprop",
        _rmsprop,
        lambda momentum: ("step", "square_avg", *(("momentum_buffer",) if momentum else ())),
        _rmsprop_moved,
    ),
    "sgd": Descent("SGD", _sgd, lambda momentum: ("momentum_buffer",) if momentum else (), _sgd_moved),
}
"""By the name that the knob takes; the first is the default, and that of runs from before there was a choice."""


def fusible(parameters: Sequence[Tensor]) -> bool:
    """Whether one call can update all of these: a network of many small tensors is else updated by thousands."""
    return all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in parameters)


def moments(descents: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """All that optimisers keep, as named tensors for safetensors: `NETWORK/PARAMETER/MOMENT`."""
    found = {}
    for name, descent in descents.items():
        for i, values in descent.state_dict()["state"].items():
            for key, value in values.items():
                # Without momentum some keep a place for it, with nothing in it.
                if value is not None:
                    found[f"{name}/{i}/{key}"] = torch.as_tensor(value)
    return found
