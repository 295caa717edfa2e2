"""The one way to and from the disk: whole or not at all when written, bounded and mistrusted when read."""
