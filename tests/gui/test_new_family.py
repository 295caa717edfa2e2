"""A family, an objective and a family of points that are written here alone, and what the program does with them.

Each is one row in a table; whatever else they needed would be a place that the contract forgot.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from engine import cli
from engine.api import TrainRequest
from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.control import Control
from engine.data import DataSet
from engine.device import pick
from engine.diagnostics.diagnose import diagnose
from engine.diagnostics.facts import Origin
from engine.diagnostics.subjects import subject_of
from engine.errors import Unsupported, UsageError, UserError
from engine.families import FAMILIES, build
from engine.frozen import FrozenCache
from engine.knobs import MINUTES, Preset, knob
from engine.latent.directions import fit_attribute
from engine.models.base import Abilities, Frozen, Group, LatentModel, LatentSpec, Steps
from engine.models.family import Family
from engine.objectives.adversarial import OBJECTIVES, Objective, Worked
from engine.plots import Plot
from engine.runs import directory as runs
from engine.session import Session
from engine.training.loop import train
from tests.contract import test_contract as contract
from tests.contract.gaps import family_gaps, objective_gaps
from tests.gui.conftest import SIZE, App, OpenApp, drag
from tests.gui.test_explore import shown, slider_points

STEPS = {"steps": 6, "batch": 8, "preview_every": 3, "save_every": 3, "warmup": 0}


# --- a family of pictures ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SheetConfig:
    """One linear layer each way."""

    code: int = knob(16, "Code size", "Numbers in a code.", low=2, high=64)
    bright: bool = knob(False, "Bright", "Starts from white.")


class Sheet(LatentModel):
    """A linear autoencoder."""

    abilities = Abilities(encode="amortised", density="none")

    def __init__(self, config: SheetConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.config = config
        self.spec = LatentSpec(config.code, (Group("code", 0, config.code),), image_shape)
        self.reader = nn.Linear(self.spec.dimensions, config.code)
        self.drawer = nn.Linear(config.code, self.spec.dimensions)
        nn.init.constant_(self.drawer.bias, 0.5 if config.bright else 0.0)

    def decode(self, z: Tensor) -> Tensor:
        return torch.tanh(self.drawer(z)).view(len(z), *self.spec.image_shape)

    def encode(self, x: Tensor) -> Tensor:
        code: Tensor = self.reader(x.flatten(1))
        return code

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        loss = (self.decode(self.encode(batch)) - batch).square().mean()
        return {"loss": loss.detach(), "gradient_norm": steps.update("model", loss)}


class FrozenSheet(Frozen):
    """The matrix alone."""

    def __init__(self, model: Sheet, *, packed: bool) -> None:
        super().__init__(model)
        self._matrix, self._bias = model.drawer.weight.detach().T.clone(), model.drawer.bias.detach().clone()

    def decode(self, z: Tensor) -> Tensor:
        return torch.addmm(self._bias, z, self._matrix).tanh().view(len(z), *self.model.spec.image_shape)


SHEET = Family(
    name="sheet",
    title="Sheet",
    summary="One layer each way.",
    config=SheetConfig,
    model=Sheet,
    frozen=FrozenSheet,
    sizes=(SIZE, 40),
    training={"learning_rate": 2e-3},
    presets={MINUTES: Preset({"code": 4}, steps={SIZE: 40, 40: 30})},
    few_images={"bright": True},
    plots=lambda: (Plot("Squared error", ("loss",), ("each batch",)),),
)


# --- an objective ------------------------------------------------------------------------------------------------

EXPONENTIAL = Objective(
    "exponential",
    "Exponential",
    lambda real, fake: (-real).exp().mean() + fake.exp().mean(),
    lambda fake: (-fake).exp().mean(),
    plots=(Plot("Exponential losses", ("generator_loss", "discriminator_loss")),),
    worked=Worked((0.0, math.log(2)), (math.log(3), 0.0), 0.75 + 2.0, 2 / 3),
)


# --- a family of points ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PlaneConfig:
    """A Gaussian."""

    spread: float = knob(1.0, "Spread", "Where the standard deviations start.", low=0.1, high=10.0)


class Plane(LatentModel):
    """x = mean + exp(log_std) z: exact both ways, on points of R^d."""

    abilities = Abilities(encode="exact", density="exact")

    def __init__(self, config: PlaneConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        size = image_shape[0]
        self.config = config
        self.spec = LatentSpec(size, (Group("code", 0, size),), image_shape, range=None)
        self.mean = nn.Parameter(torch.zeros(size))
        self.log_std = nn.Parameter(torch.full((size,), math.log(config.spread)))

    def decode(self, z: Tensor) -> Tensor:
        return (self.mean + self.log_std.exp() * z)[:, :, None, None]

    def encode(self, x: Tensor) -> Tensor:
        return (x.flatten(1) - self.mean) * (-self.log_std).exp()

    def log_prob(self, x: Tensor) -> Tensor:
        return torch.distributions.Normal(self.mean, self.log_std.exp()).log_prob(x.flatten(1)).sum(1)

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        nats = -self.log_prob(batch).mean()
        return {"nats": nats.detach(), "gradient_norm": steps.update("model", nats)}


PLANE = Family(
    name="plane",
    title="Plane",
    summary="A Gaussian.",
    config=PlaneConfig,
    model=Plane,
    frozen=None,
    points=True,
    presets={MINUTES: Preset({})},
    plots=lambda: (Plot("Nats", ("nats", "training/nats", "heldout/nats")),),
)


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The three rows, as a person adds them."""
    monkeypatch.setitem(FAMILIES, "sheet", SHEET)
    monkeypatch.setitem(FAMILIES, "plane", PLANE)
    monkeypatch.setitem(OBJECTIVES, "exponential", EXPONENTIAL)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for index in range(40):
        low = np.random.default_rng(index).integers(0, 255, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(low).resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(folder / f"{index:02}.png")
    return folder


def learn(session: Session, run: Path) -> str:
    return session.train(run, control=Control(), emit=lambda event: None).state


def values(run: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for row in runs.read_metrics(run)[0]:
        for name, value in row.values.items():
            found.setdefault(name, []).append(value)
    return found


# --- what a row lacks is said ------------------------------------------------------------------------------------


def test_nothing_is_missing() -> None:
    assert family_gaps(SHEET) == family_gaps(PLANE) == objective_gaps(EXPONENTIAL) == []


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (replace(SHEET, plots=tuple), "sheet has no plots"),
        (replace(SHEET, sizes=()), "sheet names no sizes"),
        (replace(SHEET, presets={}), "sheet has no preset 'Small, minutes on a CPU'"),
        (replace(SHEET, sizes=(SIZE, 64)), "sheet does not say how many steps .* takes at 64 pixels"),
        (replace(SHEET, presets={**SHEET.presets, "Large": Preset({"widht": 3})}), "sheet has no knob 'widht'"),
        (replace(SHEET, training={"stpes": 3}), "There is no knob of training 'stpes'"),
        (replace(SHEET, summary=""), "sheet has no summary"),
        (replace(EXPONENTIAL, plots=()), "exponential has no plots"),
        (replace(EXPONENTIAL, worked=None), "exponential has no worked example"),
    ],
)
def test_what_is_forgotten_is_named_in_a_sentence(row: Family | Objective, sentence: str) -> None:
    (gap,) = family_gaps(row) if isinstance(row, Family) else objective_gaps(row)
    assert re.search(sentence, gap), gap


def test_a_frozen_form_cannot_be_forgotten() -> None:
    with pytest.raises(TypeError, match="frozen"):
        Family(name="sheet", title="Sheet", summary="", config=SheetConfig, model=Sheet)  # type: ignore[call-arg]


# --- the contract ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "promise",
    [
        contract.test_groups_tile_the_code,
        contract.test_no_part_of_the_code_is_dropped,
        contract.test_every_trained_parameter_gets_a_gradient,
        contract.test_metrics_stay_tensors_on_the_device,
        contract.test_codes_follow_seed_and_temperature,
        contract.test_freezing_changes_speed_and_not_pictures,
    ],
)
def test_the_tests_of_every_family_pass(promise) -> None:
    promise("sheet", {"code": 4})


def test_the_frozen_form_of_the_row_is_used() -> None:
    model = build("sheet", {}, (3, SIZE, SIZE)).eval()
    assert isinstance(FrozenCache(model)(), FrozenSheet)
    z = model.sample_codes(3)
    torch.testing.assert_close(FrozenCache(model)().decode(z), model.decode(z).detach())


def test_losses_are_those_that_were_worked_out() -> None:
    worked = EXPONENTIAL.worked
    assert worked is not None
    real, fake = torch.tensor(worked.real), torch.tensor(worked.fake)
    assert float(EXPONENTIAL.discriminator(real, fake)) == pytest.approx(worked.discriminator)
    assert float(EXPONENTIAL.generator(fake)) == pytest.approx(worked.generator)


# --- engine, commands and window ---------------------------------------------------------------------------------


def test_a_run_is_trained_resumed_explored_and_diagnosed(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        return cli.main([str(a) for a in arguments]), *capsys.readouterr()

    run = tmp_path / "run"
    steps = {**STEPS, "steps": 40, "preview_every": 20, "save_every": 20}
    given = [part for name, value in steps.items() for part in ("--set", f"{name}={value}")]
    new = ("train", "--family", "sheet", "--data", images, "--run", run, "--size", SIZE, "--preset", "small", *given)
    assert call(*new, "--json")[0] == 0
    assert runs.read_config(run).model == {"code": 4, "bright": True}, "the preset's, and that of few images"
    assert runs.read_config(run).training["learning_rate"] == 2e-3
    assert [step for step, _ in runs.previews(run)] == [20, 40]
    assert call("train", "--run", run, "--resume", "--steps", 45)[0] == 0
    assert runs.read_status(run).step == 45
    found = values(run)
    assert found["loss"][-1] < found["loss"][0]
    assert {"heldout/psnr_db", "heldout/diversity"} <= set(found)

    session = Session(device="cpu")
    path = session.publish(run, "My sheet")
    model = session.open("my-sheet")
    assert model.decode(model.sample(2)).shape == (2, SIZE, SIZE, 3)
    photo = np.asarray(Image.open(images / "00.png").convert("RGB"))
    assert model.encode(photo).psnr_db > 0
    assert call("sample", "my-sheet", "-n", 4, "-o", tmp_path / "s.png")[0] == 0
    assert call("morph", "my-sheet", "seed:1", "seed:2", "--frames", 4, "-o", tmp_path / "m.gif")[0] == 0
    with Image.open(tmp_path / "m.gif") as moving:
        assert moving.n_frames > 1
    status, text, _ = call("diagnose", run, "--quick", "--only", "spread,likelihood", "--json")
    assert status == 0
    told = json.loads(text)
    assert "spread" in [finding["diagnostic"] for finding in told["findings"]]
    assert "likelihood" in told["skipped"]
    status, _, error = call(*new[:5], "--run", tmp_path / "other", "--size", 64)
    assert status == 2
    assert "Sheet takes images of 32, 40 pixels, got 64" in error
    assert path.exists()


def test_the_window_trains_it_and_moves_its_slider(home: Path, open_app: OpenApp, images: Path) -> None:
    model = build("sheet", {"code": 4}, (3, SIZE, SIZE))
    save_model(home / "models/sheet.safetensors", model, ModelHeader("sheet", {"code": 4}, (3, SIZE, SIZE), "A sheet"))
    plane = build("plane", {}, (2, 1, 1))
    save_model(home / "models/plane.safetensors", plane, ModelHeader("plane", {}, (2, 1, 1), "A plane"))
    app: App = open_app(model="A sheet")
    app.explore.directions.show_axes("features")
    app.wait(lambda: bool(app.state.info and app.state.info.components))
    app.settle()
    before = shown(app).copy()
    slider = app.explore_view.inspector.sliders[app.state.info.components[0].name]
    drag(slider, slider_points(slider, 12))
    app.settle()
    assert slider.value() != 0.0
    assert not np.array_equal(shown(app), before)

    app.show_workspace("train")
    form = app.train_view.form
    assert [row.name for row in app.state.catalogue.families] == ["vae", "gan", "flow", "sheet"], "points have no form"
    assert "exponential" in form_choices(form, "gan", "objective")
    form.family.set_current("sheet")
    form.family.changed.emit("sheet")
    assert [form.side.itemData(i) for i in range(form.side.count())] == [str(SIZE), "40"]
    assert {"code", "bright"} <= set(form.knob_form("code").fields)
    form.data.set_current("other")
    form.data.changed.emit("other")
    form.path.set_path(str(images))
    form.side.set_current(str(SIZE))
    for name, value in STEPS.items():
        form.knob_form(name).fields[name].set_value(value)
    form.start.click()
    app.wait(lambda: app.state.run_view is not None and app.state.run_view.info.status.state == "done")
    app.wait(lambda: "Squared error" in app.train_view.curves.plots)
    app.wait(lambda: app.state.run_view.pictures is not None)

    app.show_workspace("explore")
    card = next(card for card in app.state.models if card.title == "A plane")
    app.explore_view.library.modelChosen.emit(card.key)
    app.wait(lambda: "draws points" in app.said)
    assert app.state.info.title == "A sheet"


def form_choices(form, family: str, name: str) -> list[str]:
    form.family.set_current(family)
    form.family.changed.emit(family)
    (item,) = [item for item in form.knob_form(name).knobs if item.name == name]
    return list(item.choices)


def test_a_game_of_the_new_objective_is_played_and_drawn(images: Path, tmp_path: Path) -> None:
    session = Session(device="cpu")
    small = {"width": 8, "discriminator_width": 8, "code": 8, "objective": "exponential"}
    asked = TrainRequest("gan", str(images), size=SIZE, model=small, training=STEPS, folder=tmp_path / "run")
    run = session.new_run(asked)
    assert learn(session, run) == "done"
    config = runs.read_config(run).model
    (gan,) = [row for row in session.catalogue().families if row.name == "gan"]
    drawn = {plot.title for plot in gan.curves if plot.shown(config)}
    assert "Exponential losses" in drawn
    assert "Losses" not in drawn
    (plot,) = [plot for plot in gan.curves if plot.title == "Exponential losses"]
    assert set(plot.metrics) <= set(values(run))
    assert not plot.shown({"objective": "hinge"})


# --- points ------------------------------------------------------------------------------------------------------

MEAN, STD = (3.0, -2.0), (0.5, 2.0)


def cloud(n: int = 400) -> DataSet:
    """Points (n, 1, 1, 2) of a Gaussian, the last fifth held out."""
    drawn = np.random.default_rng(0).normal(MEAN, STD, (n, 2)).astype(np.float32)
    splits = np.zeros(n, np.int8)
    splits[-n // 5 :: 2], splits[-n // 5 + 1 :: 2] = 1, 2
    names, labels = tuple(map(str, range(n))), np.zeros((n, 0), np.int8)
    return DataSet("cloud", Path("cloud"), drawn[:, None, None, :], names, (), labels, splits, "0", ())


@pytest.mark.slow
def test_points_are_learnt_sampled_encoded_saved_and_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = cloud(), tmp_path / "run"
    training = {"steps": 300, "batch": 64, "learning_rate": 0.05, "preview_every": 100, "save_every": 100, "warmup": 0}
    runs.create(run, runs.RunConfig("plane", {}, training, "cloud", None, "0", (2, 1, 1)))
    assert train(run, data, device=pick("cpu"), control=Control(), emit=lambda event: None).state == "done"
    found = values(run)
    entropy = sum(0.5 * math.log(2 * math.pi * math.e * s * s) for s in STD)
    assert found["heldout/nats"][-1] == pytest.approx(entropy, abs=0.3)
    assert found["heldout/nats_error"][-1] > 0
    assert found["training/nats"][-1] < found["training/nats"][0]
    assert runs.previews(run) == [], "points have no sheet"
    session = Session(device="cpu")
    runs.save_config(run, replace(runs.read_config(run), training={**training, "steps": 320}))
    assert train(run, data, device=pick("cpu"), control=Control(), emit=lambda event: None).step == 320

    path = session.publish(run, "My plane")
    model, header, _ = load_model(path)
    assert header.image_shape == (2, 1, 1)
    opened = session.open("my-plane")
    assert not opened.info.pictures
    drawn = opened.values(opened.sample(4000))
    assert drawn.shape == (4000, 2, 1, 1)
    np.testing.assert_allclose(drawn.mean((0, 2, 3)), MEAN, atol=0.3)
    np.testing.assert_allclose(drawn.std((0, 2, 3)), STD, rtol=0.2)
    points = data.images[:6]
    codes = opened.codes_of(points)
    np.testing.assert_allclose(opened.values(codes)[:, :, 0, 0], points[:, 0, 0], atol=1e-4)
    way = opened.morph(codes[:2], [0.0, 0.5, 1.0], method="lerp")
    ends = opened.values(way)[:, :, 0, 0]
    np.testing.assert_allclose(ends[[0, 2]], points[:2, 0, 0], atol=1e-4)
    np.testing.assert_allclose(ends[1], ends[[0, 2]].mean(0), atol=1e-4), "the map is affine"
    (slope,) = opened.find_axes("jacobian", count=1)
    assert abs(slope.vector).tolist() == pytest.approx([0, 1], abs=0.02), "the wider axis changes points most"
    every = opened.codes_of(data.images)
    right = fit_attribute(every, data.images[:, 0, 0, 0] > MEAN[0], name="right", method="mean")
    assert right.vector[0] > 0.95
    with pytest.raises(Unsupported, match="no grey values"):
        model.bits_per_dim(torch.zeros(1, 2, 1, 1))

    with pytest.raises(UserError, match="draws points and no pictures"):
        opened.decode(codes)
    with pytest.raises(UserError, match="takes points"):
        opened.codes_of(np.zeros((1, 1, 1, 3), np.uint8))
    assert cli.main(["sample", "my-plane", "-o", str(tmp_path / "x.png")]) != 0
    assert "draws points and no pictures" in capsys.readouterr().err
    assert cli.main(["diagnose", "my-plane", "--data", str(tmp_path)]) != 0
    assert "no data set of pictures" in capsys.readouterr().err
    with pytest.raises(UsageError, match="learns points and no pictures"):
        session.new_run(TrainRequest("plane", str(tmp_path)))


def test_the_code_of_a_point_is_searched_where_there_is_no_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plane, "abilities", Abilities(encode="search", density="none"))
    save_model(tmp_path / "plane.safetensors", build("plane", {}, (2, 1, 1)), ModelHeader("plane", {}, (2, 1, 1)))
    opened = Session(device="cpu").open(str(tmp_path / "plane.safetensors"))
    points = np.float32([[0.3, -1.2], [1.0, 0.5]])[:, None, None]
    found = opened.values(opened.codes_of(points, steps=40))
    np.testing.assert_allclose(found[:, :, 0, 0], points[:, 0, 0], atol=0.1)


def test_a_diagnosis_of_points_says_what_it_would_need() -> None:
    subject = subject_of(build("plane", {}, (2, 1, 1)), cloud(), device=torch.device("cpu"), origin=Origin())
    report = diagnose(subject, ["spread", "smoothness"], quick=True)
    assert report.findings == ()
    assert report.skipped["spread"] == "Variety looks at pictures, and this model draws points."
    assert report.verdict


def test_a_family_of_pictures_is_not_built_for_points() -> None:
    for name in ("flow", "sheet"):
        with pytest.raises(UsageError, match="takes pictures"):
            build(name, {}, (2, 1, 1))
    with pytest.raises(ValueError, match="points have the shape"):
        LatentSpec(2, (Group("code", 0, 2),), (2, 4, 4), range=None)
