"""Fits an encoder beside a frozen generator and writes it next to the model, where the program finds it.

    python scripts/fit_encoder.py MODEL --data celeba64.zip --labels celeba_labels.csv [-o ENCODER]

Half of what it learns from is drawn by the model, whose code is known; the other half are training images, judged
by how the code that it gives them is decoded. The rate falls to zero at --steps or --minutes, whichever is first.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.checkpoints.model_file import load_model
from engine.data import DataSet, Split, open_dataset
from engine.device import autocast, cpu_name, pick, placed, use_threads
from engine.latent.encoder import CodeEncoder, EncoderFacts, EncoderShape, load_encoder, save_encoder
from engine.latent.features import energies
from engine.latent.inversion import off_shell, picture_loss
from engine.library import ENCODER, SUFFIX
from engine.models.base import LatentModel
from engine.pictures import to_images

CHUNK = 64
START_SAMPLES = 2048
WARMUP_STEPS = 100
PIXELS = 10.0
TERMS = "Fitted on the data named here, under that data's terms."


def batch_of(data: DataSet, rows: NDArray[np.int64], random: np.random.Generator, device: torch.device) -> Tensor:
    """Training images (B, C, S, S), each mirrored or not."""
    images = to_images(np.asarray(data.images[rows]), device)
    mirrored = torch.from_numpy(random.random(len(rows)) < 0.5).to(device)
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


@torch.inference_mode()
def judged(
    model: LatentModel, encoder: CodeEncoder, data: DataSet, rows: NDArray[np.int64], device: torch.device
) -> dict[str, float]:
    """Mean PSNR in dB and mean |z| / sqrt(D) over images that were not trained on."""
    errors, norms = [], []
    for i in range(0, len(rows), CHUNK):
        images = to_images(np.asarray(data.images[rows[i : i + CHUNK]]), device)
        codes = encoder(images)
        errors.append((model.decode(codes).float() - images).square().flatten(1).mean(1))
        norms.append(codes.square().mean(1).sqrt())
    psnr = -10 * torch.log10(torch.cat(errors) / 4)
    return {"psnr_db": round(float(psnr.mean()), 3), "norm_ratio": round(float(torch.cat(norms).mean()), 3)}


@torch.no_grad()
def start(model: LatentModel, encoder: CodeEncoder, seed: int) -> None:
    """The linear path from the model's own samples."""
    codes = model.sample_codes(START_SAMPLES, generator=torch.Generator().manual_seed(seed))
    images = torch.cat([model.decode(part).float() for part in codes.split(CHUNK)])
    encoder.prepare(images, codes)


def fit(model: LatentModel, encoder: CodeEncoder, data: DataSet, args: argparse.Namespace, digest: str) -> int:
    """Trains in place, writes what there is at every judgement, and gives the number of steps taken."""
    device = next(model.parameters()).device
    train, validation = data.indices(Split.TRAIN), data.indices(Split.VALIDATION)[:256]
    adam = torch.optim.AdamW(encoder.parameters(), lr=args.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    drawn, step, began = max(1, args.batch // 2), 0, time.monotonic()
    while (fraction := max(step / args.steps, (time.monotonic() - began) / (60 * args.minutes))) < 1:
        rise = min(1.0, (step + 1) / WARMUP_STEPS)
        adam.param_groups[0]["lr"] = args.rate * rise * (1 + math.cos(math.pi * fraction)) / 2
        # The batch is a function of (seed, step).
        random = np.random.default_rng([args.seed, step])
        real = batch_of(data, random.choice(train, args.batch, replace=False), random, device)
        known = model.sample_codes(drawn, generator=torch.Generator().manual_seed(args.seed + 1 + step))
        with autocast(device, args.precision):
            with torch.no_grad():
                drawings = model.decode(known).float()
            found = encoder(torch.cat([real, drawings]))
            decoded = model.decode(found[: args.batch]).float()
        pixels = picture_loss(decoded, real).mean()
        if args.features:
            pairs = zip(energies(decoded), energies(real), strict=True)
            pixels = pixels + args.features * torch.stack([(a - b).abs().mean() for a, b in pairs]).sum()
        codes = (found[args.batch :] - known).square().mean()
        shell = off_shell(found[: args.batch], model.spec.groups).mean()
        loss = PIXELS * pixels + args.known * codes + args.pull * shell
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 5.0)
        adam.step()
        step += 1
        if step % args.judge_every == 0:
            line = {
                "step": step,
                "seconds": round(time.monotonic() - began),
                "pixels": round(float(pixels.detach()), 4),
                "codes": round(float(codes.detach()), 4),
                "shell": round(float(shell.detach()), 4),
                **judged(model, encoder, data, validation, device),
            }
            print(json.dumps(line), flush=True)
            save_encoder(args.output, encoder, EncoderFacts(digest, line))
    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--labels", help="CSV with identities, so that no person is in two splits")
    parser.add_argument("-o", "--output", type=Path, help="default: beside the model")
    parser.add_argument("--start", type=Path, help="an encoder of this model to go on from")
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--batch", type=int, default=32, help="training images a step; half as many are drawn")
    parser.add_argument("--width", type=int, default=40)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--known", type=float, default=0.3, help="weight of the error of known codes")
    parser.add_argument("--pull", type=float, default=0.3, help="weight of the distance from the shell")
    parser.add_argument("--features", type=float, default=0.0, help="weight of the difference of edge energies")
    parser.add_argument("--precision", default="bfloat16", choices=("float32", "bfloat16"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge-every", type=int, default=250)
    args = parser.parse_args()
    use_threads(args.threads)
    torch.manual_seed(args.seed)
    device = pick(args.device)
    model, header, digest = load_model(args.model)
    model = placed(model, device.torch).eval().requires_grad_(False)
    channels, size, _ = header.image_shape
    data = open_dataset(args.data, labels=args.labels, size=size, channels=channels)
    args.output = args.output or args.model.with_name(args.model.name.removesuffix(SUFFIX) + ENCODER)
    shape = EncoderShape(model.spec.size, model.spec.image_shape, args.width)
    encoder = CodeEncoder(shape)
    if args.start:
        before, _ = load_encoder(
            args.start, model_sha256=digest, code=model.spec.size, image_shape=model.spec.image_shape
        )
        encoder = before.requires_grad_(True).train()
    else:
        start(model, encoder, args.seed)
    encoder = placed(encoder, device.torch)
    steps = fit(model, encoder, data, args, digest)
    # Every figure is of the numbers that are shipped, so they are rounded first.
    for parameter in encoder.parameters():
        parameter.data = parameter.data.half().float()
    encoder.eval()
    test = data.indices(Split.TEST)
    card = {
        "data": f"{data.name}: {len(data.indices(Split.TRAIN))} training images, {len(test)} test images",
        "terms": header.card.get("terms", TERMS),
        "steps": steps,
        "test": {**judged(model, encoder, data, test, device.torch), "n": len(test)},
        "machine": cpu_name() if device.kind == "cpu" else device.name,
    }
    save_encoder(args.output, encoder, EncoderFacts(digest, card))
    print(f"{args.output}: {args.output.stat().st_size / 1e6:.1f} MB, {json.dumps(card)}")


if __name__ == "__main__":
    main()
