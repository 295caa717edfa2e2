"""The Explore workspace: one panel a file."""
