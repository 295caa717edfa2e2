"""Data that a person brings along: a file of numbers, or what is drawn by hand."""
