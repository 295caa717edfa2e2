"""Functions over the code of any model: paths, directions, and the search for a code."""
