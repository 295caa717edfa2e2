"""The network that ships: what its features see, one answer for every thread and layout, and files that are not it."""

from __future__ import annotations

import json
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save as save_tensors

from engine.diagnostics import own_features
from engine.diagnostics.feature_net import FEATURES, FORMAT, FeatureNet, load_net, save_net
from engine.diagnostics.own_features import embed, features_of, pictures_of
from engine.errors import Cancelled, CheckpointError
from engine.files.tensors import digest_of
from engine.progress import Progress
from resources import path as resource
from tests.engine.diagnostics.shapes import drawn, random_labels, subject


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return drawn(random_labels(40, seed=5), seed=6)


def test_features_do_not_depend_on_what_else_is_seen(pictures: np.ndarray):
    whole = embed(pictures)
    assert whole.shape == (40, FEATURES)
    assert whole.dtype == np.float32
    assert np.isfinite(whole).all()
    assert embed(pictures[17:18]) == pytest.approx(whole[17:18], abs=1e-4)
    assert embed(pictures[:0]).shape == (0, FEATURES)


def test_grey_is_grey_in_any_layout(pictures: np.ndarray):
    grey = pictures[..., :1]
    colour = embed(np.repeat(grey, 3, axis=-1))
    assert embed(grey) == pytest.approx(colour, abs=1e-4)
    assert embed(grey[..., 0]) == pytest.approx(colour, abs=1e-4)


@pytest.mark.parametrize("side", [28, 64, 128])
def test_any_size_is_taken(side: int):
    pictures = np.random.default_rng(0).integers(0, 256, (3, side, side, 3)).astype(np.uint8)
    assert embed(pictures).shape == (3, FEATURES)


@pytest.mark.slow
def test_the_size_of_a_picture_hardly_counts(pictures: np.ndarray):
    large = np.repeat(np.repeat(pictures, 4, axis=1), 4, axis=2)
    near = np.linalg.norm(embed(large) - embed(np.repeat(np.repeat(pictures, 2, axis=1), 2, axis=2)), axis=1)
    apart = np.linalg.norm(embed(pictures) - embed(np.roll(pictures, 1, axis=0)), axis=1)
    assert near.mean() < 0.3 * apart.mean()


@pytest.mark.slow
def test_the_more_is_done_to_pictures_the_farther_they_are(pictures: np.ndarray):
    plain = embed(pictures)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, pictures.shape)

    def off(changed: np.ndarray) -> float:
        return float(np.linalg.norm(embed(changed.clip(0, 255).astype(np.uint8)) - plain, axis=1).mean())

    by_noise = [off(pictures + noise * sigma) for sigma in (5, 15, 40)]
    by_light = [off(pictures * factor) for factor in (0.95, 0.8, 0.5)]
    assert by_noise == sorted(by_noise)
    assert by_light == sorted(by_light)


@pytest.mark.slow
def test_threads_share_the_network(pictures: np.ndarray):
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(embed(pictures))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((rows == found[0]).all() for rows in found)
    assert own_features.network() is own_features.network()


def test_it_can_be_cancelled(pictures: np.ndarray):
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        embed(pictures, progress=Progress(stop))


def test_pictures_of_a_subject_are_seen_once(monkeypatch: pytest.MonkeyPatch, pictures: np.ndarray):
    whose = subject(pictures, n=30, held=20)
    seen: list[int] = []

    def counted(rows: np.ndarray, **named: object) -> np.ndarray:
        seen.append(len(rows))
        return embed(rows)

    monkeypatch.setattr(own_features, "embed", counted)
    few, more = features_of(whose, "training", 10), features_of(whose, "training", 25)
    features_of(whose, "training", 25)
    assert seen == [10, 15]
    assert (few == more[:10]).all()
    assert more == pytest.approx(embed(pictures_of(whose, "training", 25)), abs=1e-4)
    assert len(features_of(whose, "heldout", 100)) == 20


# --- the file ----------------------------------------------------------------------------------------------------


def test_the_file_that_ships_is_small_and_named_in_its_card():
    file = resource(own_features.FILE)
    assert file.stat().st_size < 3 * 2**20
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    said = json.loads(data[8 : 8 + length])["__metadata__"]
    assert said["sha256"] in resource("features/README.md").read_text("utf-8")


def test_what_was_saved_is_read_again(tmp_path: Path):
    torch.manual_seed(1)
    net = FeatureNet()
    save_net(tmp_path / "net.safetensors", net)
    again = load_net(tmp_path / "net.safetensors")
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert again(images).numpy() == pytest.approx(net(images).numpy(), abs=2e-3)
    assert not any(parameter.requires_grad for parameter in again.parameters())


def bad_files(folder: Path) -> list[Path]:
    good = folder / "good.safetensors"
    save_net(good, FeatureNet())
    data = good.read_bytes()
    flipped = bytearray(data)
    flipped[-5000] ^= 1
    state = FeatureNet().state_dict()
    endless = {**state, "mean": torch.full((FEATURES,), torch.nan)}
    other = {"weight": torch.zeros(3)}
    files = {
        "empty": b"",
        "cut": data[:-100],
        "flipped": bytes(flipped),
        "text": b"hello there, this is no network at all",
        "longheader": struct.pack("<Q", 2**60) + data[8:],
        "nested": struct.pack("<Q", 200_000) + b"[" * 200_000,
        "nan": save_tensors(endless, metadata={"format": FORMAT, "sha256": digest_of(endless)}),
        "other": save_tensors(other, metadata={"format": FORMAT, "sha256": digest_of(other)}),
        "unnamed": save_tensors(other),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [*(folder / name for name in files), folder / "missing", folder]


def test_a_hostile_file_is_refused_in_a_sentence(tmp_path: Path):
    for file in bad_files(tmp_path):
        with pytest.raises(CheckpointError, match="install Latent Loom again"):
            load_net(file)
