"""Edge energies: blind to grey and to where exactly an edge stands, but not to its direction or strength."""

from __future__ import annotations

import torch

from engine.latent.features import energies


def grating(angle: float, phase: float = 0.0, strength: float = 1.0, side: int = 64) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(side).float(), torch.arange(side).float(), indexing="ij")
    at = x * torch.cos(torch.tensor(angle)) + y * torch.sin(torch.tensor(angle))
    return (strength * torch.sin(at * torch.pi / 2 + phase)).expand(1, 3, side, side)


def middle(image: torch.Tensor) -> torch.Tensor:
    return energies(image)[0][0, :, 16:-16, 16:-16].mean((1, 2))


def test_flat_grey_has_none_whatever_its_level():
    for level in (-1.0, 0.0, 0.7):
        for scale in energies(torch.full((1, 3, 32, 32), level)):
            assert float(scale.max()) < 0.011


def test_a_shifted_edge_counts_the_same_and_a_turned_one_does_not():
    upright = middle(grating(0.0))
    torch.testing.assert_close(middle(grating(0.0, phase=1.3)), upright, rtol=0.05, atol=0.02)
    assert int(upright.argmax()) == 0
    turned = middle(grating(torch.pi / 2))
    assert int(turned.argmax()) == 2
    torch.testing.assert_close(middle(grating(0.0, strength=0.5)), upright / 2, rtol=0.1, atol=0.02)


def test_small_images_have_fewer_scales_and_gradients_are_finite():
    assert [len(energies(torch.zeros(1, 3, side, side))) for side in (4, 8, 16, 64)] == [0, 1, 2, 3]
    with torch.inference_mode():
        energies(torch.zeros(1, 1, 16, 16))
    image = torch.zeros(1, 1, 16, 16, requires_grad=True)
    sum(scale.sum() for scale in energies(image)).backward()
    assert bool(torch.isfinite(image.grad).all())
