"""A data set at a glance says what is in it, and what to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data import open_dataset
from engine.data.dataset import Split
from engine.data.survey import survey
from engine.errors import Cancelled
from engine.progress import Progress


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    """30 pictures of 20 people, three of them copies, one broken file, one of another size."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "people"
    folder.mkdir()
    lines = ["file,identity,Smiling,Hat"]
    for i in range(30):
        size = (16, 24) if i == 5 else (48, 40)
        coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(folder / f"{i:02d}.png")
        lines.append(f"{i:02d}.png,{i % 20},{1 if i % 2 else -1},-1" if i else "00.png,0,1,1")
    for copy, of in ((27, 3), (28, 3), (29, 9)):
        (folder / f"{copy}.png").write_bytes((folder / f"{of:02d}.png").read_bytes())
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def test_counts_sizes_labels_splits_and_copies(folder: Path) -> None:
    found = survey(open_dataset(folder, size=32))
    assert found.count == 30
    assert found.data.skipped == ("bad.png",)
    assert (found.sizes[0].width, found.sizes[0].height, found.sizes[0].count) == (48, 40, 29)
    assert dict(found.formats) == {"PNG": 30, "broken": 1}
    assert sum(found.splits) == 30
    assert found.groups == 20
    assert [same.rows for same in found.duplicates] == [(3, 27, 28), (9, 29)]
    smiling = next(a for a in found.attributes if a.name == "Smiling")
    assert (smiling.yes, smiling.no, smiling.unknown) == (16, 14, 0)
    assert smiling.share == pytest.approx(16 / 30)


def test_it_says_what_to_look_at(folder: Path) -> None:
    text = " ".join(survey(open_dataset(folder, size=32)).sentences)
    assert "1 of 31 files could not be read" in text
    assert "1 pictures are smaller than 32 pixels" in text
    assert "3 pictures are copies" in text
    assert "training images are few" in text


def test_copies_across_the_split_are_leaks_and_one_group_mends_it(tmp_path: Path, own_home: Path) -> None:
    rng = np.random.default_rng(4)
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(60):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        coarse.resize((32, 32), Image.Resampling.BICUBIC).save(folder / f"{i:02d}.png")
    before = open_dataset(folder, size=32)
    assert survey(before).leaks == 0
    train, outside = (np.flatnonzero((before.splits == Split.TRAIN.value) == side)[:4] for side in (True, False))
    # One copy across the split, one within the training set, one outside it: a leak is the first alone.
    for copy, of in ((outside[0], train[0]), (train[2], train[1]), (outside[2], outside[1])):
        (folder / before.names[copy]).write_bytes((folder / before.names[of]).read_bytes())
    found = survey(open_dataset(folder, size=32))
    assert len(found.duplicates) == 3
    assert found.leaks == 1
    assert "1 of these groups lie in the training set and outside it" in " ".join(found.sentences)
    together = survey(open_dataset(folder, size=32, group="(folder)"))
    assert together.groups == 1
    assert len(together.duplicates) == 3
    assert together.leaks == 0
    assert sorted(together.splits) == [0, 0, 60]


def test_the_split_follows_the_group(folder: Path) -> None:
    data = open_dataset(folder, size=32)
    people = [int(name[:2]) % 20 for name in data.names]
    for person in set(people):
        assert len({data.splits[i] for i, who in enumerate(people) if who == person}) == 1


def test_it_can_be_cancelled(folder: Path) -> None:
    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        survey(open_dataset(folder, size=32), progress=Progress(cancel))
