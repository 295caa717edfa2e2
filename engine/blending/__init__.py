"""An edit, or a morph, that a model made at its own small size, blended into photos at theirs.

What the window uses of it is named here. OpenCV is imported at the first call: a first picture does not wait for it.
"""

from engine.blending.blend import (
    blended,
    corner_of,
    drawn_canvas,
    morphed,
    over,
    pad_shares,
    patch,
    prepare,
    rebased,
    scaled,
    shares,
    shown,
)
from engine.blending.values import BACKGROUNDS, Canvas, Corner, Patch
