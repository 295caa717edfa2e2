"""Percentiles of bits/dim: right on known numbers, rising, and the file's refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CheckpointError
from engine.latent.bits_reference import Reference, Spread, load_reference, save_reference

finite = st.floats(-1e6, 1e6)


def test_percentiles_of_known_numbers():
    spread = Spread.of(np.arange(1001.0))
    assert spread.n == 1001
    for value in (0.0, 250.0, 333.3, 1000.0):
        assert spread.percentile(value) == pytest.approx(value / 10, abs=0.01)
    assert (spread.percentile(-5), spread.percentile(2e9)) == (0.0, 100.0)


@given(st.lists(finite, min_size=1, max_size=50), finite, finite)
def test_percentiles_rise_and_stay_within_bounds(values, a, b):
    spread = Spread.of(np.array(values))
    low, high = spread.percentile(min(a, b)), spread.percentile(max(a, b))
    assert 0 <= low <= high <= 100


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.reference.json"
    normal = np.random.default_rng(0).normal(3, 1, 500)
    save_reference(path, Reference("a" * 64, Spread.of(normal), Spread.of(normal + 0.1), 5, "exact", "faces"))
    return path


def test_the_file_gives_back_what_was_saved(path):
    found = load_reference(path, model_sha256="a" * 64)
    assert (found.training.n, found.heldout.n, found.bits, found.density, found.data) == (500, 500, 5, "exact", "faces")
    assert found.training.percentile(3.0) > found.heldout.percentile(3.0)
    assert 40 < found.training.percentile(3.0) < 60


def test_another_models_file_and_damaged_ones_are_refused(path):
    with pytest.raises(CheckpointError, match="another model"):
        load_reference(path, model_sha256="b" * 64)
    good = json.loads(path.read_text())
    quantiles = good["training"]["quantiles"]
    wrong = [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        json.dumps({**good, "schema": "other"}),
        json.dumps({k: v for k, v in good.items() if k != "heldout"}),
        json.dumps({**good, "training": {"n": 0, "quantiles": quantiles}}),
        json.dumps({**good, "training": {"n": 5, "quantiles": quantiles[::-1]}}),
        json.dumps({**good, "training": {"n": 5, "quantiles": [1.0, float("nan")]}}),
        json.dumps({**good, "training": {"n": 5, "quantiles": [[1.0, 2.0]]}}),
        json.dumps({**good, "training": {"n": 5, "quantiles": "many"}}),
        " " * 2**21,
    ]
    for text in wrong:
        path.write_text(text)
        with pytest.raises(CheckpointError, match=path.name) as caught:
            load_reference(path, model_sha256="a" * 64)
        assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_reference(path, model_sha256="a" * 64)
