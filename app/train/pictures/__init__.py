"""Previews, pinned photos and the look of Explore in the run on show."""
