"""What a person made stays theirs: kept whole, bound to the model, set aside when damaged, never lost in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import CheckpointError, UsageError
from engine.latent.direction_files import DirectionSet, load_directions
from engine.latent.directions import Direction
from engine.latent.user_directions import (
    Owned,
    added,
    axes_file,
    described,
    load_owned,
    merged,
    renamed,
    save_found,
    save_made,
    user_file,
    without,
)

SHA, OTHER, SIZE = "ab" * 32, "cd" * 32, 6


def direction(name: str, place: int = 0, method: str = "logistic") -> Direction:
    return Direction(
        name, np.eye(SIZE, dtype=np.float32)[place], 1.5, auc=0.8, positives=10, negatives=12, method=method
    )


def some(*directions: Direction) -> DirectionSet:
    return DirectionSet(SHA, directions)


def test_what_is_kept_comes_back_and_only_for_its_model(tmp_path: Path):
    save_made(tmp_path, some(direction("Curly"), direction("Hat", 1)))
    owned = load_owned(tmp_path, SHA, SIZE)
    assert owned.made.names == ("Curly", "Hat")
    assert owned.problem == ""
    np.testing.assert_array_equal(owned.made["Hat"].vector, np.eye(SIZE)[1])
    assert user_file(tmp_path, SHA) == tmp_path / "directions" / f"{SHA[:16]}.safetensors"
    assert load_directions(user_file(tmp_path, SHA), model_sha256=SHA).names == ("Curly", "Hat")
    assert len(load_owned(tmp_path, OTHER, SIZE).made) == 0


def test_the_last_one_deleted_takes_the_file_along(tmp_path: Path):
    save_made(tmp_path, some(direction("Curly")))
    save_made(tmp_path, without(load_owned(tmp_path, SHA, SIZE).made, "curly"))
    assert not user_file(tmp_path, SHA).exists()
    save_made(tmp_path, some())
    assert load_owned(tmp_path, SHA, SIZE).problem == ""


@pytest.mark.parametrize("cut", [0, 5, 40, 200, -1])
def test_a_half_written_file_is_set_aside_with_a_sentence(tmp_path: Path, cut: int):
    save_made(tmp_path, some(direction("Curly")))
    path = user_file(tmp_path, SHA)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    owned = load_owned(tmp_path, SHA, SIZE)
    assert len(owned.made) == 0
    kept = [p for p in path.parent.iterdir() if "damaged" in p.name]
    assert [p.read_bytes() for p in kept] == [content]
    assert kept[0].name in owned.problem
    assert owned.problem.endswith(".")
    assert not path.exists()
    assert load_owned(tmp_path, SHA, SIZE).problem == ""


def test_a_file_of_another_model_under_this_name_is_set_aside_too(tmp_path: Path):
    """The first 16 digits may meet by a copied file: its codes mean something else."""
    save_made(tmp_path, DirectionSet(OTHER, (direction("Curly"),)))
    user_file(tmp_path, OTHER).rename(user_file(tmp_path, SHA))
    owned = load_owned(tmp_path, SHA, SIZE)
    assert len(owned.made) == 0
    assert "another model" in owned.problem


def test_found_axes_are_kept_beside_and_a_damaged_cache_is_only_found_again(tmp_path: Path):
    save_found(tmp_path, SHA, "features", (direction("Feature 1", 2, "features"),))
    owned = load_owned(tmp_path, SHA, SIZE)
    assert [d.name for d in owned.found] == ["Feature 1"]
    axes_file(tmp_path, SHA, "features").write_bytes(b"half")
    again = load_owned(tmp_path, SHA, SIZE)
    assert (again.found, again.problem) == ((), "")


def test_shipped_come_first_and_names_never_meet():
    shipped = some(direction("Smiling"), direction("PC 1", 1, "pca"))
    owned = Owned(
        some(direction("smiling", 2), direction("Hat", 3)),
        (direction("PC 1", 4, "pca"), direction("Feature 1", 5, "features")),
    )
    both = merged(shipped, owned)
    assert both.names == ("Smiling", "PC 1", "smiling 2", "Hat", "Feature 1")
    rows = described(shipped, owned)
    assert tuple(row.name for row in rows) == both.names
    assert [row.name for row in rows if row.user_made] == ["smiling 2", "Hat"]
    assert both["PC 1"] is shipped["PC 1"]
    assert merged(some(), owned).names == ("smiling", "Hat", "PC 1", "Feature 1")


def test_adding_renaming_and_deleting_by_name():
    made = added(some(direction("Hat")), (direction("Hat", 1), direction("Cap", 2)), ("Cap",))
    assert made.names == ("Hat", "Hat 2", "Cap 2")
    assert renamed(made, "hat 2", "Beret").names == ("Hat", "Beret", "Cap 2")
    assert without(made, "HAT").names == ("Hat 2", "Cap 2")
    with pytest.raises(UsageError, match="yours are Hat, Hat 2, Cap 2"):
        without(made, "Scarf")
    with pytest.raises(UsageError, match="none yet"):
        renamed(some(), "Hat", "Cap")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "directions").write_text("a file is in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_made(tmp_path, some(direction("Hat")))
