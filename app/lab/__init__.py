"""The Lab: models learn points whose density is known, and everything about it is seen."""
