"""The search for the code of an image, for models without an encoder, and its refinement for those with one.

Candidates (an encoder's answer, a regression's guess, draws from the prior) are ranked by their distance at low
resolution, and the best goes down the gradient by L-BFGS (Liu & Nocedal 1989, "On the limited memory BFGS method
for large scale optimization"): pictures bend so differently along different directions of a code that Adam needs
about three times as many steps.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.latent.descent import descend
from engine.models.base import Group, LatentModel
from engine.progress import SILENT, Progress

Guess = Callable[[Tensor], Tensor]
"""Images (B, C, H, W) -> codes (B, D), roughly right."""
Features = Callable[[Tensor], Sequence[Tensor]]
"""Images (B, C, H, W) -> what is compared beside pixels, a tensor (B, ...) a scale."""

STEPS = 60
PULL = 0.1
FEATURE_WEIGHT = 0.1
_CHUNK = 16
_COARSE_PX = 16


@dataclass(frozen=True, eq=False)
class Inversion:
    """The code (1, D) float32 that was found, on the model's device.

    `errors` is the RMS pixel error (images in [-1, 1]) of the best code so far: of the start, then after each step,
    so it never rises; it has steps + 1 numbers, or fewer where the search converged. `seconds` is the time it took.
    """

    code: Tensor
    errors: tuple[float, ...]
    seconds: float


class _Enough(Exception):
    """All steps are taken: leaves the descent from within its line search."""


def invert(
    model: LatentModel,
    image: Tensor,
    *,
    steps: int = STEPS,
    starts: int = 64,
    guess: Guess | None = None,
    features: Features | None = None,
    pull: float = PULL,
    generator: torch.Generator | None = None,
    progress: Progress = SILENT,
) -> Inversion:
    """The code whose decoded image is nearest to `image` (1, C, H, W) in [-1, 1].

    An exact encoder's answer comes back as it is, without a step. An amortised one gives a candidate
    beside `starts` draws from the prior and the answer of `guess`. The best of them is refined by `refine`. The same
    generator state gives the same code. `progress` is that of `refine`.

    Raises:
        ValueError: the model is in train mode, or the image is not (1, C, H, W) of the model's shape.
        Cancelled: from `progress`.
    """
    _check(model, image)
    began = time.perf_counter()
    # A caller in inference mode must not stop the gradient, and its tensors cannot take part in one: hence
    # the clone.
    with torch.inference_mode(False), torch.no_grad():
        target = image.detach().to(next(model.parameters()).device, torch.float32).clone()
        if model.abilities.encode == "exact":
            code = model.encode(target).detach()
            error = float(_squared(model.decode(code), target).sqrt())
            return Inversion(code, (error,), time.perf_counter() - began)
        first = _best_start(model, target, starts, guess, generator, progress)
    found = refine(model, image, first, steps=steps, features=features, pull=pull, progress=progress)
    return Inversion(found.code, found.errors, time.perf_counter() - began)


def refine(
    model: LatentModel,
    image: Tensor,
    code: Tensor,
    *,
    steps: int = STEPS,
    features: Features | None = None,
    pull: float = PULL,
    progress: Progress = SILENT,
) -> Inversion:
    """A code near `code` (1, D) whose decoded image is nearer to `image` (1, C, H, W); never one that is farther.

    L-BFGS on squared error at two resolutions, the error of the Laplacian bands, the
    difference of `features` if given, and `pull` towards the shell where the prior has its mass: |z| = sqrt(D) of
    each group, or the length that an amortised encoder gave, whose codes are shorter by the numbers it does not use.
    A step is one pass through the model, forward and back; there are at most `steps`.

    The model must be in eval mode; none of its parameters, buffers, gradients or flags is touched, and it may
    be frozen. `progress` is asked before each step, and told after it the RMS error so far as its value.

    Raises:
        ValueError: the model is in train mode, or the image is not (1, C, H, W) of the model's shape.
        Cancelled: from `progress`.
    """
    _check(model, image)
    began = time.perf_counter()
    with torch.inference_mode(False), torch.enable_grad():
        device = next(model.parameters()).device
        target = image.detach().to(device, torch.float32).clone()
        start = code.detach().to(device, torch.float32).clone()
        groups = model.spec.groups
        lengths = _lengths(start, groups) if model.abilities.encode == "amortised" else None
        with torch.no_grad():
            wanted = None if features is None else [part.clone() for part in features(target)]
        best, errors = start, list[float]()

        def slope(at: Tensor) -> tuple[float, Tensor]:
            nonlocal best
            progress.check()
            with torch.enable_grad():
                moving = at.detach().clone().requires_grad_(True)
                decoded = model.decode(moving).float()
            error = float(_squared(decoded.detach(), target).sqrt())
            # What is not a number compares with nothing, and must neither win nor be kept.
            error = math.inf if math.isnan(error) else error
            if errors and error < errors[-1]:
                best = moving.detach().clone()
            errors.append(min(errors[-1], error) if errors else error)
            step = len(errors) - 1
            if step > 0:
                progress.step(step, steps, f"error {errors[-1]:.3g}", value=errors[-1])
            if step >= steps:
                raise _Enough
            with torch.enable_grad():
                loss = picture_loss(decoded, target) + pull * off_shell(moving, groups, lengths)
                if features is not None and wanted is not None:
                    pairs = zip(features(decoded), wanted, strict=True)
                    loss = loss + FEATURE_WEIGHT * sum((a - b).abs().flatten(1).mean(1) for a, b in pairs)
                # `grad`, not `backward`: nothing is added to the gradients of parameters that are being trained
                # elsewhere.
                (gradient,) = torch.autograd.grad(loss.sum(), moving)
            return float(loss.detach().sum()), gradient

        try:
            descend(slope, start)
        except _Enough:
            pass
    return Inversion(best, tuple(errors), time.perf_counter() - began)


def _check(model: LatentModel, image: Tensor) -> None:
    if model.training:
        raise ValueError("the model must be in eval mode: its statistics would change during the search")
    if tuple(image.shape) != (1, *model.spec.image_shape):
        raise ValueError(f"the image must be {(1, *model.spec.image_shape)}, got {tuple(image.shape)}")


def _best_start(
    model: LatentModel,
    target: Tensor,
    starts: int,
    guess: Guess | None,
    generator: torch.Generator | None,
    progress: Progress,
) -> Tensor:
    """The best code (1, D) by distance at low resolution."""
    codes = []
    if model.abilities.encode == "amortised":
        codes.append(model.encode(target))
    if guess is not None:
        codes.append(guess(target).to(target.device))
    if starts > 0 or not codes:
        codes.append(model.sample_codes(max(starts, 1), generator=generator).to(target.device))
    every = torch.cat([code.detach().float() for code in codes])
    if len(every) == 1:
        return every
    small = _shrunk(target)
    distances = []
    for part in every.split(_CHUNK):
        progress.check()
        distances.append(_squared(_shrunk(model.decode(part)), small))
    # A distance that is not a number must not win.
    order = torch.nan_to_num(torch.cat(distances), nan=math.inf).argmin()
    return every[order : order + 1].clone()


def picture_loss(decoded: Tensor, target: Tensor) -> Tensor:
    """Loss of each image (B,): squared error at two scales, and absolute error of the Laplacian bands."""
    loss = _squared(decoded, target) + _squared(_shrunk(decoded), _shrunk(target))
    difference = decoded - target
    while min(difference.shape[-2:]) >= 8:
        smaller = F.avg_pool2d(difference, 2)
        back = F.interpolate(smaller, size=difference.shape[-2:], mode="bilinear", align_corners=False)
        # The bands are linear, so the band of the difference is the difference of the bands.
        loss = loss + 0.1 * (difference - back).abs().mean(dim=(1, 2, 3))
        difference = smaller
    return loss


def off_shell(code: Tensor, groups: Sequence[Group], lengths: Tensor | None = None) -> Tensor:
    """How far each code (B,) is from its length, mean over groups; 0 on the shell.

    `lengths` (B, groups) are the wanted |z| / sqrt(D); by default 1, the typical length of a normal.
    """
    wanted = 1.0 if lengths is None else lengths
    return (_lengths(code, groups) - wanted).square().mean(1)


def _lengths(code: Tensor, groups: Sequence[Group]) -> Tensor:
    """|z| / sqrt(D) of each code and group, (B, groups). The tiny term keeps the gradient finite at the zero code."""
    squares = [code[:, group.start : group.stop].square().mean(1) for group in groups]
    return (torch.stack(squares, 1) + 1e-12).sqrt()


def _shrunk(images: Tensor) -> Tensor:
    factor = max(1, min(images.shape[-2:]) // _COARSE_PX)
    return F.avg_pool2d(images, factor) if factor > 1 else images


def _squared(images: Tensor, target: Tensor) -> Tensor:
    return (images.float() - target).square().mean(dim=(1, 2, 3))


def regression_guess(
    model: LatentModel, *, samples: int = 512, generator: torch.Generator | None = None, progress: Progress = SILENT
) -> Guess:
    """A first guess of codes from small pictures, by ridge regression on the model's own samples.

    Fit it once per model. Images shrink to about 16 px and are mapped linearly to codes; the answer is
    stretched to the typical length, for a regression to the mean would start the search too near the centre.
    Same generator, same guess.
    """
    with torch.inference_mode(False), torch.no_grad():
        codes = model.sample_codes(samples, generator=generator)
        seen = []
        for part in codes.split(_CHUNK):
            progress.check()
            seen.append(_shrunk(model.decode(part).float()).flatten(1))
        x = torch.cat(seen).cpu().double()
        centre = x.mean(0)
        x = x - centre
        products = x.T @ x
        ridge = 0.01 * float(products.trace()) / products.shape[0] + 1e-9
        products.diagonal().add_(ridge)
        weights = torch.linalg.solve(products, x.T @ codes.cpu().double())

    def guess(images: Tensor) -> Tensor:
        found = (_shrunk(images.float()).flatten(1).cpu().double() - centre) @ weights
        length = torch.linalg.vector_norm(found, dim=1, keepdim=True).clamp(min=1e-9)
        on_shell: Tensor = (found / length * math.sqrt(found.shape[1])).float()
        return on_shell

    return guess
