"""What training minimises: likelihoods, the ELBO and the adversarial losses, as pure functions of tensors."""
