"""Inception figures with a fake torch-fidelity: no download, no code of the file run, wrong files refused in words."""

from __future__ import annotations

import hashlib
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.diagnostics import inception
from engine.diagnostics.base import Request
from engine.diagnostics.inception import INCEPTION, MODULE, PACKAGE, run, weights_file
from engine.errors import Cancelled, CheckpointError, UsageError
from engine.library import home_folder
from engine.progress import Progress
from tests.engine.diagnostics.shapes import drawn, random_labels, subject


class Network(nn.Module):
    """What torch-fidelity's class does, on 12 numbers a picture: loads, or downloads without a path."""

    def __init__(self, name: str, features_list: list[str], feature_extractor_weights_path: str | None = None) -> None:
        super().__init__()
        assert features_list == ["2048", "logits_unbiased"]
        self.head = nn.Linear(12, 5)
        assert feature_extractor_weights_path is None, "a path is loaded with weights_only=False"
        self.load_state_dict(sys.modules[MODULE].load_state_dict_from_url("https://example.org/x"))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        features = nn.functional.adaptive_avg_pool2d(images.float() / 255, 2).flatten(1)
        return features, self.head(features)


def downloads(*_: object, **__: object) -> None:
    raise AssertionError("it went to the network")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType(MODULE)
    module.FeatureExtractorInceptionV3 = Network  # type: ignore[attr-defined]
    module.load_state_dict_from_url = downloads  # type: ignore[attr-defined]
    package = types.ModuleType(PACKAGE)
    monkeypatch.setitem(sys.modules, PACKAGE, package)
    monkeypatch.setitem(sys.modules, MODULE, module)
    monkeypatch.setattr(inception.importlib.util, "find_spec", lambda name: object())
    return module


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.manual_seed(0)
    path = tmp_path / inception.WEIGHTS
    state = {f"head.{name}": value for name, value in nn.Linear(12, 5).state_dict().items()}
    torch.save(state, path)  # noqa: TID251
    monkeypatch.setattr(inception, "PREFIX", hashlib.sha256(path.read_bytes()).hexdigest()[:8])
    return path


def request(weights: str | Path, **named) -> Request:
    pictures = drawn(random_labels(80, seed=1), seed=2)
    return Request(subject(pictures, n=80, held=60), {"samples": 80, "weights": str(weights)}, **named)


@pytest.mark.slow
def test_figures_come_without_a_download(fake: types.ModuleType, weights: Path):
    told: list[float] = []
    finding = run(request(weights, progress=Progress(tell=lambda step: told.append(step.done / step.total))))
    assert finding.value("fid") == pytest.approx(0, abs=0.1)
    assert finding.value("is") >= 1
    assert {figure.name for figure in finding.figures} == {"fid", "fid_real", "kid_inception", "is", "is_real"}
    assert all(figure.n for figure in finding.figures)
    assert "papers take 50,000" in finding.sentence
    assert told == sorted(told)
    assert told[-1] == 1
    # The module is as it was, so that nothing else in the program meets the replacement.
    assert fake.load_state_dict_from_url is downloads


@pytest.mark.slow
def test_the_weights_are_found_in_the_own_folder(fake: types.ModuleType, weights: Path):
    place = home_folder() / "inception"
    place.mkdir(parents=True)
    weights.rename(place / inception.WEIGHTS)
    assert run(request("")).value("fid") is not None


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inception.importlib.util, "find_spec", lambda name: None)
    assert "pip install latent-loom[fidelity]" in INCEPTION.why_not(subject(drawn(random_labels(40, seed=1), seed=2)))


def test_without_the_weights_it_says_what_to_get(fake: types.ModuleType, tmp_path: Path):
    with pytest.raises(UsageError, match="nothing is downloaded"):
        run(request(""))
    with pytest.raises(UsageError, match="nothing is downloaded"):
        weights_file(str(tmp_path / "nowhere.pth"))


def test_another_file_is_refused_before_it_is_read(fake: types.ModuleType, tmp_path: Path, monkeypatch):
    def read(*_: object, **__: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(inception, "read_source", read)
    other = tmp_path / "other.pth"
    other.write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(CheckpointError, match="SHA-256"):
        run(request(other))


def test_a_file_with_code_in_it_runs_nothing(fake: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mark = tmp_path / "ran"

    class Code:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (mark,))

    bomb = tmp_path / "bomb.pth"
    torch.save({"head.weight": Code()}, bomb)  # noqa: TID251
    monkeypatch.setattr(inception, "PREFIX", hashlib.sha256(bomb.read_bytes()).hexdigest()[:8])
    with pytest.raises(CheckpointError):
        run(request(bomb))
    assert not mark.exists()


def test_weights_of_another_network_are_refused(fake: types.ModuleType, tmp_path: Path, monkeypatch):
    other = tmp_path / "other.safetensors"
    save_file({"body": torch.zeros(3)}, other)
    monkeypatch.setattr(inception, "PREFIX", hashlib.sha256(other.read_bytes()).hexdigest()[:8])
    with pytest.raises(CheckpointError, match="torch-fidelity cannot use"):
        run(request(other))


def test_it_can_be_cancelled(fake: types.ModuleType, weights: Path):
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        run(request(weights, progress=Progress(stop)))


def test_grey_pictures_are_seen_in_three_channels(fake: types.ModuleType):
    seen: list[int] = []

    def extract(images: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(images.shape[1])
        return images.float().flatten(1)[:, :4], images.float().flatten(1)[:, :2]

    features, logits = inception.inception_features(np.zeros((70, 8, 8, 1), np.uint8), extract)
    assert set(seen) == {3}
    assert (len(features), len(logits)) == (70, 70)
