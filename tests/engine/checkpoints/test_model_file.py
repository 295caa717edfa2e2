"""A model file that is not what it should be is refused with its name and a reason, and never runs anything."""

from __future__ import annotations

import io
import json
import os
import pickle  # noqa: TID251 - to make the files that must be refused
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from engine.checkpoints.model_file import (
    KEY,
    MAX_HEADER_BYTES,
    ModelHeader,
    copy_weights,
    load_model,
    read_header,
    save_model,
)
from engine.errors import CheckpointError
from engine.families import FAMILIES, build
from tests.contract.tiny import header_bytes, make, save, tiny_config


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    save(path, "vae")
    return path


def refused(path: Path, **options) -> str:
    """Loading must end in a CheckpointError: one sentence that names the file."""
    with pytest.raises(CheckpointError) as caught:
        load_model(path, **options)
    text = str(caught.value)
    assert path.name in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.002, 0.3, 0.9, 0.99999])
def test_truncated_files_are_refused(share, good, tmp_path):
    path = tmp_path / "short.safetensors"
    data = good.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path)


def test_every_flipped_bit_is_found_where_the_digest_is_known(good, tmp_path):
    path = tmp_path / "flipped.safetensors"
    data = good.read_bytes()
    _, _, digest = load_model(good)
    rng = np.random.default_rng(0)
    for place in [0, 7, 8, len(data) - 1, *rng.integers(0, len(data), 60)]:
        changed = bytearray(data)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        refused(path, sha256=digest)


@settings(suppress_health_check=list(HealthCheck), database=None, derandomize=True)
@given(data=st.data())
def test_mutations_are_loaded_or_refused_and_nothing_else(data, good, tmp_path):
    original = good.read_bytes()
    length = struct.unpack("<Q", original[:8])[0]
    end = data.draw(st.sampled_from([8, 8 + length, len(original)]))
    changed = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, min(end, len(changed)) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "insert", "delete"]))
        if kind == "set":
            changed[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del changed[max(at, 1) :]
        elif kind == "insert":
            changed[at:at] = data.draw(st.binary(min_size=1, max_size=12))
        else:
            del changed[at : at + data.draw(st.integers(1, 12))]
        changed = changed or bytearray(b"x")
    path = tmp_path / "mutant.safetensors"
    path.write_bytes(changed)
    message, model = path.name, None
    try:
        model, _, _ = load_model(path)
    except CheckpointError as error:
        message = str(error)
    assert path.name in message
    if model is not None:
        with torch.inference_mode():
            assert model.decode(model.sample_codes(1)).shape == (1, *model.spec.image_shape)


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return (os.mkdir, (str(self.canary),))


def pickled(path: Path, canary: Path) -> None:
    path.write_bytes(pickle.dumps(Payload(canary)))


def old_pickled(path: Path, canary: Path) -> None:
    path.write_bytes(pickle.dumps(Payload(canary), protocol=0))


def torch_zip(path: Path, canary: Path) -> None:
    torch.save({"weights": Payload(canary)}, path)  # noqa: TID251 - the file that must be refused


def torch_legacy(path: Path, canary: Path) -> None:
    torch.save({"weights": Payload(canary)}, path, _use_new_zipfile_serialization=False)  # noqa: TID251


def npz(path: Path, canary: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, weights=np.array([Payload(canary)], dtype=object))
    path.write_bytes(buffer.getvalue())


def plain_zip(path: Path, canary: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")


@pytest.mark.parametrize("make_file", [pickled, old_pickled, torch_zip, torch_legacy, npz, plain_zip])
def test_pickles_are_refused_and_never_run(make_file, tmp_path):
    path, canary = tmp_path / "evil.safetensors", tmp_path / "canary"
    make_file(path, canary)
    text = refused(path)
    with pytest.raises(CheckpointError):
        read_header(path)
    assert not canary.exists()
    if make_file in (pickled, torch_zip):
        assert "pickle" in text


def model_header(**changes) -> dict:
    values = ModelHeader("vae", tiny_config("vae"), (3, 32, 32)).to_json()
    return {**values, **changes}


def packed(values: object) -> bytes:
    return header_bytes({"__metadata__": {KEY: json.dumps(values)}})


FILES = {
    "zero bytes": b"",
    "text": b"once upon a time there was a model, and it was not here",
    "huge header": struct.pack("<Q", 2**60) + b"{}",
    "header beyond the cap": struct.pack("<Q", MAX_HEADER_BYTES + 1) + b" " * 100,
    "deep json": header_bytes(0)[:0] + struct.pack("<Q", 200_000) + b"[" * 200_000,
    "deep json within": header_bytes({"__metadata__": {KEY: "[" * 200_000}}),
    "no metadata": header_bytes({}),
    "foreign metadata": header_bytes({"__metadata__": {"format": "pt"}}),
    "metadata is a list": header_bytes({"__metadata__": []}),
    "header is a list": header_bytes([]),
    "no utf-8": struct.pack("<Q", 8) + b"\xff\xfe\xfd\xfc{}\x00\x00",
    "newer": packed(model_header(schema=99)),
    "schema of words": packed(model_header(schema="one")),
    "unknown family": packed(model_header(family="diffusion")),
    "unknown knob": packed(model_header(config={"brightness": 3})),
    "knob out of range": packed(model_header(config={"code": 10**9})),
    "knob of lists": packed(model_header(config={"code": [1]})),
    "config of pairs": packed(model_header(config=[[1, 2], ["a", 3]])),
    "card of pairs": packed(model_header(card=[["a", 1]])),
    "infinite shape": packed(model_header(image_shape=[3, float("inf"), 32])),
    "odd shape": packed(model_header(image_shape=[3, 24, 24])),
    "oblong": packed(model_header(image_shape=[3, 32, 64])),
    "no weights": packed(model_header()),
    "huge model": packed(model_header(family="flow", config={"hidden": 4096})),
}


@pytest.mark.parametrize("name", list(FILES))
def test_foreign_and_newer_files_are_refused(name, tmp_path):
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(FILES[name])
    text = refused(path)
    if name == "newer":
        assert "newer Latent Loom" in text


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    refused(tmp_path / "folder.safetensors")
    refused(tmp_path / "nowhere.safetensors")


def rewritten(good: Path, path: Path, change) -> None:
    """The good file with its weights changed and its header as it was."""
    weights = load_file(good)
    change(weights)
    header = read_header(good)
    save_file(weights, path, metadata={KEY: json.dumps(header.to_json())})


CHANGES = {
    "lacks one": lambda w: w.pop("log_std"),
    "one too many": lambda w: w.update(extra=torch.zeros(2)),
    "another shape": lambda w: w.update(log_std=torch.zeros(2)),
    "nan": lambda w: w["decoder.stem.weight"].view(-1)[3:4].fill_(float("nan")),
    "infinite": lambda w: w["decoder.stem.weight"].view(-1)[3:4].fill_(float("inf")),
    "whole numbers": lambda w: w.update(log_std=torch.tensor(1)),
    "complex": lambda w: w.update(log_std=torch.tensor(1 + 2j)),
    "doubles": lambda w: w.update(log_std=torch.tensor(1e300, dtype=torch.float64)),
    "eight bits": lambda w: w.update(log_std=torch.tensor(1.0).to(torch.float8_e4m3fn)),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_weights_that_do_not_fit_are_refused(name, good, tmp_path):
    path = tmp_path / "odd.safetensors"
    rewritten(good, path, CHANGES[name])
    refused(path)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_weights_of_another_family_are_refused(family, tmp_path):
    others = [name for name in FAMILIES if name != family]
    path = tmp_path / "swapped.safetensors"
    save(path, family)
    weights = load_file(path)
    for other in others:
        header = ModelHeader(other, tiny_config(other), (3, 32, 32))
        save_file(weights, path, metadata={KEY: json.dumps(header.to_json())})
        refused(path)


def test_refused_weights_leave_a_model_as_it_was(good):
    model = make("vae", shape=(3, 32, 32), seed=3)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = load_file(good)
    state[list(state)[-1]] = torch.full_like(state[list(state)[-1]], float("nan"))
    with pytest.raises(CheckpointError):
        copy_weights(model, state, "x")
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_a_place_that_cannot_be_written_is_told_and_the_old_file_stays(good, tmp_path, monkeypatch):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(good.read_bytes())
    model, header, _ = load_model(good)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_model(path, model, header)
    assert path.read_bytes() == good.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["mine.safetensors"]


def test_the_file_is_the_same_byte_for_byte_every_time(tmp_path):
    assert save(tmp_path / "a.safetensors", "flow") == save(tmp_path / "b.safetensors", "flow")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_half_precision_file_without_training_weights_is_small_and_loads(tmp_path):
    for family in FAMILIES:
        save(tmp_path / "whole", family)
        save(tmp_path / "lean", family, half=True, whole=False)
        assert (tmp_path / "lean").stat().st_size < 0.75 * (tmp_path / "whole").stat().st_size
        load_model(tmp_path / "lean")


def test_no_number_is_drawn_for_a_network_that_is_all_in_its_file(tmp_path: Path):
    save(tmp_path / "m.safetensors", "vae")
    before = torch.get_rng_state()
    load_model(tmp_path / "m.safetensors")
    assert torch.equal(torch.get_rng_state(), before)


def test_what_a_file_lacks_begins_as_in_training(tmp_path: Path):
    save(tmp_path / "m.safetensors", "gan", whole=False)
    torch.manual_seed(3)
    model, header, _ = load_model(tmp_path / "m.safetensors")
    torch.manual_seed(3)
    fresh = build(header.family, header.config, header.image_shape).state_dict()
    lacking = [key for key in fresh if key.startswith(model.training_only)]
    assert lacking
    for key in lacking:
        assert torch.equal(model.state_dict()[key], fresh[key]), key
