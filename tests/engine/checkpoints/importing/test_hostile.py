"""Files that are broken, dangerous or something else: one sentence each, nothing run, nothing left behind."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from engine.checkpoints.importing import child, reading
from engine.checkpoints.importing.convert import import_model, inspect
from engine.checkpoints.importing.reading import read_source
from engine.checkpoints.importing.sniff import MAX_TENSORS, sniff
from engine.errors import Cancelled, CheckpointError
from engine.progress import Progress
from tests.engine.checkpoints.importing import files
from tests.engine.checkpoints.importing.files import torch_bytes, write_torch


class Shell:
    """Runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch '{self.mark}'",)


class Evaluates:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return eval, (f"open({str(self.mark)!r}, 'w').close()",)


def pickled(content: object) -> bytes:
    """A bare pickle, as StyleGAN's authors publish."""
    import pickle  # noqa: TID251

    return pickle.dumps(content)


# --- what could run code -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("evil", [Shell, Evaluates])
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_pickle_that_runs_a_command_is_refused_and_does_not_run(tmp_path, evil, legacy, suffix):
    mark = tmp_path / "ran"
    path = write_torch(tmp_path / f"a{suffix}", {"state_dict": files.dcgan(), "extra": evil(mark)}, legacy=legacy)
    with pytest.raises(CheckpointError, match=r"could run code.*export its state dict as safetensors"):
        inspect(path)
    assert not mark.exists()


@pytest.mark.usefixtures("own_process")
def test_the_real_child_refuses_it_too(tmp_path):
    mark = tmp_path / "ran"
    path = write_torch(tmp_path / "a.ckpt", {"state_dict": files.dcgan(), "callbacks": Shell(mark)})
    with pytest.raises(CheckpointError, match=r"more than weights \(posix.system|nt.system\)"):
        inspect(path)
    assert not mark.exists()


@pytest.mark.parametrize("suffix", [".pkl", ".pt", ".safetensors"])
def test_a_bare_pickle_is_refused_by_its_bytes(tmp_path, suffix):
    mark = tmp_path / "ran"
    path = tmp_path / f"network{suffix}"
    path.write_bytes(pickled({"G_ema": Shell(mark)}))
    with pytest.raises(CheckpointError, match="bare pickle, which could run code"):
        inspect(path)
    assert not mark.exists()


def test_a_stylegan_pickle_is_refused_with_its_own_reason(tmp_path):
    path = tmp_path / "ffhq.pkl"
    path.write_bytes(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x17torch_utils.persistence\x94.")
    with pytest.raises(CheckpointError, match="StyleGAN's pickles carry source code"):
        inspect(path)


def test_a_whole_module_is_refused(tmp_path):
    path = write_torch(tmp_path / "whole.pt", torch.nn.Sequential(torch.nn.Linear(2, 2)))
    with pytest.raises(CheckpointError, match=r"more than weights \(torch.nn.modules"):
        inspect(path)


def test_the_stub_for_settings_takes_no_other_class(tmp_path):
    """The one name that is let through is an empty class of ours, whatever the file says of it."""
    import sys
    import types

    module = types.ModuleType("models.utils.config")
    kind = type("BaseConfig", (), {"__module__": "models.utils.config", "__qualname__": "BaseConfig"})
    module.BaseConfig = kind  # type: ignore[attr-defined]
    names = ("models", "models.utils", "models.utils.config")
    sys.modules.update(
        dict(zip(names, (types.ModuleType("models"), types.ModuleType("models.utils"), module), strict=True))
    )
    try:
        config = kind()
        config.lossCriterion, config.categoryVectorDim = "WGANGP", 0
        path = write_torch(
            tmp_path / "zoo.pt", {"config": config, "netG": files.gan_zoo(nc=1), "avgG": files.gan_zoo(), "netD": {}}
        )
    finally:
        for name in names:
            del sys.modules[name]
    report = inspect(path)
    assert report.layout == "DCGAN of pytorch_GAN_zoo"
    assert dict(report.facts)["Averaged"] == "yes"
    assert report.channels == 3
    assert [(q.name, q.default, q.known) for q in report.questions] == [("output", "none", True)]
    assert "models.utils.config" not in sys.modules


# --- bombs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bomb",
    [
        lambda: torch.zeros(1).expand(10**6, 10**6),
        lambda: torch.as_strided(torch.zeros(4096), (4096, 4096, 4096), (0, 0, 1)),
    ],
    ids=["expand", "strides"],
)
def test_a_tensor_that_claims_more_than_the_file_holds_is_refused(tmp_path, bomb):
    with pytest.raises(CheckpointError, match=r"as bombs do|damaged"):
        inspect(write_torch(tmp_path / "bomb.pt", {"main.0.weight": bomb()}))


def test_many_views_of_one_storage_are_refused(tmp_path):
    base = torch.zeros(300_000)
    path = write_torch(tmp_path / "views.pt", {f"main.{i}.weight": base.view(-1) for i in range(40)})
    with pytest.raises(CheckpointError, match="as bombs do"):
        inspect(path)


def test_deep_nesting_is_refused(tmp_path):
    value: object = torch.zeros(1)
    for _ in range(200):
        value = {"x": value}
    with pytest.raises(CheckpointError, match="nested too deeply"):
        inspect(write_torch(tmp_path / "deep.pt", value))


def test_a_zip_that_is_compressed_is_refused(tmp_path):
    small = tmp_path / "small.pt"
    with (
        zipfile.ZipFile(io.BytesIO(torch_bytes(files.dcgan(size=64)))) as before,
        zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            after.writestr(name, before.read(name))
    with pytest.raises(CheckpointError, match="compressed, which torch never writes"):
        inspect(small)


@pytest.mark.slow
def test_a_zip_bomb_is_refused_by_its_sizes(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", b"\0" * (64 * 2**20))
    with pytest.raises(CheckpointError, match="times its size, as bombs do"):
        inspect(path)


@pytest.mark.slow
@pytest.mark.usefixtures("own_process")
def test_a_child_that_needs_too_much_memory_is_stopped(tmp_path, monkeypatch):
    path = write_torch(tmp_path / "large.pt", {"main.0.weight": torch.zeros(8_000_000)})
    monkeypatch.setattr(reading, "MEMORY_BYTES", -3 * path.stat().st_size + 2**20)
    with pytest.raises(CheckpointError, match="more memory than its size allows"):
        inspect(path)


@pytest.mark.usefixtures("own_process")
def test_a_child_that_takes_too_long_is_stopped(tmp_path):
    with pytest.raises(CheckpointError, match="took over 0 seconds"):
        read_source(write_torch(tmp_path / "a.pt", files.dcgan()), seconds=0.1)


@pytest.mark.usefixtures("own_process")
def test_cancel_stops_the_child(tmp_path):
    def cancelled() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        inspect(write_torch(tmp_path / "a.pt", files.dcgan()), progress=Progress(cancelled))


def test_settings_and_tensors_are_all_that_comes_back(tmp_path):
    path = write_torch(
        tmp_path / "a.pt",
        {"epoch": 3, "note": "x" * 300, "lr": 0.5, "tags": ["a", 1], "netG": {"a.weight": torch.ones(2)}},
    )
    source = read_source(path)
    assert dict(source.meta) == {"epoch": 3, "lr": 0.5, "tags": ["a", 1]}
    assert list(source.tensors) == ["netG/a.weight"]


def test_the_walk_refuses_too_many_tensors(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "MAX_TENSORS", 10)
    path = write_torch(tmp_path / "many.pt", {f"{i}.weight": torch.zeros(1) for i in range(11)})
    with pytest.raises(CheckpointError, match="holds over"):
        inspect(path)


# --- damage, and other things ------------------------------------------------------------------------------------


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_a_file_that_is_cut_short_is_refused(tmp_path, legacy, share):
    data = torch_bytes(files.dcgan(), legacy=legacy)
    path = tmp_path / "half.pt"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match=r"half\.pt is not imported because"):
        inspect(path)


@pytest.mark.slow
def test_flipped_bytes_give_a_sentence_or_a_model_but_never_a_crash(tmp_path):
    data = torch_bytes({k: v for k, v in files.dcgan(size=16, ngf=2).items()})
    generator = torch.Generator().manual_seed(0)
    path = tmp_path / "bent.pt"
    for _ in range(60):
        at = int(torch.randint(0, len(data), (1,), generator=generator))
        bent = bytearray(data)
        bent[at] ^= 1 << int(torch.randint(0, 8, (1,), generator=generator))
        path.write_bytes(bent)
        # Anything else than a model or a CheckpointError fails the test.
        with contextlib.suppress(CheckpointError):
            import_model(path, tmp_path / "o.safetensors", answers={}, defaults=True)


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        file.addfile(tarfile.TarInfo("pickle"))
    return buffer.getvalue()


def _zip(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            file.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (_tar(), "tar archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "HDF5"),
        (b"\x08\x07\x12\x07pytorch\x1a\x032.0", "ONNX"),
        (b"\x1f\x8b\x08" + bytes(32), "gzip"),
        (b"<!doctype html><title>Sign in</title>", "text"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(32), "no weights file's"),
        (_zip(**{"a.txt": b"x"}), "not of torch's weights"),
        (_zip(archive__data_pkl=b"x"), "not of torch's weights"),
        (_zip(**{"m/data.pkl": b"x", "m/constants.pkl": b"x", "m/code/a.py": b"x"}), "TorchScript"),
        (b"PK\x03\x04" + bytes(40), "cut short or damaged"),
    ],
)
def test_other_files_are_refused_with_what_they_are(tmp_path, data, words):
    path = tmp_path / "thing.pt"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=words):
        sniff(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d[:-9],
        lambda d: (2**40).to_bytes(8, "little") + d[8:],
        lambda d: d.replace(b'"F32"', b'"F99"', 1),
        lambda d: d.replace(b'"shape":[3]', b'"shape":[9]', 1),
        lambda d: d[:8] + b"{" * (len(d) - 8),
    ],
    ids=["cut", "length", "kind", "shape", "braces"],
)
def test_damaged_safetensors_are_refused(tmp_path, spoil):
    path = tmp_path / "bent.safetensors"
    path.write_bytes(spoil(save({"main.0.weight": torch.ones(3)})))
    with pytest.raises(CheckpointError, match=r"bent\.safetensors"):
        inspect(path)


@pytest.mark.slow
def test_a_header_with_too_many_tensors_is_refused(tmp_path):
    entries = {str(i): {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(MAX_TENSORS + 1)}
    text = json.dumps(entries).encode()
    path = tmp_path / "wide.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(CheckpointError, match="lists over"):
        inspect(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2]", "no JSON object"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("1" * 2_000_000, "over 1 MiB"),
    ],
)
def test_a_config_that_is_none_is_refused(tmp_path, text, words):
    path = write_torch(tmp_path / "a.pt", files.dcgan())
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=words):
        inspect(path)


def test_missing_files_and_folders_without_weights_are_said(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be opened"):
        inspect(tmp_path / "nothing.pt")
    with pytest.raises(CheckpointError, match="holds no weights"):
        inspect(tmp_path)


def test_a_failed_import_leaves_nothing_behind(tmp_path):
    state = {k: v for k, v in files.dcgan().items() if not k.startswith("main.6")}
    before = sorted(tmp_path.iterdir())
    path = write_torch(tmp_path / "a.pt", state)
    with pytest.raises(CheckpointError):
        import_model(path, tmp_path / "o.safetensors", answers={}, defaults=True)
    assert sorted(tmp_path.iterdir()) == [*before, path]
