"""Sessions: the state of the window as a file, saved by itself and put back."""
