"""What `scripts/box_model.py` is made of: figures, directions, the command that reproduces a model, card, pictures."""
