"""The data set browser."""
