"""Curves of the run on show."""
