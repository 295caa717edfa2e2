"""The written-out pass and the matrices in one go against the plain forms, which are kept here as references."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from engine.models.flow.glow import FlowStep, Glow, GlowConfig
from engine.nn.coupling import Coupling
from engine.nn.invertible import InvertibleConv, matrices
from engine.nn.recompute import recompute_in_backward


def stirred(module: torch.nn.Module, amount: float = 0.2) -> torch.nn.Module:
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(amount * torch.randn_like(parameter))
    return module


def gradients(module: torch.nn.Module, found: tuple[torch.Tensor, torch.Tensor], x: torch.Tensor):
    """Gradients of a loss that looks at every number of both results, by name."""
    y, log_det = found
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn(y.shape, generator=generator, dtype=torch.float64).to(y)
    of_each = torch.randn(log_det.shape, generator=generator, dtype=torch.float64).to(log_det)
    loss = (y * weight).sum() + (log_det * of_each).sum()
    names, wanted = zip(*module.named_parameters(), strict=True)
    return dict(zip(("x", *names), torch.autograd.grad(loss, (x, *wanted)), strict=True))


def assert_near(found: dict, expected: dict, relative: float) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        difference = (found[name].double() - value.double()).norm()
        assert difference <= relative * value.double().norm(), name
        assert value.abs().max() > 0, f"{name} proves nothing"


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("last", [True, False], ids=["channels last", "channels first"])
@pytest.mark.parametrize(("dtype", "relative"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_the_written_out_pass_is_the_plain_coupling(affine, last, dtype, relative):
    coupling = stirred(Coupling(6, 16, height=4, width=6, affine=affine)).to(dtype)
    x = torch.randn(5, 6, 4, 6, dtype=torch.float64).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format).requires_grad_()
    coupling.eval()
    plain = coupling(x)
    expected = gradients(coupling, plain, x)
    coupling.train()
    written = coupling(x)
    for one, other in zip(written, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=relative, atol=relative)
    if not affine:
        assert not written[1].any()
    assert_near(gradients(coupling, written, x), expected, relative)


def test_in_bfloat16_the_network_alone_is_rounded():
    coupling = stirred(Coupling(6, 32, height=4, width=4, affine=True), 0.1)
    x = torch.randn(4, 6, 4, 4, requires_grad=True)

    def half() -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.bfloat16)

    exact = gradients(coupling.train(), coupling(x), x)
    found = coupling(x, half)
    assert found[0].dtype == found[1].dtype == torch.float32
    assert torch.equal(found[0][:, :3], x[:, :3]), "what passes through is not rounded"
    rounded = gradients(coupling, found, x)
    assert {value.dtype for value in rounded.values()} == {torch.float32}
    plain = gradients(coupling.eval(), coupling(x, half), x)

    def error(values: dict) -> float:
        return sum(float((values[name] - exact[name]).norm() / exact[name].norm()) for name in exact)

    assert 0 < error(rounded) < 1.2 * error(plain), "no worse than autocast's own way back"


def test_autograd_agrees_with_differences():
    coupling = stirred(Coupling(4, 3, height=2, width=3, affine=True)).double().train()
    x = torch.randn(2, 4, 2, 3).double().requires_grad_()
    assert torch.autograd.gradcheck(coupling, (x,))


@pytest.mark.parametrize("channels", [4, 12])
def test_matrices_in_one_go_are_those_of_each(channels):
    convs = [stirred(InvertibleConv(channels)).double() for _ in range(3)]
    found = matrices(convs)
    weight = torch.randn(found.shape, dtype=torch.float64)
    expected = torch.stack([conv.matrix() for conv in convs])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    wanted = [p for conv in convs for p in conv.parameters()]
    for one, other in zip(
        torch.autograd.grad((found * weight).sum(), wanted),
        torch.autograd.grad((expected * weight).sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def textbook(model: Glow, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Encode as the paper has it: actnorm, 1x1 convolution and coupling one after another, summed as they come."""
    log_det, codes = x.new_zeros(len(x)), []
    for level in model.stack:
        x = torch.nn.functional.pixel_unshuffle(x, 2)
        pixels = x.shape[2] * x.shape[3]
        for step in level.flow_steps():
            x = (x + step.norm.shift[:, None, None]) * step.norm.log_scale.exp()[:, None, None]
            matrix = step.mix.matrix()
            x = torch.einsum("ij,bjhw->bihw", matrix, x)
            log_det = log_det + pixels * (step.norm.log_scale.sum() + torch.linalg.slogdet(matrix).logabsdet)
            kept, changed = x.chunk(2, 1)
            log_scale, shift = step.coupling.scale_and_shift(kept)
            if log_scale is not None:
                log_det, changed = log_det + log_scale.sum((1, 2, 3)), (changed + shift) * log_scale.exp()
            else:
                changed = changed + shift
            x = torch.cat([kept, changed], 1)
        kept, leaving = (None, x) if level.last else x.chunk(2, 1)
        mean, log_std = level.prior_of(kept, len(x))
        codes.append(((leaving - mean) * torch.exp(-log_std)).flatten(1))
        log_det = log_det - log_std.expand_as(leaving).sum((1, 2, 3))
        x = kept
    return torch.cat(codes, 1), log_det


@pytest.mark.parametrize("kind", ["affine", "additive"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_glow_in_training_is_the_textbooks_and_so_are_its_gradients(kind, checkpointing):
    config = GlowConfig(depth=2, extra_depth=1, hidden=8, levels=2, coupling=kind)
    model = stirred(Glow(config, (3, 16, 16)), 0.05).double().train()
    recompute_in_backward(model, checkpointing)
    x = torch.randn(3, 3, 16, 16, dtype=torch.float64, requires_grad=True)
    plain = textbook(model, x)
    found = model.stack.encode(x, nullcontext)
    for one, other in zip(found, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)
    assert_near(gradients(model, found, x), gradients(model, plain, x), 1e-9)


def test_a_step_by_itself_is_the_same_step():
    config = GlowConfig(depth=1, extra_depth=0, hidden=8, levels=1)
    model = stirred(Glow(config, (3, 8, 8)), 0.1).double()
    (level,) = model.stack
    (step,) = level.flow_steps()
    assert isinstance(step, FlowStep)
    x = torch.randn(2, 12, 4, 4).double()
    for one, other in zip(step(x, nullcontext), level.flow(x, nullcontext), strict=True):
        torch.testing.assert_close(one, other)


def test_training_keeps_less_than_the_plain_form():
    """What the pass keeps for the way back: the hidden layers once, and no copies of halves."""
    coupling = stirred(Coupling(8, 32, height=8, width=8, affine=True))
    x = torch.randn(4, 8, 8, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    kept = {}
    for training in (True, False):
        coupling.train(training)
        held: dict[int, int] = {}

        def pack(value: torch.Tensor, held: dict[int, int] = held) -> torch.Tensor:
            held[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
            return value

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
            coupling(x)
        kept[training] = sum(held.values())
    assert kept[True] < kept[False]
