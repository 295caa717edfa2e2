"""Photos: opened, encoded, improved."""
