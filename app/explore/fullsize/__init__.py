"""A photo whole, at its own size, with the model's edits of its faces blended in."""
