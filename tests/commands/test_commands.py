"""Every command as a person or a script calls it: what it prints, where, with which exit status, and what it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import cli
from engine.api import Cut
from engine.families import FAMILIES
from engine.session import Session
from tests.commands.answers import one_object, one_sentence
from tests.contract.tiny import environment, folder_of_pictures, picture, settings
from tests.quick import quick

COMMANDS = (
    "models sample encode edit morph timelapse directions diagnose data train runs import lab bench doctor shot"
).split()


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "Fotos 脸"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(picture(i, 80)).save(folder / f"photo {i}.png")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_explains_every_command(command, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"] if command else ["--help"])
    out, err = capsys.readouterr()
    assert caught.value.code == 0
    assert err == ""
    assert "usage: latent-loom" in out
    if command:
        assert "--json" in out
    else:
        assert all(name in out for name in COMMANDS)


def test_no_command_is_missing_from_the_table():
    (commands,) = (set(action.choices) for action in cli.parser()._actions if action.choices)
    assert commands == set(COMMANDS)


@pytest.mark.slow
def test_models_lists_what_can_be_opened(call, home):
    rows = {row["name"]: row for row in one_object(call("models", "--json"))["models"]}
    for family in FAMILIES:
        row = rows[f"Tiny {family}"]
        assert (row["family"], row["image_size"], row["channels"], row["shipped"]) == (family, 32, 3, False)
        assert len(row["sha256"]) == 64
    status, out, _ = call("models")
    assert status == 0
    assert "Tiny gan" in out


@pytest.mark.parametrize("family", list(FAMILIES))
def test_samples_are_drawn_and_repeat_by_seed(family, call, home, tmp_path):
    files = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / f"{name}.png"
        command = ("sample", f"tiny-{family}", "-n", 5, "-t", 0.7, "--seed", seed, "-o", out, "--json")
        values = one_object(call(*command))
        assert (values["samples"], values["output"]) == (5, str(out))
        files.append(np.asarray(Image.open(out)))
    assert files[0].shape == (3 * 34 - 2, 2 * 34 - 2, 3)
    np.testing.assert_array_equal(files[0], files[1])
    assert (files[0] != files[2]).any()


@pytest.mark.parametrize("family", ["vae", "flow"])
def test_photos_are_encoded_into_codes_that_belong_to_the_model(family, call, home, photos, tmp_path):
    out = tmp_path / "codes.npz"
    values = one_object(call("encode", f"tiny-{family}", *photos, "-o", out, "--align", "none", "--json"))
    assert [row["photo"] for row in values["photos"]] == [str(p) for p in photos]
    for row in values["photos"]:
        assert row["bits_per_dim"] > 0
        # A flow gives the photo back as it is, and no noise has no ratio.
        assert (row["psnr_db"] is None) if family == "flow" else (row["psnr_db"] > 5)
        assert row["milliseconds"] > 0
    with np.load(out, allow_pickle=False) as archive:
        session = Session(device="cpu")
        model = session.open(f"tiny-{family}")
        assert archive["codes"].shape == (3, model.info.code_size)
        assert str(archive["model_sha256"]) == model.info.sha256
        assert list(archive["names"]) == [p.name for p in photos]
        expected = model.encode(session.load_photo(photos[1], size=32, cut=Cut(align="none")).picture).code
        np.testing.assert_allclose(archive["codes"][1], expected, atol=1e-5)


def test_an_edit_shows_photo_reconstruction_and_edit(call, home, photos, tmp_path):
    out = tmp_path / "edit.png"
    command = ("edit", "tiny-vae", photos[0], "--set", "smiling=+2", "--align", "none", "-o", out, "--json")
    values = one_object(call(*command))
    assert values["edits"] == {"Smiling": 2.0}
    both = np.asarray(Image.open(out), int)
    assert both.shape == (32, 3 * 32 + 8, 3)
    assert np.abs(both[:, 36:68] - both[:, 72:]).max() > 0
    values = one_object(call("edit", "tiny-vae", photos[0], "--set", "Smiling=0", "-o", out, "--json"))
    both = np.asarray(Image.open(out), int)
    np.testing.assert_array_equal(both[:, 36:68], both[:, 72:])


@pytest.mark.parametrize("name", ["a.gif", "b.webp", "frames"])
def test_a_morph_has_the_frames_that_were_asked_for(name, call, home, photos, tmp_path):
    out = tmp_path / name
    command = ("morph", "tiny-flow", *photos[:2], "--frames", 6, "--scale", 1, "--align", "none", "-o", out, "--json")
    assert one_object(call(*command))["frames"] == 6
    if out.is_dir():
        assert len(list(out.glob("*.png"))) == 6
    else:
        with Image.open(out) as image:
            assert (image.n_frames, image.size) == (6, (32, 32))


def test_directions_are_listed_with_their_evidence(call, home):
    values = one_object(call("directions", "tiny-vae", "--json"))
    smile, first = values["directions"]
    assert (smile["name"], smile["auc"], smile["auc_interval"]) == ("Smiling", 0.91, [0.9, 0.92])
    assert (first["kind"], first["share"]) == ("component", 0.25)
    assert one_object(call("directions", "tiny-gan", "--json"))["directions"] == []
    assert "no directions yet" in call("directions", "tiny-gan")[1]


def test_doctor_says_what_is_here(call):
    values = one_object(call("doctor", "--json"))
    assert {"version", "python", "device", "versions", "display", "advice"} <= set(values)
    assert values["versions"]["torch"]


def train_command(family: str, data: Path, run: Path, *more: object) -> list[str]:
    start = ["train", "--family", family, "--data", data, "--run", run, "--size", 32, "--device", "cpu"]
    rest = ["--steps", 6, "--set", "batch=4", "--set", "save_every=3", *settings(family), *more]
    return [str(a) for a in (*start, *rest)]


@pytest.mark.parametrize("family", quick([name for name, row in FAMILIES.items() if row.sizes], "vae"))
def test_a_run_is_trained_resumed_and_not_begun_twice(family, call, tmp_path):
    data, run = folder_of_pictures(tmp_path / "data"), tmp_path / "run"
    values = one_object(call(*train_command(family, data, run, "--json")))
    assert (values["state"], values["step"], values["steps"], values["run"]) == ("done", 6, 6, str(run))
    assert all(isinstance(v, float | int) for v in values["metrics"].values())
    assert (run / "checkpoints/step_000006/manifest.json").is_file()
    err = one_sentence(call(*train_command(family, data, run)), 1)
    assert "--resume" in err
    values = one_object(call("train", "--run", run, "--resume", "--steps", 8, "--json", "--device", "cpu"))
    assert (values["state"], values["step"]) == ("done", 8)
    assert "-m -- engine.cli train --run" in values["torchrun"]
    assert "--nnodes=2" in values["torchrun_nodes"]
    assert "done at step 8 of 8" in call("train", "--run", run, "--resume", "--device", "cpu")[1]


@pytest.mark.slow
def test_a_call_of_train_that_is_wrong_leaves_nothing(call, tmp_path):
    data, run = folder_of_pictures(tmp_path / "data"), tmp_path / "run"
    (tmp_path / "empty").mkdir()
    one = folder_of_pictures(tmp_path / "one", n=1)
    wrong = [
        (train_command("vae", data, run, "--set", "widht=3"), "widht"),
        (train_command("vae", data, run, "--set", "beta=-1"), "beta must be between 0"),
        (train_command("vae", data, run, "--set", "batch=1000"), "batch must be at most"),
        (train_command("vae", data, run, "--set", "batch"), "name=value"),
        (train_command("vae", data, run, "--steps", 0), "between 1"),
        (train_command("vae", data, run, "--size", 48), "48"),
        (train_command("vae", data, run, "--device", "quantum"), "quantum"),
        (train_command("vae", one, run), "batch must be at most"),
        (["train", "--family", "diffusion", "--run", run], "diffusion"),
        (["train", "--run", run], "--family and --data"),
        (["train"], "--run"),
    ]
    for command, words in wrong:
        assert words in one_sentence(call(*command), 2)
    for source, words in ((tmp_path / "empty", "no image"), (tmp_path / "nowhere", "no data set")):
        assert words in one_sentence(call(*train_command("vae", source, run)), 1)
    assert "no run" in one_sentence(call("train", "--run", run, "--resume"), 1)
    assert not run.exists()


def test_a_run_directory_that_cannot_be_written_is_told(call, tmp_path):
    data = folder_of_pictures(tmp_path / "data")
    (tmp_path / "file").write_text("mine")
    for run in (tmp_path / "file" / "run", tmp_path / "file"):
        one_sentence(call(*train_command("vae", data, run)), 1)
    assert (tmp_path / "file").read_text() == "mine"


def test_errors_are_one_sentence_and_the_right_status(call, home, photos, tmp_path):
    out = tmp_path / "out.png"
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes((home / "models/tiny-vae.safetensors").read_bytes()[:3000])
    evil = tmp_path / "evil.pt"
    evil.write_bytes(b"PK\x03\x04 a zip of pickles")
    text = tmp_path / "text.png"
    text.write_text("no picture")
    wrong_calls = [
        ["nothing"],
        ["--json"],
        ["sample"],
        ["sample", "tiny-vae"],
        ["sample", "tiny-vae", "-n", "0", "-o", out],
        ["sample", "tiny-vae", "-n", "many", "-o", out],
        ["sample", "tiny-vae", "-t", "nan", "-o", out],
        ["sample", "tiny-vae", "--seed", "-1", "-o", out],
        ["sample", "nobody", "-o", out],
        ["sample", "tiny-vae", "-o", out, "--device", "quantum"],
        ["edit", "tiny-vae", photos[0], "--set", "smiling", "-o", out],
        ["edit", "tiny-vae", photos[0], "--set", "smiling=much", "-o", out],
        ["edit", "tiny-vae", photos[0], "--set", "smiling=1e9", "-o", out],
        ["encode", "tiny-vae", photos[0], "-o", out, "--align", "sideways"],
        ["morph", "tiny-vae", photos[0], photos[1], "--frames", "1", "-o", out],
        ["morph", "tiny-vae", photos[0], photos[1], "--frames", "3", "-o", tmp_path / "a.avi"],
        ["shot", out, "--size", "huge"],
        ["sample", "tiny-vae", "-o", tmp_path / "a.xyz"],
    ]
    for command in wrong_calls:
        one_sentence(call(*command), 2)
    failing = [
        ["sample", broken, "-o", out],
        ["sample", evil, "-o", out],
        ["sample", "tiny-vae", "-o", tmp_path / "nowhere" / "a.png"],
        ["encode", "tiny-vae", text, "-o", out],
        ["encode", "tiny-vae", tmp_path / "gone.png", "-o", out],
        ["encode", "tiny-vae", photos[0], "-o", text / "codes.npz"],
    ]
    for command in failing:
        err = one_sentence(call(*command, "--json"), 1)
        assert any(Path(str(part)).name in err for part in command[1:] if part not in ("-o", "tiny-vae")), err
    for name in ("", ".", "/"):
        assert "must end in .png" in one_sentence(call("sample", "tiny-vae", "-o", name), 2)
        err = one_sentence(call("encode", "tiny-vae", photos[0], "-o", name), 1)
        assert f"{name or '.'} could not be written" in err
    hat = ["edit", "tiny-vae", photos[0], "--set", "hat=1", "-o", out]
    alone = ["morph", "tiny-vae", photos[0], "-o", out]
    for command in (hat, alone):
        result = call(*command)
        assert result[0] in (1, 2)
        one_sentence(result, result[0])
    assert not out.exists()


def test_a_bug_is_one_line_with_its_traceback_in_the_log(call, monkeypatch, home):
    def bug(self):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(Session, "models", bug)
    status, out, err = call("models", "--json")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "Traceback" not in err
    assert "latent-loom.log" in err
    assert "ZeroDivisionError: division by zero" in (home / "latent-loom.log").read_text()


def test_a_home_that_cannot_be_written_stops_no_command(call, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("LATENT_LOOM_HOME", str(tmp_path / "file"))
    assert "models" in one_object(call("models", "--json"))


@pytest.mark.slow
def test_the_module_runs_as_a_program_without_the_window(home, tmp_path):
    program = (
        "import sys; sys.modules['PySide6'] = None; sys.modules['pyqtgraph'] = None;"
        "from engine import cli; sys.exit(cli.main(sys.argv[1:]))"
    )
    out = tmp_path / "a.png"
    done = subprocess.run(
        [sys.executable, "-c", program, "sample", "tiny-flow", "-o", str(out), "--json"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["output"] == str(out)
    wrong = subprocess.run(
        [sys.executable, "-m", "engine.cli", "sample", "nobody", "-o", str(out)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert "tiny-flow" in wrong.stderr
