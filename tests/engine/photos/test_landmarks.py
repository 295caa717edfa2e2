"""The landmark network: its file is guarded, its answer is steady, and without it photos are still framed."""

from __future__ import annotations

import cmath
import shutil
from pathlib import Path

import numpy as np
import pytest

import resources
from engine.errors import CheckpointError
from engine.photos import landmarks
from engine.photos.align import align
from engine.photos.heads import find_heads, frame_of_box
from engine.photos.landmark_net import load_net, save_net
from engine.photos.landmarks import DOUBT, look
from engine.photos.similarity import Similarity
from tests.quick import quick

from .people import PORTRAITS, eyes_off, frame_of, no_face, portrait

FILE = resources.path(landmarks.WEIGHTS)


def test_the_file_is_small_and_is_the_one_of_its_card(tmp_path: Path):
    assert FILE.stat().st_size < 700_000
    digest = save_net(tmp_path / "again.safetensors", load_net(FILE))
    assert digest in FILE.with_name("README.md").read_text(encoding="utf-8")
    assert digest.encode() in FILE.read_bytes()


@pytest.mark.parametrize("index", quick(range(len(PORTRAITS)), 0, 5, 10))
def test_from_a_wrong_box_the_same_face_is_found(index: int):
    (head,) = find_heads(portrait(index))
    assert head.note == ""
    rng = np.random.default_rng(index)
    side, middle = head.frame.side, head.frame(0.5 + 0.6j)
    turn = cmath.rect(side * rng.uniform(0.8, 1.25), rng.uniform(-0.5, 0.5))
    start = middle + side * complex(*rng.uniform(-0.1, 0.1, 2))
    found = look(portrait(index), Similarity(turn, start - turn * (0.5 + 0.6j)))
    assert found.doubt < DOUBT
    assert eyes_off(found.frame, head.frame) < 0.04
    eyes = found.points[:2, 0] + 1j * found.points[:2, 1]
    frame = head.frame
    assert np.abs(eyes - [frame(0.372 + 0.523j), frame(0.635 + 0.521j)]).max() < 0.12 * 0.263 * frame.side


def test_where_there_is_no_face_the_looks_do_not_agree():
    scene = no_face(600, 600)
    doubts = [look(scene, Similarity(200 + 0j, complex(x, y))).doubt for x in (50, 200, 350) for y in (50, 300)]
    assert min(doubts) > DOUBT


def damaged(path: Path, kind: str) -> None:
    data = bytearray(path.read_bytes())
    if kind == "flipped":
        data[-1000] ^= 16
    elif kind == "cut":
        del data[len(data) // 2 :]
    elif kind == "empty":
        data.clear()
    elif kind == "header":
        data[:8] = b"\xff" * 8
    elif kind == "text":
        data[:] = b"not weights" * 100
    path.write_bytes(bytes(data))
    if kind == "missing":
        path.unlink()


@pytest.mark.parametrize("kind", ["flipped", "cut", "empty", "header", "text", "missing"])
@pytest.mark.slow
def test_a_damaged_file_is_told_and_the_box_is_used(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    copy = tmp_path / FILE.name
    shutil.copy(FILE, copy)
    damaged(copy, kind)
    with pytest.raises(CheckpointError, match="install Latent Loom again"):
        load_net(copy)
    good = align(portrait(3))
    monkeypatch.setattr(landmarks, "_nets", {})

    def path(name: str) -> Path:
        if kind == "missing":
            raise FileNotFoundError(
                f"The resource {name!r} is missing from this installation: install Latent Loom again."
            )
        return copy

    monkeypatch.setattr(landmarks.resources, "path", path)
    found = align(portrait(3))
    assert found.how == "face"
    assert "framed by its box alone" in found.note
    assert "install Latent Loom again" in found.note
    assert eyes_off(frame_of(found), frame_of(good)) < 0.25
    # It may be put back while the program runs.
    monkeypatch.undo()
    assert align(portrait(3)).note == ""


@pytest.mark.slow
def test_a_face_that_cannot_be_made_out_is_framed_by_its_box(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.photos.heads.HOPELESS", -1.0)
    (head,) = find_heads(portrait(0))
    assert "hard to make out" in head.note
    assert head.frame == frame_of_box(head.face)


def test_finding_faces_and_cutting_need_no_torch():
    """In a fresh interpreter, since here torch has long been imported."""
    import subprocess
    import sys

    code = (
        "import sys, numpy as np; from engine.photos.align import align; "
        "align(np.zeros((300, 400, 3), np.uint8)); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
