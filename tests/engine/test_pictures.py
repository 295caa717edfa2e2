"""Between tensors and pictures nothing is lost, and nothing odd gets through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import UserError
from engine.pictures import save_picture, sheet, to_images, to_pictures
from tests.contract.tiny import picture


def test_all_256_levels_come_back_exactly():
    pictures = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, 3)
    np.testing.assert_array_equal(to_pictures(to_images(pictures)), pictures)
    x = to_images(pictures)
    assert (float(x.min()), float(x.max()), x.dtype) == (-1.0, 1.0, torch.float32)


def test_numbers_that_are_not_finite_or_out_of_range_are_shown_calmly():
    x = torch.tensor([float("nan"), float("inf"), -float("inf"), 5.0, -5.0, 0.0]).view(1, 1, 1, 6)
    assert to_pictures(x)[0, 0, :, 0].tolist() == [128, 255, 0, 255, 0, 128]


def test_grey_models_show_three_channels_and_read_colour():
    assert to_pictures(torch.zeros(2, 1, 4, 4)).shape == (2, 4, 4, 3)
    colour = np.zeros((1, 4, 4, 3), np.uint8)
    colour[..., 1] = 200
    grey = to_images(colour, channels=1)
    assert grey.shape == (1, 1, 4, 4)
    assert float((grey[0, 0, 0, 0] + 1) * 127.5) == pytest.approx(0.587 * 200, abs=0.5)


def test_a_sheet_holds_every_picture_in_reading_order():
    tiles = np.stack([np.full((4, 4, 3), 10 * i, np.uint8) for i in range(5)])
    out = sheet(tiles, 3, gap=1)
    assert out.shape == (9, 14, 3)
    for i in range(5):
        top, left = (i // 3) * 5, (i % 3) * 5
        assert (out[top : top + 4, left : left + 4] == 10 * i).all()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_pictures_are_saved_by_suffix(suffix, tmp_path):
    save_picture(picture(0), tmp_path / f"脸{suffix}")
    back = np.asarray(Image.open(tmp_path / f"脸{suffix}").convert("RGB"), int)
    assert np.abs(back - picture(0)).max() <= (40 if suffix == ".jpg" else 0)


def test_what_cannot_be_saved_is_told(tmp_path):
    with pytest.raises(UserError, match=r"\.png, \.jpg or \.webp"):
        save_picture(picture(0), tmp_path / "a.xyz")
    with pytest.raises(UserError, match="could not be written"):
        save_picture(picture(0), tmp_path / "nowhere" / "a.png")


@pytest.mark.parametrize("name", ["", ".", "/", "..", "|", "a.xyz"])
def test_the_sentence_on_a_bad_name_begins_with_that_name(name):
    with pytest.raises(UserError) as refused:
        save_picture(picture(0), Path(name))
    assert str(refused.value).startswith(f"'{name or '.'}' ends in no picture format")
