"""A seed decides a network's weights, whatever other threads draw meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from engine.families import build
from engine.lab.presets import PRESETS
from engine.lab.setup import LabTraining, Setup
from engine.lab.stage import Stage
from engine.nn.seeded import Seeded

SMALL = {"vae": {"width": 16, "prior": 2}, "gan": {"width": 16}, "flow": {"hidden": 16, "depth": 2}}
MADE = [
    *(pytest.param(name, knobs, (3, 32, 32), id=name) for name, knobs in SMALL.items()),
    *(pytest.param(row.family, row.knobs, (2, 1, 1), id=row.name) for row in PRESETS.values()),
]


@pytest.mark.parametrize(("family", "knobs", "shape"), MADE)
def test_the_weights_are_those_of_the_seed_and_the_shared_state_is_left_alone(family, knobs, shape):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        before = build(family, knobs, shape).state_dict()
        torch.manual_seed(99)
        state = torch.get_rng_state()
        with Seeded(5):
            after = build(family, knobs, shape).state_dict()
        assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_stages_made_at_once_are_those_made_alone():
    row = PRESETS["flow-maf"]
    setups = [Setup("normal2", row.family, row.knobs, LabTraining(seed=seed)) for seed in range(4)]
    alone = [Stage(setup).model.state_dict() for setup in setups]
    ready, over = threading.Barrier(5), threading.Event()

    def disturb() -> None:
        ready.wait()
        while not over.wait(1e-4):
            torch.manual_seed(1)
            torch.randn(10)

    def make(setup: Setup) -> dict[str, torch.Tensor]:
        ready.wait()
        return Stage(setup).model.state_dict()

    with torch.random.fork_rng(devices=[]), ThreadPoolExecutor(5) as pool:
        noise = pool.submit(disturb)
        made = list(pool.map(make, setups))
        over.set()
        noise.result()
    for one, other in zip(alone, made, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
