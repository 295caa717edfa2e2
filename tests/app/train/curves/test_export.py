"""The table of the curves: every measured number, read back by any program."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from app.train.curves.export import Sheet, table, write_table
from engine.errors import UserError


def test_rows_are_steps_and_columns_are_lines():
    sheet = Sheet(
        (
            ("loss", np.array([1, 2, 4]), np.array([0.1, np.nan, 1 / 3])),
            ("a, b: heldout/psnr_db", np.array([2]), np.array([22.5])),
        ),
        (("images", np.array([0.0, 4.0]), np.array([0.0, 128.0])),),
    )
    rows = list(csv.reader(table(sheet).splitlines()))
    assert rows[0] == ["step", "images", "loss", "a, b: heldout/psnr_db"]
    assert rows[1:] == [["1", "32.0", "0.1", ""], ["2", "64.0", "", "22.5"], ["4", "128.0", str(1 / 3), ""]]


def test_numbers_come_back_bit_for_bit(tmp_path: Path):
    values = np.random.default_rng(0).standard_normal(500) * 10.0 ** np.arange(-250, 250)
    path = tmp_path / "Kurven å.csv"
    assert write_table(path, Sheet((("loss", np.arange(500), values),))) == 500
    with path.open(newline="", encoding="utf-8") as file:
        back = [float(row["loss"]) for row in csv.DictReader(file)]
    assert back == values.tolist()


def test_a_heading_is_never_a_formula():
    assert table(Sheet((("=cmd()", np.array([1]), np.array([1.0])),))).startswith("step,'=cmd()")


def test_no_lines_are_a_heading_only():
    assert table(Sheet(())) == "step\n"


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="choose another place"):
        write_table(tmp_path / "file" / "x.csv", Sheet(()))
