"""Models, runs, photos and bookmarks at the left of Explore."""
