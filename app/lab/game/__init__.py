"""A game of two numbers, played in several ways side by side."""
