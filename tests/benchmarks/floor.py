"""The convolutions of a piece of work, alone: no program that calls them one by one can be faster than their sum."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

CONVOLUTIONS: Final = ("aten.convolution.default", "aten.convolution_backward.default")
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """One kind of call: the operator's name, the shapes of its tensors, and everything else that it is given."""

    operator: str
    shapes: tuple[Shape | None, ...]
    rest: tuple[Any, ...]


class _Recorder(TorchDispatchMode):
    """Notes every convolution that runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[Call] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if str(func) in CONVOLUTIONS:
            shapes = tuple(tuple(a.shape) if isinstance(a, Tensor) else None for a in args)
            rest = tuple(None if isinstance(a, Tensor) else tuple(a) if isinstance(a, list) else a for a in args)
            self.calls[Call(str(func), shapes, rest)] += 1
        return func(*args, **(kwargs or {}))


def convolutions(work: Callable[[], object]) -> Counter[Call]:
    """How often each kind of convolution runs in one call of `work`."""
    recorder = _Recorder()
    with recorder:
        work()
    return recorder.calls


def gigaflops(work: Callable[[], object]) -> float:
    """10^9 floating-point operations (a product and a sum are two) of one call, in convolutions and matrix products."""
    counter = FlopCounterMode(display=False)
    with counter:
        work()
    return counter.get_total_flops() / 1e9


def _replayed(call: Call) -> Callable[[], object]:
    operator = getattr(torch.ops.aten, call.operator.split(".")[1]).default
    args: list[Any] = [
        value if shape is None else _tensor(shape) for shape, value in zip(call.shapes, call.rest, strict=True)
    ]
    return lambda: operator(*args)


def _tensor(shape: Shape) -> Tensor:
    value = torch.randn(shape)
    return value.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else value


@torch.no_grad()
def alone(calls: Counter[Call], *, repetitions: int = 5) -> dict[str, float]:
    """Milliseconds of all of these convolutions with channels last, the best of `repetitions` for each kind.

    Every call orders its weights anew, as eager calls do: work with weights ordered beforehand may go below it.
    """
    cpu_ms = wall_ms = 0.0
    for call, count in calls.items():
        work = _replayed(call)
        work()
        times = []
        for _ in range(repetitions):
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            times.append((1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)))
        cpu_ms += count * min(cpu for cpu, _ in times)
        wall_ms += count * min(wall for _, wall in times)
    return {"cpu_best_ms": round(cpu_ms, 3), "wall_best_ms": round(wall_ms, 3)}
