"""AutoencoderKL as huggingface/diffusers stores it: `encoder.down_blocks`, `decoder.up_blocks`, config.json beside."""

import math
import re
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from engine.checkpoints.importing.layouts.common import SIZES, Built, Candidate, Found, Taker, in_single, indices
from engine.checkpoints.importing.report import ask
from engine.errors import UserError
from engine.families import build as build_model
from engine.knobs import Value

TITLE: Final = "AutoencoderKL of diffusers"
MARK: Final = "decoder.up_blocks.0.resnets.0.conv1.weight"
OLD_NAMES: Final = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
USUAL_SCALING: Final = 0.18215
USUAL_GROUPS: Final = 32
PREFERRED_PX: Final = 256


def match(candidate: Candidate) -> Found | None:
    """The autoencoder in these weights, or None where they are named otherwise.

    Raises:
        CheckpointError: it is this layout, and a tensor is missing, misshapen or unknown.
    """
    if "decoder.up.0.block.0.conv1.weight" in candidate.state or any(
        name.startswith("first_stage_model.decoder.up.") for name in candidate.state
    ):
        raise candidate.refused(
            "its autoencoder has the names of the original latent diffusion",
            advice="import the vae folder of the diffusers version instead",
        )
    mark = next((name for name in candidate.state if name.endswith(MARK)), None)
    if mark is None:
        return None
    prefix = mark.removesuffix(MARK)
    taker = Taker(candidate, prefix)
    config = candidate.source.config
    if config.get("_class_name", "AutoencoderKL") != "AutoencoderKL":
        raise candidate.refused(
            f"its config is that of {str(config['_class_name'])[:60]}", advice="choose an AutoencoderKL"
        )
    if str(config.get("act_fn", "silu")) not in ("silu", "swish"):
        raise candidate.refused(f"its activation is {str(config['act_fn'])[:40]}, and silu is known here")
    names = taker.names()
    stages = indices(names, r"encoder\.down_blocks\.(\d+)\.")
    widths = [taker.shape(f"encoder.down_blocks.{i}.resnets.0.conv1.weight")[0] for i in stages]
    blocks = len(indices(names, r"encoder\.down_blocks\.0\.resnets\.(\d+)\."))
    channels = taker.shape("encoder.conv_in.weight")[1]
    drawn = taker.shape("decoder.conv_out.weight")[0]
    if channels not in (1, 3) or drawn != channels:
        raise candidate.refused(f"it takes {channels} channels and draws {drawn}, and 1 or 3 can be shown")
    latent = taker.shape("decoder.conv_in.weight")[1]
    factor = 2 ** (len(widths) - 1)
    fixed: dict[str, Value] = {
        "widths": " ".join(map(str, widths)),
        "blocks": blocks,
        "latent": latent,
        "attention": any(".mid_block.attentions." in name for name in names),
        "quant": "quant_conv.weight" in taker,
        "post_quant": "post_quant_conv.weight" in taker,
        "shift": _number(config.get("shift_factor"), 0.0),
    }
    state: dict[str, Tensor] = {}
    for name in names:
        shape = taker.shape(name)
        ours = re.sub(r"(attentions\.\d+\.)(query|key|value|proj_attn)\.", lambda m: m[1] + OLD_NAMES[m[2]] + ".", name)
        value = taker.take(name, *shape)
        # Old files hold the attention's linear layers as 1x1 convolutions.
        state[ours] = value.flatten(1) if ".attentions." in name and value.ndim == 4 else value
    taker.finish()
    shared = math.gcd(*widths)
    groups = tuple(g for g in (32, 16, 8, 4, 2, 1) if shared % g == 0)
    sizes = tuple(s for s in SIZES if s % factor == 0 and s >= 2 * factor) or SIZES[-1:]
    said = config.get("sample_size")
    said = said[0] if isinstance(said, list) and said else said
    usual_size = said if said in sizes else min(sizes, key=lambda s: abs(s - PREFERRED_PX))

    def build(answers: Mapping[str, Value]) -> Built:
        side = int(answers["image_size"])
        chosen: dict[str, Value] = {**fixed, "groups": answers["groups"], "scaling": answers["scaling"]}
        return Built(chosen, (channels, side, side), in_single(state))

    _check(candidate, {**fixed, "groups": groups[-1]}, (channels, sizes[0], sizes[0]), state)
    has = "norm_num_groups" in config
    warnings = []
    if isinstance(config.get("latents_mean"), list):
        warnings.append(
            "Its config has means a channel, which only its pipeline uses: codes are scaled by one number here."
        )
    usual_groups = config.get("norm_num_groups") if config.get("norm_num_groups") in groups else None
    return Found(
        TITLE,
        "imported_autoencoder",
        channels,
        None,
        None,
        build,
        facts=(
            ("Latent picture", f"{latent} channels, 1/{factor} of the size"),
            ("Widths", " · ".join(map(str, widths))),
        ),
        questions=(
            ask(
                "image_size",
                "Image size",
                "Side of the pictures in pixels; it draws any size, larger ones slower.",
                int(usual_size),
                choices=sizes,
                known=said in sizes,
            ),
            ask(
                "scaling",
                "Scaling",
                "What makes its codes of unit variance (scaling_factor): 0.18215 in SD 1 and 2, 0.13025 in SDXL.",
                _number(config.get("scaling_factor"), USUAL_SCALING),
                low=1e-6,
                high=1e6,
                known="scaling_factor" in config,
            ),
            ask(
                "groups",
                "Norm groups",
                "Groups of its normalisation (norm_num_groups); 32 in nearly all files.",
                usual_groups or (USUAL_GROUPS if USUAL_GROUPS in groups else groups[0]),
                choices=groups,
                known=has and usual_groups is not None,
            ),
        ),
        warnings=tuple(warnings),
        unused=candidate.others,
    )


def _number(value: object, otherwise: float) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable and isinstance(value, int | float) else otherwise


def _check(
    candidate: Candidate, config: dict[str, Value], shape: tuple[int, int, int], state: dict[str, Tensor]
) -> None:
    """Compares names and shapes with a model of these sizes before anything is asked."""
    try:
        with torch.device("meta"):
            own = build_model("imported_autoencoder", config, shape).state_dict()
    except UserError as error:
        raise candidate.refused("its widths make no autoencoder that is known here") from error
    odd = sorted(set(own) ^ set(state)) or sorted(k for k in own if own[k].shape != state[k].shape)
    if odd:
        how = "is missing" if odd[0] not in state else "is unknown" if odd[0] not in own else "has another shape"
        raise candidate.refused(f"{odd[0]} {how} in its layout", advice="it is another version, or cut short")
