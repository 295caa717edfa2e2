"""A copy of a model in float64, which shows how much of an exact model's round-trip error is rounding."""

import copy

import numpy as np
import torch
from torch import Tensor

from engine.api import Codes, Pictures
from engine.errors import UserError
from engine.models.base import LatentModel
from engine.pictures import to_pictures
from engine.progress import SILENT, Progress


class Float64Model:
    """A copy in double precision, made at first need: twice the memory of the model's weights."""

    def __init__(self, model: LatentModel, device: torch.device) -> None:
        self._model, self._device = model, device
        self._copy: LatentModel | None = None

    def model(self) -> LatentModel:
        """The copy.

        Raises:
            UserError: this device has no float64.
        """
        if self._copy is None:
            if self._device.type == "mps":
                raise UserError("Apple GPUs have no float64: choose the processor as device to draw in it.")
            self._copy = copy.deepcopy(self._model).double()
        return self._copy

    def _image(self, code: Codes) -> Tensor:
        return self.model().decode(torch.from_numpy(code[None].astype(np.float64)).to(self._device))

    @torch.inference_mode()
    def picture(self, code: Codes) -> Pictures:
        """The picture (H, W, 3) of a code (D,)."""
        picture: Pictures = to_pictures(self._image(code))[0]
        return picture

    @torch.inference_mode()
    def round_trip(self, code: Codes, progress: Progress = SILENT) -> float:
        """Largest difference of a pixel (range -1 to 1) after encoding and decoding the code's picture again."""
        image = self._image(code)
        progress.check()
        again = self.model().encode(image)
        progress.check()
        return float((self.model().decode(again) - image).abs().max())
