"""What `latent-loom bench` measures of the window."""
