"""Models that others made."""
