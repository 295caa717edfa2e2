"""The gallery renders in both themes, in both sizes that the window promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from tests.app.widgets.gallery import made_pictures, render
from tests.quick import quick


@pytest.mark.parametrize("size", quick([(1280, 720), (1440, 900)], (1280, 720)))
@pytest.mark.slow
def test_gallery_renders_both_themes(size: tuple[int, int], tmp_path: Path, qtbot: QtBot):
    files = render(tmp_path, made_pictures(), size=size)
    means = {}
    for file in files:
        pixels = np.asarray(Image.open(file).convert("RGB"))
        assert (pixels.shape[1], pixels.shape[0]) == size
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1000
        means[file.stem] = pixels.mean()
    assert means["explore-light"] > means["explore-dark"] + 50
    assert means["train-light"] > means["train-dark"] + 50
