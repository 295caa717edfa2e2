"""Every layout, key for key as its authors write it: what is recognised, what is asked, and what comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.checkpoints.importing.convert import import_model, inspect
from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.errors import CheckpointError, UsageError
from engine.families import build
from tests.engine.checkpoints.importing import files
from tests.engine.checkpoints.importing.files import KL_CONFIG, write_folder, write_torch


@pytest.fixture
def opened(tmp_path: Path):
    """Imports content as a safetensors file (in the file's order) and gives (model, what was imported)."""

    def run(state, answers=None, **options):
        path = tmp_path / "theirs.safetensors"
        save_file({key: value.contiguous() for key, value in state.items()}, path)
        done = import_model(path, tmp_path / "ours.safetensors", answers=answers or {}, **options)
        return load_model(done.path, sha256=done.sha256)[0].eval(), done

    return run


def pictures(model, n=3):
    with torch.inference_mode():
        return model.decode(model.sample_codes(n, generator=torch.Generator().manual_seed(0)))


GANS = {
    "examples": (files.dcgan(size=64, nz=10), 64, 10, ()),
    "examples 32": (files.dcgan(size=32, nz=1), 32, 1, ()),
    "examples 128": (files.dcgan(size=128, ngf=2), 128, 6, ()),
    "grey": (files.dcgan(nc=1), 32, 6, ()),
    "model.N": (files.dcgan(root="model"), 32, 6, ("activation", "output")),
    "net.N": (files.dcgan(root="gen.net"), 32, 6, ("activation", "output")),
    "plain numbers": ({k[5:]: v for k, v in files.dcgan().items()}, 32, 6, ("activation", "output")),
    "no norm, biases": (files.dcgan(norm=False, bias=True), 32, 6, ("activation", "output")),
    "gan zoo": (files.gan_zoo(), 32, 5, ("output",)),
}


@pytest.mark.parametrize("name", GANS)
def test_a_generator_is_recognised_and_draws(opened, name):
    state, size, code, asked = GANS[name]
    model, done = opened(state, defaults=True)
    assert tuple(q.name for q in done.report.open_questions()) == asked
    assert (done.image_size, done.code_size, done.family) == (size, code, "imported_dcgan")
    drawn = pictures(model)
    assert drawn.shape[2:] == (size, size)
    assert drawn.abs().max() <= 1
    assert (drawn[0] - drawn[1]).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("state", "size", "layers"),
    [(files.wasserstein(extra=1), 32, 5), (files.wasserstein(extra=0, size=64), 64, 5), (files.linear_stem(), 16, 3)],
    ids=["extra layer", "wasserstein", "linear stem"],
)
def test_named_layers_are_taken_in_their_order(tmp_path, state, size, layers):
    path = write_torch(tmp_path / "netG.pth", state)
    report = inspect(path)
    assert report.image_size == size
    assert dict(report.facts)["Layers"].startswith(str(layers))
    assert import_model(path, tmp_path / "o.safetensors", answers={}, defaults=True).image_size == size


def test_doubling_between_convolutions_is_seen_by_the_gaps_and_asked(opened):
    model, done = opened(files.doubled(), {"activation": "relu", "output": "tanh", "upsampling": "bilinear"})
    assert [q.name for q in done.report.open_questions()] == ["activation", "output", "upsampling"]
    assert done.image_size == 16
    assert model.config.upsampling == "bilinear"


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {"module." + k: v for k, v in s.items()},
        lambda s: {"state_dict": s, "epoch": 3},
        lambda s: {"model": {"module." + k: v for k, v in s.items()}, "optimizer": {"state": {0: torch.zeros(9)}}},
        lambda s: {"netD": {"main.0.weight": torch.zeros(4, 3, 4, 4)}, "netG": s},
        lambda s: {"netG": {k: torch.full_like(v, 9) for k, v in s.items()}, "g_ema": s},
        lambda s: {"state_dict": {f"{net}.{k}": v for net in ("discriminator", "generator") for k, v in s.items()}},
        lambda s: {"params": {k: v.half() if v.is_floating_point() else v for k, v in s.items()}},
    ],
    ids=["bare", "module", "state_dict", "model", "netG and netD", "average first", "lightning", "half"],
)
def test_wrapped_files_give_the_same_model(tmp_path, wrap, legacy):
    state = files.dcgan(size=16)
    done = import_model(
        write_torch(tmp_path / "a.pt", wrap(state), legacy=legacy), tmp_path / "a.safetensors", answers={}
    )
    plain = import_model(write_torch(tmp_path / "b.pt", state), tmp_path / "b.safetensors", answers={})
    one, two = pictures(load_model(done.path)[0]), pictures(load_model(plain.path)[0])
    torch.testing.assert_close(one, two, atol=2e-2, rtol=0)


FLOWS = {
    "rosinality": (files.rosinality(), {"image_size": 16, "bits": 5}, 5),
    "rosinality additive": (files.rosinality(affine=False, with_lu=False, nc=1), {"image_size": 32, "bits": 8}, 8),
    "rosinality module": ({"module." + k: v for k, v in files.rosinality().items()}, {"image_size": 16, "bits": 5}, 5),
    "chaiyujin": (files.listed_glow("chaiyujin"), {}, 8),
    "chaiyujin lu": (files.listed_glow("chaiyujin", with_lu=True, affine=False, learn_top=False), {}, 8),
    "chaiyujin labels": (files.listed_glow("chaiyujin", labels=3), {"label": "none"}, 8),
    "y0ast": (files.listed_glow("y0ast", levels=3, side=32), {}, 8),
    "y0ast lu": (files.listed_glow("y0ast", with_lu=True, nc=1), {}, 8),
    "y0ast reversed": (files.listed_glow("y0ast", mixing=False), {"permutation": "reverse"}, 8),
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_is_recognised_and_inverts(opened, name):
    state, answers, bits = FLOWS[name]
    model, done = opened(state, answers)
    assert {q.name for q in done.report.open_questions()} == set(answers)
    assert done.round_trip is not None
    assert done.round_trip <= 1e-4
    assert done.code_size == done.channels * done.image_size**2
    assert model.bins == 2**bits
    z = 0.7 * model.sample_codes(2, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert (model.encode(model.decode(z)) - z).abs().max() <= 1e-3


def test_a_label_moves_a_conditional_flow(opened):
    state = files.listed_glow("y0ast", labels=3)
    drawn = [pictures(opened(state, {"label": label})[0]) for label in ("none", "0", "2")]
    assert (drawn[0] - drawn[1]).abs().max() > 1e-3
    assert (drawn[1] - drawn[2]).abs().max() > 1e-3


def test_hparams_beside_the_file_answer_the_permutation(tmp_path):
    state = files.listed_glow("y0ast", mixing=False)
    path = write_torch(tmp_path / "glow_model_2.pt", state)
    (tmp_path / "hparams.json").write_text('{"flow_permutation": "reverse"}')
    assert inspect(path).open_questions() == ()
    (tmp_path / "hparams.json").write_text('{"flow_permutation": "shuffle"}')
    with pytest.raises(CheckpointError, match="shuffles"):
        inspect(path)


def test_an_autoencoder_with_its_config_asks_for_nothing(tmp_path):
    folder = write_folder(tmp_path / "vae", files.autoencoder_kl(), KL_CONFIG)
    report = inspect(folder)
    assert report.open_questions() == ()
    done = import_model(folder, tmp_path / "o.safetensors", answers={"image_size": 32})
    assert (done.image_size, done.code_size, done.family) == (32, 2 * 16 * 16, "imported_autoencoder")
    model = load_model(done.path)[0].eval()
    with torch.inference_mode():
        assert model.encode(pictures(model, 2)).shape == (2, 512)
    assert model.config.scaling == 0.5


def test_an_autoencoder_without_its_config_asks(opened):
    _, done = opened(
        files.autoencoder_kl(attention=False, quant=False), {"image_size": 16, "scaling": 0.13025, "groups": 4}
    )
    assert [q.name for q in done.report.open_questions()] == ["image_size", "scaling", "groups"]
    assert load_model(done.path)[1].config["scaling"] == 0.13025


@pytest.mark.slow
def test_old_names_of_the_attention_give_the_same_model(tmp_path):
    new = write_folder(tmp_path / "new", files.autoencoder_kl(), KL_CONFIG)
    old = write_folder(tmp_path / "old", files.autoencoder_kl(old=True), KL_CONFIG)
    made = [import_model(f, tmp_path / f"{f.name}.safetensors", answers={}).path for f in (new, old)]
    torch.testing.assert_close(pictures(load_model(made[0])[0]), pictures(load_model(made[1])[0]))


def test_a_config_of_another_class_is_refused(tmp_path):
    folder = write_folder(tmp_path / "vae", files.autoencoder_kl(), {**KL_CONFIG, "_class_name": "AutoencoderTiny"})
    with pytest.raises(CheckpointError, match="AutoencoderTiny"):
        inspect(folder)


def test_our_own_file_is_copied_as_it_is(tmp_path):
    config = {"depth": 1, "extra_depth": 1, "hidden": 8}
    model = build("flow", config, (3, 16, 16))
    path = tmp_path / "mine.safetensors"
    digest = save_model(path, model, ModelHeader("flow", config, (3, 16, 16), title="Mine"))
    report = inspect(path)
    assert (report.layout, report.family, report.image_size) == ("Latent Loom", "flow", 16)
    done = import_model(path, tmp_path / "copy.safetensors", answers={})
    assert done.sha256 == digest
    assert done.path.read_bytes() == path.read_bytes()
    assert done.round_trip is not None


# --- what is asked is not guessed --------------------------------------------------------------------------------


def test_open_questions_are_listed_and_the_usual_answers_are_taken_only_on_request(opened):
    with pytest.raises(UsageError, match=r"image size and bits: give --set image_size=16\|32.*--defaults for"):
        opened(files.rosinality())
    with pytest.raises(UsageError, match="bits must be between 1 and 8"):
        opened(files.rosinality(), {"image_size": 16, "bits": 9})
    with pytest.raises(UsageError, match="image_size must be one of"):
        opened(files.rosinality(), {"image_size": 48, "bits": 5})
    with pytest.raises(UsageError, match=r"no setting 'size': it asks for image_size, bits"):
        opened(files.rosinality(), {"size": 16})
    assert opened(files.rosinality(), {"image_size": 16}, defaults=True)[0].bins == 32


# --- strictness --------------------------------------------------------------------------------------------------

KEYS = [
    (files.rosinality(), "blocks.1.flows.0.coupling.net.2.weight"),
    (files.listed_glow("chaiyujin"), "flow.layers.2.f.2.actnorm.logs"),
    (files.listed_glow("y0ast"), "flow.layers.3.conv.logs"),
    (files.autoencoder_kl(), "decoder.up_blocks.0.resnets.1.norm2.bias"),
    (files.gan_zoo(), "main.convTranspose2.weight"),
]


@pytest.mark.parametrize(("state", "key"), KEYS, ids=[key for _, key in KEYS])
def test_a_missing_tensor_is_named(opened, state, key):
    assert key in state
    with pytest.raises(CheckpointError, match=r"lacks|missing|belong") as caught:
        opened({k: v for k, v in state.items() if k != key}, defaults=True)
    assert key.rpartition(".")[0] in str(caught.value)


@pytest.mark.parametrize(("state", "key"), KEYS, ids=[key for _, key in KEYS])
def test_a_tensor_of_another_shape_is_refused(opened, state, key):
    wrong = torch.cat([state[key], state[key]])
    with pytest.raises(CheckpointError, match=r"theirs\.safetensors"):
        opened({**state, key: wrong}, defaults=True)


@pytest.mark.parametrize(("state", "key"), KEYS, ids=[key for _, key in KEYS])
def test_an_unknown_tensor_is_refused(opened, state, key):
    with pytest.raises(CheckpointError, match=r"theirs\.safetensors"):
        opened({**state, "surprise.weight_orig": torch.zeros(3)}, defaults=True)


@pytest.mark.parametrize(("state", "key"), KEYS, ids=[key for _, key in KEYS])
def test_numbers_that_are_not_finite_are_refused(opened, state, key):
    broken = state[key].clone()
    broken.view(-1)[0] = torch.nan
    with pytest.raises(CheckpointError, match="not finite"):
        opened({**state, key: broken}, defaults=True)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"main.0.weight": torch.ones(4, 3, 4, 4), "main.2.weight": torch.ones(8, 4, 4, 4)}, "discriminator"),
        ({"a.weight": torch.ones(6, 8, 4, 4), "b.weight": torch.ones(5, 3, 4, 4)}, "no plain stack"),
        ({"a.weight": torch.ones(6, 8, 4, 4), "b.weight": torch.ones(8, 5, 4, 4)}, "8 x 8 pixels with 5 channels"),
        ({"a.weight": torch.ones(6, 8, 7, 7), "b.weight": torch.ones(8, 1, 4, 4)}, "14 x 14"),
        ({"a.weight": torch.ones(6, 8, 4, 4), "b.weight": torch.ones(8, 3, 5, 5)}, "kernel 5"),
        ({"w": torch.ones(3)}, "names of no known layout"),
        ({"formatLayer.module.weight": torch.ones(8, 4)}, "progressive GAN"),
        ({"decoder.up.0.block.0.conv1.weight": torch.ones(4, 4, 3, 3)}, "original latent diffusion"),
    ],
    ids=["critic", "channels", "colours", "side", "kernel", "unknown", "progressive", "ldm"],
)
def test_what_cannot_be_opened_is_refused_with_its_reason(opened, state, words):
    with pytest.raises(CheckpointError, match=words):
        opened(state, defaults=True)


# --- verification ------------------------------------------------------------------------------------------------


def test_a_generator_of_one_colour_is_refused(opened):
    state = {k: v * 0 if "weight" in k and v.ndim == 4 else v for k, v in files.dcgan(size=16).items()}
    with pytest.raises(CheckpointError, match="one colour"):
        opened({k: v * 0 if k.endswith("bias") else v for k, v in state.items()})


@pytest.mark.parametrize("amount", [0.0, 1e-20])
def test_a_flow_that_cannot_be_inverted_is_refused(opened, amount):
    state = files.rosinality(with_lu=False)
    weight = state["blocks.0.flows.0.invconv.weight"]
    with pytest.raises(CheckpointError, match="no invertible flow"):
        opened(
            {**state, "blocks.0.flows.0.invconv.weight": torch.ones_like(weight) + amount * weight},
            {"image_size": 16, "bits": 5},
        )


def test_a_flow_that_only_float64_inverts_is_taken_with_a_warning(opened):
    state = files.rosinality(with_lu=False)
    name = "blocks.0.flows.0.invconv.weight"
    nearly_singular = torch.ones_like(state[name]) + 1e-5 * state[name]
    _, done = opened({**state, name: nearly_singular}, {"image_size": 16, "bits": 5})
    assert done.round_trip > 1e-3
    assert "In float32 a picture comes back with an error of" in done.warnings[0]


def test_what_training_alone_needs_is_counted_and_left_out(tmp_path):
    state = files.dcgan(size=16)
    path = write_torch(tmp_path / "a.pt", {"G": state, "D": {"main.0.weight": torch.zeros(4, 3, 4, 4)}, "step": 3})
    report = inspect(path)
    # The walk leaves critics and optimisers in the file, so they are not even copied.
    assert report.unused == ()
    assert report.parameters == sum(v.numel() for v in state.values())
