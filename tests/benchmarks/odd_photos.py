"""Photos of every odd kind, edited in themselves: `python -m tests.benchmarks.odd_photos FOLDER SHEET.webp`.

FOLDER holds the 48 portraits; what is odd about each photo is made here, and it goes through a file of its own. A row a
photo: how its face was framed; *again*, how much of the 64-pixel change is in the edited photo, seen along the same
framing (its part along the change asked for, over all of the frame, so that background counts); *sharp*, variance of
the Laplacian inside the face over the photo's; and whether everything outside the mask, and the photo without an edit,
stays bit for bit. The sheet has the photo and its edits side by side.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from engine.api import Coded, DrawRequest, Pictures
from engine.blending import Canvas, blended, prepare
from engine.errors import UserError
from engine.exploring.open_model import OpenModel
from engine.photos.align import align
from engine.photos.decode import read_photo
from engine.photos.similarity import cut_out
from engine.session import Session
from tests.benchmarks.blending import sharpness

EDITS: Final = (("Smiling", 2.0), ("Blond hair", 2.0), ("Male", 2.0))
CELL_PX: Final = 168


def _turned(image: Image.Image) -> Image.Image:
    return image.rotate(25, Image.Resampling.BICUBIC, expand=True, fillcolor=(90, 90, 90))


def _beside(image: Image.Image, other: Image.Image) -> Image.Image:
    """The other person close behind the first one's shoulder."""
    both = Image.new("RGB", (760, 512), (120, 120, 120))
    both.paste(other, (248, 0))
    x = np.clip((400 - np.arange(512)) / 40, 0, 1)
    both.paste(image, (0, 0), Image.fromarray(np.tile(np.uint8(255 * x), (512, 1))))
    return both


def _see_through(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda v: 255 - v // 2))
    return image


def _eighth(image: Image.Image) -> Image.Image:
    return image.resize((80, 80), Image.Resampling.LANCZOS)


PLAIN: Final = Image.Image.copy
CASES: Final[tuple[tuple[str, int, str, Callable[[Image.Image], Image.Image]], ...]] = (
    ("tilted by 25 degrees", 26, "png", _turned),
    ("small, 80 pixels", 7, "png", _eighth),
    ("large, 12 megapixels", 20, "jpg", lambda i: i.resize((3464, 3464), Image.Resampling.BICUBIC)),
    ("cut at its left border", 31, "png", lambda i: i.crop((150, 0, 512, 512))),
    ("cut at its top", 6, "png", lambda i: i.crop((0, 90, 512, 512))),
    ("turned by EXIF", 43, "exif", PLAIN),
    ("greyscale", 45, "png", lambda i: i.convert("L")),
    ("transparent", 1, "png", _see_through),
    ("CMYK", 10, "tif", lambda i: i.convert("CMYK")),
    ("two faces that touch", 30, "png", PLAIN),
    ("glasses", 16, "png", PLAIN),
    ("beard", 35, "png", PLAIN),
    ("scarf", 9, "png", PLAIN),
    ("veil, head turned", 18, "png", PLAIN),
    ("turban", 3, "png", PLAIN),
    ("curly hair over leaves", 4, "png", PLAIN),
    ("dark skin", 44, "png", PLAIN),
    ("dark skin, close", 34, "png", PLAIN),
    ("light skin", 47, "png", PLAIN),
)


def _written(image: Image.Image, kind: str, folder: Path) -> Path:
    path = folder / f"photo.{'jpg' if kind == 'exif' else kind}"
    if kind == "exif":
        exif = Image.Exif()
        exif[0x0112] = 6  # Stored lying on its left side.
        image.rotate(90, expand=True).save(path, quality=95, exif=exif)
    else:
        image.save(path, **({"quality": 95} if kind == "jpg" else {}))
    return path


def _outside_stays(rgb: Pictures, result: Pictures, canvas: Canvas) -> bool:
    face = canvas.face
    how = cv2.INTER_AREA if face.width < face.mask.shape[1] else cv2.INTER_LINEAR
    allowed = np.zeros(rgb.shape[:2], bool)
    allowed[face.top : face.top + face.height, face.left : face.left + face.width] = (
        cv2.resize((face.mask > 0).astype(np.float32), (face.width, face.height), interpolation=how) > 0
    )
    return bool(np.array_equal(result[~allowed], rgb[~allowed]))


def examined(model: OpenModel, rgb: Pictures) -> tuple[str, list[Pictures]]:
    """A row of the table, and the photo with each of the edits."""
    found = align(rgb, size=model.info.image_size)
    encoded = model.encode(found.rgb)
    canvas = prepare(rgb, found.framing, encoded.reconstruction)
    again, sharp, stays, results = [], [], [], [rgb]
    before = _seen(rgb, canvas)
    for edit in EDITS:
        edited = model.draw(DrawRequest(Coded(encoded.code), edits=(edit,))).picture
        result = blended(rgb, [(canvas, edited)])
        asked = edited.astype(float) - encoded.reconstruction
        again.append(((_seen(result, canvas) - before) * asked).sum() / (asked * asked).sum())
        sharp.append(sharpness(result, found.framing) / sharpness(rgb, found.framing))
        stays.append(_outside_stays(rgb, result, canvas))
        results.append(result)
    same = np.array_equal(blended(rgb, [(canvas, encoded.reconstruction)]), rgb)
    shares = " / ".join(f"{share:.2f}" for share in again)
    sharps = " / ".join(f"{one:.2f}" for one in sharp)
    how = f"{found.how}, {len(found.framing.faces)} found"
    return f"{how} | {shares} | {sharps} | {'yes' if all(stays) and same else 'NO'}", results


def _seen(rgb: Pictures, canvas: Canvas) -> np.ndarray:
    return cut_out(rgb, canvas.face.frame, len(canvas.base)).astype(float)


def _cell(rgb: Pictures) -> Pictures:
    scale = CELL_PX / max(rgb.shape[:2])
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    cell = np.full((CELL_PX, CELL_PX, 3), 24, np.uint8)
    top, left = (CELL_PX - size[1]) // 2, (CELL_PX - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = small
    return cell


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--model", default="faces-glow-64")
    args = parser.parse_args()
    model = Session(device="cpu").open(args.model)
    paths = sorted(args.folder.glob("*.webp"))
    edits = " / ".join(name for name, _ in EDITS)
    print(f"| photo | framed | again: {edits} | sharp | rest stays |\n|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, index, kind, change in CASES:
            image = Image.open(paths[index]).convert("RGB")
            image = _beside(image, Image.open(paths[0]).convert("RGB")) if "two faces" in name else change(image)
            try:
                row, results = examined(model, read_photo(_written(image, kind, Path(folder))).rgb)
            except UserError as error:
                row, results = f"{error} | | |", [np.asarray(image.convert("RGB"))] * (1 + len(EDITS))
            print(f"| {name} | {row} |", flush=True)
            rows.append(np.concatenate([_cell(one) for one in results], 1))
    rows += [np.full_like(rows[0], 24)] * (-len(rows) % 2)
    half = len(rows) // 2
    sheet = np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], 1)
    Image.fromarray(sheet).save(args.sheet, quality=70, method=6)


if __name__ == "__main__":
    main()
