"""The Explore workspace, a folder a feature: photos, codes, sliders, directions, morphs, grids and levels."""
