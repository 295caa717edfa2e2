"""Checkpoints as others write them, key for key, with weights that a formula gives: no upstream code is needed.

Every number comes from `wave(name, shape)`: 2 |frac(43758.5453 sin(12.9898 (k + phase)))| - 1, k counting the tensor's
numbers and the phase from the CRC of its name, scaled and shifted by what the tensor is. The golden figures of
test_semantics.py were computed by the public implementations from the very same tensors.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import zlib
from pathlib import Path

import torch
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]


def wave(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Numbers in [-1, 1] that look random and are the same everywhere."""
    phase = zlib.crc32(name.encode()) % 997
    k = torch.arange(math.prod(shape), dtype=torch.float64)
    return (2 * (43758.5453 * torch.sin(12.9898 * (k + phase))).frac().abs() - 1).reshape(shape).float()


def pixels(shape: tuple[int, ...]) -> torch.Tensor:
    """A picture (B, C, H, W) in [-1, 1]."""
    return wave("pixels", shape)


def conv(name: str, out: int, into: int, side: int, *, bias: bool = True, gain: float = 1.0) -> Tensors:
    scale = gain / math.sqrt(into * side * side)
    made = {f"{name}.weight": scale * wave(f"{name}.weight", (out, into, side, side))}
    return made | ({f"{name}.bias": 0.1 * wave(f"{name}.bias", (out,))} if bias else {})


def transposed(name: str, into: int, out: int, side: int = 4, *, bias: bool = False) -> Tensors:
    made = {f"{name}.weight": wave(f"{name}.weight", (into, out, side, side)) * 4 / math.sqrt(into * 4)}
    return made | ({f"{name}.bias": 0.1 * wave(f"{name}.bias", (out,))} if bias else {})


def batch_norm(name: str, channels: int, *, counted: bool = True) -> Tensors:
    made = {
        f"{name}.weight": 1 + 0.3 * wave(f"{name}.weight", (channels,)),
        f"{name}.bias": 0.2 * wave(f"{name}.bias", (channels,)),
        f"{name}.running_mean": 0.1 * wave(f"{name}.running_mean", (channels,)),
        f"{name}.running_var": 1 + 0.5 * wave(f"{name}.running_var", (channels,)),
    }
    return made | ({f"{name}.num_batches_tracked": torch.tensor(7)} if counted else {})


# --- DCGAN -------------------------------------------------------------------------------------------------------


def widths(size: int, ngf: int) -> list[int]:
    return [ngf * 2**i for i in range(int(math.log2(size)) - 3, -1, -1)]


def dcgan(
    *, size: int = 32, nz: int = 6, ngf: int = 4, nc: int = 3, root: str = "main", norm: bool = True, bias: bool = False
) -> Tensors:
    """pytorch/examples dcgan/main.py netG: ConvTranspose, BatchNorm, ReLU at 3 i, 3 i + 1, 3 i + 2; then tanh."""
    state: Tensors = {}
    place, before = 0, nz
    for width in widths(size, ngf):
        state |= transposed(f"{root}.{place}", before, width, bias=bias)
        if norm:
            state |= batch_norm(f"{root}.{place + 1}", width)
        place, before = place + (3 if norm else 2), width
    return state | transposed(f"{root}.{place}", before, nc, bias=bias)


def gan_zoo(*, depth: int = 2, code: int = 5, ngf: int = 4, nc: int = 3) -> Tensors:
    """pytorch_GAN_zoo models/networks/DCGAN_nets.py GNet; pictures of 2 ** (depth + 3) pixels."""
    width = ngf * 2**depth
    state = transposed("formatLayer", code, width) | batch_norm("main.batchNorm0", width)
    for i in range(1, depth + 1):
        state |= transposed(f"main.convTranspose{i}", width, width // 2)
        width //= 2
        state |= batch_norm(f"main.batchNorm{i}", width)
    return state | transposed("main.outlayer", width, nc)


def wasserstein(*, size: int = 32, nz: int = 6, ngf: int = 4, nc: int = 3, extra: int = 1) -> Tensors:
    """WassersteinGAN models/dcgan.py DCGAN_G: the names say what each layer is, with colons."""
    stages = widths(size, ngf)
    state = transposed(f"main.initial:{nz}-{stages[0]}:convt", nz, stages[0])
    state |= batch_norm(f"main.initial:{stages[0]}:batchnorm", stages[0])
    for before, after in itertools.pairwise(stages):
        state |= transposed(f"main.pyramid:{before}-{after}:convt", before, after)
        state |= batch_norm(f"main.pyramid:{after}:batchnorm", after)
    for t in range(extra):
        state |= conv(f"main.extra-layers-{t}:{stages[-1]}:conv", stages[-1], stages[-1], 3, bias=False)
        state |= batch_norm(f"main.extra-layers-{t}:{stages[-1]}:batchnorm", stages[-1])
    return state | transposed(f"main.final:{stages[-1]}-{nc}:convt", stages[-1], nc)


def linear_stem(*, nz: int = 6, ngf: int = 4, nc: int = 3) -> Tensors:
    """A linear layer folded to 4 x 4, then transposed convolutions to 16 pixels, by names without places."""
    state: Tensors = {"fc.weight": wave("fc.weight", (32 * ngf, nz)), "fc.bias": 0.1 * wave("fc.bias", (32 * ngf,))}
    state |= batch_norm("norm", 2 * ngf)
    state |= transposed("up", 2 * ngf, ngf, bias=True) | batch_norm("up_norm", ngf)
    return state | transposed("last", ngf, nc, bias=True)


def doubled(*, nz: int = 6, ngf: int = 4, nc: int = 3) -> Tensors:
    """ConvT to 4 x 4; BN, ReLU; twice Upsample, Conv 3x3, BN, ReLU; Conv 3x3, tanh: 16 pixels."""
    state = transposed("net.0", nz, 4 * ngf) | batch_norm("net.1", 4 * ngf)
    state |= conv("net.4", 2 * ngf, 4 * ngf, 3) | batch_norm("net.5", 2 * ngf)
    state |= conv("net.8", ngf, 2 * ngf, 3) | batch_norm("net.9", ngf)
    return state | conv("net.11", nc, ngf, 3)


# --- flows -------------------------------------------------------------------------------------------------------


def lu(prefix: str, channels: int, names: tuple[str, str, str, str, str]) -> Tensors:
    """p, l, u, sign, log s under these names; the triangles hold numbers also where they do not count."""
    p, lower, upper, sign, log_s = (prefix + name for name in names)
    return {
        p: torch.eye(channels).roll(1, 0),
        lower: 0.2 * wave(lower, (channels, channels)),
        upper: 0.2 * wave(upper, (channels, channels)),
        sign: torch.where(wave(sign, (channels,)) > 0, 1.0, -1.0),
        log_s: 0.2 * wave(log_s, (channels,)),
    }


def square(name: str, channels: int) -> torch.Tensor:
    return torch.eye(channels).flip(0) + 0.1 * wave(name, (channels, channels))


def rosinality(
    *, blocks: int = 2, flows: int = 2, hidden: int = 6, nc: int = 3, affine: bool = True, with_lu: bool = True
) -> Tensors:
    """rosinality/glow-pytorch model.py Glow."""
    state: Tensors = {}
    c = nc
    for b in range(blocks):
        inside, last = 4 * c, b == blocks - 1
        for f in range(flows):
            name = f"blocks.{b}.flows.{f}."
            state[f"{name}actnorm.loc"] = 0.1 * wave(f"{name}actnorm.loc", (1, inside, 1, 1))
            # Nothing keeps a trained scale positive.
            sign = torch.where(wave(f"{name}sign", (1, inside, 1, 1)) > -0.8, 1.0, -1.0)
            state[f"{name}actnorm.scale"] = sign * (1 + 0.2 * wave(f"{name}actnorm.scale", (1, inside, 1, 1)))
            state[f"{name}actnorm.initialized"] = torch.tensor(1, dtype=torch.uint8)
            if with_lu or last:
                state |= lu(f"{name}invconv.", inside, ("w_p", "w_l", "w_u", "s_sign", "w_s"))
                state[f"{name}invconv.u_mask"] = torch.ones(inside, inside).triu(1)
                state[f"{name}invconv.l_mask"] = torch.ones(inside, inside).tril(-1)
                state[f"{name}invconv.l_eye"] = torch.eye(inside)
            else:
                weight = f"{name}invconv.weight"
                state[weight] = square(weight, inside)[:, :, None, None]
            out = inside if affine else inside // 2
            state |= conv(f"{name}coupling.net.0", hidden, inside // 2, 3) | conv(
                f"{name}coupling.net.2", hidden, hidden, 1
            )
            state |= conv(f"{name}coupling.net.4.conv", out, hidden, 3, gain=0.3)
            state[f"{name}coupling.net.4.scale"] = 0.1 * wave(f"{name}coupling.net.4.scale", (1, out, 1, 1))
        into, outs = (inside, 2 * inside) if last else (inside // 2, inside)
        state |= conv(f"blocks.{b}.prior.conv", outs, into, 3, gain=0.3)
        state[f"blocks.{b}.prior.scale"] = 0.1 * wave(f"blocks.{b}.prior.scale", (1, outs, 1, 1))
        c *= 2
    return state


def actnorm(name: str, channels: int) -> Tensors:
    return {
        f"{name}.bias": 0.1 * wave(f"{name}.bias", (1, channels, 1, 1)),
        f"{name}.logs": 0.2 * wave(f"{name}.logs", (1, channels, 1, 1)),
    }


def zeros_conv(name: str, out: int, into: int, inner: str) -> Tensors:
    made = conv(f"{name}{inner}", out, into, 3, gain=0.3)
    return made | {f"{name}.logs": 0.1 * wave(f"{name}.logs", (out, 1, 1))}


def listed_glow(
    kind: str,
    *,
    levels: int = 2,
    depth: int = 2,
    hidden: int = 6,
    side: int = 16,
    nc: int = 3,
    affine: bool = True,
    with_lu: bool = False,
    mixing: bool = True,
    learn_top: bool = True,
    labels: int = 0,
    batch: int = 3,
) -> Tensors:
    """chaiyujin/glow-pytorch ("chaiyujin") or y0ast/Glow-PyTorch ("y0ast"): the layers of all levels in one list."""
    network, inner, linear = ("f", "", "") if kind == "chaiyujin" else ("block", ".conv", ".linear")
    triangles = ("l", "u") if kind == "chaiyujin" else ("lower", "upper")
    state: Tensors = {}
    index, c = 0, nc
    for level in range(levels):
        c, side = 4 * c, side // 2
        index += 1
        for _ in range(depth):
            name = f"flow.layers.{index}"
            state |= actnorm(f"{name}.actnorm", c)
            if mixing and with_lu:
                state |= lu(f"{name}.invconv.", c, ("p", *triangles, "sign_s", "log_s"))
            elif mixing:
                state[f"{name}.invconv.weight"] = square(f"{name}.invconv.weight", c)
            for place, into, size in ((0, c // 2, 3), (2, hidden, 1)):
                layer = f"{name}.{network}.{place}"
                state |= conv(f"{layer}{inner}", hidden, into, size, bias=False) | actnorm(f"{layer}.actnorm", hidden)
            state |= zeros_conv(f"{name}.{network}.4", c if affine else c // 2, hidden, inner)
            index += 1
        if level < levels - 1:
            state |= zeros_conv(f"flow.layers.{index}.conv", c, c // 2, inner)
            index, c = index + 1, c // 2
    if learn_top:
        state |= zeros_conv("learn_top" if kind == "chaiyujin" else "learn_top_fn", 2 * c, 2 * c, inner)
    if labels:
        for name, out, into in (("project_ycond", 2 * c, labels), ("project_class", labels, c)):
            state[f"{name}{linear}.weight"] = 0.2 * wave(f"{name}{linear}.weight", (out, into))
            state[f"{name}{linear}.bias"] = 0.1 * wave(f"{name}{linear}.bias", (out,))
            state[f"{name}.logs"] = 0.1 * wave(f"{name}.logs", (out,))
    state["prior_h"] = torch.zeros(batch if kind == "chaiyujin" else 1, 2 * c, side, side)
    return state


# --- AutoencoderKL -----------------------------------------------------------------------------------------------

KL_CONFIG = {
    "_class_name": "AutoencoderKL",
    "act_fn": "silu",
    "block_out_channels": [4, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
    "in_channels": 3,
    "latent_channels": 2,
    "layers_per_block": 1,
    "norm_num_groups": 2,
    "out_channels": 3,
    "sample_size": 16,
    "scaling_factor": 0.5,
}


def norm(name: str, channels: int) -> Tensors:
    return {
        f"{name}.weight": 1 + 0.3 * wave(f"{name}.weight", (channels,)),
        f"{name}.bias": 0.2 * wave(f"{name}.bias", (channels,)),
    }


def resnet(name: str, into: int, out: int) -> Tensors:
    state = norm(f"{name}.norm1", into) | conv(f"{name}.conv1", out, into, 3)
    state |= norm(f"{name}.norm2", out) | conv(f"{name}.conv2", out, out, 3)
    return state | (conv(f"{name}.conv_shortcut", out, into, 1) if into != out else {})


def middle(name: str, channels: int, *, attention: bool, old: bool) -> Tensors:
    state = resnet(f"{name}.resnets.0", channels, channels) | resnet(f"{name}.resnets.1", channels, channels)
    if attention:
        state |= norm(f"{name}.attentions.0.group_norm", channels)
        for new, before in (("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")):
            at, written = f"{name}.attentions.0.{new}", f"{name}.attentions.0.{before if old else new}"
            weight = wave(f"{at}.weight", (channels, channels))
            state[f"{written}.weight"] = weight[:, :, None, None] if old else weight
            state[f"{written}.bias"] = 0.1 * wave(f"{at}.bias", (channels,))
    return state


def autoencoder_kl(
    *,
    widths: tuple[int, ...] = (4, 8),
    blocks: int = 1,
    latent: int = 2,
    nc: int = 3,
    attention: bool = True,
    old: bool = False,
    quant: bool = True,
) -> Tensors:
    """huggingface/diffusers AutoencoderKL; `old` is how its attention was named and shaped before 0.17."""
    last = len(widths) - 1
    state = conv("encoder.conv_in", widths[0], nc, 3)
    before = widths[0]
    for i, width in enumerate(widths):
        for k in range(blocks):
            state |= resnet(f"encoder.down_blocks.{i}.resnets.{k}", before, width)
            before = width
        if i < last:
            state |= conv(f"encoder.down_blocks.{i}.downsamplers.0.conv", width, width, 3)
    state |= middle("encoder.mid_block", before, attention=attention, old=old)
    state |= norm("encoder.conv_norm_out", before) | conv("encoder.conv_out", 2 * latent, before, 3)
    state |= conv("decoder.conv_in", before, latent, 3)
    state |= middle("decoder.mid_block", before, attention=attention, old=old)
    for i, width in enumerate(reversed(widths)):
        for k in range(blocks + 1):
            state |= resnet(f"decoder.up_blocks.{i}.resnets.{k}", before, width)
            before = width
        if i < last:
            state |= conv(f"decoder.up_blocks.{i}.upsamplers.0.conv", width, width, 3)
    state |= norm("decoder.conv_norm_out", before) | conv("decoder.conv_out", nc, before, 3)
    if quant:
        state |= conv("quant_conv", 2 * latent, 2 * latent, 1) | conv("post_quant_conv", latent, latent, 1)
    return state


# --- writing -----------------------------------------------------------------------------------------------------


def torch_bytes(content: object, *, legacy: bool = False) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)  # noqa: TID251
    return buffer.getvalue()


def write_torch(path: Path, content: object, *, legacy: bool = False) -> Path:
    path.write_bytes(torch_bytes(content, legacy=legacy))
    return path


def write_folder(folder: Path, state: Tensors, config: dict[str, object]) -> Path:
    """A diffusers folder."""
    folder.mkdir()
    save_file(state, folder / "diffusion_pytorch_model.safetensors")
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return folder
