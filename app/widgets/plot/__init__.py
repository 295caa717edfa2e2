"""The parts of a live curve: scales, lines, marks, the canvas. Only `canvas` and `lines` know pyqtgraph."""
