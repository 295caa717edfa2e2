"""A safetensors header is read within its caps, whatever its bytes promise; what is written comes back."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save as reference_save

from engine.files import tensors
from engine.files.disk import MALFORMED, TooLarge
from engine.files.tensors import MAX_TENSORS, Entry, NoHeader, read_header

STATE = {
    "a.weight": torch.arange(6.0).view(2, 3),
    "half": torch.ones(4, dtype=torch.float16),
    "none": torch.zeros(0, 2),
}
GOOD = tensors.save(STATE, {"title": "Ü"})


def packed(header: object, rest: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + rest


def entry(**changes: object) -> dict[str, object]:
    return {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


def test_files_are_those_of_the_library_byte_for_byte():
    assert reference_save(STATE, metadata={"title": "Ü"}) == GOOD
    assert tensors.save({"x": torch.ones(3, 2).T}) == reference_save({"x": torch.ones(2, 3)})


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(GOOD)
    for found in (tensors.load(GOOD), tensors.load_file(path)):
        assert set(found) == set(STATE)
        assert all(torch.equal(found[name], value) for name, value in STATE.items())
    arrays = tensors.load_arrays(tensors.save_arrays({"v": np.eye(2, dtype=np.float32)}, {"a": "b"}))
    np.testing.assert_array_equal(arrays["v"], np.eye(2))


def test_the_header_says_what_is_inside_and_no_more_is_read(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(GOOD)
    for source in (path, GOOD):
        header = read_header(source, whole=True)
        assert header.metadata == {"title": "Ü"}
        assert header.entries["a.weight"].shape == (2, 3)
        assert header.entries["half"].dtype == "F16"
        assert header.numbers == 10
    assert read_header(packed(entry(), bytes(8))).entries == {"x": Entry("F32", (2,), 0, 8)}
    # A file that lacks its numbers still says what they would be, unless it is asked for them.
    cut = GOOD[:-1]
    assert read_header(cut).numbers == 10
    with pytest.raises(ValueError, match="outside of the file"):
        read_header(cut, whole=True)


DAMAGED = {
    "empty": b"",
    "seven bytes": b"\x10" + bytes(6),
    "no header": bytes(64),
    "endless": (2**63).to_bytes(8, "little") + b"{}",
    "longer than the file": (100).to_bytes(8, "little") + b"{}",
    "no json": packed(b"{" * 40),
    "deep": packed(b"[" * 100_000),
    "no utf-8": packed(b'{"\xff": 1}'),
    "list": packed([1]),
    "number": packed(b" 1"),
    "metadata list": packed({"__metadata__": []}),
    "metadata of numbers": packed({"__metadata__": {"a": 1}}),
    "entry of words": packed({"x": "F32"}),
    "no shape": packed({"x": {"dtype": "F32", "data_offsets": [0, 8]}}, bytes(8)),
    "no kind": packed({"x": {"shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
    "kind of numbers": packed(entry(dtype=4), bytes(8)),
    "negative shape": packed(entry(shape=[-2, -1]), bytes(8)),
    "broken shape": packed(entry(shape=[1.5]), bytes(8)),
    "true shape": packed(entry(shape=[True]), bytes(8)),
    "giant shape": packed(entry(shape=[10**18, 10**18]), bytes(8)),
    "backwards": packed(entry(data_offsets=[8, 0]), bytes(8)),
    "before the file": packed(entry(data_offsets=[-8, 0]), bytes(8)),
    "three offsets": packed(entry(data_offsets=[0, 4, 8]), bytes(8)),
    "infinite offset": packed(b'{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,1e999]}}', bytes(8)),
}


@pytest.mark.parametrize("name", list(DAMAGED))
@pytest.mark.parametrize("on_disk", [False, True])
def test_a_damaged_header_raises_only_what_is_announced(tmp_path, name, on_disk):
    source = DAMAGED[name]
    if on_disk:
        (tmp_path / "x").write_bytes(source)
        source = tmp_path / "x"
    with pytest.raises(MALFORMED):
        read_header(source, whole=True)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_any_changed_byte_is_harmless_or_announced(at, value):
    data = bytearray(GOOD)
    data[at] = value
    for read in (lambda d: read_header(d, whole=True), tensors.load):
        try:
            read(bytes(data))
        except MALFORMED:
            pass


def test_a_long_header_is_refused_unread(tmp_path):
    text = b"{" + b" " * 5000 + b"}"
    path = tmp_path / "x"
    path.write_bytes(packed(text))
    assert read_header(path, most=len(text)).entries == {}
    with pytest.raises(NoHeader, match="cut short or over 4 KiB") as caught:
        read_header(path, most=4096)
    assert caught.value.start == len(text).to_bytes(8, "little")


def test_too_many_tensors_are_refused():
    with pytest.raises(TooLarge, match="lists over 20,000 tensors"):
        read_header(packed({str(i): {} for i in range(MAX_TENSORS + 1)}))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_the_header_of_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x")
    with pytest.raises(OSError, match="no regular file"):
        read_header(tmp_path / "x")


@pytest.mark.parametrize("types", [False, True])
def test_a_sealed_network_notices_every_flipped_bit(tmp_path, types):
    path = tmp_path / "net.safetensors"
    digest = tensors.save_sealed(path, STATE, "net/1", types=types)
    assert digest == tensors.digest_of(STATE, types=types)
    found = tensors.load_sealed(path, "net/1", most=10_000, types=types)
    assert all(torch.equal(found[name], value) for name, value in STATE.items())
    with pytest.raises(ValueError, match="checksum"):
        tensors.load_sealed(path, "net/2", most=10_000, types=types)
    with pytest.raises(ValueError, match="checksum"):
        tensors.load_sealed(path, "net/1", most=10_000, types=not types)
    with pytest.raises(TooLarge):
        tensors.load_sealed(path, "net/1", most=100, types=types)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="checksum"):
        tensors.load_sealed(path, "net/1", most=10_000, types=types)


def test_headers_and_small_files_are_read_without_torch():
    code = "import sys, engine.files.tensors, engine.files.disk; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
