"""Rubbish is collected where the host allows it, and nowhere else."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import torch

from engine.training.memory import give_back, out_of_memory


class Ring:
    """Holds itself, so that only a collection lets it go."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def automatic() -> Iterator[None]:
    before = gc.isenabled()
    yield
    (gc.enable if before else gc.disable)()


@pytest.mark.usefixtures("automatic")
@pytest.mark.parametrize("allowed", [True, False])
def test_a_host_that_collects_by_itself_is_left_to_it(allowed: bool) -> None:
    (gc.enable if allowed else gc.disable)()
    alive = weakref.ref(Ring())
    give_back(torch.device("cpu"))
    assert (alive() is None) is allowed


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (torch.OutOfMemoryError("x"), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("shapes differ"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error: BaseException, short: bool) -> None:
    assert out_of_memory(error) is short
