"""States to render views from: what Explore and Train show, without a model, a lane or a window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from app.explore.history.history import History
from app.explore.photos.state import PhotoItem
from app.look import Look
from app.state import AppState
from engine.api import Coded, DirectionInfo, Drawn, Encoded, GroupInfo, ModelCard, ModelInfo, Pictures, Readout, Sampled

SIDE, CODE = 16, 12


def picture(seed: int) -> Pictures:
    """Noise (16, 16, 3)."""
    return np.random.default_rng(seed).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)


def info(**changes: object) -> ModelInfo:
    """An open flow with two levels, two attributes and a main axis."""
    made = ModelInfo(
        key="glow",
        title="Tiny Glow",
        family="flow",
        encode="exact",
        density="exact",
        code_size=CODE,
        groups=(GroupInfo("level 1", 8), GroupInfo("level 2", 4)),
        image_size=SIDE,
        channels=3,
        bits=5,
        sha256="0" * 64,
        device="CPU",
        default_temperature=0.7,
        attributes=(
            DirectionInfo("Smiling", "attribute", auc=0.93, auc_low=0.9, auc_high=0.95, method="logistic"),
            DirectionInfo("Pale_Skin", "attribute", auc=0.61, auc_low=0.55, auc_high=0.66, method="logistic"),
        ),
        components=(DirectionInfo("PCA 1", "component", share=0.3, method="pca"),),
        axes=("pca",),
    )
    return replace(made, **changes)


def explored(**changes: object) -> AppState:
    """A seed with one attribute moved, drawn and measured, with two steps of history and two models."""
    plain = Look("glow", Sampled(18, (0.7, 0.7)))
    look = plain.with_edit("Smiling", 1.5)
    request, code = look.request(), np.zeros(CODE, np.float32)
    history = History().pushed(plain, "Tiny Glow").pushed(look, "Smiling")
    history = history.with_picture(plain.request(), picture(1)).with_picture(request, picture(2))
    cards = tuple(
        ModelCard(key, title, family, family, SIDE, 3, 1000, "0" * 64, Path(key), shipped=True)
        for key, title, family in (("glow", "Tiny Glow", "flow"), ("vae", "Tiny VAE", "vae"))
    )
    state = AppState(
        models=cards,
        model="glow",
        info=info(),
        look=look,
        seed=18,
        temperature=(0.7, 0.7),
        drawn=Drawn(request, picture(2), code, 0.98, 12.0, (0.97, 1.01)),
        decode_ms=12.0,
        readout=Readout(0.98, 3.21, 40.0, 2e-6),
        history=history,
        photos=(
            PhotoItem("one", "one", picture(3), Path("one.png")),
            PhotoItem("two", "two", picture(4), Path("two.png")),
        ),
    )
    return replace(state, **changes)


def photographed(**changes: object) -> AppState:
    """A photo of which nothing but the cut is known, encoded."""
    code = np.ones(CODE, np.float32)
    look = Look("glow", Coded(code, "one"), photo="one")
    encoded = Encoded(
        photo=picture(3),
        code=code,
        reconstruction=picture(5),
        error_map=picture(6),
        psnr_db=24.5,
        ssim=0.81,
        bits_per_dim=3.3,
        milliseconds=40.0,
        name="one",
        norm_ratio=1.0,
    )
    drawn = Drawn(look.request(), picture(5), code, 1.0, 0.0, (1.0, 1.0))
    return explored(**{"look": look, "photo": "one", "encoded": encoded, "drawn": drawn, **changes})
