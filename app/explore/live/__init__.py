"""A run explored while it trains."""
