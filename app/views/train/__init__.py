"""The Train workspace: one panel a file."""
