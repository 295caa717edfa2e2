"""The imported models are the authors' functions: figures that their own code computed from the same tensors.

How they were made: `files.py` gives the tensors of each layout; the public implementation (read, never copied) loaded
them strictly, in evaluation mode, with its coupling networks 6 channels wide, and decoded `code` or measured `pixels`
below. Pictures are the implementation's own values (a flow's are -0.5 to 0.5, or 0 to 1), thinned to eight; densities
are in nats of its own pixels. Versions: rosinality/glow-pytorch 97081ff, chaiyujin/glow-pytorch 487a6b1,
y0ast/Glow-PyTorch 13c7b01, pytorch/examples 77f55b9, pytorch_GAN_zoo b75dee4, diffusers 0.42.1; torch 2.13 on a CPU in
float32.
"""

from __future__ import annotations

import math

import pytest
import torch

from engine.checkpoints.importing.convert import import_model
from engine.checkpoints.model_file import load_model
from tests.engine.checkpoints.importing import files
from tests.engine.checkpoints.importing.files import KL_CONFIG, pixels, wave, write_folder, write_torch

# fmt: off
FLOWS = [
    ("rosinality affine", files.rosinality(),
     {"image_size": 16, "bits": 5}, 0.0,
     [-839.025085, -829.946472],
     [2.112678, -0.230933, 0.262937, -0.63157, 0.031508, 0.737042, 1.379486, 1.38857]),
    ("rosinality additive plain", files.rosinality(affine=False, with_lu=False, nc=1),
     {"image_size": 16, "bits": 5}, 0.0,
     [-241.989807, -243.494415],
     [0.484572, -0.113422, 0.263198, -0.812507, 0.217058, 0.631976, 0.29857, -0.142221]),
    ("chaiyujin affine", files.listed_glow("chaiyujin"),
     {}, 0.5,
     [-951.835449, -957.932007],
     [0.29654, 0.064283, 0.293889, 0.713407, 0.096744, -0.622651, -0.523844, -0.251413]),
    ("chaiyujin additive lu", files.listed_glow("chaiyujin", affine=False, with_lu=True, learn_top=False, nc=1),
     {}, 0.5,
     [-282.864258, -289.24176],
     [0.517389, 0.303452, 0.376309, -0.22108, 0.29965, 0.203231, 0.264004, -0.608935]),
    ("chaiyujin labels", files.listed_glow("chaiyujin", labels=4, learn_top=False),
     {"label": "2"}, 0.5,
     [-954.848389, -956.761475],
     [0.420918, 0.181747, 0.463082, 0.1288, 0.462736, -0.963526, -0.483415, -0.194885]),
    ("y0ast affine lu", files.listed_glow("y0ast", with_lu=True),
     {}, 0.0,
     [-884.448303, -883.510864],
     [0.971626, -1.084226, 1.039999, -0.840994, -0.486261, -0.750464, -0.821516, -0.350701]),
    ("y0ast additive plain", files.listed_glow("y0ast", affine=False, nc=1, learn_top=False),
     {}, 0.0,
     [-219.075409, -220.248154],
     [0.079069, 0.002909, -0.120564, 0.063559, 0.141459, -0.369516, -0.640823, -0.178663]),
    ("y0ast reverse", files.listed_glow("y0ast", mixing=False),
     {"permutation": "reverse"}, 0.0,
     [-855.062927, -856.889404],
     [0.265873, 0.186541, 0.422517, 0.797387, -0.288861, -0.510984, -0.529819, -0.301985]),
    ("y0ast labels", files.listed_glow("y0ast", labels=3),
     {"label": "1"}, 0.0,
     [-830.574646, -836.062866],
     [0.406751, -0.130147, 0.302265, 0.879549, 0.218792, -0.309291, -0.578548, -0.240456]),
]
GANS = [
    ("dcgan", files.dcgan(size=64, nz=10), {},
     [-0.243646, 0.990587, 0.990086, 0.660166, -0.552609, 0.989634, 0.999568, 0.717841]),
    ("gan_zoo tanh", files.gan_zoo(), {"output": "tanh"},
     [0.838532, -0.075698, -0.058022, 0.10633, 0.999274, -0.40121, -0.863649, 0.279191]),
    ("gan_zoo none", files.gan_zoo(), {"output": "none"},
     [1.0, -0.075843, -0.058087, 0.106733, 1.0, -0.42509, -1.0, 0.286804]),
]
AUTOENCODERS = [
    ("kl", True,
     [0.005264, -0.041895, 0.026684, 0.008714, 0.01168, 0.064454, 0.074452, 0.128936],
     [0.061919, 0.397663, 0.479869, 0.182346, 0.136934, 0.181347, 0.174085, 0.053002]),
    ("kl_plain", False,
     [-0.026798, -0.006736, 0.045437, -0.049216, -0.018867, 0.017933, -0.041428, -0.061322],
     [0.03673, 0.16125, 0.181471, 0.109199, 0.30219, 0.179716, 0.301637, -0.131286]),
]
# fmt: on


def thinned(values: torch.Tensor) -> list[float]:
    flat = values.double().flatten()
    return flat[:: max(1, len(flat) // 8)][:8].tolist()


@pytest.mark.parametrize(("name", "state", "answers", "offset", "nats", "picture"), FLOWS, ids=[f[0] for f in FLOWS])
def test_flows(tmp_path, name, state, answers, offset, nats, picture):
    done = import_model(write_torch(tmp_path / "a.pt", state), tmp_path / "o.safetensors", answers=answers)
    model = load_model(done.path)[0].eval()
    x = pixels((2, *model.spec.image_shape))
    with torch.inference_mode():
        # Their pixels are half as wide as ours.
        found = model.log_prob(x) + model.spec.dimensions * math.log(2.0)
        assert found.tolist() == pytest.approx(nats, abs=2e-3)
        z = 0.7 * wave("code", (1, model.spec.size))
        assert thinned(model.decode(z) / 2 + offset) == pytest.approx(picture, abs=1e-4)
        assert (model.decode(model.encode(x)) - x).abs().max() < 1e-4


@pytest.mark.parametrize(("name", "state", "answers", "picture"), GANS, ids=[g[0] for g in GANS])
def test_generators(tmp_path, name, state, answers, picture):
    done = import_model(write_torch(tmp_path / "a.pt", state), tmp_path / "o.safetensors", answers=answers)
    model = load_model(done.path)[0].eval()
    with torch.inference_mode():
        assert thinned(model.decode(2 * wave("code", (2, model.spec.size)))) == pytest.approx(picture, abs=1e-4)
    assert max(map(abs, picture)) > 0.05


@pytest.mark.parametrize(("name", "attention", "code", "picture"), AUTOENCODERS, ids=[a[0] for a in AUTOENCODERS])
def test_autoencoders(tmp_path, name, attention, code, picture):
    folder = write_folder(tmp_path / "vae", files.autoencoder_kl(attention=attention), KL_CONFIG)
    model = load_model(import_model(folder, tmp_path / "o.safetensors", answers={}).path)[0].eval()
    with torch.inference_mode():
        # KL_CONFIG scales codes by a half.
        assert thinned(model.encode(pixels((2, 3, 16, 16)))) == pytest.approx(code, abs=1e-4)
        assert thinned(model.decode(0.3 * wave("code", (2, model.spec.size)))) == pytest.approx(picture, abs=1e-4)
