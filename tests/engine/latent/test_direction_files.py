"""A directions file comes back as it was, belongs to one model, and is never half written or half
believed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from engine.errors import CheckpointError
from engine.latent.direction_files import SCHEMA, DirectionSet, load_directions, save_directions
from engine.latent.directions import Direction

MODEL = "ab" * 32


def some(size: int = 20, count: int = 3) -> DirectionSet:
    rng = np.random.default_rng(0)
    made = []
    for i in range(count):
        vector = rng.normal(size=size).astype(np.float32)
        vector /= np.linalg.norm(vector)
        made.append(Direction(f"Attribut {i} é", vector, 0.5 + i, 0.9, 0.85, 0.95, 40, 60, "lda"))
    return DirectionSet(MODEL, tuple(made))


def test_round_trip_is_exact_for_short_codes(tmp_path: Path):
    path = tmp_path / "d.safetensors"
    save_directions(path, some())
    found = load_directions(path, model_sha256=MODEL, size=20)
    assert found.names == some().names
    for a, b in zip(found, some(), strict=True):
        np.testing.assert_allclose(a.vector, b.vector, atol=1e-7)
        assert (a.sigma, a.auc, a.auc_low, a.auc_high, a.positives, a.negatives, a.method, a.share) == (
            b.sigma,
            b.auc,
            b.auc_low,
            b.auc_high,
            b.positives,
            b.negatives,
            b.method,
            b.share,
        )
    assert found["Attribut 1 é"].sigma == 1.5
    with pytest.raises(KeyError):
        found["none"]


def test_long_codes_take_half_the_room_and_keep_their_direction(tmp_path: Path):
    path = tmp_path / "d.safetensors"
    save_directions(path, some(size=12288))
    assert path.stat().st_size < 3 * 12288 * 2 + 4000
    for a, b in zip(load_directions(path, model_sha256=MODEL), some(size=12288), strict=True):
        assert float(a.vector @ b.vector) > 0.99999


def test_another_models_file_is_refused_with_the_reason(tmp_path: Path):
    path = tmp_path / "d.safetensors"
    save_directions(path, some())
    with pytest.raises(CheckpointError, match="belongs to another model"):
        load_directions(path, model_sha256="cd" * 32)
    with pytest.raises(CheckpointError, match="codes of 20 numbers, this model has 21"):
        load_directions(path, model_sha256=MODEL, size=21)


def test_every_truncation_and_byte_of_the_header_is_noticed_or_harmless(tmp_path: Path):
    path = tmp_path / "d.safetensors"
    save_directions(path, some(size=4, count=1))
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(CheckpointError):
            load_directions(path, model_sha256=MODEL)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :])
        try:
            found = load_directions(path, model_sha256=MODEL)
        except CheckpointError:
            continue
        assert abs(float(np.linalg.norm(found.directions[0].vector)) - 1) < 1e-5


def test_a_giant_header_is_refused_unread(tmp_path: Path):
    path = tmp_path / "d.safetensors"
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}" * 100)
    with pytest.raises(CheckpointError, match="header is cut short or over 1 MB"):
        load_directions(path, model_sha256=MODEL)


@pytest.mark.parametrize(
    "metadata",
    [
        {"schema": "other/1", "model_sha256": MODEL, "directions": "[]"},
        {"schema": SCHEMA, "directions": "[]"},
        {"schema": SCHEMA, "model_sha256": MODEL, "directions": "[{}, {}]"},
        {"schema": SCHEMA, "model_sha256": MODEL, "directions": "[" * 5000},
        {"schema": SCHEMA, "model_sha256": MODEL, "directions": json.dumps([{"name": 3}])},
        {"schema": SCHEMA, "model_sha256": MODEL, "directions": "[null]"},
        {"schema": SCHEMA, "model_sha256": MODEL, "directions": "7"},
    ],
)
def test_foreign_metadata_is_one_sentence(tmp_path: Path, metadata: dict[str, str]):
    path = tmp_path / "d.safetensors"
    path.write_bytes(save({"vectors": np.ones((1, 4), dtype=np.float32) / 2}, metadata))
    with pytest.raises(CheckpointError):
        load_directions(path, model_sha256=MODEL)


def test_missing_file_and_folder_are_one_sentence(tmp_path: Path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_directions(tmp_path / "none", model_sha256=MODEL)
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_directions(tmp_path / "no" / "d.safetensors", some())


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "d.safetensors"
    save_directions(path, some())
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_directions(path, some(count=2))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_sets_with_doubles_or_mixed_sizes_cannot_exist():
    first, second = some(size=4, count=1).directions[0], some(size=5, count=2).directions[1]
    with pytest.raises(ValueError, match="different names"):
        DirectionSet(MODEL, (first, first))
    with pytest.raises(ValueError, match="one code size"):
        DirectionSet(MODEL, (first, second))
