"""Several processes that train one model together, as torchrun starts them; a single one needs no process group.

Three process groups use different connections. Decisions (stop, pause, out of memory, numbers gone wrong) are made
on the CPUs before each step, so no GPU is waited for. Gradients go between the devices, inside the backward pass. Both
give a lost process up after `LOST_SECONDS`. What rank 0 does alone (previews, checkpoints) is waited for patiently.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from engine.device import Device, cores, use_threads
from engine.errors import RunError, UsageError
from engine.models.base import LatentModel
from engine.training.config import World

LOST_SECONDS: Final = 20.0
PATIENCE_SECONDS: Final = 3600.0

_LOST: Final = re.compile("gloo|nccl|socket|peer|timed out|timeout", re.IGNORECASE)
"""Words by which errors of the connection are told from bugs: gloo raises plain RuntimeErrors."""

T = TypeVar("T")
Backward = Callable[[Tensor, bool], None]
"""Goes backward from a loss; True also averages the network's gradients over all processes."""


class Flags(NamedTuple):
    """What one process has to say before a step; all that is agreed on travels in this one form."""

    stop: bool = False
    pause: bool = False
    tick: bool = False
    memory: bool = False
    other: bool = False


@dataclass(frozen=True, eq=False)
class Dist:
    """The processes of a job. Methods that talk must be called by all of them, in the same order."""

    world: World = field(default_factory=World)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    _decisions: dist.ProcessGroup | None = None
    _gradients: dist.ProcessGroup | None = None
    _patient: dist.ProcessGroup | None = None

    @property
    def rank(self) -> int:
        return self.world.rank

    @property
    def size(self) -> int:
        return self.world.size

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes the run and talks."""
        return self.rank == 0

    def agree(self, own: Flags) -> Flags:
        """For each flag, whether any process has it up."""
        if self.size == 1:
            return own
        numbers = torch.tensor(own, dtype=torch.int32)
        with _sentence():
            dist.all_reduce(numbers, dist.ReduceOp.MAX, group=self._decisions)
        return Flags(*(bool(number) for number in numbers))

    def any(self, flag: bool) -> bool:
        """Whether it holds in any process."""
        return self.agree(Flags(other=flag)).other

    def short_of_memory(self, here: bool) -> bool:
        """Whether any process is out of memory: asked before they wait for each other's gradients."""
        return self.agree(Flags(memory=here)).memory

    def mean(self, values: Mapping[str, float], *, weight: float = 1.0) -> dict[str, float]:
        """Means over the processes; `weight` is this one's images over the mean of all."""
        if self.size == 1:
            return dict(values)
        names = sorted(values)
        numbers = torch.tensor([values[name] for name in names], dtype=torch.float64) * (weight / self.size)
        with _sentence():
            dist.all_reduce(numbers, group=self._decisions)
        means = dict(zip(names, numbers.tolist(), strict=True))
        return {name: means[name] for name in values}

    def from_first(self, value: int) -> int:
        """Rank 0's number."""
        if self.size == 1:
            return value
        number = torch.tensor([value])
        with _sentence():
            dist.broadcast(number, 0, group=self._patient)
        return int(number)

    def wait(self) -> None:
        """Until all have come here: rank 0 may have been writing."""
        if self.size > 1:
            with _sentence():
                dist.barrier(group=self._patient)

    def in_turn(self, work: Callable[[], T]) -> T:
        """`work()` of one process of each machine first: it fills the cache that the others read."""
        ahead = int(os.environ.get("LOCAL_RANK", "0")) == 0
        found = work() if ahead else None
        self.wait()
        return found if found is not None else work()

    def share(self, rows: Tensor) -> Tensor:
        """This process's rows of what belongs to the whole batch."""
        return rows[self.rank :: self.size] if self.size > 1 else rows

    def copy_first(self, model: nn.Module) -> None:
        """Gives all processes rank 0's weights and buffers."""
        if self.size > 1:
            with _sentence():
                for value in model.state_dict().values():
                    dist.broadcast(value, 0, group=self._gradients)

    def average_statistics(self, model: LatentModel) -> None:
        """Running statistics become their mean over the processes: one model, whoever saves it."""
        if self.size == 1:
            return
        found = [
            value
            for norm in model.modules()
            if isinstance(norm, _BatchNorm)
            for value in (norm.running_mean, norm.running_var)
            if value is not None
        ]
        found += [value for name, value in model.named_buffers() if name in model.statistics]
        if not found:
            return
        flat = torch.cat([value.flatten() for value in found])
        with _sentence():
            dist.all_reduce(flat, group=self._gradients)
        flat /= self.size
        for value, mean in zip(found, flat.split([value.numel() for value in found]), strict=True):
            value.copy_(mean.view_as(value))

    def wrap(self, network: nn.Module) -> Backward:
        """How to go backward to this network's weights, which get those of rank 0: not while a graph is in use."""
        if self.size == 1:
            return _alone
        with _sentence():
            wrapped = DistributedDataParallel(
                _HandsThrough(network), process_group=self._gradients, gradient_as_bucket_view=True
            )
        # After its first pass DDP sorts the weights into buckets anew, and the sum of three numbers depends on where
        # they lie in these. A pass over nothing has that behind it: the first step after a resume adds as any other.
        nothing = torch.stack([(weight * 0.0).sum() for weight in network.parameters()]).sum()
        with _sentence():
            wrapped(nothing).backward()

        def backward(loss: Tensor, average: bool) -> None:
            if not average:
                with wrapped.no_sync():
                    wrapped(loss).backward()
                return
            with _sentence():
                wrapped(loss).backward()

        return backward


def _alone(loss: Tensor, average: bool) -> None:
    loss.backward()


class _HandsThrough(nn.Module):
    """What DistributedDataParallel wraps: a network's weights, with a forward pass that hands the loss through.

    DDP's own forward pass does no more than make its reducer ready; the gradients are caught, bucket by bucket, in the
    backward pass, whichever way the loss was computed from the weights. So a penalty on gradients of inputs, several
    passes through one network, and a flow that is entered by another method than `forward` need no wrapper of theirs.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        # The weights alone: buffers stay each process's own until `average_statistics`.
        self.weights = nn.ParameterList(network.parameters())

    def forward(self, loss: Tensor) -> Tensor:
        return loss


@contextmanager
def _sentence() -> Iterator[None]:
    """What the libraries below say of a lost process, in one sentence."""
    try:
        yield
    except RuntimeError as error:
        if not (isinstance(error, dist.DistError) or _LOST.search(str(error))):
            raise
        raise RunError(
            "Another process of this job has ended, so this one ends too: see what that one says, and resume; "
            f"the newest checkpoint is kept ({str(error).splitlines()[0][:200]})."
        ) from error


def own_device(device: Device) -> torch.device:
    """The processor of this process: of several GPUs its own.

    Raises:
        UsageError: more processes on this machine than GPUs.
    """
    if device.kind != "cuda" or "LOCAL_RANK" not in os.environ:
        return device.torch
    mine, count = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if mine >= count:
        raise UsageError(f"--nproc-per-node must be at most the {count} GPUs of this machine, got more.")
    return torch.device("cuda", mine)


@contextmanager
def together(device: Device) -> Iterator[Dist]:
    """The job that torchrun has put this process into, or this process alone; always taken down again.

    Raises:
        UsageError: the environment names several processes but no meeting point, or more processes than GPUs.
        RunError: the others could not be reached.
    """
    world = World.from_environment()
    if world.size == 1:
        yield Dist(device=device.torch)
        return
    if "MASTER_ADDR" not in os.environ:
        raise UsageError(
            f"WORLD_SIZE is {world.size} but there is no MASTER_ADDR: start several processes with torchrun."
        )
    own = own_device(device)
    if own.type == "cuda":
        torch.cuda.set_device(own)
    else:
        use_threads(cores() // max(1, int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    backend = "nccl" if own.type == "cuda" else "gloo"
    try:
        with _unreachable():
            patient, lost = timedelta(seconds=PATIENCE_SECONDS), timedelta(seconds=LOST_SECONDS)
            dist.init_process_group("gloo", timeout=patient)
            decisions = dist.new_group(backend="gloo", timeout=lost)
            gradients = dist.new_group(backend=backend, timeout=lost)
        yield Dist(world, own, decisions, gradients, dist.group.WORLD)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


@contextmanager
def _unreachable() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        raise RunError(
            f"The other processes of this job could not be reached ({str(error).splitlines()[0][:200]}): "
            "start all of them with the same torchrun line."
        ) from error
