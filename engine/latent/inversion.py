"""The search for the code of an image, for models without an encoder, and its refinement for those with one.

Candidates (draws from the prior, the encoder's answer, a regression's guess) are ranked by their distance at
low resolution; the best few go down the gradient together, and the best of those goes on alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.models.base import Group, LatentModel

Guess = Callable[[Tensor], Tensor]
"""Images (B, C, H, W) -> codes (B, D), roughly right."""

_BRANCHES = 4
_BRANCH_SHARE = 0.25
_CHUNK = 16
_COARSE_PX = 16
_BETAS = (0.9, 0.99)


@dataclass(frozen=True, eq=False)
class Inversion:
    """The code (1, D) float32 that was found, on the model's device.

    `errors` is the RMS pixel error (images in [-1, 1]) of the best code before each step, and of the returned
    code at the end, so it has steps + 1 numbers; the last is the lowest. `seconds` is the time it took.
    """

    code: Tensor
    errors: tuple[float, ...]
    seconds: float


def invert(
    model: LatentModel,
    image: Tensor,
    *,
    steps: int = 200,
    starts: int = 64,
    guess: Guess | None = None,
    rate: float = 0.1,
    pull: float = 1e-3,
    generator: torch.Generator | None = None,
    on_progress: Callable[[int, int, float], None] = lambda step, total, error: None,
    check_cancel: Callable[[], None] = lambda: None,
) -> Inversion:
    """The code whose decoded image is nearest to `image` (1, C, H, W) in [-1, 1].

    An exact encoder is believed: its answer comes back without a step. An amortised one gives a candidate
    beside `starts` draws from the prior and the answer of `guess`. Then `steps` of Adam at `rate` (cosine to
    zero) on the code, against squared error at full and low resolution, the error of the Laplacian bands, and
    `pull` towards the shell |z| = sqrt(D) of each group, where the prior has its mass. The same generator
    state gives the same code.

    The model must be in eval mode; none of its parameters, buffers, gradients or flags is touched, and it may
    be frozen. `on_progress(step, total, error)` is called after each step with the RMS error so far;
    `check_cancel` before each.

    Raises:
        ValueError: the model is in train mode, or the image is not (1, C, H, W) of the model's shape.
        Cancelled: from `check_cancel`.
    """
    if model.training:
        raise ValueError("the model must be in eval mode: its statistics would change during the search")
    if tuple(image.shape) != (1, *model.spec.image_shape):
        raise ValueError(f"the image must be {(1, *model.spec.image_shape)}, got {tuple(image.shape)}")
    began = time.perf_counter()
    # A caller in inference mode must not stop the gradient, and its tensors cannot take part in one: hence
    # the clone.
    with torch.inference_mode(False), torch.enable_grad():
        device = next(model.parameters()).device
        target = image.detach().to(device, torch.float32).clone()
        with torch.no_grad():
            if model.abilities.encode == "exact":
                code = model.encode(target).detach()
                error = float(_squared(model.decode(code), target).sqrt())
                return Inversion(code, (error,), time.perf_counter() - began)
            first = _candidates(model, target, starts, guess, generator, check_cancel)
        code, errors = _descend(model, target, first, steps, rate, pull, on_progress, check_cancel)
    return Inversion(code, errors, time.perf_counter() - began)


def _candidates(
    model: LatentModel,
    target: Tensor,
    starts: int,
    guess: Guess | None,
    generator: torch.Generator | None,
    check_cancel: Callable[[], None],
) -> Tensor:
    """The best few codes (at most 4, D) by distance at low resolution."""
    codes = []
    if model.abilities.encode == "amortised":
        codes.append(model.encode(target))
    if guess is not None:
        codes.append(guess(target).to(target.device))
    if starts > 0 or not codes:
        codes.append(model.sample_codes(max(starts, 1), generator=generator).to(target.device))
    every = torch.cat([code.detach().float() for code in codes])
    small = _shrunk(target)
    distances = []
    for part in every.split(_CHUNK):
        check_cancel()
        distances.append(_squared(_shrunk(model.decode(part)), small))
    order = torch.cat(distances).sort(stable=True).indices
    return every[order[:_BRANCHES]].clone()


def _descend(
    model: LatentModel,
    target: Tensor,
    code: Tensor,
    steps: int,
    rate: float,
    pull: float,
    on_progress: Callable[[int, int, float], None],
    check_cancel: Callable[[], None],
) -> tuple[Tensor, tuple[float, ...]]:
    """Adam on codes (B, D), every row for itself; the best code (1, D) seen, and the error curve."""
    mean, square = torch.zeros_like(code), torch.zeros_like(code)
    errors: list[float] = []
    best, best_error = code[:1], math.inf
    for step in range(steps + 1):
        check_cancel()
        moving = code.detach().requires_grad_(step < steps)
        decoded = model.decode(moving)
        with torch.no_grad():
            each = _squared(decoded.float(), target)
            row = int(each.argmin())
            error = float(each[row].sqrt())
            if error < best_error:
                best, best_error = code[row : row + 1].detach().clone(), error
        errors.append(best_error)
        if step > 0:
            on_progress(step, steps, best_error)
        if step == steps:
            break
        loss = _loss(decoded.float(), target) + pull * _off_shell(moving, model.spec.groups)
        # `grad`, not `backward`: nothing is added to the gradients of parameters that are being trained
        # elsewhere.
        (slope,) = torch.autograd.grad(loss.sum(), moving)
        with torch.no_grad():
            if step == int(steps * _BRANCH_SHARE) and code.shape[0] > 1:
                keep = loss.argmin().reshape(1)
                code, slope, mean, square = code[keep], slope[keep], mean[keep], square[keep]
            mean = mean.lerp(slope, 1 - _BETAS[0])
            square = square.lerp(slope * slope, 1 - _BETAS[1])
            unbiased = mean / (1 - _BETAS[0] ** (step + 1))
            scale = (square / (1 - _BETAS[1] ** (step + 1))).sqrt()
            now = rate * (1 + math.cos(math.pi * step / steps)) / 2
            code = code - now * unbiased / (scale + 1e-8)
    return best, tuple(errors)


def _loss(decoded: Tensor, target: Tensor) -> Tensor:
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


def _off_shell(code: Tensor, groups: Sequence[Group]) -> Tensor:
    """How far each code (B,) is from the typical length of a normal, mean over groups; 0 on the shell."""
    total = torch.zeros(code.shape[0], device=code.device)
    for group in groups:
        # The tiny term keeps the gradient finite at the zero code.
        length = (code[:, group.start : group.stop].square().mean(1) + 1e-12).sqrt()
        total = total + (length - 1).square()
    return total / len(groups)


def _shrunk(images: Tensor) -> Tensor:
    factor = max(1, min(images.shape[-2:]) // _COARSE_PX)
    return F.avg_pool2d(images, factor) if factor > 1 else images


def _squared(images: Tensor, target: Tensor) -> Tensor:
    return (images.float() - target).square().mean(dim=(1, 2, 3))


def regression_guess(
    model: LatentModel,
    *,
    samples: int = 2048,
    generator: torch.Generator | None = None,
    check_cancel: Callable[[], None] = lambda: None,
) -> Guess:
    """A first guess of codes from small pictures, by ridge regression on the model's own samples.

    Fit it once a model. Images shrink to about 16 px and are mapped linearly to codes; the answer is
    stretched to the typical length, for a regression to the mean would start the search at the dull centre.
    Same generator, same guess.
    """
    with torch.inference_mode(False), torch.no_grad():
        codes = model.sample_codes(samples, generator=generator)
        seen = []
        for part in codes.split(_CHUNK):
            check_cancel()
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
