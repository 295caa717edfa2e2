"""Inception FID and IS, as papers report them: an extra, with weights that the person gives.

The network and its way to resize are those of torch-fidelity (`pip install latent-loom[fidelity]`); the formulas are
ours, which agree with its own. Nothing is ever downloaded: the weights file is read by the guarded importer, which runs
no code of it, and handed over in place of the download.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.checkpoints.importing.reading import read_source
from engine.diagnostics.base import Diagnostic, Request, Subject
from engine.diagnostics.fidelity import KNOBS, asked, coloured, too_few
from engine.diagnostics.frechet import frechet, kernel_distance, moments
from engine.diagnostics.labelling import classifier_score
from engine.diagnostics.own_features import pictures_of
from engine.errors import CheckpointError, UsageError
from engine.files.disk import sha256_of, told_as
from engine.knobs import Knob
from engine.progress import SILENT, Progress
from engine.report import Figure, Finding

PACKAGE: Final = "torch_fidelity"
MODULE: Final = "torch_fidelity.feature_extractor_inceptionv3"
WEIGHTS: Final = "weights-inception-2015-12-05-6726825d.pth"
PREFIX: Final = "6726825d"
"""Begin of the file's SHA-256: it tells the converted original weights from others that load as well."""
LAYERS: Final = ("2048", "logits_unbiased")
MAX_BYTES: Final = 512 * 2**20
CHUNK: Final = 32
PERFECT: Final = "A perfect model's, at this number."
USUAL: Final = 10_000
"""Below so many pictures a FID is far above that of papers, which take 50,000."""

Pictures = NDArray[np.uint8]
Extract = Callable[[Tensor], tuple[Tensor, Tensor]]

_lock = threading.Lock()

WEIGHTS_KNOB: Final = Knob(
    name="weights",
    kind=str,
    default="",
    title="Inception weights",
    help=f"Path of {WEIGHTS}; empty looks for it in the folder `inception` of your own folder.",
)


def why_not(subject: Subject) -> str:
    """Why it cannot be measured, or nothing; whether the weights are there is seen when it runs."""
    if importlib.util.find_spec(PACKAGE) is None:
        return "torch-fidelity is not installed: `pip install latent-loom[fidelity]` adds it."
    return too_few(subject)


def weights_file(given: str) -> Path:
    """The weights at `given` or in the user's folder, whose SHA-256 begins as it should.

    Raises:
        UsageError: there is no such file.
        CheckpointError: it cannot be read, or it is another file.
    """
    from engine.library import home_folder

    path = Path(given).expanduser() if given else home_folder() / "inception" / WEIGHTS
    with told_as(CheckpointError, f"{path.name} cannot be read", "check the file."):
        if not path.is_file():
            raise UsageError(
                f"The Inception weights are not at {path}: get {WEIGHTS} (torch-fidelity's release v0.2.0), put it "
                "there or give its path; nothing is downloaded for you."
            )
        if path.stat().st_size > MAX_BYTES:
            raise CheckpointError(f"{path.name} is larger than {MAX_BYTES >> 20} MB: it is not {WEIGHTS}.")
        digest = sha256_of(path)
    if not digest.startswith(PREFIX):
        raise CheckpointError(
            f"{path.name} is not the file that FIDs are measured with (its SHA-256 begins {digest[:8]}, not {PREFIX}): "
            f"get {WEIGHTS} again."
        )
    return path


def extractor(path: Path, *, device: torch.device, progress: Progress = SILENT) -> Extract:
    """Pictures (B, 3, H, W) uint8 -> (pool features (B, 2048), logits without bias (B, 1008)).

    Raises:
        CheckpointError: the file holds something else, or torch-fidelity cannot be used.
        Cancelled: from `progress`.
    """
    state = dict(read_source(path, progress=progress).tensors)
    try:
        module = importlib.import_module(MODULE)
        with _lock:
            net = _built(module, state)
    except (ImportError, AttributeError, TypeError, ValueError, KeyError, RuntimeError) as error:
        why = str(error).split("\n")[0][:150]
        raise CheckpointError(
            f"torch-fidelity cannot use {path.name} ({why}): install latent-loom[fidelity] again or get the file anew."
        ) from error
    net = net.to(device).eval().requires_grad_(False)

    def extract(images: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = net(images.to(device))
        return features.float().cpu(), logits.float().cpu()

    return extract


def _built(module: Any, state: Mapping[str, Tensor]) -> Any:
    """The network with these weights, without a download and without a line of the file being run.

    Given a path, torch-fidelity loads it with `weights_only=False`; given none, it downloads. So it is given none, and
    its download function is replaced by one that hands over what was read safely.
    """
    before = module.load_state_dict_from_url
    module.load_state_dict_from_url = lambda *args, **named: state
    try:
        return module.FeatureExtractorInceptionV3(
            "inception-v3-compat", list(LAYERS), feature_extractor_weights_path=None
        )
    finally:
        module.load_state_dict_from_url = before


@torch.inference_mode()
def inception_features(
    pictures: Pictures, extract: Extract, *, progress: Progress = SILENT
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features (N, F) and logits (N, L) of pictures (N, H, W, 1 or 3)."""
    found: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(pictures), CHUNK):
        progress.check()
        part = coloured(np.asarray(pictures[start : start + CHUNK]))
        found.append(extract(torch.from_numpy(part).permute(0, 3, 1, 2).contiguous()))
        progress.step(start + len(part), len(pictures))
    features, logits = zip(*found, strict=True)
    return torch.cat(features).numpy(), torch.cat(logits).numpy()


def run(request: Request) -> Finding:
    """FID, KID and IS of samples against training pictures, and of held-out real pictures beside.

    Raises:
        UsageError, CheckpointError: the weights are missing or wrong.
        Cancelled: from the request.
    """
    n, temperature = asked(request)
    subject, progress = request.subject, request.progress
    path = weights_file(str(request.values.get("weights", "")))
    extract = extractor(path, device=subject.device, progress=progress)
    real = pictures_of(subject, "training", n)
    held = pictures_of(subject, "heldout", n)
    drawn = pictures_of(subject, "samples", n, seed=request.seed, temperature=temperature, progress=progress)
    total, seen = len(real) + len(held) + len(drawn), 0
    parts = []
    for pictures in (real, held, drawn):
        stretch = progress.part(seen, seen + len(pictures), total)
        parts.append(inception_features(pictures, extract, progress=stretch))
        seen += len(pictures)
    (real_rows, _), (held_rows, held_logits), (rows, logits) = parts
    # No interval: with 2,048 features each distance takes seconds, and a jackknife would take it 20 times.
    progress.check()
    ours = frechet(moments(rows), moments(real_rows))
    progress.check()
    reference = frechet(moments(held_rows), moments(real_rows))
    progress.check()
    kernel = kernel_distance(rows, real_rows, progress=progress)
    score, score_real = classifier_score(_probabilities(logits)), classifier_score(_probabilities(held_logits))
    few_n = min(len(drawn), len(real))
    few = f"Of {few_n:,} pictures: papers take 50,000, and fewer give a larger FID." if few_n < USUAL else ""
    figures = (
        Figure("fid", "FID (Inception)", ours, n=few_n, better="lower", note=few),
        Figure("fid_real", "FID of held-out real pictures", reference, n=len(held), better="lower", note=PERFECT),
        Figure.of("kid_inception", "KID (Inception)", kernel, "lower", "No bias; may be a little below 0."),
        Figure.of("is", "Inception score", score, "higher", "Of ImageNet's classes: it says little of faces."),
        Figure.of("is_real", "Inception score of held-out real pictures", score_real, "higher", PERFECT),
    )
    sentence = (
        f"FID (Inception) is {ours:.1f} on {few_n:,} pictures; held-out real pictures have {reference:.1f} on "
        f"{len(held):,}. The Inception score is {score.value:.2f} ({score_real.value:.2f})."
    )
    return Finding("inception", INCEPTION.title, "unknown", f"{sentence} {few}".rstrip(), figures)


def _probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(torch.from_numpy(logits).double().softmax(1).numpy())


INCEPTION: Final = Diagnostic(
    "inception",
    "FID and IS (Inception)",
    "The figures of papers, with weights that you give; needs `pip install latent-loom[fidelity]`.",
    run,
    why_not,
    (WEIGHTS_KNOB, *KNOBS),
)
