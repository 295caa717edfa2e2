"""The layers of a stack: a file a kind. A new one is a class here and a row in `engine.models.stack.recipe`."""
