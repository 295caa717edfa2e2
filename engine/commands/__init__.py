"""The commands: one file a group. Each takes parsed arguments and gives a result to print."""
