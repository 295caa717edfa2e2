"""Photos from outside: decoded safely, their faces found, cut to the framing that the models know.

What the window uses of it is named here.
"""

from engine.photos.kinds import ENDINGS, is_picture, left_out
from engine.photos.load import PhotoLoader, check_photo, thumbnail
from engine.photos.recipe import (
    FaceRecipe,
    Original,
    Recipe,
    beside,
    check_face,
    face_recipe,
    find_original,
    is_original,
    original_of,
    recipe_from,
    recipe_text,
)
from engine.photos.write import MOST_RECIPE, photo_bytes, read_recipe, write_photo
