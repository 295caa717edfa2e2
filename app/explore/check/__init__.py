"""Diagnosis of a model of the library."""
