"""Morphs between two to four codes."""
