"""Sliders: main axes and the user's own attributes."""
