"""From an imported file to one of ours: report, build in our modules, verify, save."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from engine.checkpoints.importing.layouts import autoencoder_kl, dcgan, gan_zoo, openai_like, rosinality
from engine.checkpoints.importing.layouts.common import Candidate, Found, candidates
from engine.checkpoints.importing.reading import ForeignWeights, read_source
from engine.checkpoints.importing.report import ImportReport
from engine.checkpoints.importing.sniff import find_weights, read_safetensors_header, sniff
from engine.checkpoints.model_file import KEY, ModelHeader, copy_weights, load_model, read_header, save_model
from engine.errors import CheckpointError, UserError
from engine.families import build, family
from engine.files.disk import sha256_of, told_as, write_bytes
from engine.models.base import LatentModel
from engine.progress import SILENT, Progress

Match = Callable[[Candidate], Found | None]
LAYOUTS: Final[tuple[Match, ...]] = (
    rosinality.match,
    partial(openai_like.match_named, names=openai_like.CHAIYUJIN),
    partial(openai_like.match_named, names=openai_like.Y0AST),
    autoencoder_kl.match,
    gan_zoo.match,
    dcgan.match,
)
"""In the order in which they are tried; the last one takes any plain stack of layers."""
KNLOOM: Final = "DCGAN generators, three Glows, AutoencoderKL and Latent Loom's own files"
ROUND_TRIP: Final = 1e-3
"""Of pictures in [-1, 1]; what a flow may lose from picture to code and back."""
SEEDS: Final = 4
SMALLEST_CONTRAST: Final = 1e-4
LOOM: Final = "Latent Loom"


@dataclass(frozen=True)
class Imported:
    """What was saved. `round_trip` is a flow's largest error on a picture in [-1, 1], None for others."""

    report: ImportReport
    path: Path
    sha256: str
    family: str
    image_size: int
    channels: int
    code_size: int
    parameters: int
    round_trip: float | None
    warnings: tuple[str, ...]


def is_loom_model(path: Path) -> bool:
    """Whether a safetensors file names itself a Latent Loom model.

    Raises:
        CheckpointError: its header is damaged.
    """
    return KEY in read_safetensors_header(path).metadata


def inspect(path: Path, *, config: Path | None = None, progress: Progress = SILENT) -> ImportReport:
    """What a file holds, and what it leaves open. Nothing of it is run.

    Raises:
        CheckpointError: it could run code, is damaged, or is of no known layout; the sentence says which.
    """
    weights, _ = find_weights(path.expanduser())
    if sniff(weights) == "safetensors" and is_loom_model(weights):
        return _opened(weights)[0]
    return _open(weights, config, progress)[1]


def import_model(
    path: Path,
    target: Path,
    *,
    answers: Mapping[str, object],
    defaults: bool = False,
    title: str = "",
    config: Path | None = None,
    progress: Progress = SILENT,
) -> Imported:
    """Builds the model in our modules, verifies it, and saves it to `target`.

    Raises:
        UsageError: a question is left open, or an answer is out of range.
        CheckpointError: as `inspect`; or the model does not keep what its family promises; or it cannot be written.
    """
    weights, _ = find_weights(path.expanduser())
    if sniff(weights) == "safetensors" and is_loom_model(weights):
        return _copy_loom_model(weights, target, answers)
    found, report = _open(weights, config, progress)
    chosen = report.answered(answers, defaults=defaults)
    progress.check()
    try:
        made = found.build(chosen)
        model = build(found.family, made.config, made.image_shape)
    except UserError as error:
        raise CheckpointError(f"{weights.name} cannot be built with these answers ({error})") from error
    copy_weights(model, made.state, weights.name)
    layout, family_name, settings, shape = found.layout, found.family, made.config, made.image_shape
    # A large model is held several times over by now, and saving and checking it needs room.
    del found, made
    progress.check()
    round_trip, warnings = verify(model.eval(), weights.name, progress)
    progress.check()
    card = {
        "imported": {"file": weights.name, "sha256": sha256_of(weights), "layout": layout, "answers": chosen},
        "summary": f"Imported from {weights.name} ({layout}).",
    }
    header = ModelHeader(family_name, settings, shape, title=title or _title(weights), card=card)
    digest = save_model(target, model, header)
    load_model(target, sha256=digest)
    return _imported(report, target, digest, model, round_trip, (*report.warnings, *warnings))


def _open(weights: Path, config: Path | None, progress: Progress) -> tuple[Found, ImportReport]:
    source = read_source(weights, config=config, progress=progress)
    found, candidate = _match(source)
    row = family(found.family)
    report = ImportReport(
        path=weights,
        format=source.format,
        layout=found.layout,
        family=found.family,
        family_title=row.title,
        encode=row.model.abilities.encode,
        density=row.model.abilities.density,
        channels=found.channels,
        image_size=found.image_size,
        code_size=found.code_size,
        parameters=sum(v.numel() for v in candidate.state.values()),
        facts=found.facts,
        questions=found.questions,
        warnings=found.warnings,
        unused=found.unused,
    )
    return found, report


def _match(source: ForeignWeights) -> tuple[Found, Candidate]:
    """The first layout that fits one of the file's sets of weights.

    Raises:
        CheckpointError: none does; or one does, and the file is broken.
    """
    problem: CheckpointError | None = None
    for candidate in candidates(source):
        for match in LAYOUTS:
            try:
                found = match(candidate)
            except CheckpointError as error:
                problem = problem or error
                break
            if found is not None:
                return found, candidate
    if problem is not None:
        raise problem
    some = ", ".join(list(source.tensors)[:2])
    raise CheckpointError(
        f"{source.path.name} is not imported because its tensors ({some[:120]}, ...) have the names of no "
        f"known layout: known are {KNLOOM}."
    )


@torch.inference_mode()
def verify(model: LatentModel, name: str, progress: Progress = SILENT) -> tuple[float | None, tuple[str, ...]]:
    """(round trip error of a flow or None, warnings), after the model has shown that it works.

    Raises:
        CheckpointError: pictures that are not finite, or all of one colour; or a flow that is not invertible.
    """
    generator = torch.Generator().manual_seed(0)
    temperature = 0.7 if model.abilities.encode == "exact" else 1.0
    pictures = []
    # A flow takes seconds a picture, and its round trip says more than its samples.
    for _ in range(1 if model.abilities.encode == "exact" else SEEDS):
        progress.check()
        codes = model.sample_codes(1, temperature=temperature, generator=generator)
        try:
            pictures.append(model.decode(codes))
        except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
            raise CheckpointError(f"{name} is no invertible flow (a matrix is singular): it is damaged.") from error
    drawn = torch.cat(pictures)
    warnings: list[str] = []
    if model.abilities.encode == "exact":
        round_trip, more = _round_trip(model, name, generator)
        warnings += more
        if not bool(torch.isfinite(drawn).all()):
            warnings.append("Some samples at temperature 0.7 are not finite: choose a lower temperature.")
        return round_trip, tuple(warnings)
    if not bool(torch.isfinite(drawn).all()):
        raise CheckpointError(f"{name} draws pictures that are not finite: it is damaged, or an answer is wrong.")
    if float((drawn.flatten(1).amax(1) - drawn.flatten(1).amin(1)).max()) < SMALLEST_CONTRAST:
        raise CheckpointError(f"{name} draws pictures of one colour: it is damaged, or an answer is wrong.")
    if float((drawn - drawn[:1]).abs().max()) < SMALLEST_CONTRAST:
        warnings.append("All its pictures are the same: the generator has collapsed.")
    if model.abilities.encode == "amortised" and not bool(torch.isfinite(model.encode(drawn[:1])).all()):
        raise CheckpointError(f"{name} encodes a picture into numbers that are not finite: it is damaged.")
    return None, tuple(warnings)


def _round_trip(model: LatentModel, name: str, generator: torch.Generator) -> tuple[float, list[str]]:
    """(largest error of picture -> code -> picture in float32, warnings)."""
    picture = _smooth(model.spec.image_shape, generator)
    error = _lost(model, picture)
    if error <= ROUND_TRIP:
        return error, []
    model.double()
    precise = _lost(model, picture.double())
    model.float()
    if not precise <= ROUND_TRIP:
        raise CheckpointError(
            f"{name} is no invertible flow (a picture comes back with an error of {precise:.2g}): it is damaged, or it "
            "diverged in training; use an earlier checkpoint."
        )
    return error, [f"In float32 a picture comes back with an error of {error:.2g} (float64: {precise:.1g})."]


def _lost(model: LatentModel, picture: Tensor) -> float:
    lost = float((model.decode(model.encode(picture)) - picture).abs().max())
    return lost if math.isfinite(lost) else math.inf


def _smooth(shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """A random picture (1, C, H, W) in [-1, 1] that is as smooth as photos are."""
    coarse = torch.rand(1, shape[0], 4, 4, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=shape[1:], mode="bilinear", align_corners=False) * 2 - 1


def _title(path: Path) -> str:
    return path.stem.replace("_", " ").replace("-", " ").strip()[:60]


def _opened(path: Path) -> tuple[ImportReport, LatentModel, str]:
    """(report, model, SHA-256) of one of our own files."""
    model, header, digest = load_model(path)
    report = ImportReport(
        path=path,
        format="safetensors",
        layout=LOOM,
        family=header.family,
        family_title=family(header.family).title,
        encode=model.abilities.encode,
        density=model.abilities.density,
        channels=header.image_shape[0],
        image_size=header.image_shape[1],
        code_size=model.spec.size,
        parameters=sum(v.numel() for v in model.parameters()),
        facts=(("Title", header.title or path.stem),),
    )
    return report, model, digest


def _copy_loom_model(path: Path, target: Path, answers: Mapping[str, object]) -> Imported:
    report, model, digest = _opened(path)
    report.answered(answers)
    round_trip, warnings = verify(model, path.name)
    with told_as(CheckpointError, f"{target.name} could not be written", "free some space or choose another place."):
        write_bytes(target, path.read_bytes())
    read_header(target)
    return _imported(report, target, digest, model, round_trip, warnings)


def _imported(
    report: ImportReport,
    target: Path,
    digest: str,
    model: LatentModel,
    round_trip: float | None,
    warnings: tuple[str, ...],
) -> Imported:
    channels, size, _ = model.spec.image_shape
    return Imported(
        report=report,
        path=target,
        sha256=digest,
        family=report.family,
        image_size=size,
        channels=channels,
        code_size=model.spec.size,
        parameters=sum(v.numel() for v in model.parameters()),
        round_trip=round_trip,
        warnings=warnings,
    )
