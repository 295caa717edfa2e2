"""A training step rehearsed on tensors that have shapes and no numbers, and how fast a machine calculates."""

import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from engine.families import build
from engine.knobs import Value
from engine.models.base import LatentModel
from engine.nn.recompute import recompute_in_backward
from engine.progress import SILENT, Progress


class _Counter(TorchDispatchMode):
    """What is held, at its most, and what is calculated while it is on."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = 0
        self.flop = self.moved = self.calls = 0
        self._known: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        out = func(*args, **(kwargs or {}))
        tensors = [value for value in tree_leaves(out) if isinstance(value, Tensor)]
        fresh = sum(self._see(value) for value in tensors)
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flop += int(formula(*args, **(kwargs or {}), out_val=out))
        elif fresh or func.overloadpacket.__name__.endswith("_"):
            given = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
            self.moved += sum(value.numel() * value.element_size() for value in (*given, *tensors))
        return out

    def _see(self, value: Tensor) -> int:
        storage = value.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return 0
        size = self._known[key] = storage.nbytes()
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._gone, key)
        return size

    def _gone(self, key: int) -> None:
        self.live -= self._known.pop(key, 0)


class _Steps:
    """The `Steps` of a rehearsal: the backward pass and the clipping, but no update."""

    def __init__(self, model: LatentModel, precision: str) -> None:
        self.index = 0
        self._networks = model.training_networks()
        self._precision = precision

    def rand(self, *shape: int, like: Tensor) -> Tensor:
        return torch.rand(shape)

    def randn(self, *shape: int, like: Tensor) -> Tensor:
        return torch.randn(shape)

    def wants(self, name: str) -> bool:
        return True

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._precision == "bfloat16")

    def update(self, name: str, loss: Tensor) -> Tensor:
        parameters = list(self._networks[name].parameters())
        for parameter in parameters:
            parameter.grad = None
        loss.backward()
        return nn.utils.clip_grad_norm_(parameters, 1.0).detach()


@dataclass(frozen=True)
class Rehearsal:
    """What one pass over a part of a batch would hold and do; `alone` says that images do not meet in it."""

    parameters: int
    peak_bytes: int
    flop: int
    moved_bytes: int
    calls: int
    networks: int
    alone: bool


def rehearse(
    family: str,
    config: Mapping[str, Value],
    image_shape: tuple[int, int, int],
    part: int,
    *,
    precision: str = "float32",
    checkpointing: bool = False,
    progress: Progress = SILENT,
) -> Rehearsal:
    """A step on `part` images, with shapes alone; `progress` is asked now and then.

    Raises:
        UsageError: the knobs do not go together.
        RuntimeError: an operation has no shapes without numbers.
    """
    try:
        return _rehearse(family, config, image_shape, part, precision, checkpointing, progress)
    except DataDependentOutputException:
        # A switch such as augmentation looks at numbers that are drawn; next to the networks it costs nothing.
        plain = {name: value for name, value in config.items() if value is not True}
        return _rehearse(family, plain, image_shape, part, precision, checkpointing, progress)


def _rehearse(
    family: str,
    config: Mapping[str, Value],
    image_shape: tuple[int, int, int],
    part: int,
    precision: str,
    checkpointing: bool,
    progress: Progress,
) -> Rehearsal:
    counter = _Counter()
    with FakeTensorMode(allow_non_fake_inputs=True), counter:
        model = build(family, config, image_shape).train()
        recompute_in_backward(model, checkpointing)
        for module in model.modules():
            # Here and not in the counter: an exception that passes through an operation's C++ ends the whole program.
            module.register_forward_pre_hook(lambda *_: progress.check())
        for parameter in model.parameters():
            parameter.register_post_accumulate_grad_hook(lambda _: progress.check())
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        parameters = sum(value.numel() for value in model.parameters())
        images = torch.empty(part, *image_shape).contiguous(memory_format=torch.channels_last)
        steps = _Steps(model, precision)
        networks = len(steps._networks)
        # Some steps of a game cost more than others: the first one is the worst, the second one like most.
        before = (0, 0, 0)
        for steps.index in range(min(2, networks)):
            before = (counter.flop, counter.moved, counter.calls)
            model.training_step(images, steps)
        norms = any(isinstance(module, _BatchNorm) for module in model.modules())
        alone = networks == 1 and not norms and not getattr(getattr(model, "config", None), "free_bits", 0.0)
        # Gradients of the last step are still there in the next one's forward pass.
        peak = counter.peak + 4 * parameters * (networks == 1)
        found = Rehearsal(
            parameters,
            peak,
            counter.flop - before[0],
            counter.moved - before[1],
            counter.calls - before[2],
            networks,
            alone,
        )
        del model, steps, images
    return found


@dataclass(frozen=True)
class Speed:
    """What this machine does in a second with the threads that training has: operations of a convolution, bytes of a
    simple operation, and how long any call takes at least.
    """

    flop: float
    moved_bytes: float
    call_seconds: float


@cache
def speed(kind: str = "cpu", threads: int = 1, precision: str = "float32") -> Speed:
    """Measured in a tenth of a second, the best of some tries: other work of the machine does not count."""
    device, before = torch.device(kind), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        x = torch.randn(8, 64, 32, 32, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
        w = torch.randn(64, 64, 3, 3, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)
        big = torch.randn(4_000_000, device=device)
        small = torch.randn(8, device=device)
        products = 2 * 8 * 64 * 32 * 32 * 64 * 9
        with torch.no_grad():
            return Speed(
                flop=products / _best(lambda: nn.functional.conv2d(x, w, padding=1), device),
                moved_bytes=8 * big.numel() / _best(lambda: big * 1.5, device),
                call_seconds=_best(lambda: small + small, device),
            )
    finally:
        torch.set_num_threads(before)


def _best(work: Callable[[], object], device: torch.device) -> float:
    # The clock of this thread alone stands still while others have the core.
    clock = time.thread_time if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    work()
    seconds = []
    for _ in range(9):
        start = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(clock() - start)
    return max(min(seconds), 1e-9)
