"""`latent-loom import`: report, questions, exit status, and a model that the other commands open."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.checkpoints.importing import child, reading
from engine.session import Session
from tests.engine.checkpoints.importing import files
from tests.engine.checkpoints.importing.conftest import in_this_process


@pytest.fixture(autouse=True)
def _read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "limit_memory", lambda extra: None)
    monkeypatch.setattr(reading, "_run_child", in_this_process)


@pytest.mark.slow
def test_a_generator_is_imported_and_sampled_encoded_and_edited(call, tmp_path):
    path = files.write_torch(tmp_path / "netG_epoch_24.pth", files.dcgan(size=16))
    status, out, err = call("import", path, "--title", "Epoch 24")
    assert (status, err) == (0, "")
    assert "DCGAN of pytorch/examples -> GAN (imported)" in out
    assert "Verified: pictures of 16 x 16" in out
    status, out, _ = call("models", "--json")
    assert status == 0
    card = next(card for card in json.loads(out)["models"] if card["name"] == "Epoch 24")
    assert card["family"] == "imported_dcgan"
    assert card["image_size"] == 16
    assert call("sample", "epoch-24", "-n", 4, "-o", tmp_path / "grid.png")[0] == 0
    assert (tmp_path / "grid.png").is_file()
    model = Session(device="cpu").open("epoch-24")
    picture = model.decode(model.sample(1, seed=3))[0]
    encoded = model.encode(picture, steps=3)
    assert encoded.code.shape == (6,)
    assert len(encoded.errors) > 0


def test_a_flow_asks_and_then_encodes_exactly(call, tmp_path):
    path = files.write_torch(tmp_path / "model_010001.pt", {f"module.{k}": v for k, v in files.rosinality().items()})
    target = tmp_path / "glow.safetensors"
    status, out, err = call("import", path, "-o", target)
    assert (status, out) == (2, "")
    assert "does not say its image size and bits" in err
    assert not target.exists()
    status, out, err = call("import", path, "-o", target, "--set", "image_size=16", "--set", "bits=5", "--json")
    assert (status, err) == (0, "")
    values = json.loads(out)
    assert (values["family"], values["image_size"], values["code_size"]) == ("imported_glow", 16, 768)
    assert values["round_trip"] < 1e-4
    assert values["report"]["questions"][0]["name"] == "image_size"
    model = Session(device="cpu").open(str(target))
    picture = np.full((16, 16, 3), 90, np.uint8)
    picture[4:9, 3:12] = 180
    encoded = model.encode(picture)
    assert encoded.psnr_db > 50
    assert encoded.bits_per_dim is not None
    assert model.info.bits == 5
    assert [g.name for g in model.info.groups] == ["Level 1 (fine)", "Level 2 (coarse)"]


def test_defaults_take_the_usual_answers(call, tmp_path):
    path = files.write_torch(tmp_path / "a.pt", files.dcgan(root="net"))
    assert call("import", path, "-o", tmp_path / "o.safetensors")[0] == 2
    assert call("import", path, "-o", tmp_path / "o.safetensors", "--defaults")[0] == 0


def test_a_report_writes_nothing(call, tmp_path):
    path = files.write_torch(tmp_path / "a.pt", files.listed_glow("y0ast"))
    status, out, _ = call("import", path, "--report", "--json")
    assert status == 0
    report = json.loads(out)
    assert (report["layout"], report["image_size"]) == ("Glow of y0ast/Glow-PyTorch", 16)
    assert report["density"] == "exact"
    assert not (Session(device="cpu").home / "models").exists()


def test_a_config_elsewhere_can_be_named(call, tmp_path):
    path = files.write_torch(tmp_path / "a.pt", files.autoencoder_kl())
    (tmp_path / "vae.json").write_text(json.dumps(files.KL_CONFIG))
    assert call("import", path, "-o", tmp_path / "o.safetensors")[0] == 2
    assert call("import", path, "-o", tmp_path / "o.safetensors", "--config", tmp_path / "vae.json")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("-o", "o.pt"), 2, "must end in .safetensors"),
        (("--set", "nz"), 2, "name=value"),
        (("--set", "nz=3"), 2, "has no setting 'nz'"),
    ],
)
def test_wrong_calls(call, tmp_path, arguments, status, words):
    path = files.write_torch(tmp_path / "a.pt", files.dcgan())
    found, out, err = call("import", path, *arguments)
    assert (found, out) == (status, "")
    assert words in err
    assert err.count("\n") == 1


def test_refusals_are_one_sentence_with_status_1(call, tmp_path):
    path = tmp_path / "ffhq.pkl"
    path.write_bytes(b"\x80\x04 torch_utils.persistence")
    status, out, err = call("import", path, "-o", tmp_path / "o.safetensors")
    assert (status, out) == (1, "")
    assert "StyleGAN's pickles carry source code" in err
    assert "machine you trust" in err


def test_a_title_that_is_taken_is_refused(call, tmp_path):
    path = files.write_torch(tmp_path / "a.pt", files.dcgan())
    assert call("import", path, "--title", "Same")[0] == 0
    status, _, err = call("import", path, "--title", "Same")
    assert status == 2
    assert "already a model called same" in err


def test_imported_families_cannot_be_trained(call, tmp_path):
    status, _, err = call("train", "--family", "imported_glow", "--data", tmp_path, "--run", tmp_path / "r")
    assert status == 2
    assert "imported_glow" in err
