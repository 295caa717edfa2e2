"""What a CSV says: attributes, and what stays together."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.labels import BY_FOLDER, read_labels
from engine.errors import DataError

NAMES = ("a/1.png", "a/2.png", "b/3.png", "4.png")
TEXT = (
    "file,identity,Smiling,score,label_source\n1.png,ann,1,0.3,celeba\na/2.png,ann,-1,0.1,predicted\n3.png,bob,0,2,\n"
)


def test_attributes_are_plus_and_minus_and_predicted_ones_are_not_trusted() -> None:
    labels = read_labels(TEXT, NAMES)
    assert labels.attributes == ("Smiling",)
    np.testing.assert_array_equal(labels.values[:, 0], [1, 0, -1, 0])
    assert labels.columns == ("identity", "score")


@pytest.mark.parametrize(
    ("group", "groups", "count"),
    [
        ("", ("ann", "ann", "bob", "4.png"), 2),
        ("identity", ("ann", "ann", "bob", "4.png"), 2),
        ("score", ("0.3", "0.1", "2", "4.png"), 3),
        (BY_FOLDER, ("a", "a", "b", "."), 3),
    ],
)
def test_what_stays_together(group: str, groups: tuple[str, ...], count: int) -> None:
    labels = read_labels(TEXT, NAMES, group)
    assert labels.groups == groups
    assert labels.count == count


def test_a_group_column_is_no_attribute() -> None:
    text = "file,side,Smiling\n1.png,1,1\n2.png,0,0\n"
    assert read_labels(text, NAMES).attributes == ("side", "Smiling")
    assert read_labels(text, NAMES, "side").attributes == ("Smiling",)


def test_without_labels_each_picture_stands_alone_but_folders_are_known() -> None:
    assert read_labels(None, NAMES).groups == NAMES
    assert read_labels(None, NAMES).count == 0
    assert read_labels(None, NAMES, BY_FOLDER).groups == ("a", "a", "b", ".")


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("+1", "-1"), ("Yes", "no"), ("TRUE", "false"), ("1.0", "0.0")])
def test_words_and_names_of_columns_are_read_as_for_directions(yes: str, no: str) -> None:
    labels = read_labels(f"Filename,Hat,Note\n1.png,{yes},hm\nelsewhere/2.png,{no},\n", NAMES)
    assert labels.attributes == ("Hat",)
    np.testing.assert_array_equal(labels.values[:, 0], [1, -1, 0, 0])
    assert labels.columns == ("Note",)


def test_a_row_of_another_folder_is_taken_only_where_one_picture_can_be_meant() -> None:
    labels = read_labels("file,Hat\nelsewhere/1.png,1\na/2.png,1\n", ("a/1.png", "a/2.png", "b/2.png"))
    np.testing.assert_array_equal(labels.values[:, 0], [1, 1, 0])


@pytest.mark.parametrize(("text", "group"), [("who,x\n1,2\n", ""), ("", ""), (TEXT, "who"), (None, "who")])
def test_what_does_not_fit_is_said(text: str | None, group: str) -> None:
    with pytest.raises(DataError, match=r"column"):
        read_labels(text, NAMES, group)
