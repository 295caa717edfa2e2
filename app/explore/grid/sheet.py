"""Edits on the photo, and their contact sheet. Pixels are made on a lane, words are painted on the GUI thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from app.core.export_job import export_file
from app.core.store import Store
from app.explore.fullsize.close_up import CloseUpPhoto, CloseUps, changed
from app.explore.grid.recipe import GridRecipe, edited, strength_words
from app.look import Look
from app.theme import ui_font
from app.widgets import paint
from app.widgets.pixels import from_qimage
from app.words import nice
from engine.api import DrawRequest, Pictures
from engine.errors import UserError
from engine.lanes import Progress
from engine.photos import write_photo

JOB: Final = "sheet"
PAPER: Final = 255
INK: Final = "#202124"
MOST_PIXELS: Final = 120_000_000


def look_of(request: DrawRequest) -> Look:
    """The look that a request is of, for its edits to be changed."""
    return Look("", request.source, request.edits, request.locked, request.wander, None, request.levels)


def on_photo(
    recipe: GridRecipe, indices: Sequence[int], pictures: Pictures, *, photo: CloseUpPhoto, close_ups: CloseUps
) -> tuple[Pictures, ...]:
    """The photo (P, P, 3), P the recipe's room, with each of these cells' changes; `pictures` (n, S, S, 3) are what the
    model draws of them.

    Raises:
        UserError: the photo can no longer be read.
    """
    assert recipe.encoded is not None
    assert recipe.request is not None
    canvas = close_ups.canvas(photo, recipe.encoded.reconstruction, recipe.room)
    look, found = look_of(recipe.request), []
    for index, picture in zip(indices, pictures, strict=True):
        # Of several at once a decoding differs by a rounding: what nothing edits is the photo.
        plain = edited(look, recipe, index).request().draws(recipe.encoded.code)
        found.append(canvas.picture if plain else changed(canvas, picture, strength=recipe.strength))
    return tuple(found)


def export_sheet(store: Store, file: Path, recipe: GridRecipe, photo: CloseUpPhoto | None) -> None:
    """Writes all cells of a recipe of edits with their names and strengths, each at the side that is chosen."""
    side, host = store.state.grid.sheet, store.study_host
    rows, columns = len(recipe.names), recipe.side
    names = [_words(nice(name), side) for name in recipe.names]
    strengths = [_words(strength_words(recipe.reach, column, columns), side) for column in range(columns)]
    loader = store.photo_loader

    def work(progress: Progress) -> tuple[int, int]:
        sheet = _paper(names, strengths, side)
        if sheet.shape[0] * sheet.shape[1] > MOST_PIXELS:
            raise UserError("This sheet would be too large: choose smaller pictures, or fewer rows or strengths.")
        model, close_ups = host.model(recipe.ref, recipe.sha256), CloseUps(loader)
        large = GridRecipe(**{**vars(recipe), "room": side})
        assert recipe.request is not None
        look = look_of(recipe.request)
        left, top = sheet.shape[1] - columns * _step(side), sheet.shape[0] - rows * _step(side)
        for index in range(recipe.count):
            progress.check()
            picture = model.draw(edited(look, recipe, index).request()).picture
            if photo is None:
                cell = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))
            else:
                (cell,) = on_photo(large, [index], picture[None], photo=photo, close_ups=close_ups)
            row, column = divmod(index, columns)
            x, y = left + column * _step(side), top + row * _step(side)
            sheet[y : y + side, x : x + side] = cell
            progress.step(index + 1, recipe.count)
        write_photo(file, sheet)
        return sheet.shape[1], sheet.shape[0]

    export_file(
        store,
        file,
        work,
        said=lambda size: f"Saved {file}: {size[0]:,} × {size[1]:,} pixels, {recipe.count} pictures.",
        key=JOB,
        what="A sheet",
        unit="pictures",
        at_first=f"{recipe.count} pictures",
    )


def _step(side: int) -> int:
    """From one picture to the next; the gap after the last one is the margin."""
    return side + max(4, side // 32)


def _words(words: str, side: int) -> Pictures:
    """A line of words on paper, (h, w, 3), as large as goes with pictures of that side."""
    font = ui_font(max(11, side // 12))
    high, wide = round(1.8 * max(11, side // 12)), int(paint.width_of(words, font)) + 8
    image = QImage(wide, high, QImage.Format.Format_RGB32)
    image.fill(QColor(PAPER, PAPER, PAPER))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    paint.text(painter, QRectF(4, 0, wide - 4, high), words, font=font, ink=INK, align=Qt.AlignmentFlag.AlignLeft)
    painter.end()
    return from_qimage(image)


def _paper(names: Sequence[Pictures], strengths: Sequence[Pictures], side: int) -> Pictures:
    """The sheet without its pictures: strengths above its columns, names before its rows."""
    step, high = _step(side), strengths[0].shape[0]
    left, top = max(name.shape[1] for name in names) + step - side, high + step - side
    sheet = np.full((top + len(names) * step, left + len(strengths) * step, 3), PAPER, np.uint8)
    for row, name in enumerate(names):
        y = top + row * step + (side - high) // 2
        sheet[y : y + high, (step - side) // 2 : (step - side) // 2 + name.shape[1]] = name
    for column, words in enumerate(strengths):
        words = words[:, :side]
        x = left + column * step + (side - words.shape[1]) // 2
        sheet[top - high : top, x : x + words.shape[1]] = words
    return sheet
