"""The levels of a flow, apart from each other."""
