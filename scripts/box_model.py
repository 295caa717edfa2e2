"""Makes a shipped model from a run: rounds the weights, measures them on the test split, fits directions.

It also writes the card and the sample sheet.

    python scripts/box_model.py RUN --title "Faces Glow 64" --data celeba64.zip --labels celeba_labels.csv

Every figure in the card is of the very file that is shipped, on people that training never saw.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from engine import runs
from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.data import DataSet, Split, open_dataset
from engine.device import cpu_name, use_threads
from engine.diagnostics import pca
from engine.diagnostics.distance import sliced_wasserstein
from engine.diagnostics.images import diversity, psnr, sharpness, ssim
from engine.latent.direction_files import DirectionSet, save_directions
from engine.latent.directions import Direction, fit_attribute, pca_directions
from engine.latent.inversion import regression_guess
from engine.library import DIRECTIONS, slug
from engine.models.base import LatentModel
from engine.open_model import DEFAULT_TEMPERATURE
from engine.pictures import save_picture, sheet, to_images, to_pictures
from engine.training.snapshot import newest_snapshot

ATTRIBUTES = {
    "Smiling": "Smiling",
    "Eyeglasses": "Eyeglasses",
    "Male": "Male",
    "Young": "Young",
    "Blond_Hair": "Blond hair",
    "Black_Hair": "Black hair",
    "Bangs": "Bangs",
    "Pale_Skin": "Pale skin",
    "Heavy_Makeup": "Makeup",
    "Mouth_Slightly_Open": "Open mouth",
}
"""Column of the labels -> name of the slider."""
COMPONENTS = 10
SAMPLES = 1024
CHUNK = 32
TERMS = (
    "Trained on CelebA (Liu et al. 2015), which is for non-commercial research; the pictures are not shipped. "
    "Use these weights for research and teaching only."
)


def chunks(rows: NDArray[np.int64], size: int = CHUNK) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def mean_interval(values: list[float]) -> dict[str, float]:
    """Mean with its 95 % interval."""
    array = np.array(values)
    half = 1.96 * float(array.std(ddof=1)) / math.sqrt(len(array))
    mean = float(array.mean())
    return {"mean": round(mean, 4), "low": round(mean - half, 4), "high": round(mean + half, 4), "n": len(array)}


@torch.inference_mode()
def samples_of(model: LatentModel, n: int, temperature: float, seed: int) -> tuple[NDArray[np.uint8], int]:
    """(pictures, how many of them were not finite)."""
    codes = model.sample_codes(n, temperature=temperature, generator=torch.Generator().manual_seed(seed))
    pictures, bad = [], 0
    for part in codes.split(CHUNK):
        x = model.decode(part)
        bad += int((~torch.isfinite(x).flatten(1).all(1)).sum())
        pictures.append(to_pictures(x))
    return np.concatenate(pictures), bad


def codes_of(model: LatentModel, data: DataSet, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Codes (N, D) of real images: by the encoder, or by a search in batches where there is none."""
    guess = (
        regression_guess(model, generator=torch.Generator().manual_seed(0))
        if model.abilities.encode == "search"
        else None
    )
    found = []
    for part in chunks(rows, 64):
        images = to_images(np.asarray(data.images[part]))
        if guess is None:
            with torch.inference_mode():
                found.append(model.encode(images).numpy())
        else:
            found.append(search(model, images, guess(images)))
    return np.concatenate(found)


def search(model: LatentModel, images: torch.Tensor, start: torch.Tensor, steps: int = 40) -> NDArray[np.float32]:
    """Codes of a batch by Adam from a first guess: squared error and a pull towards the prior."""
    code = start.clone().requires_grad_(True)
    adam = torch.optim.Adam([code], lr=0.1)
    for step in range(steps):
        adam.param_groups[0]["lr"] = 0.1 * 0.5 * (1 + math.cos(math.pi * step / steps))
        adam.zero_grad(set_to_none=True)
        error = (model.decode(code) - images).square().flatten(1).sum(1)
        loss = (error * 20 + 0.5 * code.square().sum(1)).sum() / 100
        loss.backward()
        adam.step()
    return code.detach().numpy()


def figures(model: LatentModel, data: DataSet, test: NDArray[np.int64]) -> tuple[dict[str, Any], list[float]]:
    """(what the card says, bits/dim of each test image)."""
    found: dict[str, Any] = {}
    bits: list[float] = []
    dbs: list[float] = []
    similar: list[float] = []
    trips: list[float] = []
    for part in chunks(test):
        pictures = np.asarray(data.images[part])
        images = to_images(pictures)
        with torch.inference_mode():
            if model.abilities.density != "none":
                bits += model.bits_per_dim(images, generator=torch.Generator().manual_seed(0)).tolist()
            if model.abilities.encode != "search":
                decoded = model.decode(model.encode(images))
                trips.append(float((decoded - images).abs().max()))
                for real, copy in zip(pictures, to_pictures(decoded), strict=True):
                    if model.abilities.encode == "amortised":
                        dbs.append(psnr(real, copy))
                        similar.append(ssim(real, copy))
    real = np.asarray(data.images[test[:SAMPLES]])
    if bits:
        found["bits_per_dim"] = {
            **mean_interval(bits),
            "bits": int(math.log2(model.levels)),
            "density": model.abilities.density,
        }
    if dbs:
        found["psnr_db"] = mean_interval(dbs)
        found["ssim"] = mean_interval(similar)
    if model.abilities.encode == "exact":
        found["round_trip_error"] = max(trips)
    found["samples"] = {}
    default = DEFAULT_TEMPERATURE[model.abilities.density]
    for temperature in sorted({default, 1.0}):
        pictures, bad = samples_of(model, len(real), temperature, seed=1)
        distance = sliced_wasserstein(pictures, real, patches_per_image=32)
        found["samples"][f"{temperature:g}"] = {
            "swd_x1000": {str(k): round(v, 1) for k, v in swd_rows(distance)},
            "sharpness_ratio": round(
                float(np.mean([sharpness(p) for p in pictures[:256]]) / np.mean([sharpness(p) for p in real[:256]])),
                3,
            ),
            "diversity": round(float(diversity(pictures[:256], real[:256]).ratio or 0.0), 3),
            "not_finite": bad,
            "n": len(pictures),
        }
    return found, bits


def swd_rows(distance: Any) -> list[tuple[int, float]]:
    return [(int(size), float(value)) for size, value in zip(distance.resolutions, distance.distances, strict=True)]


def baseline(data: DataSet, train: NDArray[np.int64], test: NDArray[np.int64]) -> dict[str, Any]:
    """PCA with 128 components beside every model."""
    fitted = pca.fit_pca(np.asarray(data.images[train[:8000]]), 128)
    real = np.asarray(data.images[test])
    copies = pca.reconstruct(fitted, real)
    return {"psnr_db": mean_interval([psnr(a, b) for a, b in zip(real, copies, strict=True)])}


def directions(model: LatentModel, data: DataSet, digest: str, *, fit: int, held: int, method: str) -> DirectionSet:
    """Attributes from the real labels, judged on people who were not used to fit them, and principal components."""
    labelled = (data.labels != 0).any(1)
    train = np.flatnonzero(labelled & (data.splits == Split.TRAIN.value))[:fit]
    others = np.flatnonzero(labelled & (data.splits != Split.TRAIN.value))[:held]
    start = time.time()
    codes, held_codes = codes_of(model, data, train), codes_of(model, data, others)
    print(f"codes of {len(train)} + {len(others)} images in {time.time() - start:.0f} s", flush=True)
    found: list[Direction] = []
    for column_name, title in ATTRIBUTES.items():
        column = data.attributes.index(column_name)
        found.append(
            fit_attribute(
                codes,
                data.labels[train, column],
                name=title,
                method=method,
                held_out_codes=held_codes,
                held_out_labels=data.labels[others, column],
            )
        )
        print(f"  {title}: AUC {found[-1].auc:.3f} ({found[-1].auc_low:.3f} to {found[-1].auc_high:.3f})", flush=True)
    return DirectionSet(digest, (*found, *pca_directions(codes[:4000], COMPONENTS)))


def markdown(title: str, header: ModelHeader, card: dict[str, Any], made: DirectionSet, digest: str) -> str:
    rows = "\n".join(
        f"| {d.name} | {d.auc:.3f} | {d.auc_low:.3f} to {d.auc_high:.3f} | {d.positives} / {d.negatives} |"
        for d in made
        if d.auc is not None
    )
    figures_text = json.dumps({k: v for k, v in card.items() if k not in ("heldout_bits_per_dim", "terms")}, indent=1)
    return f"""# {title}

{card["terms"]}

- Family {header.family}, {header.image_shape[1]} x {header.image_shape[2]} pixels.
- Knobs that differ from their defaults: `{json.dumps(dict(header.config))}`.
- {header.step} steps. SHA-256 of the weights: `{digest}`.
- Weights of two or more axes are stored in half precision; every figure below is of this file.

![samples]({slug(title)}.sheet.webp)

## Figures on the test split (people never seen in training)

```json
{figures_text}
```

SWD: sliced Wasserstein distance of 7x7 Laplacian-pyramid patches, x1000, of as many samples as test images; sharpness:
mean absolute Laplacian over that of real images; diversity: mean pairwise distance over that of real images.

## Attribute directions, judged on held-out people

| direction | AUC | 95 % interval | with / without |
|---|---|---|---|
{rows}
"""


def boxed(
    source: Path, target: Path, title: str, data: DataSet, training: dict[str, Any]
) -> tuple[ModelHeader, dict[str, Any], str]:
    """Writes the rounded weights, measures the file that was written, and writes it again with its card."""
    model, header, _ = load_model(source)
    header = replace(header, title=title)
    save_model(target, model, header, half=True, whole=False)
    model, _, _ = load_model(target)
    model.freeze()
    model.requires_grad_(False)
    train, test = data.indices(Split.TRAIN), data.indices(Split.TEST)
    card, bits = figures(model, data, test)
    card |= {
        "data": f"{data.name}: {len(train)} training images, {len(test)} test images, split by person",
        "terms": TERMS,
        "machine": cpu_name(),
        "training": training,
        "pca_128": baseline(data, train, test),
    }
    if bits:
        quantiles = np.quantile(bits, np.linspace(0, 1, 101))
        card["heldout_bits_per_dim"] = [round(float(v), 4) for v in quantiles]
    print(json.dumps({k: v for k, v in card.items() if k != "heldout_bits_per_dim"}, indent=1), flush=True)
    header = replace(header, card=card)
    loaded, _, _ = load_model(target)
    return header, card, save_model(target, loaded, header, half=True, whole=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--title", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--labels")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "resources" / "models")
    parser.add_argument("--method", default="lda", help="how attribute directions are fitted")
    parser.add_argument("--fit", type=int, default=100_000, help="labelled images to fit directions on, at most")
    parser.add_argument("--held", type=int, default=100_000, help="labelled images to judge them on, at most")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only-directions", action="store_true", help="keep the boxed weights and figures")
    args = parser.parse_args()
    use_threads(args.threads)
    config = runs.read_config(args.run)
    channels, size, _ = config.image_shape
    data = open_dataset(args.data, labels=args.labels, size=size, channels=channels)
    folder, _ = newest_snapshot(args.run)
    if folder is None:
        raise SystemExit(f"{args.run} has no checkpoint.")
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / f"{slug(args.title)}.safetensors"
    if args.only_directions:
        model, header, digest = load_model(target)
        card = dict(header.card)
    else:
        header, card, digest = boxed(folder / "model.safetensors", target, args.title, data, dict(config.training))
        model, _, _ = load_model(target)
    model.freeze()
    model.requires_grad_(False)

    made = directions(model, data, digest, fit=args.fit, held=args.held, method=args.method)
    save_directions(target.with_name(target.stem + DIRECTIONS), made)
    rows = []
    for temperature in (0.5, 0.7, 1.0):
        rows.append(samples_of(model, 12, temperature, seed=3)[0])
    save_picture(sheet(np.concatenate(rows), 12), target.with_name(f"{target.stem}.sheet.webp"))
    best, _ = samples_of(model, 1, DEFAULT_TEMPERATURE[model.abilities.density], seed=2)
    Image.fromarray(best[0]).save(target.with_suffix(".webp"), lossless=True)
    target.with_suffix(".md").write_text(markdown(args.title, header, card, made, digest), "utf-8")
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
