"""The Lab's stages as files: a picture, a loop through what was kept, curves and numbers."""
