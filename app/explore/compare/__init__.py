"""One photo in several models."""
