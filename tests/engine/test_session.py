"""The library and the open model, asked as the window and the commands ask."""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine import library
from engine.api import Coded, DrawRequest, Sampled, TrainRequest, Wander
from engine.control import Control
from engine.errors import Cancelled, CheckpointError, DataError, UsageError, UserError
from engine.exploring.open_model import OpenModel, wandered
from engine.families import FAMILIES
from engine.latent.direction_files import DirectionSet, save_directions
from engine.latent.directions import Direction
from engine.progress import Progress
from engine.runs.library import read_listing
from engine.session import Session
from tests.contract.tiny import folder_of_pictures, picture, save, tiny_config

EVERY = pytest.mark.parametrize("family", list(FAMILIES))


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session with one tiny model of each family, and nothing in the box."""
    monkeypatch.setattr(library, "shipped_models", list)
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    for family in FAMILIES:
        save(home / "models" / f"file-{family}.safetensors", family, title=f"Tiny {family.upper()} 32")
    return Session(device="cpu", home=home)


def directions_for(session: Session, family: str, digest: str | None = None) -> None:
    card = session.find(f"tiny-{family}-32")
    size = session.open(card.key).info.code_size
    axes = np.eye(3, size, dtype=np.float32)
    found = DirectionSet(
        digest or card.sha256,
        (
            Direction("Smiling", axes[0], 2.0, auc=0.9, auc_low=0.85, auc_high=0.95, method="logistic"),
            Direction("Young", (axes[0] + axes[1]) / np.float32(math.sqrt(2)), 1.0, method="logistic"),
            Direction("PCA 1", axes[2], 3.0, method="pca", share=0.4),
        ),
    )
    save_directions(card.path.with_name(f"file-{family}.directions.safetensors"), found)


@pytest.mark.slow
def test_the_library_lists_without_opening_in_the_families_order(session, monkeypatch):
    monkeypatch.setattr("engine.files.tensors.load", None)
    cards = session.models()
    assert [card.family for card in cards] == list(FAMILIES)
    for card in cards:
        assert (card.image_size, card.channels, card.shipped) == (32, 3, False)
        assert card.parameters > 1000
        assert len(card.sha256) == 64


@EVERY
def test_a_model_is_found_by_title_slug_file_name_and_path(family, session):
    path = session.models_folder / f"file-{family}.safetensors"
    names = (f"Tiny {family.upper()} 32", f"tiny-{family}-32", path.name, path.stem, str(path), f"TINY {family} 32")
    for name in names:
        assert session.find(name).path == path, name


def test_an_unknown_model_is_refused_by_naming_what_there_is(session):
    for name in ("nobody", "", "x" * 5000, "~nobody-at-all/x", "a\0b", str(session.home)):
        with pytest.raises(UsageError, match="tiny-vae-32, tiny-gan-32, tiny-flow-32") as caught:
            session.find(name)
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="none yet"):
        library.find("x", ())


def test_a_name_of_two_models_is_refused(session):
    shutil.copy(session.models_folder / "file-vae.safetensors", session.models_folder / "again.safetensors")
    with pytest.raises(UsageError, match="2 models"):
        session.find("tiny-vae-32")
    assert session.find("again").path.stem == "again"


def test_titles_without_latin_letters_are_told_apart(session):
    save(session.models_folder / "a.safetensors", "vae", title="脸")
    save(session.models_folder / "b.safetensors", "vae", title="顔")
    assert session.find("脸").path.stem == "a"
    with pytest.raises(UsageError, match="no model"):
        session.find("目")


def test_broken_files_hide_no_others_and_say_so_when_opened(session):
    good = {card.path for card in session.models()}
    folder = session.models_folder
    data = (folder / "file-vae.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(data[:1000])
    (folder / "empty.safetensors").write_bytes(b"")
    (folder / "dir.safetensors").mkdir()
    (folder / "no-shape.safetensors").write_bytes(data.replace(b'"shape"', b'"shapo"'))
    (folder / "short.safetensors").write_bytes(data[:-100])
    (folder / "file-gan.webp").write_bytes(b"not a picture")
    assert good <= {card.path for card in session.models()}
    for name in ("cut", "empty", "no-shape", "short"):
        with pytest.raises(CheckpointError, match=name):
            session.open(str(folder / f"{name}.safetensors"))


def test_a_picture_beside_a_model_is_its_thumbnail(session):
    Image.fromarray(picture(0)).save(session.models_folder / "file-vae.webp", lossless=True)
    np.testing.assert_array_equal(session.find("tiny-vae-32").picture, picture(0))
    assert session.find("tiny-gan-32").picture is None


def test_a_replaced_file_has_a_new_digest(session):
    before = session.find("tiny-vae-32").sha256
    save(session.models_folder / "file-vae.safetensors", "vae", title="Tiny VAE 32", half=True)
    assert session.find("tiny-vae-32").sha256 != before


@EVERY
def test_directions_come_with_their_model_and_those_of_another_are_refused(family, session):
    directions_for(session, family)
    info = session.open(f"tiny-{family}-32").info
    assert [d.name for d in info.attributes] == ["Smiling", "Young"]
    assert (info.attributes[0].auc, info.attributes[0].kind) == (0.9, "attribute")
    assert [(d.name, d.kind, d.share) for d in info.components] == [("PCA 1", "component", 0.4)]
    directions_for(session, family, digest="0" * 64)
    with pytest.raises(CheckpointError, match="directions"):
        session.open(f"tiny-{family}-32")


def test_the_catalogue_is_all_that_the_form_needs(session):
    catalogue = session.catalogue()
    assert [family.name for family in catalogue.families] == [name for name, row in FAMILIES.items() if row.sizes]
    for family in catalogue.families:
        names = {knob.name for knob in family.model_knobs}
        assert all(set(preset.knobs) <= names for preset in family.presets.values())
    for path, _ in catalogue.data_sets:
        assert os.path.exists(path)


@pytest.mark.slow
def test_a_new_run_with_anything_wrong_leaves_nothing(session, tmp_path):
    data = folder_of_pictures(tmp_path / "data")
    (tmp_path / "empty").mkdir()
    good = TrainRequest("vae", str(data), size=32, model=tiny_config("vae"), training={"batch": 4})
    wrong = {
        UsageError: [
            replace(good, family="diffusion"),
            replace(good, model={"code": 0}),
            replace(good, model={"brightness": 1}),
            replace(good, training={"steps": 0}),
            replace(good, training={"batch": 1000}),
            replace(good, size=48),
        ],
        DataError: [
            replace(good, data=str(tmp_path / "nowhere")),
            replace(good, data=str(tmp_path / "empty")),
            replace(good, labels=str(tmp_path / "nowhere.csv")),
        ],
    }
    for kind, requests in wrong.items():
        for request in requests:
            with pytest.raises(kind):
                session.new_run(request)
    assert not session.runs_folder.exists()
    run = session.new_run(good)
    assert run.name == "00000-vae-data"
    assert [entry.info.name for entry in read_listing(session.runs_folder).entries] == [run.name]


def test_decoding_data_can_be_cancelled_without_leaving_a_run(session, tmp_path):
    data = folder_of_pictures(tmp_path / "data")

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        session.new_run(TrainRequest("vae", str(data), size=32, training={"batch": 4}), progress=Progress(cancel))
    assert not session.runs_folder.exists()


@pytest.mark.slow
def test_publishing_never_writes_over_a_model(session, tmp_path):
    data = folder_of_pictures(tmp_path / "data")
    request = TrainRequest("vae", str(data), size=32, model=tiny_config("vae"), training={"batch": 4, "steps": 1})
    run = session.new_run(request)
    with pytest.raises(UserError, match="no checkpoint yet"):
        session.publish(run, "x")
    session.train(run, control=Control(), emit=lambda event: None)
    session.publish(run, "Mine")
    with pytest.raises(CheckpointError, match="already a model called mine"):
        session.publish(run, "mine!")


# --- the open model -------------------------------------------------------------------------------------------------


@pytest.fixture(params=list(FAMILIES))
def model(request, session) -> OpenModel:
    directions_for(session, request.param)
    return session.open(f"tiny-{request.param}-32")


def test_info_describes_the_model(model):
    info = model.info
    assert sum(group.size for group in info.groups) == info.code_size
    assert (info.image_size, info.channels, info.step, info.device != "") == (32, 3, 7, True)
    assert info.bits in (5, 8)
    assert 0 < info.default_temperature <= 1


def test_a_drawing_is_the_decoding_of_its_code(model):
    sampled = DrawRequest(Sampled(3, (0.7,)))
    edited = DrawRequest(Coded(model.sample(1, seed=4)[0], "photo"), edits=(("Smiling", 1.5), ("PCA 1", -1.0)))
    wander = DrawRequest(Sampled(3, (1.0,)), wander=Wander(2, 0.3, -0.2), edits=(("Young", 2.0),), locked=("Smiling",))
    for request in (sampled, edited, wander):
        drawn = model.draw(request)
        np.testing.assert_array_equal(drawn.picture, model.decode(model.code_of(request)[None])[0])
        np.testing.assert_array_equal(drawn.code, model.code_of(request))
        assert (drawn.picture.shape, drawn.picture.dtype, drawn.code.dtype) == ((32, 32, 3), np.uint8, np.float32)
        assert drawn.request is request
        assert drawn.norm_ratio == pytest.approx(np.linalg.norm(drawn.code) / math.sqrt(drawn.code.size), rel=1e-5)


def test_one_seed_is_one_picture_and_temperature_scales(model):
    one = model.code_of(DrawRequest(Sampled(5, (1.0,))))
    np.testing.assert_array_equal(one, model.sample(1, temperature=1.0, seed=5)[0])
    np.testing.assert_allclose(model.code_of(DrawRequest(Sampled(5, (0.5,)))), 0.5 * one, rtol=1e-6)
    assert not model.code_of(DrawRequest(Sampled(5, (0.0,)))).any()
    scales = tuple(0.1 * (i + 1) for i in range(len(model.info.groups)))
    code, start = model.code_of(DrawRequest(Sampled(5, scales))), 0
    for group, scale in zip(model.info.groups, scales, strict=True):
        part = slice(start, start + group.size)
        np.testing.assert_allclose(code[part], scale * one[part], rtol=1e-5)
        start += group.size
    with pytest.raises(UserError, match="groups"):
        model.sample(1, temperature=(1.0,) * (len(model.info.groups) + 1) if len(model.info.groups) > 1 else (1.0, 1.0))


def test_many_pictures_are_each_as_if_alone(model):
    codes = model.sample(37, seed=1)
    together = model.decode(codes)
    assert together.shape == (37, 32, 32, 3)
    for i in (0, 15, 16, 36):
        assert np.abs(together[i].astype(int) - model.decode(codes[i : i + 1])[0]).max() <= 1


def test_edits_are_so_many_sigmas_and_add_up(model):
    code = model.sample(1, seed=0)[0]

    def edited(*edits, locked=()):
        return model.code_of(DrawRequest(Coded(code), edits=edits, locked=locked))

    smile, young = edited(("Smiling", 1.0)), edited(("Young", -2.0))
    expected = np.zeros_like(code)
    expected[0] = 2.0
    np.testing.assert_allclose(smile - code, expected, atol=1e-5)
    np.testing.assert_allclose(edited(("Smiling", 1.0), ("Young", -2.0)) - code, smile + young - 2 * code, atol=1e-5)
    np.testing.assert_array_equal(edited(("Smiling", 0.0)), code)
    held = edited(("Young", 3.0), locked=("Smiling",))
    assert held[0] == pytest.approx(code[0], abs=1e-5)
    assert abs(held[1] - code[1]) > 0.5
    with pytest.raises(UserError, match="Hat"):
        edited(("Hat", 1.0))


def test_a_code_of_another_size_is_refused(model):
    for size in (1, model.info.code_size + 1):
        with pytest.raises(UserError, match=f"{model.info.code_size}"):
            model.draw(DrawRequest(Coded(np.zeros(size, np.float32))))
    with pytest.raises(UserError):
        model.draw(DrawRequest(Coded(np.zeros((1, model.info.code_size), np.float32))))


def test_morphs_begin_and_end_at_the_photos(model):
    codes = model.sample(2, seed=8)
    for method in ("lerp", "slerp"):
        path = model.morph(codes, [0.0, 0.5, 1.0], method=method)
        np.testing.assert_allclose(path[[0, -1]], codes, atol=1e-4)
        assert path.dtype == np.float32
    halfway = model.morph(codes, [0.5], method="lerp")[0]
    np.testing.assert_allclose(halfway, codes.mean(0), atol=1e-4)


def test_a_photo_is_encoded_as_the_family_can(model):
    steps = []
    found = model.encode(picture(3), name="me", note="cut", progress=Progress(tell=steps.append), steps=12)
    assert found.photo.shape == found.reconstruction.shape == found.error_map.shape == (32, 32, 3)
    np.testing.assert_array_equal(found.reconstruction, model.decode(found.code[None])[0])
    assert (found.name, found.note) == ("me", "cut")
    assert (found.bits_per_dim is None) == (model.info.density == "none")
    if model.info.encode == "search":
        assert len(found.errors) >= 2
        assert found.errors[-1] <= found.errors[0]
        assert steps

        def cancel() -> None:
            raise Cancelled

        with pytest.raises(Cancelled):
            model.encode(picture(3), progress=Progress(cancel), steps=12)
    else:
        assert found.errors == ()
    if model.info.encode == "exact":
        assert found.psnr_db > 50
    with pytest.raises(UserError, match="32 x 32"):
        model.encode(picture(3, 64))


def test_measuring_gives_what_the_family_knows(model):
    readout = model.measure(DrawRequest(Sampled(1, (0.5,))))
    assert readout.norm_ratio > 0
    assert readout.percentile is None
    assert (readout.bits_per_dim is None) == (model.info.density == "none")
    assert (readout.round_trip is not None) == (model.info.encode == "exact")
    if readout.round_trip is not None:
        assert readout.round_trip < 1e-3


def test_warming_up_changes_nothing(model):
    before = model.draw(DrawRequest(Sampled(1, (1.0,)))).picture
    model.warm_up()
    np.testing.assert_array_equal(model.draw(DrawRequest(Sampled(1, (1.0,)))).picture, before)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.floats(-3, 3), st.floats(-3, 3), st.integers(2, 300))
def test_wandering_stays_on_the_shell(plane, x, y, size):
    code = np.random.default_rng([7, size]).standard_normal(max(size, 3)).astype(np.float32)
    moved = wandered(code, Wander(plane, x, y))
    assert np.linalg.norm(moved) == pytest.approx(np.linalg.norm(code), rel=1e-5)
    assert moved.dtype == np.float32
    cosine = float(moved @ code / np.linalg.norm(code) ** 2)
    assert cosine == pytest.approx(math.cos(math.hypot(x, y)), abs=1e-4)


def test_wandering_nowhere_is_the_code_itself_and_planes_differ():
    code = np.random.default_rng(0).standard_normal(16).astype(np.float32)
    np.testing.assert_array_equal(wandered(code, Wander(3, 0.0, 0.0)), code)
    np.testing.assert_array_equal(wandered(np.zeros(16, np.float32), Wander(3, 1.0, 1.0)), np.zeros(16))
    assert np.abs(wandered(code, Wander(1, 0.5, 0)) - wandered(code, Wander(2, 0.5, 0))).max() > 0.01
    np.testing.assert_array_equal(wandered(code, Wander(1, 0.5, 0)), wandered(code, Wander(1, 0.5, 0)))
