"""Layers for inference, never trained: weights copied, folded and packed once; plain operations where none are offered.

oneDNN lays out the weights of a convolution anew for every call, which at batch 1 can cost more than the convolution.
torch's compiler freezes them in that layout by operations that are not public; they are used here where this build
has them. Whoever uses these layers holds the result against the plain module first, see `engine.frozen`.
"""

from collections.abc import Callable
from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu, linear, pad, relu_, silu

Activation = Literal["none", "relu", "silu", "tanh", "leaky"]

LEAK: Final = 0.2
"""Slope of a leaky ReLU below zero."""

_POST_OP: Final[dict[Activation, tuple[str, list[float]]]] = {
    "none": ("none", []),
    "relu": ("relu", []),
    "silu": ("swish", []),
    "tanh": ("tanh", []),
    "leaky": ("leaky_relu", [LEAK]),
}
_OPERATIONS: Final = (
    "_convolution_pointwise",
    "_convolution_transpose_pointwise",
    "_linear_pointwise",
    "_reorder_convolution_weight",
    "_reorder_convolution_transpose_weight",
    "_reorder_linear_weight",
)
_SMALL_PRODUCT: Final = 2_000_000
"""Products in a 1x1 convolution below which one plain matrix product is faster: a packed call costs 22 us by itself."""
_NARROW: Final = 16
"""Output channels of the four kinds of pixel together, up to which a doubling is faster as one 2x2 convolution."""


def offered(device: torch.device) -> bool:
    """Whether packed operations can be had on this device, in this build of torch."""
    return (
        device.type == "cpu"
        and torch.backends.mkldnn.is_available()
        and all(hasattr(torch.ops.mkldnn, name) for name in _OPERATIONS)
    )


def activated(x: Tensor, activation: Activation) -> Tensor:
    """`activation` of x, in place where there is an operation for it."""
    if activation == "relu":
        return relu_(x)
    if activation == "silu":
        return silu(x, inplace=True)
    if activation == "leaky":
        return leaky_relu(x, LEAK, inplace=True)
    return torch.tanh_(x) if activation == "tanh" else x


def _copy(weight: Tensor) -> Tensor:
    """A copy of its own, of four dimensions with channels last."""
    weight = weight.detach().clone()
    return weight.contiguous(memory_format=torch.channels_last) if weight.dim() == 4 else weight.contiguous()


class PackedConv:
    """(B, C, H, W) -> (B, C', H', W') of weights (C', C, K, K), channels last; `size` is the (H, W) to pack for.

    `edge` is what lies beyond the picture.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        *,
        size: tuple[int, int],
        packed: bool,
        stride: int = 1,
        padding: int = 0,
        edge: float = 0.0,
        activation: Activation = "none",
    ) -> None:
        copy = _copy(weight)
        self._bias = None if bias is None else _copy(bias)
        self._activation: Activation = activation
        self._stride, self._padding = [stride, stride], [0, 0] if edge else [padding, padding]
        self._frame = (4 * [padding], edge) if edge and padding else None
        out, channels, height, width = weight.shape
        pointwise = (height, width, stride, padding) == (1, 1, 1, 0) and bias is not None
        self._matrix = copy.flatten(1).T if pointwise else None
        self._products = channels * out
        self._weight = None if packed else copy
        self._packed: Tensor | None = None
        if packed:
            rows, columns = size if self._frame is None else (size[0] + 2 * padding, size[1] + 2 * padding)
            self._packed = torch.ops.mkldnn._reorder_convolution_weight(
                copy, self._padding, self._stride, [1, 1], 1, [1, channels, rows, columns]
            )

    def __call__(self, x: Tensor) -> Tensor:
        if self._matrix is not None and len(x) * x.shape[2] * x.shape[3] * self._products < _SMALL_PRODUCT:
            return self._product(x)
        if self._frame is not None:
            x = pad(x, self._frame[0], value=self._frame[1])
        x = x.contiguous(memory_format=torch.channels_last)
        if self._weight is not None:
            y = conv2d(x, self._weight, self._bias, self._stride, self._padding)
            return activated(y, self._activation)
        found: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, self._packed, self._bias, self._padding, self._stride, [1, 1], 1, *_POST_OP[self._activation], ""
        )
        return found

    def _product(self, x: Tensor) -> Tensor:
        """A 1x1 convolution with channels last is one matrix product."""
        assert self._matrix is not None
        assert self._bias is not None
        rows = x.permute(0, 2, 3, 1)
        y = torch.addmm(self._bias, rows.reshape(-1, rows.shape[3]), self._matrix)
        return activated(y, self._activation).view(*rows.shape[:3], -1).permute(0, 3, 1, 2)


class PackedTranspose:
    """(B, C, H, W) -> (B, C', H', W') by a transposed convolution of weights (C, C', K, K)."""

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        *,
        size: tuple[int, int],
        packed: bool,
        stride: int = 2,
        padding: int = 1,
        activation: Activation = "none",
    ) -> None:
        copy = _copy(weight)
        self._bias = None if bias is None else _copy(bias)
        self._activation: Activation = activation
        self._stride, self._padding = [stride, stride], [padding, padding]
        self._weight = None if packed else copy
        self._packed: Tensor | None = None
        if packed:
            self._packed = torch.ops.mkldnn._reorder_convolution_transpose_weight(
                copy, self._padding, [0, 0], self._stride, [1, 1], 1, [1, len(weight), *size]
            )

    def __call__(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        if self._weight is not None:
            y: Tensor = conv_transpose2d(x, self._weight, self._bias, self._stride, self._padding)
            return activated(y, self._activation)
        found: Tensor = torch.ops.mkldnn._convolution_transpose_pointwise(
            x, self._packed, self._bias, self._padding, [0, 0], self._stride, [1, 1], 1, *_POST_OP[self._activation], ""
        )
        return found


class NarrowDoubling:
    """A transposed convolution of kernel 4, stride 2, padding 1 to few channels, as one 2x2 convolution.

    Each of the four kinds of output pixel sees 2x2 pixels of the input; all four are computed at once as channels and
    then put in their places. A processor's vector holds 16 channels, of which three would waste most.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, *, size: tuple[int, int], packed: bool, activation: Activation
    ) -> None:
        self._channels = weight.shape[1]
        flat = weight.detach().transpose(0, 1)
        # Output row 2i + a meets the rows i - 1 + a and i + a of the input, by rows 3 - a and 1 - a of the kernel.
        kinds = [flat[:, :, [3 - a, 1 - a]][:, :, :, [3 - b, 1 - b]] for a in (0, 1) for b in (0, 1)]
        self._conv = PackedConv(
            torch.cat(kinds),
            None if bias is None else bias.detach().repeat(4),
            size=size,
            packed=packed,
            padding=1,
            activation=activation,
        )

    def __call__(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        y = self._conv(x).unflatten(1, (2, 2, self._channels))
        out = y.new_empty(len(x), self._channels, height, 2, width, 2)
        for a in (0, 1):
            for b in (0, 1):
                out[:, :, :, a, :, b] = y[:, a, b, :, a : a + height, b : b + width]
        drawn: Tensor = out.view(len(x), self._channels, 2 * height, 2 * width)
        return drawn


def packed_doubling(
    weight: Tensor, bias: Tensor | None, *, size: tuple[int, int], packed: bool, activation: Activation = "none"
) -> Callable[[Tensor], Tensor]:
    """(B, C, H, W) -> (B, C', 2H, 2W) of weights (C, C', 4, 4), in the form that is faster for so many channels."""
    if 4 * weight.shape[1] <= _NARROW:
        return NarrowDoubling(weight, bias, size=size, packed=packed, activation=activation)
    return PackedTranspose(weight, bias, size=size, packed=packed, activation=activation)


class PackedLinear:
    """(B, C) -> (B, C') of weights (C', C)."""

    def __init__(self, weight: Tensor, bias: Tensor | None, *, packed: bool, activation: Activation = "none") -> None:
        copy = _copy(weight)
        self._bias = None if bias is None else _copy(bias)
        self._activation: Activation = activation
        self._weight = None if packed else copy
        self._packed: Tensor | None = torch.ops.mkldnn._reorder_linear_weight(copy, 1) if packed else None

    def __call__(self, x: Tensor) -> Tensor:
        if self._weight is not None:
            return activated(linear(x, self._weight, self._bias), self._activation)
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, self._bias, *_POST_OP[self._activation], "")
        return found
