"""Measures how well and how fast each model takes in photos of people that training never saw.

    python scripts/measure_encoding.py --data celeba64.zip --labels celeba_labels.csv [-n 256] [--json FILE]

Times are of the processor, in one thread, so that a busy machine does not change them much.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.api import Pictures
from engine.data import Split, open_dataset
from engine.device import use_threads
from engine.exploring.open_model import OpenModel
from engine.measures import psnr, ssim
from engine.session import Session

Way = Callable[[Pictures], tuple[Pictures, float, tuple[float, ...]]]
"""A photo (S, S, 3) -> (its reconstruction, |z| / sqrt(D), the curve of errors)."""


def way(model: OpenModel, **how: Any) -> Way:
    """`OpenModel.encode` with these arguments."""

    def encode(photo: Pictures) -> tuple[Pictures, float, tuple[float, ...]]:
        found = model.encode(photo, **how)
        return found.reconstruction, float(found.norm_ratio or 0.0), found.errors

    return encode


def measured(encode: Way, photos: Pictures) -> dict[str, Any]:
    """Time (p50 and p90, ms of processor time), mean PSNR with its standard error, mean SSIM, mean |z|, the curve."""
    encode(photos[0])
    times, dbs, similar, norms, curves = [], [], [], [], []
    for photo in photos:
        start = time.thread_time()
        copy, norm, errors = encode(photo)
        times.append(1000 * (time.thread_time() - start))
        value = psnr(photo, copy)
        dbs.append(min(value, 99.0))
        similar.append(ssim(photo, copy))
        norms.append(norm)
        curves.append(errors)
    longest = max(len(curve) for curve in curves)
    found: dict[str, Any] = {
        "n": len(photos),
        "p50_ms": round(float(np.median(times)), 1),
        "p90_ms": round(float(np.quantile(times, 0.9)), 1),
        "psnr_db": round(float(np.mean(dbs)), 2),
        "psnr_error": round(float(np.std(dbs) / len(dbs) ** 0.5), 2),
        "ssim": round(float(np.mean(similar)), 4),
        "norm_ratio": round(float(np.mean(norms)), 3),
    }
    if longest > 1:
        rows = np.array([list(curve) + [curve[-1]] * (longest - len(curve)) for curve in curves])
        at = [step for step in (0, 5, 10, 20, 40, 60, 100, 150, 200) if step < longest]
        found["psnr_db_after"] = {str(step): round(float(np.mean(-20 * np.log10(rows[:, step] / 2))), 2) for step in at}
    return found


def ways(session: Session) -> Iterator[tuple[str, Way, int]]:
    """(name, how, 1 / share of the photos)."""
    vae, gan, glow = (session.open(f"faces-{name}-64") for name in ("vae", "gan", "glow"))
    yield "VAE", way(vae), 1
    yield "GAN, encoder alone", way(gan, steps=0), 1
    yield "GAN, encoder and 20 steps", way(gan, steps=20), 1
    yield "GAN, encoder and search", way(gan), 1
    yield "Glow", way(glow), 1
    yield "VAE, improved", way(vae, improve=True), 1
    yield "GAN, improved", way(gan, improve=True), 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--labels")
    parser.add_argument("-n", type=int, default=256)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    use_threads(1)
    data = open_dataset(args.data, labels=args.labels, size=64, channels=3)
    rows = data.indices(Split.TEST)
    rows = np.sort(np.random.default_rng(0).choice(rows, min(args.n, len(rows)), replace=False))
    photos = np.asarray(data.images[rows])
    found: dict[str, Any] = {"torch": torch.__version__}
    for name, encode, share in ways(Session(device="cpu")):
        found[name] = measured(encode, photos[: len(photos) // share])
        print(json.dumps({name: found[name]}), flush=True)
        if args.json:
            args.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
