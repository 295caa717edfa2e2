"""Every row of the catalogue on a model of every family that lies on a GPU that is not there.

Each is run to its finding: a row that stumbles is told in `skipped`, which fails here unless it says why it does not
suit the model. Inception runs with a network of ours in place of torch-fidelity's, which is neither installed nor
downloaded.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from engine.device import placed
from engine.diagnostics import inception
from engine.diagnostics.base import Subject
from engine.diagnostics.catalogue import DIAGNOSTICS
from engine.diagnostics.diagnose import diagnose
from engine.diagnostics.facts import Origin
from engine.diagnostics.ranking import rank_photos
from engine.families import FAMILIES
from engine.frozen import freeze_model
from engine.latent.encoder import CodeEncoder, EncoderShape
from tests.contract.tiny import make, picture, stir
from tests.engine.diagnostics.shapes import ATTRIBUTES, drawn, random_labels
from tests.engine.diagnostics.test_inception import fake, weights

pytestmark = pytest.mark.rehearsed

SHAPE = (3, 32, 32)
EVERY = pytest.mark.parametrize("family", list(FAMILIES))
_FIXTURES = (fake, weights)


def subject(family: str, device: torch.device, *, n: int = 320, held: int = 240) -> Subject:
    model = placed(stir(make(family, shape=SHAPE), amount=0.02), device).eval().requires_grad_(False)
    labels, held_labels = random_labels(n, seed=1), random_labels(held, seed=2)
    encoder = None
    if model.abilities.encode == "search":
        encoder = CodeEncoder(EncoderShape(model.spec.size, SHAPE, width=8)).to(device).eval().requires_grad_(False)
    return Subject(
        model,
        drawn(labels, seed=3),
        drawn(held_labels, seed=4),
        device=device,
        attributes=ATTRIBUTES,
        labels=labels,
        heldout_labels=held_labels,
        encoder=encoder,
        frozen=freeze_model(model),
        origin=Origin("ab", "Tiny", family, "shapes", "yes", 7, 10),
    )


@EVERY
@pytest.mark.parametrize("name", [row.name for row in DIAGNOSTICS if row.name != "inception"])
def test_a_row_is_measured_there(cuda, family, name):
    found = diagnose(subject(family, cuda), (name,), quick=True)
    for why in found.skipped.values():
        assert "could not be measured" not in why
        assert why in {row.why_not(subject(family, cuda)) for row in DIAGNOSTICS if row.name == name}
    assert len(found.findings) + len(found.skipped) == 1


@EVERY
def test_inception_is_measured_there(cuda, family, fake, weights):
    found = diagnose(
        subject(family, cuda, n=80, held=60), ("inception",), values={"inception": {"weights": str(weights)}}
    )
    assert not found.skipped
    assert fake is sys.modules[inception.MODULE]


@pytest.mark.parametrize("family", [f for f in FAMILIES if FAMILIES[f].model.abilities.density != "none"])
def test_photos_are_ranked_there(cuda, family):
    photos = np.stack([picture(i) for i in range(3)])
    assert rank_photos(subject(family, cuda), photos, ("a", "b", "c")).figures
