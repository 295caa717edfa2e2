"""The recipe in a saved photo: how each of its faces was edited, as JSON that holds no path and no code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.explore.fullsize.state import FaceEdit
from app.explore.sessions.codec import Writer
from app.look import Look
from engine.api import Coded, Cut, PhotoSource, Pictures
from engine.photos import MOST_RECIPE

KEY: Final = "latent_loom_photo"
VERSION: Final = 1
LONGEST_NAME: Final = 200


def recipe_text(
    rgb: Pictures, source: PhotoSource, faces: Sequence[FaceEdit], *, cuts: Mapping[str, Cut], titles: Mapping[str, str]
) -> str:
    """The looks of all edited faces of a photo (H, W, 3), for the metadata of the file that shows them.

    A code is left out, since it is too long and comes from the photo again: array ``a0`` stands for it. `cuts` are
    those of the faces by their keys, `titles` the models' by their SHA-256. Empty where it would be too long for a
    photo's metadata: the photo matters more.
    """
    photo = {
        "name": Path(source).name[:LONGEST_NAME] if isinstance(source, str | Path) else "",
        "width": rgb.shape[1],
        "height": rgb.shape[0],
        "sha256": hashlib.sha256(np.ascontiguousarray(rgb).data).hexdigest(),
    }
    found = [_face(one, cuts.get(one.key, Cut()), titles.get(one.sha256, "")) for one in faces]
    text = json.dumps({KEY: VERSION, "photo": photo, "faces": found}, ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 comes with surrogates.
    text = text.encode(errors="replace").decode()
    return text if len(text.encode()) <= MOST_RECIPE else ""


def _face(edit: FaceEdit, cut: Cut, title: str) -> dict[str, Any]:
    look, complete = _portable(edit.look)
    model = {"title": title, "sha256": edit.sha256}
    return {"model": model, "cut": Writer().write(cut), "look": Writer().write(look), "complete": complete}


def _portable(look: Look) -> tuple[Look, bool]:
    """The look without what only this machine knows, and whether nothing else was left out of it.

    Levels that were taken from another code, or are held in one, need that code, so they stay behind.
    """
    look = replace(look, model="", photo=None)
    codes = [code for rule in look.levels for code in (rule.taken, rule.held) if isinstance(code, Coded)]
    if all(isinstance(look.source, Coded) and code.code is look.source.code for code in codes):
        return look, True
    return replace(look, levels=()), False
