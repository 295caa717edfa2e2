"""The known ways of naming a model's tensors; each file knows one and gives the weights of our own module."""
