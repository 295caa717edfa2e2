"""Measures a model's bits/dim on training and held-out images and writes them beside it, for the percentiles.

python scripts/fit_reference.py MODEL --data celeba64.zip --labels celeba_labels.csv [-n 1500] [-o REFERENCE]
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.checkpoints.model_file import load_model
from engine.data import DataSet, Split, open_dataset
from engine.device import use_threads
from engine.latent.bits_reference import Reference, Spread, save_reference
from engine.library import REFERENCE, SUFFIX
from engine.models.base import LatentModel
from engine.pictures import to_images

CHUNK = 16


@torch.inference_mode()
def bits_of(model: LatentModel, data: DataSet, rows: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Bits/dim of each image, by the function that the readout uses, with seeded noise."""
    generator = torch.Generator().manual_seed(seed)
    found = [
        model.bits_per_dim(to_images(np.asarray(data.images[rows[i : i + CHUNK]])), generator=generator).numpy()
        for i in range(0, len(rows), CHUNK)
    ]
    values = np.concatenate(found).astype(np.float64)
    return values[np.isfinite(values)]


def write_reference(
    model: LatentModel, data: DataSet, output: Path, *, digest: str, most: int = 1500, seed: int = 0
) -> None:
    """Measures at most `most` images of each split and writes the file beside the model whose SHA-256 is `digest`."""
    random = np.random.default_rng(seed)
    spreads: dict[Split, Spread] = {}
    for split in (Split.TRAIN, Split.TEST):
        rows = data.indices(split)
        rows = np.sort(random.choice(rows, min(most, len(rows)), replace=False))
        spreads[split] = found = Spread.of(bits_of(model, data, rows, seed))
        median = found.quantiles[len(found.quantiles) // 2]
        print(f"{split.name.lower()}: {found.n} images, median {median:.4f} bits/dim", flush=True)
    reference = Reference(
        model_sha256=digest,
        training=spreads[Split.TRAIN],
        heldout=spreads[Split.TEST],
        bits=int(math.log2(model.bins)),
        density=model.abilities.density,
        data=data.name,
    )
    save_reference(output, reference)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--labels", help="CSV with identities, so that no person is in two splits")
    parser.add_argument("-o", "--output", type=Path, help="default: beside the model")
    parser.add_argument("-n", type=int, default=1500, help="images of each split, at most")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    use_threads(args.threads)
    model, header, digest = load_model(args.model)
    if model.abilities.density == "none":
        raise SystemExit(f"{header.title} has no density, so there are no bits/dim to compare.")
    model.requires_grad_(False)
    channels, size, _ = header.image_shape
    data = open_dataset(args.data, labels=args.labels, size=size, channels=channels)
    start = time.monotonic()
    output = args.output or args.model.with_name(args.model.name.removesuffix(SUFFIX) + REFERENCE)
    write_reference(model, data, output, digest=digest, most=args.n, seed=args.seed)
    print(f"{output}: {output.stat().st_size / 1000:.1f} kB in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
