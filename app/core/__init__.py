"""What all workspaces stand on: state, lanes, notices, keys."""
