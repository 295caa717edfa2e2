"""What the rehearsal stands on: a build of torch that knows CUDA, a home of its own, and the simulated device."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from engine import cli, device
from tests.commands.answers import Answer
from tests.rehearsed.simulated import simulated_cuda

CPU_BUILD = (
    "this build of torch knows no CUDA, and fake tensors of a GPU need one that does (no GPU, no driver): "
    "run make test-rehearsed, which makes an environment of its own"
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rehearsed: a GPU is rehearsed without one; run by `make test-rehearsed`")


@pytest.fixture(autouse=True)
def _build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Skips where nothing can be rehearsed; an own home, repeatable numbers."""
    if torch.version.cuda is None or not torch.backends.cuda.is_built():
        pytest.skip(CPU_BUILD)
    for name in ("HOME", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"LATENT_LOOM_{name}", str(tmp_path / f"own-{name.lower()}"))
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        # There is none: that is what is rehearsed.
        warnings.filterwarnings("ignore", message=".*CUDA is not available.*")
        yield


@pytest.fixture
def cuda() -> Iterator[torch.device]:
    with simulated_cuda() as found:
        yield found


@pytest.fixture
def call(
    cuda: torch.device, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Answer]]:
    """Calls the command line in this process, whose only device is the simulated one."""
    monkeypatch.setattr(device, "available", lambda: ("cuda", "cpu"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "simulated")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (2**33, 2**33))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: None)
    root = logging.getLogger()
    before = list(root.handlers)

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        status = cli.main([str(a) for a in arguments])
        return status, *capsys.readouterr()

    yield run
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
