"""Widgets: values in, signals out; they know no engine and hold no application state."""
