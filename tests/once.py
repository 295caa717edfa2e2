"""What depends on a photo's pixels alone, found once for all windows and commands of a test run.

Whether it is found rightly is for the tests of `engine/photos` and `engine/blending`, which do not come here.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import pytest

from engine.api import Pictures
from engine.blending import grid
from engine.photos import align, heads
from engine.photos.similarity import Similarity

KEPT = 64


def once(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same function of a picture and of hashable values: the newest results are kept by what went in."""
    kept: OrderedDict[Hashable, Any] = OrderedDict()

    def found(rgb: Pictures, *values: Hashable, **options: Hashable) -> Any:
        digest = hashlib.blake2b(rgb.tobytes(), digest_size=16).digest()
        key = (digest, rgb.shape, values, tuple(sorted(options.items())))
        if key not in kept:
            kept[key] = work(rgb, *values, **options)
            while len(kept) > KEPT:
                kept.popitem(last=False)
        return kept[key]

    return found


_heads: Callable[[Pictures], tuple[heads.Head, ...]] = once(heads.find_heads)
_face: Callable[..., grid.Face] = once(grid.face_of)


def _face_of(rgb: Pictures, frame: Similarity, *, head: bool = True) -> grid.Face:
    return _face(rgb, frame, head=head)


def heads_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heads of a photo are looked for once."""
    monkeypatch.setattr(heads, "find_heads", _heads)
    monkeypatch.setattr(align, "find_heads", _heads)


def faces_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heads of a photo are looked for once, and told from what is behind them once."""
    heads_once(monkeypatch)
    monkeypatch.setattr(grid, "face_of", _face_of)
