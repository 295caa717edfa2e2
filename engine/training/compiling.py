"""torch.compile for a run: asked for by a knob, tried out before the first step, and given up without harm."""

import importlib
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import torch
from torch import Tensor, nn

from engine.device import autocast
from engine.models.base import LatentModel
from engine.training.config import TrainConfig
from engine.training.job import Job

log = logging.getLogger(__name__)

CACHE: Final = "TORCHINDUCTOR_CACHE_DIR"
MODES: Final[dict[str, str | None]] = {"compile": None, "cuda graphs": "reduce-overhead"}


def compilable(model: LatentModel) -> list[nn.Module]:
    """The networks that the model calls as modules; a stack of layers that it walks through by itself is none."""
    return [part for part in model.children() if type(part).forward is not nn.Module.forward]


@contextmanager
def compiled(job: Job, step: int) -> Iterator[None]:
    """The job's networks compiled, if the knob `compile` asks for it and they can be; otherwise they stay as they are.

    One whole step is rehearsed first, which changes no weight: whatever a compiler may raise, it raises here. Later
    nothing is compiled any more; what differs from that step (another number of images, a preview) runs as it is.
    """
    mode = job.training.compile
    if mode == "off":
        yield
        return
    parts, recorder = compilable(job.model), job.recorder
    with ExitStack() as stack:
        stack.callback(_release, parts)
        why = _refusal(job, parts)
        if not why:
            stack.enter_context(_own_cache())
            recorder.notice(
                step,
                "info",
                "The networks are being compiled, which can take some minutes; the first step comes after that.",
                kind="compile",
            )
            begun = time.monotonic()
            why = _rehearsed(job, parts, mode)
        if why:
            _release(parts)
            recorder.notice(
                step,
                "warning",
                f"The networks were not compiled ({why}): training goes on without.",
                kind="compile",
                suggestion="Set the knob compile to off.",
            )
        else:
            stack.enter_context(torch.compiler.set_stance("eager_on_recompile"))
            recorder.notice(step, "info", f"Compiled in {time.monotonic() - begun:.0f} s.", kind="compile")
        # Compilers of several processes take different times, and their decisions wait for seconds only.
        job.dist.wait()
        yield


def _refusal(job: Job, parts: list[nn.Module]) -> str:
    """Why this run is not to be compiled; empty if nothing speaks against it."""
    if not parts:
        return "this family's layers have their passes written out already, one by one"
    if job.training.checkpointing:
        return "what is computed again in the backward pass is not compiled"
    if job.training.compile == "cuda graphs" and job.device.type != "cuda":
        return "CUDA graphs need a CUDA GPU"
    return ""


def _rehearsed(job: Job, parts: list[nn.Module], mode: str) -> str:
    """Compiles by a step that leaves no trace; gives what went wrong, or nothing."""
    model = job.model
    before = {key: value.clone() for key, value in model.state_dict().items()}
    first = -(-job.training.batch // job.dist.size)
    images = torch.zeros(-(-first // min(job.training.accumulate, first)), *model.spec.image_shape, device=job.device)
    try:
        # One compiler at a time, in this thread: several leave a pool of threads behind that nobody closes.
        alone = importlib.import_module("torch._inductor.config").patch(compile_threads=1)
        with torch.random.fork_rng(devices=[]), alone:
            for part in parts:
                part.compile(mode=MODES[mode], dynamic=False)
            # Twice: a graph is recorded at the second time.
            for _ in range(2):
                model.training_step(images.contiguous(memory_format=torch.channels_last), _Rehearsal(model, job))
    except Exception as error:
        log.exception("compiling failed")
        return f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no reason given'])[0][:160]}"
    finally:
        with torch.no_grad():
            for key, value in model.state_dict().items():
                value.copy_(before[key])
        for parameter in model.parameters():
            parameter.requires_grad_(True)
            parameter.grad = None
        job.beat()
    return ""


def _release(parts: list[nn.Module]) -> None:
    """The networks as they were, and the compiler's memory given back."""
    known = [part for part in parts if part._compiled_call_impl is not None]
    for part in known:
        part._compiled_call_impl = None
    if known:
        torch.compiler.reset()


@contextmanager
def _own_cache() -> Iterator[None]:
    """A folder for compiled code that nobody else has: a file that a killed run left half-written stops others."""
    before = os.environ.get(CACHE)
    with tempfile.TemporaryDirectory(prefix="latent-loom-compiled-", ignore_cleanup_errors=True) as folder:
        os.environ[CACHE] = folder
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(CACHE, None)
            else:
                os.environ[CACHE] = before


class _Rehearsal:
    """`Steps` of a step that goes backward and updates nothing."""

    index = 0

    def __init__(self, model: LatentModel, job: Job) -> None:
        self._networks, self._device = model.training_networks(), job.device
        self._config: TrainConfig = job.training
        self._generator = torch.Generator().manual_seed(0)

    def rand(self, *shape: int, like: Tensor) -> Tensor:
        return torch.rand(shape, generator=self._generator).to(like)

    def randn(self, *shape: int, like: Tensor) -> Tensor:
        return torch.randn(shape, generator=self._generator).to(like)

    def wants(self, name: str) -> bool:
        return name in self._networks

    def update(self, name: str, loss: Tensor) -> Tensor:
        loss.backward()
        return loss.detach()

    def autocast(self) -> torch.autocast:
        return autocast(self._device, self._config.precision)
