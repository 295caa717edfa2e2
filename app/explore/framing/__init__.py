"""Where a photo's face is cut out."""
