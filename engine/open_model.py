"""An open model: draw, sample, decode, encode, morph and measure, in plain arrays. It belongs to one lane."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from engine.api import (
    Codes,
    DirectionInfo,
    Drawn,
    DrawRequest,
    Encoded,
    GroupInfo,
    ModelInfo,
    Pictures,
    Readout,
    Sampled,
    Wander,
)
from engine.checkpoints.model_file import ModelHeader
from engine.device import Device, placed
from engine.diagnostics.images import error_map, psnr, ssim
from engine.errors import UserError
from engine.latent.direction_files import DirectionSet
from engine.latent.directions import Direction, apply
from engine.latent.inversion import Guess, invert, regression_guess
from engine.latent.paths import path
from engine.models.base import LatentModel
from engine.pictures import to_images, to_pictures

ERROR_GAIN = 4.0
DEFAULT_TEMPERATURE = {"exact": 0.7, "bound": 0.9, "none": 1.0}
"""By density. A flow spreads its mass thin and looks best cooler (Glow, section 6)."""
DECODE_CHUNK = 16


class OpenModel:
    """A model in evaluation mode with what decoding can reuse prepared, and its directions."""

    def __init__(
        self,
        model: LatentModel,
        header: ModelHeader,
        *,
        key: str,
        sha256: str,
        directions: DirectionSet,
        device: Device,
    ) -> None:
        self._model = placed(model, device.torch).eval().requires_grad_(False)
        self._model.freeze()
        self._device = device.torch
        self._directions = directions
        self._heldout_bits = np.array(header.card.get("heldout_bits_per_dim", ()), float)
        self._guess: Guess | None = None
        channels, size, _ = model.spec.image_shape
        self.info = ModelInfo(
            key=key,
            title=header.title,
            family=header.family,
            encode=model.abilities.encode,
            density=model.abilities.density,
            code_size=model.spec.size,
            groups=tuple(GroupInfo(g.name, g.stop - g.start) for g in model.spec.groups),
            image_size=size,
            channels=channels,
            bits=int(math.log2(model.levels)),
            sha256=sha256,
            device=device.name,
            default_temperature=DEFAULT_TEMPERATURE[model.abilities.density],
            attributes=tuple(_direction_info(d) for d in directions if d.method != "pca"),
            components=tuple(_direction_info(d) for d in directions if d.method == "pca"),
            step=header.step,
        )

    def warm_up(self) -> None:
        """Decodes a few pictures: the first ones cost ten times the rest, and nobody should feel them."""
        for _ in range(3):
            self.decode(np.zeros((1, self.info.code_size), np.float32))

    def sample(self, n: int, *, temperature: float | tuple[float, ...] | None = None, seed: int = 0) -> Codes:
        """`n` codes (n, D) from the prior; the temperature is one number or one a group."""
        if temperature is None:
            temperature = self.info.default_temperature
        if isinstance(temperature, tuple) and len(temperature) == 1:
            temperature = temperature[0]
        if isinstance(temperature, tuple) and len(temperature) != len(self.info.groups):
            raise UserError(
                f"{self.info.title} has {len(self.info.groups)} groups, so it takes as many temperatures or one."
            )
        codes = self._model.sample_codes(
            n, temperature=temperature, generator=torch.Generator().manual_seed(seed)
        )
        return np.ascontiguousarray(codes.cpu().numpy())

    @torch.inference_mode()
    def decode(self, codes: Codes) -> Pictures:
        """Pictures (n, S, S, 3) of codes (n, D)."""
        parts = [
            to_pictures(
                self._model.decode(torch.from_numpy(np.array(codes[i : i + DECODE_CHUNK])).to(self._device))
            )
            for i in range(0, len(codes), DECODE_CHUNK)
        ]
        return np.concatenate(parts)

    def code_of(self, request: DrawRequest) -> Codes:
        """The code (D,) that a request asks for."""
        if isinstance(request.source, Sampled):
            code = self.sample(1, temperature=request.source.temperature, seed=request.source.seed)[0]
        else:
            code = request.source.code
            if code.shape != (self.info.code_size,):
                raise UserError(
                    f"This code has {code.size} numbers and {self.info.title} needs {self.info.code_size}: "
                    "encode the photo again."
                )
        code = wandered(code, request.wander)
        edits = {name: value for name, value in request.edits if value != 0.0}
        if edits:
            code = apply(code, edits, self._directions, locked=request.locked)
        return np.ascontiguousarray(code, np.float32)

    def draw(self, request: DrawRequest) -> Drawn:
        """The picture of a request."""
        start = time.perf_counter()
        code = self.code_of(request)
        picture = self.decode(code[None])[0]
        milliseconds = 1000 * (time.perf_counter() - start)
        return Drawn(request, picture, code, _norm_ratio(code), milliseconds)

    def morph(self, codes: Codes, fractions: Sequence[float], *, method: str = "slerp") -> Codes:
        """Codes (n, D) at `fractions` of the way through two to four codes (k, D)."""
        return np.asarray(
            path(codes, np.asarray(fractions, np.float64), method=method, groups=self._model.spec.groups),
            np.float32,
        )

    def encode(
        self,
        picture: Pictures,
        *,
        name: str = "",
        note: str = "",
        progress: Callable[[int, int, float], None] | None = None,
        check_cancel: Callable[[], None] | None = None,
        steps: int = 150,
    ) -> Encoded:
        """A photo (S, S, 3) of this model's size, inside the model: by its encoder, or by a search of `steps` steps."""
        if picture.shape != (self.info.image_size, self.info.image_size, 3):
            raise UserError(
                f"{self.info.title} takes pictures of {self.info.image_size} x {self.info.image_size} pixels, "
                f"got {picture.shape}: align the photo first."
            )
        image = to_images(picture[None], self._device, self.info.channels)
        start = time.perf_counter()
        errors: tuple[float, ...] = ()
        if self.info.encode == "search":
            generator = torch.Generator().manual_seed(0)
            if self._guess is None:
                self._guess = regression_guess(self._model, generator=generator)
            found = invert(
                self._model,
                image,
                steps=steps,
                guess=self._guess,
                generator=generator,
                on_progress=progress or (lambda step, total, error: None),
                check_cancel=check_cancel or (lambda: None),
            )
            code, errors = found.code, found.errors
        else:
            with torch.inference_mode():
                code = self._model.encode(image)
        milliseconds = 1000 * (time.perf_counter() - start)
        codes = np.ascontiguousarray(code.detach().cpu().numpy(), np.float32)
        reconstruction = self.decode(codes)[0]
        shown = to_pictures(image)[0]
        return Encoded(
            photo=shown,
            code=codes[0],
            reconstruction=reconstruction,
            error_map=error_map(shown, reconstruction, gain=ERROR_GAIN),
            psnr_db=psnr(shown, reconstruction),
            ssim=ssim(shown, reconstruction),
            bits_per_dim=self._bits(image),
            milliseconds=milliseconds,
            errors=errors,
            name=name,
            note=note,
        )

    @torch.inference_mode()
    def measure(self, request: DrawRequest, *, check_cancel: Callable[[], None] = lambda: None) -> Readout:
        """Likelihood of the picture that the request draws, and how exactly the model finds its code again.

        `check_cancel` is called between the passes through the model, and may raise: a drag must not wait for all four.
        """
        code = self.code_of(request)
        image = self._model.decode(torch.from_numpy(code[None]).to(self._device))
        check_cancel()
        bits = self._bits(image)
        round_trip = None
        if self.info.encode == "exact":
            check_cancel()
            again = self._model.encode(image)
            check_cancel()
            round_trip = float((self._model.decode(again) - image).abs().max())
        percentile = None
        if bits is not None and self._heldout_bits.size:
            percentile = float(100 * (self._heldout_bits < bits).mean())
        return Readout(_norm_ratio(code), bits, percentile, round_trip)

    @torch.inference_mode()
    def _bits(self, image: torch.Tensor) -> float | None:
        if self.info.density == "none":
            return None
        bits = self._model.bits_per_dim(image.clamp(-1, 1), generator=torch.Generator().manual_seed(0))
        return float(bits) if bool(torch.isfinite(bits)) else None


def wandered(code: Codes, wander: Wander) -> Codes:
    """The code moved within a random plane through it, along its own shell: |z| stays.

    The plane's two axes are random unit vectors, orthogonal to the code; x and y are angles in radians.
    """
    angle = math.hypot(wander.x, wander.y)
    length = float(np.linalg.norm(code))
    if angle == 0.0 or length == 0.0:
        return code
    axes = np.random.default_rng(wander.plane).standard_normal((2, code.size))
    unit = code.astype(np.float64) / length
    axes -= np.outer(axes @ unit, unit)
    axes[0] /= np.linalg.norm(axes[0])
    axes[1] -= (axes[1] @ axes[0]) * axes[0]
    axes[1] /= np.linalg.norm(axes[1])
    towards = (wander.x * axes[0] + wander.y * axes[1]) / angle
    moved = math.cos(angle) * unit + math.sin(angle) * towards
    result: Codes = (length * moved).astype(np.float32)
    return result


def _norm_ratio(code: Codes) -> float:
    return float(np.linalg.norm(code) / math.sqrt(code.size))


def _direction_info(direction: Direction) -> DirectionInfo:
    return DirectionInfo(
        name=direction.name,
        kind="component" if direction.method == "pca" else "attribute",
        auc=direction.auc,
        auc_low=direction.auc_low,
        auc_high=direction.auc_high,
        share=direction.share,
    )
