"""Batches, schedule, average and metrics: each by its definition."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from engine.models.ema import Ema
from engine.runs import directory as runs
from engine.training.batches import Batches, step_seed
from engine.training.config import TrainConfig, World
from engine.training.tick import Tick
from engine.training.variations import Variation
from tests.contract.tiny import make, stir


def batches(n=23, *, batch=6, seed=0, flip=False, world=None):
    pictures = np.zeros((40, 4, 4, 3), np.uint8)
    pictures[:] = np.arange(40, dtype=np.uint8)[:, None, None, None]
    indices = np.arange(40)[:n]
    return Batches(pictures, indices, batch=batch, seed=seed, variation=Variation(flip), world=world or World())


def test_batches_are_a_pure_function_of_seed_and_step():
    forwards = [batches().rows(step) for step in range(20)]
    one = batches()
    for step in (13, 2, 19, 2, 0):
        np.testing.assert_array_equal(one.rows(step), forwards[step])
    assert any((a != b).any() for a, b in zip(forwards, [batches(seed=1).rows(s) for s in range(20)], strict=True))


def test_every_epoch_is_a_permutation_and_no_two_are_alike():
    stream = np.concatenate([batches().rows(step) for step in range(23)])
    epochs = stream.reshape(6, 23)
    for epoch in epochs:
        assert sorted(epoch) == list(range(23))
    assert len({tuple(epoch) for epoch in epochs}) == 6


@pytest.mark.parametrize("size", [2, 3])
def test_ranks_share_the_batch_out_among_them(size):
    for step in range(12):
        parts = [batches(world=World(rank, size)).rows(step) for rank in range(size)]
        assert sorted(np.concatenate(parts)) == sorted(batches().rows(step))


def test_images_are_those_of_the_rows_and_mirroring_is_seeded():
    one = batches()
    x = one.at(3, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert x.shape == (6, 3, 4, 4)
    np.testing.assert_allclose((x[:, 0, 0, 0].numpy() + 1) * 127.5, np.sort(one.rows(3)), atol=1e-3)
    pictures = np.zeros((64, 4, 4, 3), np.uint8)
    pictures[:, :, :2] = 255
    mirrored = Batches(pictures, np.arange(64), batch=64, seed=0, variation=Variation(flip=True), world=World())
    x = mirrored.at(0, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert torch.equal(x, mirrored.at(0, torch.Generator().manual_seed(0), torch.device("cpu")))
    assert 16 < int((x[:, 0, 0, 0] < 0).sum()) < 48


def test_seeds_are_different_for_every_step_rank_and_salt():
    seeds = {step_seed(s, k, salt=w, rank=r) for s in range(3) for k in range(50) for w in "ab" for r in range(2)}
    assert len(seeds) == 600
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_rate_rises_stays_and_falls():
    config = TrainConfig(steps=1000, learning_rate=1e-3, warmup=100, decay=0.3)
    rates = [config.rate_at(step) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-5)
    assert rates[99] == pytest.approx(1e-3)
    assert set(rates[100:700]) == {1e-3}
    assert rates[850] == pytest.approx(5e-4)
    assert rates[-1] == pytest.approx(1e-3 / 300)
    assert all(a >= b for a, b in pairwise(rates[700:]))
    assert TrainConfig(warmup=0, decay=0.0, learning_rate=0.5).rate_at(0) == 0.5
    assert config.rate_at(5000) == 0.0


def test_the_average_follows_its_formula():
    model = make("vae")
    ema = Ema(model, 0.9)
    assert not ema.model.training
    expected = model.log_std.detach().clone()
    for step in range(30):
        stir(model, seed=step)
        ema.update(step)
        decay = min(0.9, (step + 1) / (step + 10))
        expected = decay * expected + (1 - decay) * model.log_std.detach()
        torch.testing.assert_close(ema.model.log_std, expected)
    assert not any(p.requires_grad for p in ema.model.parameters())


def test_whole_numbers_and_switches_are_copied_into_the_average():
    model = make("gan").train()
    ema = Ema(model, 0.99)
    model.generator.stem_norm.num_batches_tracked.fill_(41)
    ema.update(0)
    assert int(ema.model.generator.stem_norm.num_batches_tracked) == 41
    flow = make("flow")
    assert all(bool(v) for k, v in Ema(flow, 0.99).model.state_dict().items() if k.endswith("initialised"))


def test_a_tick_gives_means_and_begins_again():
    tick = Tick()
    for value in (1.0, 2.0, 6.0):
        tick.add({"loss": torch.tensor(value)}, images=4)
    assert tick.read() == {"loss": pytest.approx(3.0)}
    assert tick.images_per_second > 0
    tick.add({"loss": torch.tensor(5.0)}, images=4)
    assert tick.read() == {"loss": pytest.approx(5.0)}


def test_metrics_are_read_as_they_grow_and_a_torn_line_waits(tmp_path):
    runs.append_metrics(tmp_path, 1, {"loss": 0.5, "bad": float("nan")})
    rows, offset = runs.read_metrics(tmp_path)
    assert [(r.step, dict(r.values)) for r in rows] == [(1, {"loss": 0.5})]
    file = tmp_path / "metrics.jsonl"
    with file.open("a") as handle:
        handle.write('{"step": 2, "lo')
    assert runs.read_metrics(tmp_path, offset) == ([], offset)
    with file.open("a") as handle:
        handle.write('ss": 0.25}\n')
    rows, offset = runs.read_metrics(tmp_path, offset)
    assert [(r.step, dict(r.values)) for r in rows] == [(2, {"loss": 0.25})]
    assert offset == file.stat().st_size
    assert runs.read_metrics(tmp_path / "nowhere") == ([], 0)


JUNK = [
    b"\x00\xff\xfe junk\n",
    b"[1, 2]\n",
    b'{"loss": 1}\n',
    b'{"step": "x", "loss": 1}\n',
    b'{"step": Infinity}\n',
    b"[" * 5000 + b"\n",
    b"[" * (3 * 2**20) + b"\n",
    b"\n",
    b"null\n",
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_among_the_metrics_is_passed_over(junk, tmp_path):
    runs.append_metrics(tmp_path, 1, {"loss": 1.0})
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(junk)
    runs.append_metrics(tmp_path, 2, {"loss": 2.0})
    rows, offset = runs.read_metrics(tmp_path)
    assert [row.step for row in rows] == [1, 2]
    assert offset == (tmp_path / "metrics.jsonl").stat().st_size


def test_after_a_resume_the_newest_row_of_a_step_counts(tmp_path):
    for step in (1, 2, 3):
        runs.append_metrics(tmp_path, step, {"loss": float(step)})
    runs.append_metrics(tmp_path, 3, {"heldout/psnr_db": 20.0})
    runs.append_metrics(tmp_path, 2, {"loss": 20.0})
    rows, _ = runs.read_metrics(tmp_path)
    assert [(row.step, dict(row.values)) for row in rows] == [(1, {"loss": 1.0}), (2, {"loss": 20.0})]


BAD_STATUS = ["", "{", "[]", '{"state": 1}', json.dumps({"state": "running", "step": 1, "steps": 2}), "[" * 9999]
BAD_STATUS += [
    '{"state": "running", "step": Infinity, "steps": 1, "heartbeat": 1, "pid": 1, "host": "", "message": ""}'
]


@pytest.mark.parametrize("text", BAD_STATUS, ids=range(len(BAD_STATUS)))
def test_a_damaged_status_reads_as_stopped(text, tmp_path):
    (tmp_path / "status.json").write_text(text)
    assert not runs.read_status(tmp_path).alive
    assert runs.read_status(tmp_path).state == "stopped"


def test_a_status_lives_as_long_as_its_writer(tmp_path, monkeypatch):
    runs.write_status(tmp_path, "running", 3, 9)
    assert runs.read_status(tmp_path) == runs.RunStatus("running", 3, 9, True)
    monkeypatch.setattr("psutil.pid_exists", lambda pid: False)
    assert runs.read_status(tmp_path) == runs.RunStatus("stopped", 3, 9, False)
    monkeypatch.undo()
    values = json.loads((tmp_path / "status.json").read_text())
    (tmp_path / "status.json").write_text(json.dumps({**values, "heartbeat": values["heartbeat"] - 3600}))
    assert runs.read_status(tmp_path).state == "stopped"
