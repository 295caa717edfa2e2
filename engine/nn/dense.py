"""Dense residual layers on flat pictures: where pictures are aligned, each pixel may have weights of its own."""

from torch import Tensor, nn
from torch.nn.functional import silu

from engine.nn.recompute import Recomputed


class DenseBlock(Recomputed):
    """x + linear(silu(linear(norm(x)))), (B, F) -> the same shape; starts as the identity, as `ResidualBlock` does."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.first = nn.Linear(features, features)
        self.second = nn.Linear(features, features)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.held(self._branch, x)

    def _branch(self, x: Tensor) -> Tensor:
        h: Tensor = self.second(silu(self.first(self.norm(x))))
        return h


class DensePath(nn.Module):
    """(B, F) -> (B, F'): a linear layer, blocks, a linear layer that starts near zero."""

    def __init__(self, features: int, width: int, out_features: int, *, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Linear(features, width)
        self.blocks = nn.Sequential(*(DenseBlock(width) for _ in range(blocks)))
        self.head = nn.Linear(width, out_features)
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.blocks(self.stem(x)))
        return y
