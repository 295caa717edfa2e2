"""Files that go in and out by dialog, drop and clipboard."""
