"""History, bookmarks and the split between two states."""
