"""What stands over a stage where there is little room: the meaning stays."""

from __future__ import annotations

import pytest

from app.lab.stage.card import fitted


@pytest.mark.parametrize(
    ("title", "room", "shown", "rest"),
    [
        ("Flow: RealNVP", 13, "Flow: RealNVP", ()),
        ("Flow: RealNVP", 12, "RealNVP", ("Flow",)),
        ("Flow: Try 2: each coordinate by itself", 32, "Try 2: each coordinate by itself", ("Flow",)),
        ("GAN: Wasserstein, gradient penalty", 29, "Wasserstein, gradient penalty", ("GAN",)),
        ("GAN: Wasserstein, gradient penalty", 12, "Wasserstein", ("gradient penalty", "GAN")),
        ("VAE, one number, bound of 8 codes", 15, "VAE, one number", ("bound of 8 codes",)),
        ("VAE, one number, bound of 8 codes", 4, "VAE", ("one number", "bound of 8 codes")),
        ("Flow: actnorm, 4 x (coupling(affine, 32))", 10, "actnorm, 4 x (coupling(affine, 32))", ("Flow",)),
    ],
)
def test_a_title_gives_up_what_says_least(title, room, shown, rest):
    assert fitted(title, lambda words: len(words) <= room) == (shown, rest)
