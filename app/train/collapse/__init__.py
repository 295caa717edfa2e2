"""Diagnoses of a run, and their reports."""
