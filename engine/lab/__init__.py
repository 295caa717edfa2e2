"""The laboratory of the plane: truths whose density is known, so that what a model learned can be held against it."""
