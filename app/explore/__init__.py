"""What stands behind Explore: photos, codes, sliders, directions, morphs, grids and levels."""
