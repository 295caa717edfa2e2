"""What a preview shows beside the samples: pinned photos inside the model, and the weights themselves, to explore live.

Nothing here touches the training: only averaged weights are read, all noise comes from generators of its own, and the
global random state is given back as it was. What goes wrong here is said, and training goes on.
"""

import hashlib
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.checkpoints.model_file import ModelHeader, encode_model
from engine.errors import ImageError
from engine.files.disk import write_bytes
from engine.latent.inversion import Inversion, invert, refine
from engine.measures import ERROR_GAIN, error_map
from engine.models.base import LatentModel
from engine.pictures import save_picture, sheet, to_images, to_pictures
from engine.runs import live, pins
from engine.training.hooks import QuietHook, RunContext, StepContext

SEARCH_SECONDS: Final = 1.0
"""For all searches of one preview together, as far as the last one tells; a photo's first search may take as long."""
FIRST_STEPS, FEWEST_STEPS, MOST_STEPS = 40, 2, 12
LEAST_ERROR: Final = 1e-12
HALF_LIMIT: Final = 6e4
ROOM: Final = 8
"""Live weights are left out when the disk has less room than so many of them: a checkpoint must always fit."""

Tell = Callable[[str], None]
"""Says one sentence to the person."""


@dataclass(frozen=True, eq=False)
class _Pin:
    """A pinned photo as it was read: its content's digest, and the picture (S, S, 3)."""

    digest: str
    picture: NDArray[np.uint8]


class PinnedPhotos:
    """Re-encodes the photos of RUN/pins with the averaged weights and draws them again.

    Where a family finds codes by search, each preview goes on from the codes of the one before.
    """

    def __init__(self, run: Path, device: torch.device, tell: Tell) -> None:
        self._run, self._device, self._tell = run, device, tell
        self._read: dict[Path, tuple[tuple[int, int], _Pin | None]] = {}
        self._codes: dict[str, Tensor] = {}
        self._seconds_per_step = 0.0
        self._told = False

    def look(self, model: LatentModel, step: int) -> dict[str, float]:
        """Draws the sheet of this preview and gives `pin/psnr_db` (mean over the photos, before rounding to 256
        values), `pin/bits_per_dim` where the family has a density, and `pin/seconds`; nothing without pinned photos or
        for points."""
        photos = [] if model.spec.range is None else self._photos(model.spec.image_shape[1])
        if not photos:
            return {}
        start = time.perf_counter()
        images = to_images(np.stack([photo.picture for photo in photos]), self._device, model.spec.image_shape[0])
        codes = self._encode(model, images, [photo.digest for photo in photos])
        with torch.inference_mode():
            drawn = model.decode(codes).float()
            error = (drawn.clamp(-1, 1) - images).square().flatten(1).mean(1).clamp(min=LEAST_ERROR)
            values = {"pin/psnr_db": float((10.0 * torch.log10(4.0 / error)).mean())}
            if model.abilities.density != "none":
                noise = torch.Generator().manual_seed(0)
                values["pin/bits_per_dim"] = float(model.bits_per_dim(images, generator=noise).mean())
        rows = []
        for photo, again in zip(to_pictures(images), to_pictures(drawn), strict=True):
            rows += [photo, again, error_map(photo, again, gain=ERROR_GAIN)]
        save_picture(sheet(np.stack(rows), pins.COLUMNS, gap=0), pins.sheet_file(self._run, step))
        values["pin/seconds"] = time.perf_counter() - start
        return {name: value for name, value in values.items() if math.isfinite(value)}

    def _photos(self, size: int) -> list[_Pin]:
        """The photos that can be read; each file is read once, a damaged one is told once."""
        found: dict[Path, tuple[tuple[int, int], _Pin | None]] = {}
        for _, file in pins.pinned(self._run):
            try:
                stat = file.stat()
            except OSError:
                continue  # Unpinned since it was listed.
            mark = (stat.st_mtime_ns, stat.st_size)
            if file in self._read and self._read[file][0] == mark:
                found[file] = self._read[file]
                continue
            try:
                picture = pins.read_pin(file, size=size)
                found[file] = (mark, _Pin(hashlib.sha256(picture.tobytes()).hexdigest(), picture))
            except ImageError as error:
                found[file] = (mark, None)
                if file.exists():
                    self._tell(str(error))
        self._read = found
        return [photo for _, photo in found.values() if photo is not None]

    def _encode(self, model: LatentModel, images: Tensor, digests: list[str]) -> Tensor:
        if model.abilities.encode != "search":
            with torch.inference_mode():
                return model.encode(images)
        if not self._told:
            self._told = True
            self._tell(
                "This family has no encoder: the codes of the pinned photos are searched at every preview, "
                f"for about {SEARCH_SECONDS:g} s in all."
            )
        found = [self._search(model, images[i : i + 1], digest, len(digests)) for i, digest in enumerate(digests)]
        self._codes = dict(zip(digests, found, strict=True))
        return torch.cat([self._codes[digest] for digest in digests])

    def _search(self, model: LatentModel, image: Tensor, digest: str, count: int) -> Tensor:
        allowed = SEARCH_SECONDS / count / self._seconds_per_step if self._seconds_per_step else MOST_STEPS
        steps = max(FEWEST_STEPS, min(MOST_STEPS, int(allowed)))
        known = self._codes.get(digest)
        if known is not None:
            found = refine(model, image, known, steps=steps)
        else:
            first = max(steps, min(FIRST_STEPS, int(allowed))) if self._seconds_per_step else steps
            found = invert(model, image, steps=first, generator=torch.Generator().manual_seed(0))
        self._seconds_per_step = _seconds_per_step(found)
        return found.code


def _seconds_per_step(found: Inversion) -> float:
    return max(found.seconds / max(1, len(found.errors)), 1e-5)


class LiveWeights:
    """Publishes the averaged weights in RUN/live, for whoever explores the run while it trains."""

    def __init__(self, run: Path, tell: Tell) -> None:
        self._folder, self._tell, self._told = run / live.FOLDER, tell, False
        self.remove()

    def publish(self, model: LatentModel, header: ModelHeader) -> bool:
        """Replaces the pair; False, with what was there left as it is, where the disk is short of room or the weights
        are not finite.

        Matrices are halved where that is harmless: a picture differs by less than a grey value. A flow keeps all its
        digits: its inverse and its bits/dim come from the same weights, and both magnify rounding.

        Raises:
            OSError: the disk does not take it.
        """
        largest = _largest(model)
        if not math.isfinite(largest):
            return False
        half = model.abilities.density != "exact" and largest < HALF_LIMIT
        data = encode_model(model, header, half=half, whole=False)
        if shutil.disk_usage(self._folder.parent).free < ROOM * len(data):
            if not self._told:
                self._told = True
                self._tell("The disk is short of room: the weights are not published live until there is more.")
            return False
        self._told = False
        self._folder.mkdir(parents=True, exist_ok=True)
        # The weights first: until the hash follows, a reader sees that the pair does not match, and looks again.
        # Neither waits for the disk: after a power cut the hash tells that they are torn.
        write_bytes(self._folder / live.MODEL, data, sync=False)
        note = {"schema": live.SCHEMA, "step": header.step, "sha256": hashlib.sha256(data).hexdigest()}
        live_note = {**note, "bytes": len(data), "half": half, "time": time.time()}
        write_bytes(self._folder / live.STEP, live.encode(live_note), sync=False)
        return True

    def remove(self) -> None:
        """Takes the pair away, the hash first; what a killed run left behind goes too."""
        for name in (live.STEP, live.MODEL):
            (self._folder / name).unlink(missing_ok=True)
        if self._folder.is_dir():
            shutil.rmtree(self._folder, ignore_errors=True)


def _largest(model: LatentModel) -> float:
    """The largest magnitude among the weights; not finite where one of them is not."""
    parts = [v.detach().abs().amax() for v in model.state_dict().values() if v.is_floating_point() and v.numel()]
    return float(torch.stack([part.float() for part in parts]).amax()) if parts else 0.0


class PreviewExtras(QuietHook):
    """Both, as a hook of the loop: at every preview with the averaged model."""

    def __init__(self, run: RunContext) -> None:
        self._run, self._step = run, 0
        self.pinned = PinnedPhotos(run.path, run.device, self._say)
        self.live = LiveWeights(run.path, self._say)

    def at_preview(self, context: StepContext) -> None:
        """Publishes the weights, draws the pinned photos and writes their figures."""
        self._step = context.step
        with torch.random.fork_rng(devices=[]):
            self.live.publish(context.average, self._header(context.step))
            values = self.pinned.look(context.average, context.step)
        self._run.recorder.record(context.step, values)

    def close(self) -> None:
        """Takes the live weights away: from now on the run's checkpoint says more."""
        self.live.remove()

    def _header(self, step: int) -> ModelHeader:
        config = self._run.config
        return ModelHeader(
            family=config.family,
            config=config.model,
            image_shape=config.image_shape,
            title=config.title or self._run.path.name,
            step=step,
        )

    def _say(self, text: str) -> None:
        self._run.recorder.notice(self._step, "info", text)
