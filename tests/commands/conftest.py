"""One thread, and a home and a cache of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name in ("HOME", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"LATENT_LOOM_{name}", str(tmp_path / f"own-{name.lower()}"))
