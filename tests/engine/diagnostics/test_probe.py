"""The probe of attributes in the code, on codes that hold them and on codes that do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.diagnostics.base import Request, Subject
from engine.diagnostics.probe import PROBE, measure, probe_attributes
from engine.latent.directions import fit_attribute
from engine.pictures import to_pictures
from tests.contract.tiny import images, make


def labelled(n: int, size: int, seed: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array([-1, 1], np.int8), (n, 2))
    codes = rng.normal(0, 1, (n, size))
    codes[:, 0] += strength * labels[:, 0]
    return codes.astype(np.float32), labels


@pytest.mark.parametrize("size", [8, 900])
def test_what_is_in_the_code_is_found_and_what_is_not_is_chance(size: int) -> None:
    x, y = labelled(600, size, 1, 2.5)
    held, held_y = labelled(400, size, 2, 2.5)
    there, absent = probe_attributes(x, y, held, held_y, ("there", "absent"))
    assert there.auc > 0.95
    assert there.low < there.auc < there.high
    assert there.accuracy > 0.85
    assert absent.low < 0.5 < absent.high
    assert abs(absent.accuracy - 0.5) < 0.08


def test_long_codes_get_the_classifier_of_the_whole_space() -> None:
    """The turn into the span of the training codes changes the time and nothing else."""
    x, y = labelled(150, 400, 1, 1.0)
    held, held_y = labelled(200, 400, 2, 1.0)
    fitted = np.arange(150) % 5 > 0
    direct = fit_attribute(x[fitted], y[fitted, 0], name="there", held_out_codes=held, held_out_labels=held_y[:, 0])
    turned = probe_attributes(x, y[:, :1], held, held_y[:, :1], ("there",))[0]
    assert turned.auc == pytest.approx(direct.auc, abs=0.01)


def test_the_accuracy_of_a_rare_attribute_in_a_long_code_is_no_artefact() -> None:
    """With more numbers than images and few positives, a threshold from the fitted images would call none positive."""
    rng = np.random.default_rng(3)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.where(rng.random((n, 1)) < 0.15, 1, -1).astype(np.int8)
        codes = rng.normal(0, 1, (n, 3000)).astype(np.float32)
        codes[:, :40] += 0.6 * labels
        return codes, labels

    (x, y), (held, held_y) = draw(400), draw(400)
    (probe,) = probe_attributes(x, y, held, held_y, ("rare",))
    assert probe.auc > 0.75
    assert probe.accuracy > 0.63


def test_unknown_labels_are_left_out_and_rare_attributes_skipped() -> None:
    x, y = labelled(300, 8, 1, 2.5)
    y[:200, 1] = 0
    y[200:, 1] = 1
    held, held_y = labelled(200, 8, 2, 2.5)
    held_y[:100, 0] = 0
    found = probe_attributes(x, y, held, held_y, ("there", "rare"))
    assert [probe.attribute for probe in found] == ["there"]
    assert found[0].n == 100


def subject(family: str, **changes: object) -> Subject:
    model = make(family).eval()
    pictures = to_pictures(images(400, (3, 16, 16)))
    bright = (pictures.reshape(400, -1).mean(axis=1) > 127).astype(np.int8)[:, None] * 2 - 1
    given: dict[str, object] = {
        "attributes": ("Bright",),
        "labels": bright[:250].astype(np.int8),
        "heldout_labels": bright[250:].astype(np.int8),
        **changes,
    }
    return Subject(model, pictures[:250], pictures[250:], **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["vae", "flow"])
@pytest.mark.slow
def test_a_model_that_encodes_is_probed(family: str) -> None:
    given = subject(family)
    assert PROBE.why_not(given) == ""
    finding = measure(Request(given, quick=True))
    assert 0 <= finding.value("probe_auc") <= 1
    # Brightness is the first thing that PCA of pixels finds, and these codes start at PCA or keep all pixels.
    assert finding.value("pixel_auc") > 0.85
    assert finding.value("auc/Bright") > 0.7
    again = measure(Request(given, quick=True))
    assert again.values == finding.values


def test_what_cannot_be_probed_says_why() -> None:
    assert "encoder" in PROBE.why_not(subject("gan"))
    assert "labels" in PROBE.why_not(subject("vae", attributes=(), labels=None))
    assert torch.is_grad_enabled()
