"""Models that others made: sniffed, read without running code, rebuilt in our modules, verified, saved."""
