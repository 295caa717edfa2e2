"""Before a run: presets, what it would cost, and a step on tensors without numbers."""
