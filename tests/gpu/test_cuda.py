"""On a CUDA device: the contract, two threads on two streams, precisions, exact resume, memory that runs out.

Needs torch, numpy, Pillow, safetensors, platformdirs, psutil and tensorboardX; no window and no other plugin.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import PlainSteps, images, make, stir, tiny_config, variants

from engine.checkpoints.model_file import load_model
from engine.control import Control
from engine.data import DataSet, open_dataset
from engine.device import pick, placed
from engine.errors import RunError
from engine.events import Done, Failed, TrainingEvent, TrainingNotice, TrainingSaved, TrainingState
from engine.families import FAMILIES, build
from engine.frozen import freeze_model
from engine.knobs import from_json, to_json
from engine.lanes import Lane
from engine.models.base import LatentModel
from engine.runs import directory as runs
from engine.training.config import TrainConfig
from engine.training.loop import train

pytestmark = pytest.mark.gpu

SHAPE = (3, 32, 32)
CUDA = torch.device("cuda")
EVERY = pytest.mark.parametrize("family", list(FAMILIES))
EVERY_VARIANT = pytest.mark.parametrize(("family", "config"), [pytest.param(f, c, id=n) for n, f, c in variants()])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def both(family: str, config: dict | None = None) -> tuple[LatentModel, LatentModel]:
    """The same stirred model on the CPU and on the device."""
    here = stir(make(family, config=config, shape=SHAPE), amount=0.02).eval()
    there = build(family, config or tiny_config(family), SHAPE)
    there.load_state_dict(here.state_dict())
    return here, placed(there, CUDA).eval()


@EVERY_VARIANT
def test_the_device_draws_and_reads_what_the_cpu_does(family, config):
    here, there = both(family, config)
    z = here.sample_codes(4, temperature=0.7, generator=seeded())
    z_there = there.sample_codes(4, temperature=0.7, generator=seeded())
    assert z_there.device.type == "cuda"
    assert torch.equal(z_there.cpu(), z), "one seed must be one code on every device"
    x = images(4, SHAPE)
    with torch.inference_mode():
        torch.testing.assert_close(there.decode(z_there).cpu(), here.decode(z), atol=1e-3, rtol=1e-3)
        there = freeze_model(there)
        torch.testing.assert_close(there.decode(z_there).cpu(), here.decode(z), atol=1e-3, rtol=1e-3)
        if here.abilities.encode != "search":
            torch.testing.assert_close(there.encode(x.to(CUDA)).cpu(), here.encode(x), atol=1e-2, rtol=1e-2)
        if here.abilities.encode == "exact":
            assert (there.decode(there.encode(x.to(CUDA))).cpu() - x).abs().max() <= 1e-4
        if here.abilities.density != "none":
            bits = there.bits_per_dim(x.to(CUDA), generator=seeded())
            torch.testing.assert_close(bits.cpu(), here.bits_per_dim(x, generator=seeded()), atol=1e-3, rtol=1e-3)


@EVERY_VARIANT
def test_training_stays_on_the_device_and_reaches_every_parameter(family, config):
    model = placed(make(family, config=config, shape=SHAPE), CUDA).train()
    steps = PlainSteps(model)
    batch = images(8, SHAPE).to(CUDA)
    for metrics in steps.run(batch, 6):
        for name, value in metrics.items():
            assert value.device.type == "cuda", name
            assert bool(torch.isfinite(value)), name
    wanted = {f"{net}: {key}" for net, module in steps.networks.items() for key, _ in module.named_parameters()}
    assert not wanted - steps.touched, f"never trained: {sorted(wanted - steps.touched)}"


class Waiting(PlainSteps):
    """Steps whose noise is made on the device and whose updates ask for nothing: what waits is the family itself."""

    def rand(self, *shape, like):
        return torch.rand(shape, device=like.device, dtype=like.dtype)

    def randn(self, *shape, like):
        return torch.randn(shape, device=like.device, dtype=like.dtype)

    def update(self, name, loss):
        self.adams[name].zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.networks[name].parameters(), 50.0)
        self.adams[name].step()
        return norm.detach()


@EVERY_VARIANT
def test_a_step_never_waits_for_the_device(family, config):
    """A copy from or to the CPU within a step would hold up everything behind it."""
    model = placed(make(family, config=config, shape=SHAPE), CUDA).train()
    steps, batch = Waiting(model), images(8, SHAPE).to(CUDA)
    # What is made once, at the first steps.
    model.training_step(batch, steps)
    steps.index += 1
    model.training_step(batch, steps)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for index in (8, 9):
            steps.index = index
            model.training_step(batch, steps)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@EVERY_VARIANT
def test_a_whole_step_can_be_recorded_and_repeated(family, config):
    """One CUDA graph of loss, gradients and Adam does what the step does."""
    found = []
    for recorded in (False, True):
        torch.manual_seed(0)
        model = placed(make(family, config=config, shape=SHAPE), CUDA).train()
        steps, batch, noise = Waiting(model, rate=1e-4), images(8, SHAPE).to(CUDA), {}

        def kept(kind, shape, like, noise=noise):
            key = (kind, tuple(shape))
            if key not in noise:
                noise[key] = getattr(torch, kind)(shape, generator=seeded(len(noise))).to(like.device)
            return noise[key].to(like.dtype)

        steps.rand = lambda *shape, like, kept=kept: kept("rand", shape, like)
        steps.randn = lambda *shape, like, kept=kept: kept("randn", shape, like)
        steps.adams = {
            name: torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0.5, 0.99), capturable=True)
            for name, net in steps.networks.items()
        }
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        steps.index = 1
        with torch.cuda.stream(stream):
            for _ in range(3):
                model.training_step(batch, steps)
            if recorded:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, stream=stream):
                    model.training_step(batch, steps)
                for _ in range(2):
                    graph.replay()
            else:
                for _ in range(2):
                    model.training_step(batch, steps)
        torch.cuda.synchronize()
        found.append({key: value.cpu() for key, value in model.state_dict().items()})
        graph = None
        for parameter in model.parameters():
            parameter.grad = None
    for key, value in found[0].items():
        torch.testing.assert_close(found[1][key], value, atol=1e-4, rtol=1e-3, msg=lambda m, k=key: f"{k}: {m}")


def test_choosing_the_device_keeps_a_flow_exact():
    torch.backends.cudnn.allow_tf32 = True
    pick("cuda")
    model = placed(stir(make("flow", shape=SHAPE), amount=0.02), CUDA).eval()
    x = images(16, SHAPE).to(CUDA)
    with torch.inference_mode():
        assert (model.decode(model.encode(x)) - x).abs().max() <= 1e-4


@EVERY
def test_lower_precisions_are_near_and_their_difference_is_known(family):
    model = placed(stir(make(family, shape=SHAPE), amount=0.02), CUDA).eval()
    z = model.sample_codes(16, temperature=0.7, generator=seeded())
    with torch.inference_mode():
        exact = model.decode(z)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        tf32 = model.decode(z)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        with torch.autocast("cuda", dtype=torch.bfloat16):
            half = model.decode(z).float()
        round_trips = {}
        if model.abilities.encode == "exact":
            x = images(16, SHAPE).to(CUDA)
            round_trips["float32"] = (model.decode(model.encode(x)) - x).abs().max().item()
            double = model.double()
            round_trips["float64"] = (double.decode(double.encode(x.double())) - x).abs().max().item()
    figures = {"tf32": (tf32 - exact).abs().max().item(), "bfloat16": (half - exact).abs().max().item()}
    print(f"\n{family}: largest difference of a picture from float32: {figures}, round trip: {round_trips}")
    assert figures["tf32"] < 0.1
    assert bool(torch.isfinite(half).all())
    if round_trips:
        assert round_trips["float32"] <= 1e-4
        assert round_trips["float64"] <= 1e-9


@EVERY
def test_a_drawing_thread_beside_a_training_thread(family):
    """The window's case: one thread trains, one draws another model on a high-priority stream."""
    model = placed(stir(make(family, shape=SHAPE)), CUDA).eval()
    shown = freeze_model(model)
    codes = [model.sample_codes(1, generator=seeded(i)) for i in range(8)]
    with torch.inference_mode():
        quiet = [shown.decode(z).cpu() for z in codes]
    trained = placed(make(family, shape=SHAPE), CUDA).train()
    steps, batch, control = PlainSteps(trained), images(64, SHAPE).to(CUDA), Control()
    made: list[int] = []
    failures: list[Exception] = []

    def training() -> None:
        try:
            while not control.stopping:
                steps.run(batch, 1)
                made.append(1)
            torch.cuda.synchronize()
        except (RuntimeError, ValueError) as error:
            failures.append(error)

    thread = threading.Thread(target=training)
    thread.start()
    try:
        while not made and thread.is_alive():
            time.sleep(0.01)
        stream = torch.cuda.Stream(priority=-1)
        stream.wait_stream(torch.cuda.default_stream())
        times = []
        with torch.inference_mode(), torch.cuda.stream(stream):
            for i in range(200):
                start = time.perf_counter()
                found = shown.decode(codes[i % 8]).cpu()
                times.append(1000 * (time.perf_counter() - start))
                assert (found - quiet[i % 8]).abs().max() <= 1e-4
    finally:
        control.stop()
        thread.join(60)
    assert not failures, failures
    assert not thread.is_alive()
    assert len(made) > 5
    print(
        f"\n{family}: {len(made)} steps beside 200 drawings, median {np.median(times):.2f} ms, "
        f"p99 {np.percentile(times, 99):.2f} ms"
    )


def new_run(tmp_path: Path, family: str, name: str, *, size: int = 32, model: dict | None = None, **training):
    """A run and its data, made without the session, which would need what the window needs."""
    archive = tmp_path / "pictures.npz"
    if not archive.exists():
        x = images(600 if size == 64 else 48, (3, size, size))
        np.savez(archive, images=((x + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    data = open_dataset(archive, size=size)
    row = FAMILIES[family]
    chosen = {**row.training, "batch": 8, "steps": 12, "save_every": 4, "preview_every": 1000, "keep": 100, **training}
    config = runs.RunConfig(
        family=family,
        model=to_json(from_json(row.config, model or tiny_config(family))),
        training=to_json(from_json(TrainConfig, chosen)),
        data=str(archive),
        labels=None,
        fingerprint=data.fingerprint,
        image_shape=(3, size, size),
    )
    run = tmp_path / name / "tiny"
    runs.create(run, config)
    return run, data


def go(run: Path, data, hear: Callable[[TrainingEvent], None] = lambda event: None, control: Control | None = None):
    return train(run, data, device=pick("cuda"), control=control or Control(), emit=hear)


def digest(run: Path, step: int) -> dict[str, str]:
    folder = run / "checkpoints" / f"step_{step:06d}"
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.glob("*.safetensors")}


@EVERY
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_stopped_run_goes_on_bit_for_bit(family, precision, tmp_path):
    whole, data = new_run(tmp_path, family, "whole", precision=precision)
    assert go(whole, data).state == "done"
    parts, _ = new_run(tmp_path, family, "parts", precision=precision)
    control = Control()

    def stop_at_four(event: TrainingEvent) -> None:
        if isinstance(event, TrainingSaved) and event.step == 4:
            control.stop()

    assert go(parts, data, stop_at_four, control).step == 4
    assert digest(parts, 4) == digest(whole, 4), "two runs of one seed differ before any resume"
    assert go(parts, data).state == "done"
    assert digest(parts, 12) == digest(whole, 12)


@EVERY
def test_numbers_gone_wrong_are_rolled_back(family, tmp_path, monkeypatch):
    cls = type(build(family, tiny_config(family), SHAPE))
    original, done = cls.training_step, []

    def poisoned(self, batch, steps):
        metrics = original(self, batch, steps)
        if steps.index == 6 and not done:
            done.append(1)
            with torch.no_grad():
                next(self.parameters()).fill_(float("nan"))
        return metrics

    monkeypatch.setattr(cls, "training_step", poisoned)
    run, data = new_run(tmp_path, family, "nan")
    notices: list[TrainingNotice] = []
    state = go(run, data, lambda event: notices.append(event) if isinstance(event, TrainingNotice) else None)
    assert state.state == "done"
    assert len(notices) == 1


def limit_memory(spare_bytes: int) -> None:
    """From now on this process may hold only so much more of the device's memory."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_reserved() + spare_bytes) / total))


@pytest.fixture
def _unlimited():
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def big_run(tmp_path: Path) -> tuple[Path, DataSet]:
    return new_run(tmp_path, "vae", "big", size=64, model={"width": 64, "code": 16}, batch=256, steps=2, save_every=1)


def narrow(spare_bytes: int, notices: list[str]) -> Callable[[TrainingEvent], None]:
    """Limits the memory once a run has been prepared, and listens."""

    def hear(event: TrainingEvent) -> None:
        if isinstance(event, TrainingSaved) and event.step == 0:
            limit_memory(spare_bytes)
        if isinstance(event, TrainingNotice):
            notices.append(event.text)

    return hear


@pytest.mark.usefixtures("_unlimited")
def test_memory_that_runs_out_while_training_makes_the_parts_smaller(tmp_path):
    run, data = big_run(tmp_path)
    notices: list[str] = []
    assert go(run, data, narrow(192 * 2**20, notices)).state == "done"
    assert any("Memory ran out" in text for text in notices)
    assert int(runs.read_config(run).training["accumulate"]) > 1


@pytest.mark.usefixtures("_unlimited")
def test_too_little_memory_for_one_image_ends_in_a_sentence_and_can_be_resumed(tmp_path):
    run, data = big_run(tmp_path)
    message = ""
    try:
        go(run, data, narrow(2**20, []))
    except RunError as error:
        message = str(error)
    assert "not enough memory" in message
    assert "\n" not in message
    assert runs.read_status(run).state == "failed"
    torch.cuda.set_per_process_memory_fraction(1.0)
    assert go(run, data).state == "done"


@pytest.mark.usefixtures("_unlimited")
def test_memory_that_runs_out_while_drawing_leaves_a_lane_that_lives():
    model = placed(make("vae", shape=SHAPE), CUDA).eval()
    events: list[object] = []
    lane = Lane("gpu", events.append)
    try:
        limit_memory(32 * 2**20)
        lane.submit("draw", lambda context: len(model.decode(model.sample_codes(60_000)).cpu()))
        assert lane.wait_idle(60)
        torch.cuda.set_per_process_memory_fraction(1.0)
        lane.submit("draw", lambda context: len(model.decode(model.sample_codes(2)).cpu()))
        assert lane.wait_idle(60)
    finally:
        assert lane.close(30)
    (failed,) = [e for e in events if isinstance(e, Failed)]
    assert "not enough memory" in failed.message
    assert [e.value for e in events if isinstance(e, Done)] == [2]


def test_a_run_of_the_device_opens_on_the_cpu_and_draws_the_same(tmp_path):
    for family in FAMILIES:
        run, data = new_run(tmp_path, family, family)
        states: list[str] = []
        go(run, data, lambda event, s=states: s.append(event.state) if isinstance(event, TrainingState) else None)
        assert states[-1] == "done"
        file = run / "checkpoints/step_000012/model.safetensors"
        here, there = load_model(file)[0], placed(load_model(file)[0], CUDA)
        z = here.sample_codes(2, temperature=0.7, generator=seeded())
        with torch.inference_mode():
            torch.testing.assert_close(there.decode(z.to(CUDA)).cpu(), here.decode(z), atol=1e-3, rtol=1e-3)
