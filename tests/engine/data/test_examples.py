"""Two groups of photos from folders, or by a column of a CSV, however it writes yes and no."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.control import Control
from engine.data.examples import labelled, photos_in
from engine.data.labels import read_label_file, value
from engine.errors import Cancelled, DataError
from engine.progress import Progress


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures in two folders."""
    for i in range(12):
        path = tmp_path / "data" / ("a" if i < 6 else "b") / f"{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (20 * i, 0, 0)).save(path)
    return tmp_path / "data"


def table(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_folders_are_opened_and_nothing_counts_twice(folder: Path):
    one = folder / "a" / "00.png"
    (folder / "notes.txt").write_text("no picture")
    assert photos_in([one, folder]) == [one, *sorted(p for p in folder.rglob("*.png") if p != one)]
    assert len(photos_in([folder], most=5)) == 5
    assert photos_in([folder / "notes.txt"]) == [folder / "notes.txt"]


@pytest.mark.parametrize(("yes", "no"), [("1", "-1"), ("+1", "0"), ("yes", "no"), ("True", "FALSE"), ("1.0", "-1.0")])
def test_labels_are_read_however_they_are_written(tmp_path: Path, yes: str, no: str):
    path = table(tmp_path / "l.csv", f"\ufeffimage_id,person,Hat,Note\nx.png,7,{yes},hm\ny.png,8,{no},\nz.png,9,,\n")
    labels = read_label_file(path)
    assert labels.attributes == ("Hat",)
    assert labels.counts("Hat") == (1, 1)
    assert [value(labels.row_of(name), "Hat") for name in ("x.png", "a/y.png", "z.png")] == [1, -1, 0]
    assert labels.row_of("w.png") is None


@pytest.mark.parametrize("packed", [False, True])
def test_pictures_are_found_by_whole_name_or_last_part(folder: Path, tmp_path: Path, packed: bool):
    rows = "\n".join(f"{'a/' if i % 2 else ''}{i:02d}.png,{1 if i < 4 else -1}" for i in range(11))
    labels = read_label_file(table(tmp_path / "l.csv", f"file,Hat\n{rows}\n"))
    data = folder
    if packed:
        data = tmp_path / "data.zip"
        with zipfile.ZipFile(data, "w") as archive:
            for path in folder.rglob("*.png"):
                archive.write(path, path.relative_to(folder).as_posix())
    ups, downs = labelled(data, labels, "Hat")
    assert sorted(one.name for one in ups) == ["00.png", "01.png", "02.png", "03.png"]
    assert sorted(one.name for one in downs) == [f"{i:02d}.png" for i in range(4, 11)]
    assert isinstance(ups[0].source, bytes)


def test_no_more_than_asked_for_and_the_same_by_the_same_seed(folder: Path, tmp_path: Path):
    rows = "\n".join(f"{i:02d}.png,{i % 2}" for i in range(12))
    labels = read_label_file(table(tmp_path / "l.csv", f"file,Hat\n{rows}\n"))
    draws = [[one.name for one in labelled(folder, labels, "Hat", most=3, seed=seed)[0]] for seed in (0, 0, 1, 2, 3, 4)]
    assert all(len(names) == 3 for names in draws)
    assert draws[0] == draws[1]
    assert len({tuple(names) for names in draws}) > 1


def test_grey_arrays_become_three_channels(tmp_path: Path):
    np.savez(tmp_path / "d.npz", images=np.arange(2 * 8 * 8, dtype=np.uint8).reshape(2, 8, 8))
    labels = read_label_file(table(tmp_path / "l.csv", "file,Hat\n000000,1\n000001,0\n"))
    ups, downs = labelled(tmp_path / "d.npz", labels, "Hat")
    assert ups[0].source.shape == downs[0].source.shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column of file names"),
        ("who,Hat\nx,1\n", "no column of file names"),
        ("file,Note\nx.png,nice\n", "no column of 1 and -1"),
        ("file,Hat\nx.png,0\n", "no column of 1 and -1"),
    ],
)
def test_a_csv_that_says_nothing_is_refused(tmp_path: Path, text: str, why: str):
    with pytest.raises(DataError, match=why):
        read_label_file(table(tmp_path / "l.csv", text))


def test_rows_that_contradict_each_other_say_nothing_of_a_third_picture(tmp_path: Path):
    labels = read_label_file(table(tmp_path / "l.csv", "file,Hat\na/x.png,1\nb/x.png,-1\na/y.png,1\nb/y.png,1\n"))
    assert value(labels.row_of("b/x.png"), "Hat") == -1
    assert labels.row_of("c/x.png") is None
    assert value(labels.row_of("c/y.png"), "Hat") == 1


def test_what_cannot_be_read_or_does_not_belong_is_refused(folder: Path, tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read as labels"):
        read_label_file(tmp_path / "missing.csv")
    (tmp_path / "b.csv").write_bytes(b"file,Hat\n\xff\xfe,1\n")
    with pytest.raises(DataError, match="must be a CSV in UTF-8"):
        read_label_file(tmp_path / "b.csv")
    labels = read_label_file(table(tmp_path / "l.csv", "file,Hat\nelsewhere.png,1\n"))
    with pytest.raises(DataError, match="Not one picture"):
        labelled(folder, labels, "Hat")
    with pytest.raises(DataError, match="no column 'Cap'"):
        labelled(folder, labels, "Cap")
    control = Control()
    control.stop()
    with pytest.raises(Cancelled):
        labelled(folder, labels, "Hat", progress=Progress(control.check))
