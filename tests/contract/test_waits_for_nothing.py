"""A training step on tensors without numbers: whoever reads one, or brings one from the CPU, would hold up a GPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from engine.families import FAMILIES, build
from engine.models.base import LatentModel
from tests.contract.tiny import Config, variants

META = torch.device("meta")


class Crossings(TorchDispatchMode):
    """Names of the operations that go from one device to another; single numbers of the CPU travel for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = {v.device for v in tree_leaves((args, kwargs)) if isinstance(v, Tensor) and v.dim()}
        made = {v.device for v in tree_leaves(out) if isinstance(v, Tensor)}
        if given and len(given | made) > 1:
            self.found.add(str(func))
        return out


class Shapes:
    """`Steps` without updates; noise is made where it is wanted."""

    index = 0

    def __init__(self, model: LatentModel) -> None:
        self._networks = model.training_networks()

    def rand(self, *shape: int, like: Tensor) -> Tensor:
        return torch.empty(shape, dtype=like.dtype, device=like.device)

    randn = rand

    def wants(self, name: str) -> bool:
        return True

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", enabled=False)

    def update(self, name: str, loss: Tensor) -> Tensor:
        for parameter in self._networks[name].parameters():
            parameter.grad = None
        loss.backward()
        return loss.detach()


@pytest.mark.parametrize(
    ("family", "config"),
    [pytest.param(f, c, id=n, marks=() if n in FAMILIES else pytest.mark.slow) for n, f, c in variants()],
)
def test_a_step_reads_no_number_and_brings_none(family: str, config: Config, monkeypatch: pytest.MonkeyPatch):
    with META:
        model = build(family, config, (3, 32, 32)).train()
    # The question is not known for a device that has no numbers.
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind: False)
    made = torch.tensor

    def tensor(*args: Any, device: torch.device | str | None = None, **kwargs: Any) -> Tensor:
        assert torch.device(device or "cpu").type == "cpu", "a tensor of Python's numbers is copied to the device"
        return made(*args, **kwargs)

    monkeypatch.setattr(torch, "tensor", tensor)
    steps = Shapes(model)
    batch = torch.empty(8, 3, 32, 32, device=META).contiguous(memory_format=torch.channels_last)
    with Crossings() as crossings:
        for steps.index in (0, 1, 8):
            model.training_step(batch, steps)
    assert not crossings.found
