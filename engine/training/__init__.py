"""The one training loop of all families, and what it is made of."""

from __future__ import annotations
