"""What the GPU tests stand on: their own import paths, no window, and a device that is given back as it was found."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

# Must be set before the first cuBLAS call: without it matrix products may differ from run to run.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "tests" / "contract"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import pytest  # noqa: E402 - after the paths
import torch  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gpu: needs a CUDA device; run by `make test-gpu`")


def settle() -> int:
    """Bytes that are still allocated once everything that can be freed has been."""
    gc.collect()
    torch.cuda.synchronize()
    torch._C._cuda_clearCublasWorkspaces()
    torch.cuda.empty_cache()
    return torch.cuda.memory_allocated()


@pytest.fixture(autouse=True)
def _device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Full precision, repeatable kernels, and a check that no test leaves memory behind."""
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    for name in ("HOME", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"LATENT_LOOM_{name}", str(tmp_path / f"own-{name.lower()}"))
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    before = settle()
    yield
    torch.use_deterministic_algorithms(False)
    left = settle() - before
    assert left <= 2**20, f"{left / 2**20:.1f} MiB are still allocated"
