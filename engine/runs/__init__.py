"""Run directories: reading, comparing, watching and keeping them."""
