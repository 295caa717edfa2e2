"""`resources.path` finds what ships and refuses everything else with a sentence."""

from __future__ import annotations

import pytest

import resources


def test_finds_a_file_and_a_folder() -> None:
    assert resources.path("data/cartoons64.zip").is_file()
    assert resources.path("samples").is_dir()


@pytest.mark.parametrize("name", ["../pyproject.toml", "samples/../../pyproject.toml", "/etc/hostname", ""])
def test_refuses_to_leave_the_package(name: str) -> None:
    with pytest.raises(FileNotFoundError, match="outside the program's files"):
        resources.path(name)


def test_says_which_file_is_missing() -> None:
    with pytest.raises(FileNotFoundError, match=r"'icons/no-such\.svg' is missing.*install"):
        resources.path("icons/no-such.svg")
