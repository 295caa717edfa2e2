"""Every family's passes on a GPU that is not there: on fake tensors of a CUDA build, then with numbers.

Fake tensors take the very way through PyTorch that CUDA tensors take, autocast included, but have no numbers (making a
frozen form reads some) and no gradients here (their engine asks the driver). Simulated ones have both; see
`simulated.py`.

Not rehearsed:
- packed forms (`engine.nn.packed`): oneDNN's operations run on a CPU alone, and `offered` says so of other devices;
- `compile` and `cuda graphs`: both make code for the GPU's driver;
- what only a GPU tells: its precision, streams, memory that runs out, several processes. `tests/gpu` does.
"""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from engine.device import autocast, placed
from engine.families import FAMILIES, KNOWN, LINEAR, build
from engine.frozen import freeze_model
from engine.models.base import LatentModel, Plain
from engine.nn.packed import offered
from tests.contract.tiny import PlainSteps, images, make, stir, tiny_config, variants
from tests.engine.models.imported.test_contract import VARIANTS as IMPORTED

pytestmark = pytest.mark.rehearsed

SHAPE = (3, 32, 32)
NEAR = {"atol": 1e-3, "rtol": 1e-3}
"""Layouts differ, so the order of sums does."""
EVERY = pytest.mark.parametrize("family", list(FAMILIES))
OWN = [pytest.param(f, c, id=n) for n, f, c in variants()]
FOREIGN = [pytest.param(f, c, id=f"{f}-{i}") for i, (f, c) in enumerate(IMPORTED)]
LINES = [pytest.param(f, {"components": 5}, id=f) for f in LINEAR]
EVERY_VARIANT = pytest.mark.parametrize(("family", "config"), [*OWN, *FOREIGN, *LINES])


def made(family: str, config: dict) -> LatentModel:
    """A stirred model on the CPU."""
    if family in FAMILIES:
        return stir(make(family, config=config, shape=SHAPE), amount=0.02).eval()
    shape = (3, 16, 16) if family != "pca" else SHAPE
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return stir(build(family, config, shape), amount=0.1).eval()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_known_architecture_is_here():
    assert {param.values[0] for param in (*OWN, *FOREIGN, *LINES)} == set(KNOWN)


def moved(model: LatentModel) -> LatentModel:
    """The fake model on the fake GPU; `Module.to` cannot swap fake tensors."""
    for module in model.modules():
        for name, parameter in module._parameters.items():
            module._parameters[name] = None if parameter is None else torch.nn.Parameter(parameter.detach().to("cuda"))
        for name, buffer in module._buffers.items():
            module._buffers[name] = None if buffer is None else buffer.to("cuda")
    return model


def go_through(model: LatentModel) -> None:
    """Decodes, encodes and measures, and asks where each result is."""
    x = torch.zeros(2, *model.spec.image_shape, device="cuda")
    z = model.sample_codes(2, temperature=[0.5] * len(model.spec.groups))
    found = [z, model.decode(z), model.decoder_features(z)]
    if model.abilities.encode != "search":
        found.append(model.encode(x))
    if model.abilities.density != "none":
        found += [model.log_prob(x), model.bits_per_dim(x), *model.likelihood_parts(x).values()]
    if model.abilities.density == "bound":
        noise = torch.zeros(3, 2, model.spec.size, device="cuda")
        found.append(model.log_weights(x, noise))
    first = model.first_layer()
    found += [] if first is None else [first]
    assert {value.device.type for value in found} == {"cuda"}


@EVERY_VARIANT
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_forward_passes_on_fake_tensors(family, config, precision):
    shape = SHAPE if family in (*FAMILIES, *LINEAR) else (3, 16, 16)
    with FakeTensorMode(allow_non_fake_inputs=False), torch.no_grad():
        model = moved(build(family, config, shape)).eval()
        with autocast(torch.device("cuda"), precision):
            go_through(model)


@EVERY_VARIANT
def test_the_same_numbers_there_as_here(cuda, family, config):
    here, there = made(family, config), made(family, config)
    there = placed(there, cuda).eval()
    z = here.sample_codes(3, temperature=0.7, generator=seeded())
    z_there = there.sample_codes(3, temperature=0.7, generator=seeded())
    assert z_there.is_cuda
    x = images(3, here.spec.image_shape)
    with torch.inference_mode():
        assert torch.equal(z_there.cpu(), z)
        torch.testing.assert_close(there.decode(z_there).cpu(), here.decode(z), **NEAR)
        if here.abilities.encode != "search":
            torch.testing.assert_close(there.encode(x.to(cuda)).cpu(), here.encode(x), **NEAR)
        if here.abilities.density != "none":
            bits = there.bits_per_dim(x.to(cuda), generator=seeded())
            torch.testing.assert_close(bits.cpu(), here.bits_per_dim(x, generator=seeded()), **NEAR)
            parts = there.likelihood_parts(x.to(cuda), generator=seeded())
            assert all(part.is_cuda for part in parts.values())
        there.examine(there, training=x.to(cuda), heldout=x.to(cuda), codes=z_there)
        assert not offered(cuda), "packed forms would have to be rehearsed"
        frozen = freeze_model(there)
        assert isinstance(frozen, Plain) == isinstance(freeze_model(here), Plain), "the folded form was not used"
        torch.testing.assert_close(frozen.decode(z_there).cpu(), here.decode(z), **NEAR)
    double = there.double()
    with torch.inference_mode():
        assert double.decode(z_there.double()).is_cuda


@pytest.mark.parametrize(("family", "config"), OWN)
def test_training_steps_stay_there_and_reach_every_parameter(cuda, family, config):
    model = make(family, config=config, shape=SHAPE)
    model = placed(model, cuda).train()
    steps = PlainSteps(model)
    for metrics in steps.run(images(8, SHAPE).to(cuda), 3):
        for name, value in metrics.items():
            assert value.is_cuda, name
            assert bool(torch.isfinite(value)), name
    assert all(p.is_cuda and (p.grad is None or p.grad.is_cuda) for p in model.parameters())
    assert steps.touched


@EVERY
def test_a_new_model_is_prepared_there(cuda, family):
    model = placed(build(family, tiny_config(family), SHAPE), cuda)
    model.prepare(images(16, SHAPE).to(cuda))
    assert all(value.is_cuda for value in model.state_dict().values())
    with torch.inference_mode():
        assert bool(torch.isfinite(model.eval().decode(model.sample_codes(2))).all())
