"""An open model: draw, sample, decode, encode, morph and measure, in plain arrays. It belongs to one lane."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import api
from engine.api import Codes, Pictures
from engine.checkpoints.model_file import ModelHeader
from engine.device import Device, placed
from engine.errors import UserError
from engine.exploring.precision import Float64Model
from engine.frozen import FrozenCache
from engine.latent import factorisation, levels
from engine.latent.around import neighbour, wandered
from engine.latent.direction_files import DirectionSet
from engine.latent.directions import Direction, apply, share_along
from engine.latent.encoding import Aids, Found, find_code
from engine.latent.inversion import Guess, regression_guess
from engine.latent.paths import pad, path, path_norms
from engine.latent.user_directions import Owned, described, merged
from engine.measures import ERROR_GAIN, error_map, norm_ratios, psnr, ssim
from engine.models.base import LatentModel
from engine.pictures import to_images, to_pictures
from engine.progress import SILENT, Progress

DEFAULT_TEMPERATURE = {"exact": 0.7, "bound": 0.9, "none": 1.0}
"""By density. A flow spreads its mass thin and looks best cooler (Glow, section 6)."""
DECODE_CHUNK = 16


class OpenModel:
    """A model in evaluation mode, with its directions and with what decoding can reuse."""

    def __init__(
        self,
        model: LatentModel,
        header: ModelHeader,
        *,
        key: str,
        sha256: str,
        directions: DirectionSet,
        device: Device,
        aids: Aids | None = None,
        owner: str = "",
    ) -> None:
        # Whose the user's directions are: the weights', or those of a run as long as it trains.
        self.owner = owner or sha256
        self._model = placed(model, device.torch).eval().requires_grad_(False)
        # The module is for searches that need gradients and for float64; whatever only infers goes this way.
        self._frozen = FrozenCache(self._model, lazy=True)
        self._device = device.torch
        self._shipped, self._directions = directions, directions
        self._heldout_bits = np.array(header.card.get("heldout_bits_per_dim", ()), float)
        aids = aids or Aids()
        self._encoder = None if aids.encoder is None else placed(aids.encoder, device.torch)
        self._reference = aids.reference
        self._guess: Guess | None = None
        self._float64 = Float64Model(self._model, device.torch)
        channels, size, _ = model.spec.image_shape
        self.info = api.ModelInfo(
            key=key,
            title=header.title,
            family=header.family,
            encode=model.abilities.encode,
            density=model.abilities.density,
            code_size=model.spec.size,
            groups=tuple(api.GroupInfo(g.name, g.stop - g.start, g.grid) for g in model.spec.groups),
            image_size=size,
            channels=channels,
            bits=int(math.log2(model.bins)),
            sha256=sha256,
            device=device.name,
            default_temperature=1.0 if model.spec.range is None else DEFAULT_TEMPERATURE[model.abilities.density],
            attributes=(),
            components=(),
            step=header.step,
            axes=factorisation.available(model),
        )
        self.set_owned(Owned(DirectionSet(self.owner, ())))

    def set_owned(self, owned: Owned) -> None:
        """Takes in what the person made and found, beside the directions that came with the model."""
        self.owned, self._directions = owned, merged(self._shipped, owned)
        rows = described(self._shipped, owned)
        self.info = replace(
            self.info,
            attributes=tuple(row for row in rows if row.kind == "attribute"),
            components=tuple(row for row in rows if row.kind == "component"),
            problem=owned.problem,
        )

    @property
    def directions(self) -> DirectionSet:
        """All directions, the shipped ones first."""
        return self._directions

    def lost(self, locked: Sequence[str]) -> tuple[tuple[str, float], ...]:
        """(name, part of it in [0, 1] that the locked directions take away) of every direction that is not locked."""
        held = [self._directions[name] for name in locked if name in self._directions.names]
        return tuple((d.name, share_along(d, held)) for d in self._directions if d.name not in locked)

    def find_axes(
        self, method: str, *, count: int = factorisation.SHOWN, codes: Codes | None = None, progress: Progress = SILENT
    ) -> tuple[Direction, ...]:
        """Main axes found without labels, see `engine.latent.factorisation`; `codes` (N, D) are of real images."""
        search = factorisation.Search(
            codes=None if codes is None else torch.from_numpy(np.array(codes)),
            temperature=self.info.default_temperature,
            progress=progress,
        )
        return factorisation.find_directions(self._model, method, count=count, search=search, known=self._shipped)

    def codes_of(
        self, pictures: Pictures | NDArray[np.float32], *, steps: int = 60, progress: Progress = SILENT
    ) -> Codes:
        """Codes (n, D) of pictures (n, S, S, 3), or of points (n, 1, 1, d) float32, without their figures; a search
        takes `steps` steps for each.

        Raises:
            UserError: pictures of another size, or points for a model of pictures.
        """
        if self.info.encode == "search":
            found = [self._found(one, steps, progress=progress.quiet())[1].code for one in pictures]
            return np.ascontiguousarray(torch.cat(found).detach().cpu().numpy(), np.float32)
        self._check_taken(pictures)
        parts = []
        with torch.inference_mode():
            for start in range(0, len(pictures), DECODE_CHUNK):
                progress.check()
                part = to_images(pictures[start : start + DECODE_CHUNK], self._device, self.info.channels)
                parts.append(self._frozen().encode(part).float().cpu().numpy())
        return np.ascontiguousarray(np.concatenate(parts), np.float32)

    def warm_up(self) -> None:
        """Decodes a few pictures: the first ones take ten times as long as the rest."""
        for _ in range(3):
            self.values(np.zeros((1, self.info.code_size), np.float32))

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
        codes = self._model.sample_codes(n, temperature=temperature, generator=torch.Generator().manual_seed(seed))
        return np.ascontiguousarray(codes.cpu().numpy())

    def decode(self, codes: Codes) -> Pictures:
        """Pictures (n, S, S, 3) of codes (n, D).

        Raises:
            UserError: the model draws points.
        """
        self._check_pictures()
        return np.concatenate([to_pictures(part) for part in self._decoded(codes)])

    def values(self, codes: Codes) -> NDArray[np.float32]:
        """What the model draws of codes (n, D), as numbers: images (n, C, H, W), or points (n, d, 1, 1)."""
        return np.concatenate([part.float().cpu().numpy() for part in self._decoded(codes)])

    def _decoded(self, codes: Codes) -> Iterator[Tensor]:
        for i in range(0, len(codes), DECODE_CHUNK):
            with torch.inference_mode():
                part = torch.from_numpy(np.array(codes[i : i + DECODE_CHUNK])).to(self._device)
                yield self._frozen.at_once().decode(part)

    def _check_pictures(self) -> None:
        if not self.info.pictures:
            raise UserError(f"{self.info.title} draws points and no pictures: choose a model of pictures.")

    def code_of(self, request: api.DrawRequest) -> Codes:
        """The code (D,) that a request asks for."""
        groups = self._model.spec.groups
        code = levels.before(self._source(request.source), request.levels, groups, resolve=self._source)
        code = wandered(code, request.wander)
        edits = {name: value for name, value in request.edits if value != 0.0}
        if edits:
            code = apply(code, edits, self._directions, locked=request.locked)
        code = levels.after(code, request.levels, groups, solo=request.solo)
        return np.ascontiguousarray(code, np.float32)

    def _source(self, source: api.Sampled | api.Coded) -> Codes:
        """The code (D,) that a sample or a given code stands for."""
        if isinstance(source, api.Sampled):
            drawn: Codes = self.sample(1, temperature=source.temperature, seed=source.seed)[0]
            return drawn
        if source.code.shape != (self.info.code_size,):
            raise UserError(
                f"This code has {source.code.size} numbers and {self.info.title} needs {self.info.code_size}: "
                "encode the photo again."
            )
        return source.code

    def draw(self, request: api.DrawRequest) -> api.Drawn:
        """The picture of a request."""
        self._check_pictures()
        start = time.perf_counter()
        code = self.code_of(request)
        if request.precision == "float32":
            picture = self.decode(code[None])[0]
        else:
            picture = self._float64.picture(code)
        milliseconds = 1000 * (time.perf_counter() - start)
        norm, *level_norms = norm_ratios(code, [group.size for group in self.info.groups]).tolist()
        return api.Drawn(request, picture, code, norm, milliseconds, tuple(level_norms))

    def neighbour(self, request: api.DrawRequest, index: int, *, side: int, radius: float, seed: int) -> Codes:
        """The code (D,) in a cell of the `side` x `side` grid around a request's code; held levels stay."""
        free = levels.free_numbers(request.levels, self._model.spec.groups)
        return neighbour(self.code_of(request), index, side=side, radius=radius, seed=seed, free=free)

    def level_maps(self, request: api.DrawRequest, *, progress: Progress = SILENT) -> tuple[api.LevelMap, ...]:
        """For each group which pixels it drives, at the model's temperature; see `levels.level_maps`."""
        code, groups = self.code_of(replace(request, solo=-1)), self._model.spec.groups
        temperature = self.info.default_temperature
        return levels.level_maps(code, groups, self.decode, temperature=temperature, progress=progress)

    def morph(self, codes: Codes, fractions: Sequence[float], *, method: str = "slerp", loop: bool = False) -> Codes:
        """Codes (n, D) at `fractions` of the way through two to four codes (k, D); `loop` leads back to the first."""
        at, groups = np.asarray(fractions, np.float64), self._model.spec.groups
        return np.asarray(path(codes, at, method=method, loop=loop, groups=groups), np.float32)

    def morph_pad(self, codes: Codes, x: float, y: float, *, method: str = "slerp") -> Codes:
        """The code (D,) at `x`, `y` in [0, 1] between two to four codes (k, D); see `paths.pad`."""
        return np.asarray(pad(codes, x, y, method=method, groups=self._model.spec.groups), np.float32)

    def morph_norms(self, codes: Codes, count: int, *, loop: bool = False) -> Mapping[str, NDArray[np.float64]]:
        """The norms along the path through codes (k, D) at `count` even places, by method; see `paths.path_norms`."""
        return path_norms(codes, count, loop=loop, groups=self._model.spec.groups)

    def encode(
        self,
        picture: Pictures,
        *,
        name: str = "",
        note: str = "",
        progress: Progress = SILENT,
        steps: int | None = None,
        improve: bool = False,
    ) -> api.Encoded:
        """A photo (S, S, 3) of this model's size, inside the model: by its encoder, or by a search of `steps` steps.

        `improve` refines an encoder's answer by descent, or searches longer; exact codes stay as they are, which the
        note says. `progress` is told the RMS error after every step as its value.

        Raises:
            UserError: a picture of another size.
            Cancelled: from `progress`.
        """
        self._check_pictures()
        start = time.perf_counter()
        image, found = self._found(picture, steps, improve=improve, progress=progress)
        milliseconds = 1000 * (time.perf_counter() - start)
        codes = np.ascontiguousarray(found.code.detach().cpu().numpy(), np.float32)
        shown = to_pictures(image)[0]
        bits = self._bits(image)
        training, heldout = self._percentiles(bits)
        return api.Encoded(
            photo=shown,
            code=codes[0],
            **_compared(shown, self.decode(codes)[0] if found.picture is None else found.picture),
            bits_per_dim=bits,
            milliseconds=milliseconds,
            errors=found.errors,
            name=name,
            note=f"{note} {found.note}".strip(),
            norm_ratio=float(norm_ratios(codes[0])[0]),
            percentile_training=training,
            percentile=heldout,
            improved=found.improved,
        )

    def encode_again(self, encoded: api.Encoded) -> api.Encoded:
        """A photo that was encoded with other weights of this model: exact and amortised families encode it again; a
        code that was searched or improved stays, and gets the picture and the figures of these weights."""
        if self.info.encode != "search" and not encoded.improved:
            return replace(self.encode(encoded.photo, name=encoded.name), note=encoded.note)
        return replace(encoded, **_compared(encoded.photo, self.decode(encoded.code[None])[0]))

    def _found(
        self,
        picture: Pictures | NDArray[np.float32],
        steps: int | None,
        *,
        improve: bool = False,
        progress: Progress = SILENT,
    ) -> tuple[Tensor, Found]:
        """A photo or a point as the model sees it, (1, C, H, W), and its code."""
        self._check_taken(picture[None])
        image = to_images(picture[None], self._device, self.info.channels)
        found = find_code(
            self._model,
            image,
            frozen=self._frozen(),
            guess=self._first_guess(progress) if self.info.encode == "search" else None,
            sure=self._encoder is not None,
            steps=steps,
            improve=improve,
            progress=progress,
        )
        return image, found

    def _check_taken(self, images: Pictures | NDArray[np.float32]) -> None:
        """Whether these (n, H, W, C) are what the model was trained on."""
        side, title = self.info.image_size, self.info.title
        if self.info.pictures and images.shape[1:] != (side, side, 3):
            raise UserError(
                f"{title} takes pictures of {side} x {side} pixels, got {images.shape[1:]}: align the photo first."
            )
        if not self.info.pictures and (images.dtype == np.uint8 or images.shape[1:] != (1, 1, self.info.channels)):
            raise UserError(f"{title} takes points of {self.info.channels} numbers, got {images.shape[1:]}.")

    def _first_guess(self, progress: Progress) -> Guess:
        """The encoder beside the model, or else a regression on its own samples, fitted at first need."""
        if self._encoder is not None:
            return self._encoder
        if self._guess is None:
            generator = torch.Generator().manual_seed(0)
            self._guess = regression_guess(self._model, generator=generator, progress=progress)
        return self._guess

    def _percentiles(self, bits: float | None) -> tuple[float | None, float | None]:
        """How many per cent of (training, held-out) images need fewer bits/dim."""
        if bits is None:
            return None, None
        if self._reference is not None:
            return self._reference.training.percentile(bits), self._reference.heldout.percentile(bits)
        if self._heldout_bits.size:
            return None, float(100 * (self._heldout_bits < bits).mean())
        return None, None

    @torch.inference_mode()
    def measure(self, request: api.DrawRequest, *, progress: Progress = SILENT) -> api.Readout:
        """Likelihood of the picture that the request draws, and how exactly the model finds its code again.

        `progress` is asked between the passes through the model: a drag must not wait for all four.
        """
        code = self.code_of(request)
        frozen = self._frozen()
        image = frozen.decode(torch.from_numpy(code[None]).to(self._device))
        progress.check()
        bits = self._bits(image)
        round_trip = None
        if self.info.encode == "exact":
            progress.check()
            again = frozen.encode(image)
            progress.check()
            round_trip = float((frozen.decode(again) - image).abs().max())
        training, percentile = self._percentiles(bits)
        double = None
        if request.precision != "float32" and self.info.encode == "exact":
            double = self._float64.round_trip(code, progress)
        return api.Readout(
            float(norm_ratios(code)[0]), bits, percentile, round_trip, double, percentile_training=training
        )

    @torch.inference_mode()
    def _bits(self, image: torch.Tensor) -> float | None:
        if self.info.density == "none" or not self.info.pictures:
            return None
        bits = self._frozen().bits_per_dim(image.clamp(-1, 1), generator=torch.Generator().manual_seed(0))
        return float(bits) if bool(torch.isfinite(bits)) else None


def _compared(photo: Pictures, reconstruction: Pictures) -> dict[str, Any]:
    """What an `Encoded` says of a reconstruction beside the photo."""
    return {
        "reconstruction": reconstruction,
        "error_map": error_map(photo, reconstruction, gain=ERROR_GAIN),
        "psnr_db": psnr(photo, reconstruction),
        "ssim": ssim(photo, reconstruction),
    }
