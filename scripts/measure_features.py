"""Measures whether own features see what was done to pictures: Frechet distance, KID and coverage of changed faces.

    python scripts/measure_features.py --faces DATA/celeba64.zip --labels DATA/celeba_labels.csv

Held-out faces (people that training never saw) are changed a little, more and much, and compared with training faces.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engine.data import Split, open_dataset
from engine.diagnostics import own_features
from engine.diagnostics.feature_net import load_net
from engine.diagnostics.fidelity import best, pca_samples
from engine.diagnostics.frechet import frechet_distance, kernel_distance
from engine.diagnostics.manifold import manifolds
from engine.diagnostics.own_features import embed, network, shuffled

Pixels = NDArray[np.uint8]


def blurred(pictures: Pixels, sigma: float) -> Pixels:
    return np.stack([cv2.GaussianBlur(p, (0, 0), sigma) for p in pictures])


def noisy(pictures: Pixels, sigma: float) -> Pixels:
    noise = np.random.default_rng(0).normal(0, sigma, pictures.shape)
    return np.asarray((pictures + noise).round().clip(0, 255), np.uint8)


def swirled(pictures: Pixels, angle: float) -> Pixels:
    side = pictures.shape[1]
    y, x = np.mgrid[:side, :side].astype(np.float32) - side / 2
    turn = angle * np.exp(-3 * (x * x + y * y) / (side / 2) ** 2)
    at_x, at_y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    maps = [(m + side / 2).astype(np.float32) for m in (at_x, at_y)]
    return np.stack([cv2.remap(p, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT) for p in pictures])


def holed(pictures: Pixels, side: int) -> Pixels:
    rng, found = np.random.default_rng(0), pictures.copy()
    for picture in found:
        left, top = rng.integers(0, picture.shape[0] - side, 2)
        picture[top : top + side, left : left + side] = rng.integers(0, 256, 3)
    return found


def darker(pictures: Pixels, factor: float) -> Pixels:
    return np.asarray((pictures * factor).round(), np.uint8)


def squares(pictures: Pixels, step: int) -> Pixels:
    """Like pictures of coarser pixels."""
    side = pictures.shape[1]
    small = [cv2.resize(p, (side // step,) * 2, interpolation=cv2.INTER_AREA) for p in pictures]
    return np.stack([cv2.resize(p, (side, side), interpolation=cv2.INTER_NEAREST) for p in small])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--network", type=Path, help="another file than the one that ships")
    parser.add_argument("-n", type=int, default=1500, help="pictures of each set, at most")
    parser.add_argument("--short", action="store_true", help="Frechet distance alone")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    if args.network:
        own_features._loaded[own_features.FILE] = load_net(args.network)
    network()
    data = open_dataset(args.faces, labels=args.labels)
    train = data.indices(Split.TRAIN)
    held = np.concatenate([data.indices(Split.VALIDATION), data.indices(Split.TEST)])
    held = held[shuffled(len(held), args.n)]
    pictures, labels = np.asarray(data.images[held]), data.labels[held]
    at = {name: i for i, name in enumerate(data.attributes)}
    pool = np.asarray(data.images[train[shuffled(len(train), 5000)]])
    male = data.labels[train][:, at["Male"]]
    glasses = data.labels[train][:, at["Eyeglasses"]]
    real = embed(pool)
    half = train[shuffled(len(train), 5000 + len(pictures))[5000:]]

    def only(values: NDArray[np.int8], wanted: int) -> Pixels:
        rows = train[values == wanted]
        return np.asarray(data.images[rows[shuffled(len(rows), len(pictures))]])

    def few(n: int) -> Pixels:
        return pictures[np.random.default_rng(0).integers(0, n, len(pictures))]

    sets = {
        "held-out faces": pictures,
        "other training faces": np.asarray(data.images[half]),
        **{f"blurred, sigma {s} px": blurred(pictures, s) for s in (0.5, 1.0, 2.0)},
        **{f"noise, sigma {s} of 255": noisy(pictures, s) for s in (6, 12, 25)},
        **{f"swirled by {s} rad": swirled(pictures, s) for s in (0.25, 0.5, 1.0)},
        **{f"a hole of {s} px": holed(pictures, s) for s in (6, 12)},
        **{f"light times {s}": darker(pictures, s) for s in (0.9, 0.75)},
        **{f"coarse by {s}": squares(pictures, s) for s in (2, 4)},
        "only women": only(male, -1),
        "only men": only(male, 1),
        "only glasses": only(glasses, 1),
        **{f"{n} pictures again and again": few(n) for n in (300, 30)},
        "PCA-128 samples": pca_samples(np.asarray(data.images[train[shuffled(len(train), 2000)]]), len(pictures)),
    }
    print(
        f"{len(real)} training faces beside {len(pictures)} held-out ones; {int((labels[:, 0] != 0).sum())} with labels"
    )
    print(
        f"{'set':32}{'Frechet':>10}{'+-':>7}{'plain':>9}{'KID x1000':>12}{'+-':>7}"
        f"{'prec':>7}{'rec':>7}{'dens':>7}{'cov':>7}{'s':>6}"
    )
    for name, changed in sets.items():
        began = time.perf_counter()
        rows = embed(changed)
        distance, kernel = frechet_distance(rows, real), kernel_distance(rows, real)
        found = best(distance)
        line = f"{name:32}{found.value:10.2f}{1.96 * found.error:7.2f}{distance.plain.value:9.2f}"
        line += f"{1000 * kernel.value:12.2f}{1960 * kernel.error:7.2f}"
        if not args.short:
            shares = manifolds(rows, real[: len(rows)])
            parts = (shares.precision, shares.recall, shares.density, shares.coverage)
            line += "".join(f"{share.value:7.3f}" for share in parts)
        print(f"{line}{time.perf_counter() - began:6.1f}", flush=True)


if __name__ == "__main__":
    main()
