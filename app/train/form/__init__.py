"""The form of a new run, and what that run would cost."""
