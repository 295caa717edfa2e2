"""A coupling's training pass with its way back written out: no copies, little memory, few small operations.

Written for channels last, where a channel's half is a strided view and a sum over the batch in four dimensions costs
more than the convolution before it. The plain form, which this equals, is `Coupling.scale_and_shift`.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LOG_SCALE_BOUND = 1.5
"""Largest |log scale| of one coupling. Unbounded scales gave non-finite samples at temperature 1."""

LAST = torch.channels_last


class CouplingPass(torch.autograd.Function):
    """(y, log-determinant (B,)) of x (B, C, H, W); the convolutions run in `dtype`, all else in x's own type."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        places: Tensor,
        affine: bool,
        dtype: torch.dtype,
        places_weight: Tensor,
        first_weight: Tensor,
        first_bias: Tensor,
        second_weight: Tensor,
        second_bias: Tensor,
        last_weight: Tensor,
        last_bias: Tensor,
        last_log_scale: Tensor,
    ) -> tuple[Tensor, Tensor]:
        n, channels = x.shape[:2]
        split = channels // 2
        changed = x[:, split:]
        scale = torch.exp(3.0 * last_log_scale)
        first = first_weight.to(dtype)
        second = second_weight.to(dtype)
        last = (last_weight * scale[:, None, None, None]).to(dtype)

        # Rows of pixels, so that what is the same for every image is added to memory in its own order.
        at = _pixels(places).squeeze(0) @ places_weight.flatten(1).T
        kept = x[:, :split].to(dtype, memory_format=LAST)
        h1 = torch.conv2d(kept, first, first_bias.to(dtype), padding=1).contiguous(memory_format=LAST)
        _pixels(h1).add_(at.to(dtype)).relu_()
        h2 = torch.conv2d(h1, second, second_bias.to(dtype)).relu_()
        out = torch.conv2d(h2, last, (last_bias * scale).to(dtype), padding=1)

        y = torch.empty_like(x, memory_format=LAST)
        y[:, :split] = x[:, :split]
        if affine:
            raw, shift = out.chunk(2, 1)
            # A dense copy: on a strided half a hyperbolic tangent takes three times as long.
            tangent = raw.to(x.dtype, memory_format=LAST, copy=True).div_(LOG_SCALE_BOUND).tanh_()
            log_scale = tangent * LOG_SCALE_BOUND
            log_det = _pixels(log_scale).flatten(1).sum(1)
            torch.mul(changed + shift, log_scale.exp_(), out=y[:, split:])
        else:
            tangent, log_det = x.new_zeros(0), x.new_zeros(n)
            torch.add(changed, out, out=y[:, split:])
        ctx.save_for_backward(
            y, tangent, h1, h2, places, places_weight, first, second, last, last_weight, last_bias, scale
        )
        ctx.affine = affine
        return y, log_det

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        to_y, to_log_det = gradients
        y, tangent, h1, h2, places, places_weight, first, second, last, last_weight, last_bias, scale = (
            ctx.saved_tensors
        )
        split, dtype = y.shape[1] // 2, h1.dtype
        of_changed = to_y[:, split:]

        # d y = exp(s) d(changed + shift) + y d s, with s = bound * tanh(raw / bound).
        if ctx.affine:
            of_raw = (of_changed * y[:, split:]).add_(to_log_det[:, None, None, None])
            of_raw.mul_(torch.square(tangent).neg_().add_(1.0))
            of_changed = of_changed * (tangent * LOG_SCALE_BOUND).exp_()
            of_out = torch.empty(len(y), len(last), *y.shape[2:], dtype=dtype, device=y.device, memory_format=LAST)
            of_out[:, : len(last) // 2] = of_raw
            of_out[:, len(last) // 2 :] = of_changed
        else:
            of_out = of_changed.to(dtype, memory_format=LAST)

        of_h2, of_last, of_last_bias = _conv_backward(of_out, h2, last, padding=1)
        _mask_(of_h2, h2)
        of_h1, of_second, of_second_bias = _conv_backward(of_h2, h1, second, padding=0)
        _mask_(of_h1, h1)
        of_kept, of_first, of_first_bias = _conv_backward(
            of_h1, y[:, :split].to(dtype, memory_format=LAST), first, padding=1
        )
        # The places' part met every image: its gradient is the sum over the batch, as one row of numbers.
        over_batch = _pixels(of_h1).flatten(1).sum(0, dtype=y.dtype).view(-1, h1.shape[1])
        of_places = (over_batch.T @ _pixels(places).squeeze(0)).view_as(places_weight)

        of_x = torch.empty_like(y)
        torch.add(to_y[:, :split], of_kept, out=of_x[:, :split])
        of_x[:, split:] = of_changed
        of_last, of_last_bias = of_last.to(y.dtype), of_last_bias.to(y.dtype)
        of_scale = (of_last * last_weight).sum((1, 2, 3)) + of_last_bias * last_bias
        return (
            of_x,
            None,
            None,
            None,
            of_places,
            of_first.to(y.dtype),
            of_first_bias.to(y.dtype),
            of_second.to(y.dtype),
            of_second_bias.to(y.dtype),
            of_last * scale[:, None, None, None],
            of_last_bias * scale,
            3.0 * scale * of_scale,
        )


def _pixels(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H * W, C), a view where the channels are last in memory."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _mask_(gradient: Tensor, rectified: Tensor) -> None:
    """Zeroes the gradient, in place, where a rectifier's output is zero."""
    torch.ops.aten.threshold_backward.grad_input(gradient, rectified, 0, grad_input=gradient)


def _conv_backward(gradient: Tensor, x: Tensor, weight: Tensor, *, padding: int) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of input, weight and bias of a convolution of stride 1."""
    found = torch.ops.aten.convolution_backward(
        gradient, x, weight, [len(weight)], [1, 1], [padding] * 2, [1, 1], False, [0, 0], 1, [True] * 3
    )
    return found[0].contiguous(memory_format=LAST), found[1], found[2]
