"""Photos from outside: decoded safely, their faces found, cut to the framing that the models know."""

from __future__ import annotations
