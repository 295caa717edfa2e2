"""Which processor computes, in which precision, with how many threads."""

import os
import platform
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from engine.errors import UsageError

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Device:
    """A chosen processor. `kind` is "cpu", "cuda" or "mps"; `name` is what a person calls it."""

    kind: str
    name: str

    @property
    def torch(self) -> torch.device:
        return torch.device(self.kind)


def available() -> tuple[str, ...]:
    """The kinds that work here, best first."""
    kinds = []
    if torch.cuda.is_available():
        kinds.append("cuda")
    if torch.backends.mps.is_available():
        kinds.append("mps")
    return (*kinds, "cpu")


def cuda_devices() -> int:
    """How many CUDA GPUs this machine has."""
    return torch.cuda.device_count()


def pick(wanted: str = "auto") -> Device:
    """The device to use.

    Raises:
        UsageError: a device that this machine does not have.
    """
    kinds = available()
    kind = kinds[0] if wanted == "auto" else wanted
    if kind not in kinds:
        raise UsageError(f"device {wanted} is not here: this machine has {', '.join(kinds)}.")
    if kind == "cuda":
        # torch's own default cuts the factors of a convolution to 10 bits, also where float32 was asked for: a flow
        # would then be no exact inverse of itself.
        torch.backends.cudnn.allow_tf32 = False
        return Device("cuda", torch.cuda.get_device_name())
    return Device(kind, "Apple GPU" if kind == "mps" else cpu_name())


def cpu_name() -> str:
    """The processor's name, with its number of cores."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), name)
    except OSError:
        pass  # Not Linux: the platform's own word is all there is.
    return f"{name}, {cores()} cores"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_threads(count: int) -> None:
    """Sets this thread's share of cores for torch's operators.

    OpenMP counts threads for each calling thread, so a lane that draws may use one while another trains on the rest.
    """
    torch.set_num_threads(max(1, count))


def training_threads() -> int:
    """Cores for training beside a window: all but one."""
    return max(1, cores() - 1)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """A context that runs matrix operations in bfloat16 if `precision` asks for it."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def placed(model: M, device: torch.device) -> M:
    """The model on `device`, its convolutions with channels last: the layout that convolutions are fastest in."""
    model.to(device)
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model
