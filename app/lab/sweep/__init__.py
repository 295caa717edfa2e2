"""What is read of two Gaussians while one moves away from the other."""
