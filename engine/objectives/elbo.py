"""The evidence lower bound and its parts (Kingma & Welling 2014, arXiv:1312.6114)."""

import torch
from torch import Tensor


def kl_to_standard_normal(mean: Tensor, log_std: Tensor) -> Tensor:
    """KL(N(mean, std^2) || N(0, 1)) of each code dimension, (B, D) in nats (equation 10, appendix B)."""
    return 0.5 * (mean**2 + torch.exp(2.0 * log_std) - 1.0) - log_std


def free_bits(kl: Tensor, nats: float) -> Tensor:
    """KL (B, D) -> the penalty (D,): the batch mean, but never below `nats` a dimension.

    Kingma et al. 2016, arXiv:1606.04934, appendix C.8: below the floor a dimension costs nothing more, so that
    training is not rewarded for emptying it.
    """
    return kl.mean(0).clamp_min(nats)


def active_units(mean: Tensor, threshold: float = 0.01) -> Tensor:
    """How many code dimensions vary over the batch (Burda et al. 2016, arXiv:1509.00519, section 5.2)."""
    return (mean.var(0, unbiased=False) > threshold).sum().float()
