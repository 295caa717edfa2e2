"""Architectures of files that others made: opened and explored here, not trained. They know nothing of each other."""
