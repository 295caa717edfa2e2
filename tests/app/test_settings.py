"""Settings: what was saved is read, what is broken is kept aside, what cannot be written costs nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.settings import Settings, load_settings, save_settings, settings_file


def test_round_trip(tmp_path: Path) -> None:
    settings = Settings(theme="light", model="a", device="cpu", geometry=(1, 2, 800, 600), maximised=True)
    file = tmp_path / "deep" / "settings.json"
    save_settings(file, settings)
    assert load_settings(file) == (settings, "")


def test_none_yet_is_no_problem(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "settings.json") == (Settings(), "")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"\xff\xfe", b'{"theme": "pink"}', b'{"geometry": [1, 2]}', b'{"device": 3}']
)
def test_a_broken_file_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(content)
    settings, problem = load_settings(file)
    assert settings == Settings()
    assert problem.endswith(".")
    assert (tmp_path / "settings.json.broken").read_bytes() == content
    assert not file.exists()


def test_settings_of_a_newer_version_are_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"theme": "light", "colour": "blue"}))
    assert load_settings(file) == (replace(Settings(), theme="light"), "")


def test_a_place_that_cannot_be_written_does_not_stop_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    save_settings(tmp_path / "file" / "settings.json", Settings())
    assert not (tmp_path / "file" / "settings.json").exists()


def test_the_folder_can_be_named(own_home: Path) -> None:
    assert settings_file() == own_home / "config" / "settings.json"
