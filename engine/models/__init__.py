"""The families of latent-variable model, independent of each other; `base` is the contract they share."""
