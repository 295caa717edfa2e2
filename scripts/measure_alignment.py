"""Measures the alignment: held-out faces warped by known similarities, and photos turned by known angles.

    python scripts/measure_alignment.py --faces DATA/celeba128.zip --labels DATA/celeba_labels.csv \
        --portraits DATA/portraits [--sheet crops.png]

Errors are mean distances of both eyes from where they should be, as shares of the eye distance, in percent. For photos
nobody has marked, the eyes of the upright and of the turned photo are compared, both brought into the upright one.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from train_landmarks import read_faces

from engine.api import Cut
from engine.errors import ImageError
from engine.photos.align import Aligned, align
from engine.photos.decode import read_photo
from engine.photos.landmarks import EYE_DISTANCE, MEAN, look
from engine.photos.similarity import Similarity, fit

ROLLS: Final = (0, 10, 20, 30)
SCENE_PX: Final = 400
Pixels = NDArray[np.uint8]


def frame_of(found: Aligned) -> Similarity:
    corners = np.array([complex(x, y) for x, y in found.framing.corners])
    return fit(np.array([0, 1, 1 + 1j, 1j]), corners)


def eyes_off(found: Similarity, true: Similarity) -> float:
    off = np.abs((found.turn * MEAN + found.shift) - (true.turn * MEAN + true.shift))[:2].mean()
    return float(off / (EYE_DISTANCE * true.side))


def scene_of(face: Pixels, frame: Similarity) -> Pixels:
    """The face in a scene of 400 pixels: its border continued by reflection for an eighth of its side, then grey."""
    back = fit(np.array([frame(0), frame(1)]), np.array([0, face.shape[0]], np.complex128))
    matrix = np.array(
        [[back.turn.real, -back.turn.imag, back.shift.real], [back.turn.imag, back.turn.real, back.shift.imag]]
    )
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    scene = cv2.warpAffine(face, matrix, (SCENE_PX,) * 2, flags=flags, borderMode=cv2.BORDER_REFLECT)
    inside = [frame(z) for z in (-0.12 - 0.12j, 1.12 - 0.12j, 1.12 + 1.12j, -0.12 + 1.12j)]
    mask = np.zeros((SCENE_PX, SCENE_PX), np.uint8)
    cv2.fillConvexPoly(mask, np.array([(z.real, z.imag) for z in inside]).round().astype(np.int32), 1)
    # Further out the reflection would hold whole faces, and the largest of them would be taken.
    scene[mask == 0] = 120
    return np.asarray(scene, np.uint8)


def turned(photo: Pixels, degrees: float) -> tuple[Pixels, Similarity]:
    """The photo turned about its middle, its edge repeated, and what brings a point of it back into the upright one."""
    height, width = photo.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    shifted = matrix.copy()
    shifted[:, 2] += shifted[:, :2] @ (0.5, 0.5) - 0.5
    out = cv2.warpAffine(photo, shifted, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    there = Similarity(complex(matrix[0, 0], matrix[1, 0]), complex(matrix[0, 2], matrix[1, 2]))
    return np.asarray(out, np.uint8), Similarity(1 / there.turn, -there.shift / there.turn)


def row(name: str, errors: list[float], missing: int = 0, boxed: int = 0) -> None:
    e = 100 * np.array(errors or [math.nan])
    parts = f"mean {e.mean():5.2f}  median {np.median(e):5.2f}  p90 {np.percentile(e, 90):5.2f}  max {e.max():6.2f} %"
    print(f"{name:34} n {len(errors):4}  {parts}  not found {missing}, by box {boxed}", flush=True)


def held_out(faces: list[Pixels], rng: np.random.Generator) -> None:
    for degrees in ROLLS:
        alone, whole, missing, boxed = [], [], 0, 0
        for index, face in enumerate(faces):
            roll = math.radians(degrees if index % 2 else -degrees)
            turn = rng.uniform(150, 230) * complex(math.cos(roll), math.sin(roll))
            middle = SCENE_PX / 2 * (1 + 1j) + complex(*rng.uniform(-30, 30, 2))
            true = Similarity(turn, middle - turn * (0.5 + 0.5j))
            scene = scene_of(face, true)
            # The box of a detector that knows nothing of roll, 10 % wrong in size and 6 % in place.
            side = true.side * math.exp(rng.normal(0, 0.1))
            at = true(0.5 + 0.6j) + true.side * complex(*rng.normal(0, 0.06, 2))
            seen = look(scene, Similarity(complex(side), at - side * (0.5 + 0.6j)))
            alone.append(eyes_off(seen.frame, true))
            try:
                found = align(scene, Cut("face"))
            except ImageError:
                missing += 1
                continue
            whole.append(eyes_off(frame_of(found), true))
            boxed += "box" in found.note
        row(f"held-out, roll {degrees}, jittered box", alone)
        row(f"held-out, roll {degrees}, end to end", whole, missing, boxed)


def photos(folder: Path, sheet: Path | None) -> None:
    rows = []
    pictures = [read_photo(path).rgb for path in sorted(folder.iterdir()) if path.suffix in (".webp", ".jpg", ".png")]
    upright = [align(photo, Cut("face"), size=96) for photo in pictures]
    rows.append([one.rgb for one in upright])
    mirrored = []
    for photo, first in zip(pictures, upright, strict=True):
        other = frame_of(align(np.ascontiguousarray(photo[:, ::-1]), Cut("face")))
        # The mirrored frame's eyes, mirrored back and named as in the upright photo.
        eyes = photo.shape[1] - np.conj(other.turn * MEAN[[1, 0]] + other.shift)
        frame = frame_of(first)
        off = np.abs(eyes - (frame.turn * MEAN[:2] + frame.shift)).mean()
        mirrored.append(float(off / (EYE_DISTANCE * frame.side)))
    row("photos, mirrored", mirrored, 0, sum("box" in one.note for one in upright))
    for degrees in (-25, -20, -15, -10, -5, 5, 10, 15, 20, 25, 30):
        errors, missing, boxed, line = [], 0, 0, []
        for photo, first in zip(pictures, upright, strict=True):
            scene, back = turned(photo, degrees)
            try:
                found = align(scene, Cut("face"), size=96)
            except ImageError:
                missing += 1
                line.append(np.zeros((96, 96, 3), np.uint8))
                continue
            line.append(found.rgb)
            boxed += "box" in found.note
            errors.append(eyes_off(back.after(frame_of(found)), frame_of(first)))
        row(f"photos, turned by {degrees}", errors, missing, boxed)
        if abs(degrees) in (15, 25):
            rows.append(line)
    if sheet is not None:
        Image.fromarray(np.concatenate([np.concatenate(line, 1) for line in rows])).save(sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, nargs="+", required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--sheet", type=Path, help="where to save a contact sheet of the crops")
    parser.add_argument("-n", type=int, default=300, help="how many held-out faces")
    args = parser.parse_args()
    _, held = read_faces(args.faces, args.labels)
    photos(args.portraits, args.sheet)
    rng = np.random.default_rng(0)
    held_out([held[i] for i in rng.permutation(len(held))[: args.n]], rng)
    photo = read_photo(next(iter(sorted(args.portraits.iterdir())))).rgb
    frame = frame_of(align(photo))
    clock = []
    for _ in range(20):
        start = time.perf_counter()
        look(photo, frame)
        clock.append(time.perf_counter() - start)
    print(f"two looks: {1000 * float(np.median(clock)):.1f} ms")


if __name__ == "__main__":
    main()
