"""Screens and panels: they render from the state and emit what the person wants."""
