"""A CUDA device simulated on the CPU: tensors that hold numbers, say that they are on `cuda:0`, and refuse others.

PyTorch's fake tensors know which operations refuse tensors of two devices, but hold no numbers, so that code which
reads one (`float(loss)`, `codes.cpu().numpy()`) ends there, and their gradients need a driver. Here every operation is
asked for twice: of fake tensors, which say whether a GPU would take these devices and where the result would be, and of
the CPU, for the numbers. Autograd and the C++ code see tensors of the CPU; Python sees `cuda:0`.

A tensor that C++ code makes for itself from another's options (`at::zeros(sizes, grad.options())`) looks like one of
the CPU here; it is taken for one of whichever device it meets first. What Python asks for, it gets.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    UnsupportedOperatorException,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

CPU: Final = torch.device("cpu")
CUDA: Final = torch.device("cuda", 0)
FACTORIES: Final = (
    *("zeros", "ones", "empty", "full", "eye", "arange", "linspace", "logspace", "scalar_tensor", "empty_strided"),
    *("rand", "randn", "randint", "randperm", "normal", "tensor", "as_tensor", "from_numpy", "frombuffer"),
    *("tril_indices", "triu_indices", "hann_window", "hamming_window"),
)
"""What makes a tensor from none where Python asks for it."""

aten = torch.ops.aten
MOVES: Final = (aten._to_copy.default,)
INDEXED: Final = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default)
_asked = threading.local()


class Simulated(torch.Tensor):
    """A tensor on the simulated device; `undecided` while it belongs to no device yet."""

    undecided: bool

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def wrap(plain: Tensor, *, undecided: bool = False) -> Simulated:
        found: Simulated = torch.Tensor._make_subclass(Simulated, plain)
        found.undecided = undecided
        return found

    @property
    def device(self) -> torch.device:
        return CPU if self.undecided else CUDA

    @property
    def is_cuda(self) -> bool:
        return not self.undecided

    @property
    def is_cpu(self) -> bool:
        return self.undecided

    def get_device(self) -> int:
        return -1 if self.undecided else 0

    def tolist(self) -> Any:
        return _plain(self).tolist()

    def __repr__(self, **options: object) -> str:
        return f"Simulated(shape={tuple(self.shape)}, dtype={self.dtype}, device={self.device})"

    def __deepcopy__(self, memo: dict[int, object]) -> Tensor:
        if id(self) not in memo:
            copied = self.detach().clone()
            is_parameter = isinstance(self, torch.nn.Parameter)
            memo[id(self)] = torch.nn.Parameter(copied, self.requires_grad) if is_parameter else copied
        found = memo[id(self)]
        assert isinstance(found, Tensor)
        return found

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return _dispatch(func, args, kwargs or {})


class _ToHost(torch.autograd.Function):
    """A copy on the CPU whose gradient goes back to the simulated device."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _plain(x).clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return Simulated.wrap(_plain(grad))


def _plain(x: Tensor) -> Tensor:
    """The same numbers as a tensor of the CPU, without history."""
    with torch._C._DisableTorchDispatch():
        return torch.Tensor._make_subclass(torch.Tensor, x.detach())


def _place(x: Tensor) -> torch.device | None:
    """Where a tensor is; None while that is undecided."""
    if isinstance(x, Simulated):
        return None if x.undecided else CUDA
    return CPU


@functools.cache
def _oracle() -> FakeTensorMode:
    return FakeTensorMode(allow_non_fake_inputs=False)


_answers: dict[object, tuple[torch.device, ...] | torch.device] = {}


def _tensors(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    found = []
    for x in (*args, *kwargs.values()):
        if isinstance(x, list | tuple):
            found += [one for one in x if isinstance(one, Tensor)]
        elif isinstance(x, Tensor):
            found.append(x)
    return found


def _where(
    func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], tensors: list[Tensor], settle: torch.device
) -> tuple[torch.device, ...] | torch.device:
    """The devices of an operation's results, one for each tensor, or one for all, as fake tensors tell.

    Raises:
        RuntimeError: a GPU would refuse these devices.
    """

    def at(x: Tensor) -> torch.device:
        return _place(x) or settle

    key = (
        func,
        kwargs.get("device"),
        *(type(x) for x in args),
        *kwargs,
        *((at(x), x.dim() == 0, x.dtype) for x in tensors),
    )
    if key not in _answers:
        with _oracle(), torch.inference_mode(False), torch.no_grad():

            def fake(x: Tensor) -> Tensor:
                return torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=at(x))

            given, named = tree_map_only(Tensor, fake, (args, kwargs))
            try:
                found = tree_flatten(func(*given, **named))[0]
                devices = tuple(x.device for x in found if isinstance(x, Tensor))
                # How many results there are depends on shapes (`unbind`), which are no part of the key.
                _answers[key] = devices[0] if len(set(devices)) == 1 else devices
            except (DataDependentOutputException, DynamicOutputShapeException, UnsupportedOperatorException):
                every = _tensors(given, named)
                _answers[key] = type(every[0])._find_common_device(func, every)[0]
    return _answers[key]


def _refuse(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], there: bool) -> None:
    """What a GPU refuses and fake tensors let through.

    Raises:
        RuntimeError: numbers drawn there with a generator of the CPU, or a tensor here indexed by one from there.
    """
    generators = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Generator)]
    if generators and there:
        raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
    if func in INDEXED and _place(args[0]) is CPU:
        if any(isinstance(x, Tensor) and _place(x) is CUDA for x in args[1]):
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")


@functools.cache
def _composed(func: Any) -> bool:
    """Whether an operation is made of others for every device."""
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"))


def _dispatch(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _composed(func):
        # In inference mode nothing has taken it apart before it comes here.
        with _Mode():
            return func.decompose(*args, **kwargs)
    tensors, asked = _tensors(args, kwargs), kwargs.get("device")
    on_device, wanted = any(_place(x) is CUDA for x in tensors), asked is not None and asked.type == "cuda"
    _refuse(func, args, kwargs, on_device or wanted)
    if on_device and asked == CPU and func not in MOVES:
        # `at::new_zeros(grad, sizes, grad.options())`: the options were read by C++, which sees the CPU.
        kwargs, wanted = {**kwargs, "device": CUDA}, True
    with torch._C._DisableTorchDispatch():
        found = func(*args, **({**kwargs, "device": CPU} if wanted else kwargs))
    if not tensors:
        if wanted:
            return tree_map_only(Tensor, Simulated.wrap, found)
        if getattr(_asked, "by_python", 0):
            return found
        return tree_map_only(Tensor, lambda x: Simulated.wrap(x, undecided=True), found)
    if not on_device and not wanted:
        if any(isinstance(x, Simulated) for x in tensors):
            wrap = functools.partial(Simulated.wrap, undecided=True)
            return tree_map_only(Tensor, lambda x: x if isinstance(x, Simulated) else wrap(x), found)
        return found
    devices = _where(func, args, kwargs, tensors, CUDA if on_device else CPU)
    left = list(devices) if isinstance(devices, tuple) else []

    def settled(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        device = left.pop(0) if left else devices
        if isinstance(x, Simulated):
            # Something was written into it: now it belongs here.
            x.undecided = False
            return x
        return Simulated.wrap(x) if device == CUDA and not any(x is given for given in tensors) else x

    return type(found)(map(settled, found)) if isinstance(found, list | tuple) else settled(found)


class _Mode(TorchDispatchMode):
    """Takes part in operations that no simulated tensor takes part in, such as `torch.zeros(3, device="cuda")`."""

    # Python's functions start the driver for a CUDA device unless a mode of this kind is on.
    _mode_key = torch._C._TorchDispatchModeKey.FAKE

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return _dispatch(func, args, kwargs or {})


def _to(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        other = next((x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)), None)
        if other is not None:
            args, kwargs = (other.device, other.dtype), {k: v for k, v in kwargs.items() if k != "other"}
        device, dtype, _, memory_format = torch._C._nn._parse_to(
            *args, **{k: v for k, v in kwargs.items() if k != "copy"}
        )
        if device is None or (device.type == "cuda") == (self.device.type == "cuda"):
            options = {"dtype": dtype, "memory_format": memory_format, "copy": kwargs.get("copy", False)}
            found: Tensor = original(self, **{k: v for k, v in options.items() if v is not None})
            return found
        if device.type == "cuda":
            return original(
                self, device, dtype or self.dtype, **({"memory_format": memory_format} if memory_format else {})
            )
        there = original(self, dtype=dtype) if dtype is not None else self
        return _ToHost.apply(there) if there.requires_grad and torch.is_grad_enabled() else _plain(there).clone()

    return to


def _refused(name: str) -> Callable[..., Any]:
    original = getattr(torch.Tensor, name)

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if self.device.type == "cuda":
            raise TypeError(f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() first.")
        kwargs.pop("copy", None)  # PyTorch's own does not know it, and numpy takes its answer for a copy.
        return original(_plain(self) if isinstance(self, Simulated) else self, *args, **kwargs)

    return method


def _by_python(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def factory(*args: Any, **kwargs: Any) -> Any:
        _asked.by_python = getattr(_asked, "by_python", 0) + 1
        try:
            return original(*args, **kwargs)
        finally:
            _asked.by_python -= 1

    return factory


def taking_part() -> TorchDispatchMode:
    """For another thread, while `simulated_cuda` lasts: modes belong to the thread that they were entered in."""
    return _Mode()


@contextmanager
def simulated_cuda() -> Iterator[torch.device]:
    """While it lasts, `cuda` is a device of this thread."""
    tensor = torch.Tensor
    patches = [mock.patch.object(torch, name, _by_python(getattr(torch, name))) for name in FACTORIES]
    patches += [mock.patch.object(tensor, "to", _to(tensor.to))]
    patches += [mock.patch.object(tensor, "cpu", lambda self, **_: self.to("cpu"))]
    patches += [mock.patch.object(tensor, "cuda", lambda self, *_, **__: self.to("cuda"))]
    patches += [mock.patch.object(tensor, name, _refused(name)) for name in ("numpy", "__array__")]
    lifting, overwriting = (
        torch._C._only_lift_cpu_tensors(),
        torch.__future__.get_overwrite_module_params_on_conversion(),
    )
    for patch in patches:
        patch.start()
    torch._C._set_only_lift_cpu_tensors(True)
    # Else "cuda" without a number asks the driver which GPU is meant.
    torch._C._ensureCUDADeviceGuardSet()
    # A parameter cannot become one of another class, which is what these tensors are: `Module.to` makes new ones.
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with _Mode():
            yield CUDA
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(overwriting)
        torch._C._set_only_lift_cpu_tensors(lifting)
        for patch in reversed(patches):
            patch.stop()
