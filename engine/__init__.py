"""Latent Loom's engine: trains, opens and explores generative models of images. It knows no window."""

__version__ = "0.1.0"
