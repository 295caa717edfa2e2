"""The figures of a model on the test split: likelihood, reconstruction, samples, and what the diagnostics say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from boxing.grid import PERIODS, grid_energy, grid_excess
from boxing.intervals import bootstrap, over_images, over_repeats, ratio_of_means
from engine.data import DataSet, Split
from engine.diagnostics.base import Request, Subject
from engine.diagnostics.diagnose import diagnose
from engine.diagnostics.distance import sliced_wasserstein
from engine.diagnostics.fidelity import run_coverage, run_fidelity
from engine.diagnostics.subjects import subject_of
from engine.exploring.open_model import DEFAULT_TEMPERATURE
from engine.measures import diversity, psnr, sharpness, ssim
from engine.models.base import Frozen, LatentModel
from engine.pictures import to_images, to_pictures
from engine.report import Finding

Pictures = NDArray[np.uint8]
Table = dict[str, Any]
"""Figure -> `boxing.intervals.Value`."""

PATCHES: Final = 32
SEED: Final = 1
CHUNK: Final = 32
DIAGNOSED: Final = ("spread", "likelihood", "birthday", "memorisation", "fidelity", "coverage")


@dataclass(frozen=True)
class Scale:
    """How much is measured. `part`: samples (and test images) of one sliced Wasserstein distance (figures of other
    counts do not compare), `parts` of them; `looked_at`: pictures of the dearer figures of single pictures; `test`:
    test images at most."""

    part: int = 1024
    parts: int = 4
    looked_at: int = 512
    test: int = 1_000_000
    quick: bool = False


FULL: Final = Scale()
QUICK: Final = Scale(part=128, parts=2, looked_at=64, test=64, quick=True)
"""To try the script; such figures are not for a card that is shipped."""


def chunks(rows: NDArray[np.int64], size: int = CHUNK) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class Counted:
    """Counts decoded pictures that hold a number which is not finite, as long as it stands around what decodes."""

    def __init__(self, model: LatentModel | Frozen) -> None:
        self.model, self.seen, self.bad, self._decode = model, 0, 0, model.decode
        self._swapped = "decode" in vars(model)

    def __enter__(self) -> Counted:
        def decode(z: torch.Tensor) -> torch.Tensor:
            x = self._decode(z)
            self.seen += len(x)
            self.bad += int((~torch.isfinite(x).flatten(1).all(1)).sum())
            return x

        self.model.decode = decode  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        if self._swapped:
            self.model.decode = self._decode  # type: ignore[method-assign]
        else:
            del self.model.decode


@torch.inference_mode()
def on_test(model: LatentModel, data: DataSet, scale: Scale = FULL) -> Table:
    """Bits/dim, PSNR, SSIM and round trip on all test images, as far as the model can."""
    from fit_reference import bits_of

    found: Table = {}
    test = data.indices(Split.TEST)[: scale.test]
    if model.abilities.density != "none":
        bits = bits_of(model, data, test, 0)
        found["bits_per_dim"] = {
            **over_images(bits),
            "bits": int(math.log2(model.bins)),
            "density": model.abilities.density,
        }
        quantiles = np.quantile(bits, np.linspace(0, 1, 101))
        found["heldout_bits_per_dim"] = [round(float(v), 4) for v in quantiles]
    if model.abilities.encode == "search":
        return found
    dbs, similar, trip = [], [], 0.0
    for part in chunks(test):
        pictures = np.asarray(data.images[part])
        images = to_images(pictures)
        decoded = model.decode(model.encode(images))
        trip = max(trip, float((decoded - images).abs().max()))
        if model.abilities.encode == "amortised":
            for real, copy in zip(pictures, to_pictures(decoded)[..., : pictures.shape[-1]], strict=True):
                dbs.append(psnr(real, copy))
                similar.append(ssim(real, copy))
    if model.abilities.encode == "exact":
        found["round_trip_error"] = {"mean": trip, "n": len(test)}
    else:
        found |= {"psnr_db": over_images(dbs), "ssim": over_images(similar)}
    return found


def of_samples(drawn: Pictures, real: Pictures, scale: Scale = FULL) -> Table:
    """Sliced Wasserstein distances, sharpness, diversity and grid of samples beside real pictures.

    `drawn` holds several times as many samples as `real` has pictures (at most `scale.parts` times count): distances
    are of each part of them, intervals over the parts; the others' intervals are from resampled pictures.
    """
    size = min(len(real), scale.part)
    parts = [drawn[i * size : (i + 1) * size] for i in range(min(scale.parts, len(drawn) // size))]
    if not parts:
        raise ValueError(f"{len(drawn)} samples are fewer than {size} real pictures")
    found: Table = {}
    distances = [sliced_wasserstein(part, real[:size], patches_per_image=PATCHES) for part in parts]
    for i, side in enumerate(distances[0].resolutions):
        found[f"swd_{side}"] = over_repeats([d.distances[i] for d in distances], size)
    few, some = drawn[: scale.looked_at], real[: scale.looked_at]
    ours, theirs = (np.array([sharpness(p) for p in pictures]) for pictures in (few, some))
    found["sharpness"] = bootstrap(ratio_of_means, ours, theirs)
    ratios = [diversity(part[:256], real[:256]) or 0.0 for part in parts]
    found["diversity"] = over_repeats(ratios, 256)
    for period in PERIODS:
        if drawn.shape[1] >= 8 * period:
            found[f"grid_{period}"] = bootstrap(grid_excess, grid_energy(few, period), grid_energy(some, period))
    return found


def of_finding(finding: Finding) -> dict[str, Any]:
    """A finding's figures by name, without its pictures."""
    return {
        f.name: {"mean": f.value, "low": f.low, "high": f.high, "n": f.n}
        for f in finding.figures
        if f.value is not None and math.isfinite(f.value)
    }


def of_diagnostics(subject: Subject, *, temperature: float, scale: Scale = FULL) -> Table:
    """The program's own findings on samples at T = 1 and, of fidelity and coverage, also at another temperature."""
    report = diagnose(subject, DIAGNOSED, seed=SEED, quick=scale.quick)
    found: Table = {"1": {}}
    for finding in report.findings:
        found["1"] |= of_finding(finding)
        found.setdefault("sentences", {})[finding.title] = finding.sentence
    if temperature != 1.0:
        asked = Request(subject, {"temperature": temperature, "samples": 3 * scale.part}, seed=SEED, quick=scale.quick)
        found[f"{temperature:g}"] = of_finding(run_fidelity(asked)) | of_finding(run_coverage(asked))
    verdict = report.verdict
    found["verdict"] = {"title": verdict.title, "level": verdict.level, "paragraph": verdict.paragraph}
    found["skipped"] = dict(report.skipped)
    return found


def measured(model: LatentModel, data: DataSet, subject: Subject, *, draws: int, scale: Scale = FULL) -> dict[str, Any]:
    """All figures: `test` (of test images), `samples` by temperature, `diagnostics`; `draws` at T = 1."""
    test = data.indices(Split.TEST)
    real = np.asarray(data.images[test])
    default = DEFAULT_TEMPERATURE[model.abilities.density]
    size = min(len(real), scale.part)
    found: dict[str, Any] = {"test": on_test(model, data, scale), "samples": {}}
    print("test images done", flush=True)
    for temperature in sorted({default, 1.0}, reverse=True):
        n = max(draws, scale.parts * size) if temperature == 1.0 else min(3, scale.parts) * size
        with Counted(subject.fast) as count:
            drawn = subject.samples(n, seed=SEED, temperature=temperature)
        assert count.seen >= len(drawn)
        found["samples"][f"{temperature:g}"] = {
            **of_samples(drawn, real, scale),
            "not_finite": {"mean": count.bad, "n": count.seen},
        }
        print(f"samples at T = {temperature:g} done: {count.bad} of {count.seen} not finite", flush=True)
    found["diagnostics"] = of_diagnostics(subject, temperature=default, scale=scale)
    print(f"diagnostics done: {found['diagnostics']['verdict']['title']}", flush=True)
    return found


def subject_for(model: LatentModel, data: DataSet, origin: Any) -> Subject:
    """The subject that `latent-loom diagnose` would make."""
    return subject_of(model, data, device=torch.device("cpu"), origin=origin)


def of_real(data: DataSet, scale: Scale = FULL) -> Table:
    """The sample figures of training pictures beside the test pictures: what a perfect model would get."""
    train, test = data.indices(Split.TRAIN), data.indices(Split.TEST)
    order = np.random.default_rng(0).permutation(train)[: scale.parts * min(len(test), scale.part)]
    return of_samples(np.asarray(data.images[np.sort(order)]), np.asarray(data.images[test]), scale)
