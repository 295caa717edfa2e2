"""Pinned photos and live weights: drawn and published at previews, and never in the training's way."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.checkpoints.model_file import ModelHeader, decode_model
from engine.control import Control
from engine.errors import ImageError, RunError, UsageError
from engine.events import TrainingMetrics, TrainingSaved
from engine.families import FAMILIES, build
from engine.measures import psnr
from engine.runs import directory as runs
from engine.runs import live, pins
from engine.session import Session
from engine.training import preview_extras
from engine.training.preview_extras import LiveWeights, PinnedPhotos
from tests.contract.tiny import tiny_config
from tests.engine.training.runner import WITH_PICTURES, digests, new_run, train
from tests.quick import quick

SIZE = 32


def picture(seed: int, size: int = SIZE) -> np.ndarray:
    low = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(low).resize((size, size), Image.Resampling.BICUBIC))


def tiny(family: str, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build(family, tiny_config(family), (3, SIZE, SIZE)).eval()


def header(family: str, step: int) -> ModelHeader:
    return ModelHeader(family, tiny_config(family), (3, SIZE, SIZE), title="Tiny", step=step)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "00001-tiny"
    (path / "previews").mkdir(parents=True)
    return path


def pinned(run: Path, said: list[str]) -> PinnedPhotos:
    return PinnedPhotos(run, torch.device("cpu"), said.append)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sheet_has_photo_reconstruction_and_error_of_each_pin(family, run):
    for seed in range(3):
        assert pins.pin(run, picture(seed)) == seed + 1
    said: list[str] = []
    model = tiny(family)
    values = pinned(run, said).look(model, 500)
    sheet = pins.read_sheet(run / "previews" / "000500-pins.webp", SIZE)
    assert sheet.shape == (3, 3, SIZE, SIZE, 3)
    for seed in range(3):
        assert np.array_equal(sheet[seed, 0], picture(seed))
    shown = np.mean([psnr(row[0], row[1]) for row in sheet]) if model.abilities.encode != "exact" else None
    if shown is None:
        assert np.abs(sheet[:, 0].astype(int) - sheet[:, 1]).max() <= 1
        assert values["pin/psnr_db"] > 60
    else:
        assert values["pin/psnr_db"] == pytest.approx(shown, abs=0.5)
    assert ("pin/bits_per_dim" in values) == (model.abilities.density != "none")
    assert bool(said) == (model.abilities.encode == "search")
    # The sheets are not taken for previews of samples.
    assert runs.previews(run) == []
    assert pins.sheets(run) == [(500, run / "previews" / "000500-pins.webp")]


def test_a_search_goes_on_from_the_preview_before_and_is_bounded(run):
    pins.pin(run, picture(0))
    model = tiny("gan")
    photos = pinned(run, [])
    found = [photos.look(model, step)["pin/psnr_db"] for step in range(4)]
    assert found == sorted(found)
    assert found[-1] > found[0]
    photos._seconds_per_step = 1e9
    calls = []
    decode = model.decode
    model.decode = lambda z: (calls.append(len(z)), decode(z))[1]
    photos.look(model, 5)
    assert len(calls) <= preview_extras.FEWEST_STEPS + 2


def test_pins_of_any_size_and_hostile_ones(run):
    said: list[str] = []
    photos, model = pinned(run, said), tiny("vae")
    assert photos.look(model, 1) == {}
    folder = run / "pins"
    folder.mkdir()
    Image.fromarray(picture(0, 90)[:, :70]).save(folder / "01.png")
    (folder / "02.png").write_bytes(b"GIF89a no picture at all")
    (folder / "03.png").write_bytes((folder / "01.png").read_bytes()[:200])
    (folder / "04.txt").write_text("no pin")
    (folder / "name.png").write_bytes(b"")
    photos.look(model, 2)
    assert pins.read_sheet(pins.sheet_file(run, 2), SIZE).shape[0] == 1
    assert len(said) == 2
    assert ["02.png" in one for one in sorted(said)] == [True, False]
    assert ["03.png" in one for one in sorted(said)] == [False, True]
    photos.look(model, 3)
    assert len(said) == 2, "what is damaged is told once"
    (folder / "01.png").unlink()
    assert photos.look(model, 4) == {}
    Image.fromarray(np.zeros((4, 5000, 3), np.uint8)).save(folder / "02.png")
    with pytest.raises(ImageError, match="too large"):
        pins.read_pin(folder / "02.png", size=SIZE)


def test_four_pins_and_no_more_and_numbers_are_used_again(run):
    for seed in range(4):
        pins.pin(run, picture(seed))
    with pytest.raises(UsageError, match="unpin one"):
        pins.pin(run, picture(9))
    pins.unpin(run, 2)
    pins.unpin(run, 2)
    assert [number for number, _ in pins.pinned(run)] == [1, 3, 4]
    assert pins.pin(run, picture(9)) == 2
    assert np.array_equal(pins.read_pin(run / "pins" / "02.png", size=SIZE), picture(9))


@pytest.mark.slow
def test_a_reader_never_gets_a_mismatched_pair(run):
    """One thread publishes other weights as fast as it can, the other reads: what it gets is whole and of one step."""
    models = [tiny("vae", seed) for seed in range(2)]
    weights = LiveWeights(run, lambda text: None)
    weights.publish(models[0], header("vae", 0))
    done = threading.Event()

    def publish() -> None:
        for step in range(1, 60):
            weights.publish(models[step % 2], header("vae", step))
        done.set()

    writer = threading.Thread(target=publish)
    writer.start()
    seen = set()
    try:
        while not done.is_set():
            data, found = live.read_weights(run)
            model, said, digest = decode_model(data, "model.safetensors")
            assert digest == found.sha256
            assert said.step == found.step
            wanted = models[found.step % 2].state_dict()
            name, value = next((k, v) for k, v in model.state_dict().items() if v.dim() > 1)
            assert torch.allclose(value, wanted[name], atol=1e-3)
            seen.add(found.step)
    finally:
        writer.join()
    assert len(seen) > 3


def test_a_pair_that_does_not_match_is_refused_and_a_torn_note_is_no_weights(run):
    weights = LiveWeights(run, lambda text: None)
    weights.publish(tiny("vae"), header("vae", 7))
    note = json.loads((run / "live" / "step.json").read_text())
    assert note["step"] == 7
    assert note["sha256"] == hashlib.sha256((run / "live" / "model.safetensors").read_bytes()).hexdigest()
    (run / "live" / "step.json").write_text(json.dumps({**note, "sha256": "0" * 64}))
    with pytest.raises(RunError, match="differs from its hash"):
        live.read_weights(run)
    for hostile in ("{", "[]", '{"schema": 1, "step": "7", "sha256": 3}', '{"schema": 1, "step": -1}', "9" * 5000):
        (run / "live" / "step.json").write_text(hostile)
        assert live.newest(run) is None
    with pytest.raises(RunError, match="wait until"):
        live.read_weights(run)


@pytest.mark.slow
def test_half_precision_is_kept_from_flows_and_shows_in_no_picture(run):
    weights = LiveWeights(run, lambda text: None)
    for family in FAMILIES:
        model = tiny(family)
        weights.publish(model, header(family, 1))
        data, _ = live.read_weights(run)
        again, _, _ = decode_model(data, "model")
        exact = model.abilities.density == "exact"
        pairs = [(v, model.state_dict()[k]) for k, v in again.state_dict().items()]
        assert all(torch.equal(a, b) for a, b in pairs) == exact
        codes = model.sample_codes(8, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            difference = (model.decode(codes) - again.decode(codes)).abs().max() * 127.5
        assert float(difference) < 1.0


def test_a_full_disk_and_weights_gone_wrong_leave_the_pair_as_it_is(run, monkeypatch):
    said: list[str] = []
    weights, model = LiveWeights(run, said.append), tiny("vae")
    assert weights.publish(model, header("vae", 1))
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    assert not weights.publish(model, header("vae", 2))
    usage = shutil.disk_usage(run)
    monkeypatch.setattr(preview_extras.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    for step in (3, 4):
        assert not weights.publish(tiny("vae"), header("vae", step))
    assert len(said) == 1
    assert live.read_weights(run)[1].step == 1
    weights.remove()
    assert not (run / "live").exists()


@pytest.mark.parametrize("family", quick(WITH_PICTURES, "gan"))
@pytest.mark.slow
def test_training_is_the_same_bit_for_bit_with_pins_and_resumes_exactly(family, tmp_path):
    """Photos pinned, changed and unpinned change neither weights nor moments, through a stop as well."""
    session, plain = new_run(tmp_path, family, name="plain", steps=8)
    train(session, plain)
    session, run = new_run(tmp_path, family, name="pins", steps=8, preview_every=4)
    pins.pin(run, picture(0))
    (run / "pins" / "02.png").write_bytes(b"hostile")
    control = Control()

    def hear(event) -> None:
        if isinstance(event, TrainingSaved) and event.step == 4:
            control.stop()

    torch.manual_seed(3)
    state = torch.get_rng_state()
    assert train(session, run, control=control, hear=hear)[0].state == "stopped"
    assert torch.equal(torch.get_rng_state(), state)
    assert not (run / "live").exists()
    pins.unpin(run, 2)
    pins.pin(run, picture(1))
    train(session, run)
    assert digests(run, 8) == digests(plain, 8)
    assert {4, 8} <= {step for step, _ in pins.sheets(run)}
    assert pins.read_sheet(pins.sheet_file(run, 4), SIZE).shape[0] == 1
    assert pins.read_sheet(pins.sheet_file(run, 8), SIZE).shape[0] == 2
    rows, _ = runs.read_metrics(run)
    assert {4, 8} <= {row.step for row in rows if "pin/psnr_db" in row.values}
    assert not (run / "live").exists()


@pytest.mark.slow
def test_a_run_is_opened_live_while_it_trains_and_from_its_checkpoint_afterwards(tmp_path):
    session, run = new_run(tmp_path, "vae", steps=6, preview_every=3, save_every=6)
    seen = []

    def hear(event) -> None:
        if isinstance(event, TrainingMetrics | TrainingSaved) and (run / "live" / "step.json").exists():
            seen.append((type(event), live.newest(run), session.open_live(run).info))

    train(session, run, hear=hear)
    # The figures of step 6 are told before its weights are published, and its checkpoint is saved after them.
    assert {(found.step, found.live) for kind, found, _ in seen if kind is TrainingMetrics} == {(3, True)}
    assert {(found.step, found.live) for kind, found, _ in seen if kind is TrainingSaved} == {(6, True)}
    assert all(info.step == found.step for _, found, info in seen)
    after = live.newest(run)
    assert after is not None
    assert (after.step, after.live) == (6, False)
    opened = session.open_live(run)
    assert opened.info.sha256 == after.sha256
    # What was opened lately can be had by its hash, also when the file has moved on.
    assert session.open_live(run, sha256=seen[0][1].sha256).info.step == 3


@pytest.mark.slow
def test_what_a_person_finds_in_live_weights_belongs_to_the_run(tmp_path):
    session, run = new_run(tmp_path, "vae", steps=6, preview_every=3, save_every=6)
    found = []

    def hear(event) -> None:
        if (run / "live" / "step.json").exists() and not found:
            model = session.open_live(run)
            session.user_directions(model).find("pca")
            found.append((model.info.sha256, [c.name for c in model.info.components]))

    train(session, run, hear=hear)
    opened = Session(device="cpu", home=tmp_path / "home").open_live(run)
    sha, names = found[0]
    assert opened.info.sha256 != sha
    assert [c.name for c in opened.info.components] == names
