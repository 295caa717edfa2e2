"""The picture that encoding a photo has made already."""

from __future__ import annotations

from app.state import AppState
from engine.api import Drawn, DrawRequest
from engine.exploring import norm_ratios


def reconstruction(request: DrawRequest, state: AppState) -> Drawn | None:
    """That of the photo on show, where nothing else than its code is asked for; None otherwise."""
    found, info = state.encoded, state.info
    if found is None or info is None or not request.draws(found.code):
        return None
    norm, *level_norms = norm_ratios(found.code, [group.size for group in info.groups]).tolist()
    return Drawn(request, found.reconstruction, found.code, norm, 0.0, tuple(level_norms))
