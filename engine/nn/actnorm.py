"""Activation normalisation: a scale and a shift per channel, set from the first batch (Glow, section 3.1)."""

import torch
from torch import Tensor, nn


class ActNorm(nn.Module):
    """y = exp(log_scale) * (x + shift) per channel, for (B, C, H, W).

    Whether it has been initialised is a buffer, so a loaded model is never initialised again.
    """

    initialised: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        self.register_buffer("initialised", torch.tensor(False))

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Makes this batch's output of zero mean and unit variance per channel; does nothing the second time."""
        if bool(self.initialised):
            return
        flat = x.float().transpose(0, 1).flatten(1)
        self.shift.copy_(-flat.mean(1))
        # The floor keeps a constant colour (zero variance) from becoming an infinite scale.
        self.log_scale.copy_(-torch.log(flat.std(1, unbiased=False).clamp_min(1e-3)))
        self.initialised.fill_(True)
