"""A stage on screen: points, maps and lines of the plane, curves of the line."""
