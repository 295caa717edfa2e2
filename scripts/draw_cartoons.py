"""Draws the data set in the box: cartoon faces at 64x64 with exact labels, as one zip.

    python scripts/draw_cartoons.py resources/data/cartoons64.zip [--count 4000] [--seed 1] [--sheet a.png]

The artwork is Pablo Stanley's Avataaars in the package python-avatars (the `draw` extra).  Each face is drawn
as SVG, rendered at eight times the size, reduced with a Lanczos filter and kept without loss in 128 colours.
The same seed and library versions give the same file, byte for byte.  Attributes are computed from the drawn
parts, so they are facts and not judgements.  What another part would hide (eyes behind dark glasses) is not
varied, and colours that touch differ, so an attribute is always to be seen.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import os
import random
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

import python_avatars as pa
from PIL import Image
from PySide6.QtCore import QLoggingCategory, QRectF
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SIDE_PX: Final = 64
SUPERSAMPLING: Final = 8
# The square of the 264x280 artwork that is shown.  It puts the eyes where the usual crop of CelebA has them
# (0.37 and 0.63 across, 0.52 down), so that aligned photos and these faces share one framing.
CROP_X, CROP_Y, CROP_SIDE = 32.0, 8.0, 200.0
PALETTE_COLORS: Final = 128
# Colours nearer than this (straight distance in 8-bit RGB) melt into each other at 64 pixels.
LEAST_CONTRAST: Final = 45.0
ZIP_TIME: Final = (2000, 1, 1, 0, 0, 0)

BACKGROUNDS: Final = {
    "sky": "#B9D6E8",
    "sand": "#E6D9C3",
    "sage": "#BFD3BE",
    "lilac": "#CFC5E0",
    "rose": "#E8C9C9",
    "stone": "#C9CDD2",
    "teal": "#9CC7C6",
    "night": "#54657A",
}
SKINS: Final = {"PALE": 20, "LIGHT": 26, "BROWN": 20, "DARK_BROWN": 18, "BLACK": 16}
HAIR_COLORS: Final = {
    "BLACK": 22,
    "BROWN_DARK": 12,
    "BROWN": 12,
    "AUBURN": 7,
    "RED": 9,
    "BLONDE": 7,
    "BLONDE_GOLDEN": 9,
    "PLATINUM": 6,
    "SILVER_GRAY": 10,
    "PASTEL_PINK": 8,
}
# Left out: STRAIGHT_2 (renders as one brown block), SHAVED_SIDES and FRIDA (colours that cannot be chosen),
# CURLY_2, LONG_HAIR_CURLY, LOOSE_HAIR, HALF_SHAVED, ASTRONAUT, BRIDE and WICK (hide the face or its glasses),
# EVIL_SPIKE (leaves the frame), HAT (a hat among the hair).
LONG_HAIR: Final = (
    "BIG_HAIR",
    "BOB",
    "CURVY",
    "DREADS",
    "LONG_NOT_TOO_LONG",
    "MIA_WALLACE",
    "STRAIGHT_1",
    "STRAIGHT_STRAND",
    "TWIST_LONG_HAIR",
    "TWIST_LONG_HAIR_2",
    "CORNROWS",
    "WILD",
)
CURLY_HAIR: Final = ("CURLY", "FRO", "FRO_BAND", "SHORT_CURLY", "SHORT_DREADS_1", "SHORT_DREADS_2", "EINSTEIN_HAIR")
SHORT_HAIR: Final = (
    "BUN",
    "CAESAR",
    "CAESAR_SIDE_PART",
    "FRIZZLE",
    "SHAGGY",
    "SHAGGY_MULLET",
    "SHORT_FLAT",
    "SHORT_ROUND",
    "SHORT_WAVED",
    "BRAIDS",
    "BUZZCUT",
    "DREADLOCKS",
    "ELVIS",
    "MOHAWK",
    "MOWGLI",
    "PIXIE",
    "POMPADOUR",
    "QUIFF",
)
BALD: Final = ("NONE", "SIDES")
HATS: Final = ("HAT", "HIJAB", "TURBAN", "WINTER_HAT_1", "WINTER_HAT_2", "WINTER_HAT_3", "WINTER_HAT_4")
HAT_COLORS: Final = ("BLUE_01", "BLUE_02", "BLUE_03", "GRAY_02", "HEATHER", "PASTEL_GREEN", "PINK", "RED")
CLEAR_GLASSES: Final = ("PRESCRIPTION_1", "PRESCRIPTION_2", "ROUND")
DARK_GLASSES: Final = ("KURT", "SUNGLASSES", "SUNGLASSES_2", "WAYFARERS", "WAYFARERS_2")
BEARDS: Final = ("BEARD_LIGHT", "BEARD_MEDIUM", "BEARD_MAGESTIC", "WICK_BEARD")
# Not EINSTEIN_MOUSTACHE: it hides the mouth.
MUSTACHES: Final = ("MOUSTACHE_FANCY", "MOUSTACHE_MAGNUM")
EYES: Final = {"DEFAULT": 48, "HAPPY": 9, "CLOSED": 9, "SURPRISED": 13, "SIDE": 8, "SQUINT": 8, "WINK": 5}
SMILES: Final = ("SMILE", "BIG_SMILE", "TWINKLE", "DEFAULT", "TONGUE")
MOUTHS: Final = {
    "SMILE": 16,
    "BIG_SMILE": 12,
    "TWINKLE": 14,
    "DEFAULT": 6,
    "TONGUE": 4,
    "SERIOUS": 16,
    "SAD": 11,
    "CONCERNED": 7,
    "SCREAM_OPEN": 7,
    "GRIMACE": 7,
}
SHUT_MOUTHS: Final = ("TWINKLE", "SERIOUS", "SAD", "GRIMACE")
BROWS: Final = {
    "DEFAULT": 18,
    "DEFAULT_NATURAL": 22,
    "FLAT_NATURAL": 10,
    "RAISED_EXCITED": 7,
    "RAISED_EXCITED_NATURAL": 8,
    "ANGRY": 7,
    "ANGRY_NATURAL": 8,
    "SAD_CONCERNED": 6,
    "SAD_CONCERNED_NATURAL": 6,
    "UP_DOWN": 4,
    "UP_DOWN_NATURAL": 4,
}
NOSES: Final = {"DEFAULT": 50, "SMALL": 25, "WIDE": 25}
CLOTHES: Final = (
    "BLAZER_SHIRT",
    "BLAZER_SWEATER",
    "COLLAR_SWEATER",
    "HOODIE",
    "OVERALL",
    "SHIRT_CREW_NECK",
    "SHIRT_SCOOP_NECK",
    "SHIRT_V_NECK",
    "BOND_SUIT",
    "CHEF",
    "SHIRT_WICK",
)
CLOTHING_COLORS: Final = (
    "BLACK",
    "BLUE_01",
    "BLUE_02",
    "BLUE_03",
    "GRAY_01",
    "GRAY_02",
    "HEATHER",
    "PASTEL_BLUE",
    "PASTEL_GREEN",
    "PASTEL_ORANGE",
    "PASTEL_YELLOW",
    "PINK",
    "RED",
    "WHITE",
)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What one face is made of: python-avatars' names; an empty text where the part is not drawn."""

    background: str
    skin: str
    hair: str
    hair_color: str
    hat: str
    hat_color: str
    brows: str
    eyes: str
    nose: str
    mouth: str
    facial_hair: str
    facial_hair_color: str
    accessory: str
    clothes: str
    clothes_color: str


ATTRIBUTES: Final[Mapping[str, Callable[[Parts], bool]]] = {
    "Smiling": lambda p: p.mouth in SMILES,
    "Mouth_Open": lambda p: p.mouth not in SHUT_MOUTHS,
    "Sad_Mouth": lambda p: p.mouth in ("SAD", "CONCERNED"),
    "Eyeglasses": lambda p: p.accessory != "",
    "Sunglasses": lambda p: p.accessory in DARK_GLASSES,
    "Eyes_Closed": lambda p: p.eyes in ("CLOSED", "HAPPY"),
    "Surprised_Eyes": lambda p: p.eyes == "SURPRISED",
    "Angry_Brows": lambda p: p.brows.startswith("ANGRY"),
    "Raised_Brows": lambda p: p.brows.startswith("RAISED"),
    "Beard": lambda p: p.facial_hair in BEARDS,
    "Mustache": lambda p: p.facial_hair in MUSTACHES,
    "Hat": lambda p: p.hat != "",
    "Bald": lambda p: p.hair in BALD,
    "Long_Hair": lambda p: p.hair in LONG_HAIR,
    "Curly_Hair": lambda p: p.hair in CURLY_HAIR,
    "Black_Hair": lambda p: p.hair_color == "BLACK",
    "Brown_Hair": lambda p: p.hair_color in ("BROWN", "BROWN_DARK"),
    "Blond_Hair": lambda p: p.hair_color in ("BLONDE", "BLONDE_GOLDEN", "PLATINUM"),
    "Red_Hair": lambda p: p.hair_color in ("RED", "AUBURN"),
    "Gray_Hair": lambda p: p.hair_color == "SILVER_GRAY",
    "Pink_Hair": lambda p: p.hair_color == "PASTEL_PINK",
    "Pale_Skin": lambda p: p.skin == "PALE",
    "Dark_Skin": lambda p: p.skin in ("DARK_BROWN", "BLACK"),
    "Wide_Nose": lambda p: p.nose == "WIDE",
}


def weighted(rng: random.Random, weights: Mapping[str, int]) -> str:
    """One key of `weights`, as likely as its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def differ(first: str, second: str) -> bool:
    """Whether two colours written #RRGGBB can be told apart at 64 pixels."""
    pairs = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return math.dist(*zip(*pairs, strict=True)) >= LEAST_CONTRAST


def random_parts(rng: random.Random) -> Parts:
    """One face, drawn from the tables above; only what the head wears limits what else is drawn."""
    tops = {"short": 36, "long": 27, "curly": 15, "bald": 9, "hat": 13}
    top = weighted(rng, tops)
    hair = {"short": SHORT_HAIR, "long": LONG_HAIR, "curly": CURLY_HAIR, "bald": BALD, "hat": ("",)}[top]
    hat = rng.choice(HATS) if top == "hat" else ""
    hair_name = rng.choice(hair)
    skin = weighted(rng, SKINS)
    skin_rgb = str(pa.SkinColor[skin])
    on_skin = {name: n for name, n in HAIR_COLORS.items() if differ(str(pa.HairColor[name]), skin_rgb)}
    color = weighted(rng, on_skin)
    hair_color = color if hair_name not in ("", "NONE") else ""
    hat_color = rng.choice(HAT_COLORS) if hat else ""
    beside = [skin_rgb]
    beside += [str(pa.HairColor[hair_color])] if hair_color else []
    beside += [str(pa.ClothingColor[hat_color])] if hat_color else []
    backgrounds = [name for name, rgb in BACKGROUNDS.items() if all(differ(rgb, other) for other in beside)]
    bearded = hat != "HIJAB" and rng.random() < (0.14 if top == "long" else 0.36)
    facial_hair = rng.choice(BEARDS if rng.random() < 0.6 else MUSTACHES) if bearded else ""
    glasses = weighted(rng, {"none": 66, "clear": 20, "dark": 14})
    eyes = weighted(rng, EYES)
    return Parts(
        background=rng.choice(backgrounds),
        skin=skin,
        hair=hair_name,
        hair_color=hair_color,
        hat=hat,
        hat_color=hat_color,
        brows=weighted(rng, BROWS),
        eyes="DEFAULT" if glasses == "dark" else eyes,
        nose=weighted(rng, NOSES),
        mouth=weighted(rng, MOUTHS),
        facial_hair=facial_hair,
        facial_hair_color=color if facial_hair else "",
        accessory={"none": "", "clear": rng.choice(CLEAR_GLASSES), "dark": rng.choice(DARK_GLASSES)}[glasses],
        clothes=rng.choice(CLOTHES),
        clothes_color=rng.choice(CLOTHING_COLORS),
    )


def distinct_parts(count: int, seed: int) -> list[Parts]:
    """`count` faces, no two alike, the same for the same seed."""
    rng = random.Random(seed)
    faces: dict[Parts, None] = {}
    while len(faces) < count:
        faces[random_parts(rng)] = None
    return list(faces)


def to_svg(parts: Parts) -> str:
    """The face as an SVG of 264x280 units with a transparent background."""
    return pa.Avatar(
        style=pa.AvatarStyle.TRANSPARENT,
        top=pa.HatType[parts.hat] if parts.hat else pa.HairType[parts.hair],
        hat_color=pa.ClothingColor[parts.hat_color or "HEATHER"],
        hair_color=pa.HairColor[parts.hair_color or "BROWN"],
        eyebrows=pa.EyebrowType[parts.brows],
        eyes=pa.EyeType[parts.eyes],
        nose=pa.NoseType[parts.nose],
        mouth=pa.MouthType[parts.mouth],
        facial_hair=pa.FacialHairType[parts.facial_hair or "NONE"],
        facial_hair_color=pa.HairColor[parts.facial_hair_color or "BROWN"],
        skin_color=pa.SkinColor[parts.skin],
        accessory=pa.AccessoryType[parts.accessory or "NONE"],
        clothing=pa.ClothingType[parts.clothes],
        clothing_color=pa.ClothingColor[parts.clothes_color],
    ).render()


def draw(parts: Parts) -> Image.Image:
    """The face as an RGB picture of 64x64 pixels."""
    side_px = SIDE_PX * SUPERSAMPLING
    canvas = QImage(side_px, side_px, QImage.Format.Format_RGBA8888)
    canvas.fill(QColor(BACKGROUNDS[parts.background]))
    renderer = QSvgRenderer(to_svg(parts).encode())
    size = renderer.defaultSize()
    scale = side_px / CROP_SIDE
    painter = QPainter(canvas)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(-CROP_X * scale, -CROP_Y * scale, size.width() * scale, size.height() * scale))
    painter.end()
    large = Image.frombytes("RGBA", (side_px, side_px), bytes(canvas.constBits())).convert("RGB")
    small = large.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    # Edges make a thousand shades that no eye tells apart: 128 (mean error 0.4 of 255) halve the file.
    palette = small.quantize(PALETTE_COLORS, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    return palette.convert("RGB")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """The rows as CSV with Unix line ends."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def write_zip(target: Path, members: Mapping[str, bytes]) -> None:
    """A zip whose bytes depend on `members` alone: no clock, no permissions of this machine."""
    part = target.with_suffix(".tmp")
    with zipfile.ZipFile(part, "w") as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.external_attr = 0o644 << 16
            # Pictures are compressed already; deflating them again would only cost time when they are read.
            entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(".csv") else zipfile.ZIP_STORED
            archive.writestr(entry, data)
    os.replace(part, target)


def contact_sheet(pictures: Sequence[Image.Image], *, columns: int = 20) -> Image.Image:
    """The pictures side by side at twice their size."""
    cell = SIDE_PX * 2
    sheet = Image.new("RGB", (columns * cell, -(-len(pictures) // columns) * cell))
    for index, picture in enumerate(pictures):
        where = (index % columns * cell, index // columns * cell)
        sheet.paste(picture.resize((cell, cell), Image.Resampling.NEAREST), where)
    return sheet


def main() -> int:
    """Draws the set and prints how often each attribute occurs."""
    parser = argparse.ArgumentParser(description="Draw the cartoon faces that Latent Loom ships.")
    parser.add_argument("target", type=Path, help="the zip to write")
    parser.add_argument("--count", type=int, default=4000, help="how many faces (default 4000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other faces (default 1)")
    parser.add_argument("--sheet", type=Path, help="also write the first 200 faces into this picture")
    arguments = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication([])
    # python-avatars renames the gradients of some glasses but not their uses: those are drawn flat.
    QLoggingCategory.setFilterRules("qt.svg.warning=false")

    faces = distinct_parts(arguments.count, arguments.seed)
    names = [f"{index:05d}.webp" for index in range(len(faces))]
    members: dict[str, bytes] = {}
    members["labels.csv"] = table(
        ["file", "identity", *ATTRIBUTES],
        [
            [name, index, *(1 if holds(parts) else -1 for holds in ATTRIBUTES.values())]
            for index, (name, parts) in enumerate(zip(names, faces, strict=True))
        ],
    )
    members["parts.csv"] = table(
        ["file", *(field.name for field in fields(Parts))],
        [[name, *astuple(parts)] for name, parts in zip(names, faces, strict=True)],
    )
    first: list[Image.Image] = []
    for name, parts in zip(names, faces, strict=True):
        picture = draw(parts)
        data = io.BytesIO()
        picture.save(data, "WEBP", lossless=True, quality=100, method=4)
        members[name] = data.getvalue()
        if len(first) < 200:
            first.append(picture)
    application.quit()
    write_zip(arguments.target, members)
    if arguments.sheet:
        contact_sheet(first).save(arguments.sheet)

    for attribute, holds in ATTRIBUTES.items():
        count = sum(map(holds, faces))
        print(f"| {attribute} | {count:,} | {100 * count / len(faces):.1f} % |")
    print(f"{arguments.target}: {len(faces):,} faces, {arguments.target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
