"""A home beside what a test writes, and the command line called in this process."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine import cli
from engine.families import FAMILIES
from engine.latent.direction_files import DirectionSet, save_directions
from engine.latent.directions import Direction
from tests.commands.answers import Answer
from tests.contract.tiny import make, save
from tests.once import faces_once


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"LATENT_LOOM_{name}", str(tmp_path / f"own-{name.lower()}"))
    faces_once(monkeypatch)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """The command line adds a log file; each test takes it away again."""
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Calls the command line in this process: (exit status, standard output, standard error)."""

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        status = cli.main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model of every family; the VAE has directions. Made once, and copied into each home."""
    models = tmp_path_factory.mktemp("models")
    for family in FAMILIES:
        digest = save(models / f"tiny-{family}.safetensors", family, title=f"Tiny {family}")
        if family == "vae":
            size = make(family, shape=(3, 32, 32)).spec.size
            smile = Direction("Smiling", np.eye(size, dtype=np.float32)[0], 3.0, auc=0.91, auc_low=0.9, auc_high=0.92)
            first = Direction("PCA 1", np.eye(size, dtype=np.float32)[1], 1.0, method="pca", share=0.25)
            save_directions(models / "tiny-vae.directions.safetensors", DirectionSet(digest, (smile, first)))
    return models


@pytest.fixture
def home(tmp_path: Path, tiny_models: Path) -> Path:
    """A home with a tiny model of every family; the VAE has directions."""
    home = tmp_path / "own-home"
    shutil.copytree(tiny_models, home / "models")
    return home
