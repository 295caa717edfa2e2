"""How well an edit made at a model's size shows in a photo: `python -m tests.benchmarks.blending FOLDER [--quick]`.

For each model and attribute, at +2 and -2 sigmas, over the portraits in FOLDER:

- again: the blended photo is aligned and encoded anew, and its code's way along the attribute's direction is held
  against that of the 64-pixel edit, encoded anew as well. A model whose encoding is a search is not asked: 2 s a view.
  `other`: seen by a model that did not make the edit. `judge`: by an independent judge of attributes, where CelebA's
  pictures and labels are given (`--celeba ZIP CSV`; see `judge.py`).
- sharp: variance of the Laplacian inside the face over the photo's, median, and the share of photos within 0.9 to 1.1.
- away: distance in own features from the photo, at 64 pixels, over that of the 64-pixel edit.

Means over photos are taken before ratios: a photo that the edit hardly changes would rule them otherwise.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from engine.api import Coded, Cut, DrawRequest, Framing, Pictures
from engine.blending import blended, prepare
from engine.diagnostics.own_features import embed
from engine.errors import UserError
from engine.exploring.open_model import OpenModel
from engine.photos.align import align
from engine.photos.decode import read_photo
from engine.photos.similarity import Similarity, cut_out
from engine.session import Session
from tests.benchmarks.judge import Judge, fitted

MODELS = ("faces-glow-64", "faces-vae-64", "faces-gan-64")
QUICK = ("Smiling", "Young", "Male", "Blond hair")
SIGMAS = 2.0
FACE = (0.5, 0.62, 0.24, 0.34)
"""Centre and half axes of an oval inside the face, in the frame's unit square."""


@dataclass
class Sums:
    """Of one edit over the photos."""

    again: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    other_asked: list[float] = field(default_factory=list)
    judge: list[float] = field(default_factory=list)
    judge_asked: list[float] = field(default_factory=list)
    sharp: list[float] = field(default_factory=list)
    away: list[float] = field(default_factory=list)
    away_small: list[float] = field(default_factory=list)

    def row(self) -> dict[str, float]:
        sharp = np.array(self.sharp)
        return {
            "again": float(np.mean(self.again) / np.mean(self.asked)) if self.asked else float("nan"),
            "other": float(np.mean(self.other) / np.mean(self.other_asked)),
            "judge": float(np.mean(self.judge) / np.mean(self.judge_asked)) if self.judge else float("nan"),
            "sharp": float(np.median(sharp)),
            "sharp_within": float(((sharp > 0.9) & (sharp < 1.1)).mean()),
            "away": float(np.mean(self.away) / np.mean(self.away_small)),
        }


def sharpness(rgb: Pictures, framing: Framing) -> float:
    """Variance of the Laplacian of the lightness inside the face."""
    corners = np.array(framing.corners)
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    angles = np.linspace(0, 2 * np.pi, 60)[:, None]
    oval = corners[0] + (FACE[0] + FACE[2] * np.cos(angles)) * across + (FACE[1] + FACE[3] * np.sin(angles)) * down
    mask = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(oval).astype(np.int32)], 1)
    edges = cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    return float(edges[mask > 0].var())


def anew(rgb: Pictures, size: int, framing: Framing) -> Pictures:
    """The face cut out again; along the old framing where it is not found any more."""
    try:
        found = align(rgb, Cut("face"), size=size)
    except UserError:
        found = None
    old = np.array(framing.corners).mean(0)
    if found is None or np.linalg.norm(np.array(found.framing.corners).mean(0) - old) > np.ptp(framing.corners) / 4:
        corners = [complex(*corner) for corner in framing.corners]
        return cut_out(rgb, Similarity(corners[1] - corners[0], corners[0]), size)
    return found.rgb


def measure(
    model: OpenModel,
    other: OpenModel,
    photos: list[tuple[Pictures, Framing, Pictures]],
    names: list[str],
    *,
    judge: Judge | None,
) -> dict[str, dict[str, float]]:
    size = model.info.image_size
    ways = {name: (model.directions[name].vector, other.directions[name].vector) for name in names}
    sums = {f"{name} {sign:+.0f}": Sums() for name in names for sign in (SIGMAS, -SIGMAS)}
    for rgb, framing, picture in photos:
        encoded = model.encode(picture)
        canvas = prepare(rgb, framing, encoded.reconstruction)
        sharp = sharpness(rgb, framing)
        edits, seen = [], []
        for key in sums:
            name, sigmas = key.rsplit(" ", 1)
            edited = model.draw(DrawRequest(Coded(encoded.code), edits=((name, float(sigmas)),))).picture
            result = blended(rgb, [(canvas, edited)])
            sums[key].sharp.append(sharpness(result, framing) / sharp)
            edits.append(edited)
            seen.append(anew(result, size, framing))
        views = np.stack([picture, encoded.reconstruction, *edits, *seen])
        theirs, features = other.codes_of(views), embed(views)
        mine = None if model.info.encode == "search" else model.codes_of(views)
        away = np.linalg.norm(features - features[0], axis=1)
        for i, (key, sum_) in enumerate(sums.items()):
            name, sigmas = key.rsplit(" ", 1)
            sign, small, large = np.sign(float(sigmas)), 2 + i, 2 + i + len(sums)
            # The 64-pixel edit starts from the reconstruction, the blended one from the photo.
            if mine is not None:
                sum_.again.append(sign * float((mine[large] - mine[0]) @ ways[name][0]))
                sum_.asked.append(sign * float((mine[small] - mine[1]) @ ways[name][0]))
            sum_.other.append(sign * float((theirs[large] - theirs[0]) @ ways[name][1]))
            sum_.other_asked.append(sign * float((theirs[small] - theirs[1]) @ ways[name][1]))
            if judge is not None:
                weights = judge.weights[name]
                sum_.judge.append(sign * float((features[large] - features[0]) @ weights))
                sum_.judge_asked.append(sign * float((features[small] - features[1]) @ weights))
            sum_.away.append(float(away[large]))
            sum_.away_small.append(float(away[small]))
    return {key: sum_.row() for key, sum_ in sums.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="8 photos, 4 attributes, Glow")
    parser.add_argument("--model", action="append", help="one of the models; repeatable")
    parser.add_argument("--photos", type=int, default=0, help="so many, evenly among those there are")
    parser.add_argument("--celeba", nargs=2, type=Path, metavar=("ZIP", "CSV"), help="for an independent judge")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    judge: Judge | None = None
    session, found = Session(device="cpu"), {}
    paths = sorted(path for path in args.folder.iterdir() if path.suffix in (".webp", ".jpg", ".png"))
    count = args.photos or (8 if args.quick else len(paths))
    paths = [paths[i] for i in np.linspace(0, len(paths) - 1, count).round().astype(int)]
    for key in args.model or (MODELS[:1] if args.quick else MODELS):
        model = session.open(key)
        other = session.open("faces-vae-64" if key != "faces-vae-64" else "faces-glow-64")
        photos = []
        for path in paths:
            rgb = read_photo(path).rgb
            cut = align(rgb, Cut("face"), size=model.info.image_size)
            photos.append((rgb, cut.framing, cut.rgb))
        names = [one.name for one in model.info.attributes if not args.quick or one.name in QUICK]
        if args.celeba and judge is None:
            judge = fitted(*args.celeba, names)
            if not args.json:
                print("judge, AUC on people held out:", *(f"{name} {auc:.3f}" for name, auc in judge.auc.items()))
        found[key] = measure(model, other, photos, names, judge=judge)
        if not args.json:
            print(f"\n{key}, {len(photos)} photos\n{'edit':16} again other judge sharp within  away")
            for edit, row in found[key].items():
                print(
                    f"{edit:16} {row['again']:5.2f} {row['other']:5.2f} {row['judge']:5.2f} {row['sharp']:5.2f} "
                    f"{row['sharp_within']:6.2f} {row['away']:5.2f}"
                )
    if args.json:
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
