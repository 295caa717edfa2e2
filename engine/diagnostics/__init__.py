"""Measures of images and of sets of images: what a model got right, and what it lost."""
