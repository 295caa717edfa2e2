"""The command palette and the list of keys: what can be done now, found by typing."""
