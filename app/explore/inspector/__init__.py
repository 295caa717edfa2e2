"""Sliders and figures at the right of Explore."""
