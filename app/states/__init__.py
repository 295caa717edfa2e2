"""Parts of the state that views render from, each a frozen value."""
