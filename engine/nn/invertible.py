"""The invertible 1x1 convolution in LU form (Glow, section 3.2 and equation 10)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class InvertibleConv(nn.Module):
    """The C x C matrix W = P L (U + diag(s)); only L, U and log|s| are learned, so W is never singular."""

    permutation: Tensor
    sign: Tensor

    def __init__(self, channels: int, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels, generator=generator, dtype=torch.float64))
        p, lower, upper = torch.linalg.lu(rotation)
        diagonal = upper.diagonal()
        self.register_buffer("permutation", p.float())
        self.register_buffer("sign", diagonal.sign().float())
        self.lower = nn.Parameter(lower.tril(-1).float())
        self.upper = nn.Parameter(upper.triu(1).float())
        self.log_diagonal = nn.Parameter(diagonal.abs().log().float())

    def matrix(self) -> Tensor:
        """W, (C, C); its log|det| is `log_diagonal.sum()`."""
        lower = self.lower.tril(-1) + torch.eye(len(self.sign), dtype=self.lower.dtype, device=self.lower.device)
        upper = self.upper.triu(1) + torch.diag(self.sign * self.log_diagonal.exp())
        return self.permutation @ lower @ upper


def matrices(convs: Sequence[InvertibleConv]) -> Tensor:
    """The matrices of convolutions of the same width, (N, C, C), put together in one go."""
    lower, upper, sign, permutation = (
        torch.stack(parts) for parts in zip(*((c.lower, c.upper, c.sign, c.permutation) for c in convs), strict=True)
    )
    diagonal = sign * torch.stack([c.log_diagonal for c in convs]).exp()
    ones = torch.eye(lower.shape[1], dtype=lower.dtype, device=lower.device)
    return permutation @ (lower.tril(-1) + ones) @ (upper.triu(1) + torch.diag_embed(diagonal))
