"""The one training loop of all families, and what it is made of."""
