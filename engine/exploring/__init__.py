"""An open model: drawing, round trips, timelines, animations. What the window uses of it is named here,
as far as it needs no torch."""

from engine.exploring.export import GIF_FASTEST, mp4_missing, save_animation
from engine.exploring.timeline import CHUNK, LARGE_BYTES, Timeline, distinct, frames_of
from engine.latent.around import manifold_code, offsets
from engine.measures import norm_ratios
